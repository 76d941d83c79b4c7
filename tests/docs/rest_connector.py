"""The reference of description files, written from the models: `python tests/docs/rest_connector.py` writes it anew."""

import inspect
import re
from pathlib import Path

from tallystick_rest import calls, config, description, reads

PAGE = Path(__file__).parents[2] / "docs" / "rest-connector.md"
BEGIN, END = "<!-- reference: written by tests/docs/rest_connector.py -->\n", "<!-- end of the reference -->\n"
PARTS = [
    ("The account, in `tallystick.yaml`", config.RestConfig, config.AccountConfig),
    ("The file", description.Description, None),
    ("`auth`: the key as a bearer", description.Bearer, None),
    ("`auth`: the key in a header of its own", description.Header, None),
    ("`auth`: user and password", description.Basic, None),
    ("`auth`: OAuth client credentials", description.ClientCredentials, None),
    ("`limits`", description.Limits, None),
    ("`errors`, each", description.ErrorRule, None),
    ("`budget`", reads.Budget, None),
    ("`streams`, each", reads.StreamDescription, None),
    ("`call`", calls.Call, None),
    ("`page`: everything at once", reads.OnePage, None),
    ("`page`: a token", reads.Token, None),
    ("`page`: a link in the answer", reads.NextLink, None),
    ("`page`: a link in a header", reads.LinkHeader, None),
    ("`page`: counted", reads.Counted, None),
    ("`cursor`", reads.CursorRule, None),
    ("`object`", reads.SingleObject, None),
    ("`cut`", reads.Cut, None),
    ("`children`, each", reads.ChildRead, None),
]


def reference():
    """Give the reference: a table for each part, with every key."""
    return "\n".join(_part(*part) for part in PARTS)


def page():
    """Give the page with its reference written anew."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + reference() + "\n" + END + rest.split(END)[1]


def _part(title, model, base):
    summary, told = _docstring(model)
    if base is not None:
        told |= _docstring(base)[1]
    rows = []
    for name, field in model.model_fields.items():
        if name == "custom":
            continue
        key = field.alias or name
        rows.append(f"| `{key}` | {_default(field)} | {told[key] if key in told else told[name]} |")
    return f"### {title}\n\n{summary}\n\n| Key | Default | What it says |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _default(field):
    if field.is_required():
        return "needed"
    if field.default in (None, "", [], {}) or not isinstance(field.default, (str, int, bool)):
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _docstring(model):
    text = inspect.cleandoc(model.__doc__ or "")
    body, _, attributes = text.partition("Attributes:\n")
    attributes, _, after = attributes.partition("\n\n")
    told = {}
    for line in re.split(r"\n(?=    \w+_?: )", attributes):
        if line.strip():
            name, _, said = line.strip().partition(": ")
            told[name] = " ".join(said.split())
    return " ".join(f"{body} {after}".split()), told


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

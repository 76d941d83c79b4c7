"""Writes docs/outcome-templates.md from the templates themselves: `python tests/docs/outcome_templates.py`."""

from pathlib import Path

from tallystick.plugins import PluginHost

PAGE = Path(__file__).parents[2] / "docs" / "outcome-templates.md"

_HEAD = """\
# Outcome templates

A template is a predicate with parameters: a contract says `uses: NAME` and, under `with:`, only what differs. This page
is written from the templates themselves (`python tests/docs/outcome_templates.py`), and a test holds it to them.

A clause that is a **guard** makes an outcome `unverifiable` when it is false, instead of `rejected`: the facts
contradict each other, so neither side can be right by them. A clause with a **window** stays `pending` until everything
it depends on has been read past the end of that window.
"""


def page():
    """Give the page as text."""
    parts = [_HEAD]
    for template in PluginHost([]).templates.values():
        parts.append(f"\n## {template.name}\n\nAbout records of type `{template.record}`. {template.doc}\n")
        parts.append("\n| Parameter | Default | What it settles | In practice |\n|---|---|---|---|\n")
        for param in template.params:
            default = "required" if param.default is None else f"`{_shown(param.default)}`"
            choices = f" One of {', '.join(f'`{choice}`' for choice in param.choices)}." if param.choices else ""
            parts.append(f"| `{param.name}` | {default} | {param.doc}{choices} | {param.source} |\n")
        predicate = template.predicate(
            {param.name: "the-vendor" for param in template.params if param.default is None},
            custom={"invoice": {"placed_at": "instant", "placed_with": "text"}},
        )
        parts.append("\nWith the defaults, its facts are\n\n| Fact | Is |\n|---|---|\n")
        parts += [f"| `{fact.name}` | `{_cell(fact.text)}` |\n" for fact in predicate.facts]
        parts.append(
            "\nand its clauses, in the order in which they decide\n\n| Clause | Holds when | |\n|---|---|---|\n"
        )
        for clause in predicate.clauses:
            marks = ["guard"] if clause.guard else []
            marks += ["window"] if clause.until is not None else []
            parts.append(f"| `{clause.name}` | `{_cell(clause.text)}` | {', '.join(marks)} |\n")
    return "".join(parts)


def _shown(value):
    return str(value).lower() if isinstance(value, bool) else value


def _cell(text):
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

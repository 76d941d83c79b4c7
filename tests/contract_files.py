"""Contracts as files that differ from one another in a few terms, and what loads them."""

import re
from pathlib import Path

from ruamel.yaml import YAML

from tallystick.outcomes.library import DOLLARS_COLLECTED, QUALIFIED_MEETING, TICKET_RESOLVED

CLEAN = Path(__file__).parents[1] / "fixtures/contracts/lint/clean.yaml"
TEMPLATES = {template.name: template for template in (DOLLARS_COLLECTED, QUALIFIED_MEETING, TICKET_RESOLVED)}
CUSTOM = {
    "billing": {"invoice": {"placed_at": "instant", "placed_with": "text"}, "payment": {"mark": "text"}},
    "crm": {"meeting": {"minutes": "integer"}},
    "desk": {},
}
_WITHOUT = re.compile(r"^# without (\S+)$", re.MULTILINE)
_WHOLE = {"price"}


def differing(path, difference, base=CLEAN):
    """Write a contract that differs from another one as a text of YAML says, and give its path.

    `# without a.b` takes a term away; what the rest names replaces what is there, mapping by mapping, but for prices.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.representer.ignore_aliases = lambda _: True
    data = yaml.load(base)
    for taken in _WITHOUT.findall(difference):
        *outer, last = taken.split(".")
        part = data
        for name in outer:
            part = part[name]
        del part[last]
    _put(data, yaml.load(difference) or {})
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(data, file)
    return path


def _put(into, values):
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict) and name not in _WHOLE:
            _put(into[name], value)
        else:
            into[name] = value

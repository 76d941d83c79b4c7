"""The API reference is written from the code, and the code says all that it should hold."""

import re
import runpy
from pathlib import Path

import pytest

WRITTEN = runpy.run_path(str(Path(__file__).with_name("api_reference.py")))
ENTRIES = [
    pytest.param(entry, id=f"{module}.{entry.name}")
    for module in WRITTEN["MODULES"]
    for entry in WRITTEN["entries"](module)
]
LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|TBD|lorem|placeholder)\b|\.\.\.$|^\s*$", re.IGNORECASE)


def test_the_page_is_written_from_the_code():
    """Every public name, signature and docstring stands on the page as it is in the code."""
    assert WRITTEN["PAGE"].read_text(encoding="utf-8") == WRITTEN["page"]()


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_public_name_says_what_it_is(entry):
    """No docstring is empty or a leftover, and where there are several parameters or fields, each is named in it."""
    assert not LEFTOVER.search(entry.doc.partition("\n")[0]), "write what it gives"
    asked = WRITTEN["parameters"](entry)
    unnamed = [name for name in asked if not re.search(rf"\b{name}\b", entry.doc)] if len(asked) > 1 else []
    assert unnamed == []
    listed = re.findall(r"(?m)^    (\w+): ", (re.search(r"(?ms)^Args:\n(.*?)(\n\n|\Z)", entry.doc) or [""] * 2)[1])
    assert [name for name in listed if name not in asked] == [], "Args names what is no parameter"

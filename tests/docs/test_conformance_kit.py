"""The page of the conformance kit names every check and capability, with the words of the code."""

import ast
import inspect
import re
from itertools import pairwise
from pathlib import Path

from tests.tiny_system import TinyKit

from tallystick.testing.kit import System, capability
from tallystick.testing.kit.base import KitBase
from tallystick.testing.kit.kit import checks
from tallystick.testing.kit.runner import CheckResult

PAGE = (Path(__file__).parents[2] / "docs/conformance-kit.md").read_text(encoding="utf-8")


def _rows(heading):
    """Give the rows of the tables below a heading, by their first cell."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL).group(1)
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in re.findall(r"^\| `.*", section, re.MULTILINE)]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_every_check_is_described():
    """The checks of the page are those of the code, in its order, each with what it proves and what to do."""
    rows = _rows("Checks")

    assert {f"test_{name}": cells[0] for name, cells in rows.items()} == checks()
    assert [f"test_{name}" for name in rows] == list(checks())
    assert all(cells[1] for cells in rows.values())


def test_every_capability_is_described():
    """The capabilities of the page are those of the code, in its order, each with its meaning."""
    module = ast.parse(inspect.getsource(capability))
    body = next(part for part in module.body if isinstance(part, ast.ClassDef)).body
    told = {member.targets[0].id: text.value.value for member, text in pairwise(body) if isinstance(member, ast.Assign)}

    assert {name: cells[0] for name, cells in _rows("Capabilities").items()} == told
    assert list(told) == [member.name for member in capability.Capability]


def test_what_a_plugin_gives():
    """The page names what a kit and a system give, and shows the kit of the tiny connector as it is."""
    given = [*KitBase.__annotations__, "open", "connect"]
    public = {name for name in vars(System) if not name.startswith("_")}

    assert [name for name in [*given, *public] if not re.search(rf"`[^`]*\b{name}\b", PAGE)] == []
    assert inspect.getsource(TinyKit).rstrip() in PAGE


def test_the_fields_of_a_result():
    """Every field of `--json` is named."""
    told = re.findall(r"[`.](\w+)`", PAGE[: PAGE.index("## What a plugin ships")])

    assert set(CheckResult.__struct_fields__) <= set(told)

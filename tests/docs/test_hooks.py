"""No hook stays undocumented or untested."""

import ast
import inspect
import re
from pathlib import Path

import pytest
from tests.docs.pages import DOCS, blocks, run_block

from tallystick import hookspecs
from tallystick.plugins import PluginHost

ROOT = Path(__file__).parents[2]
PAGE = (DOCS / "hooks.md").read_text(encoding="utf-8")
HOOKS = {name: function for name, function in vars(hookspecs).items() if hasattr(function, f"{hookspecs.PROJECT}_spec")}
ANSWERS = ("Called", "Args", "Returns", "Failure", "Since")


def _section(name):
    arguments = ", ".join(inspect.signature(HOOKS[name]).parameters)
    heading = f"## {name}({arguments})\n"
    assert heading in PAGE, f"docs/hooks.md has no heading {heading.strip()!r}"
    return PAGE.partition(heading)[2].partition("\n## ")[0]


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_a_heading_with_its_signature(name):
    """Every hook has a heading with its arguments, and the section answers when, what, what for, what if and since."""
    section = _section(name)

    assert [answer for answer in ANSWERS if f"- **{answer}:**" not in section] == []
    returns = str(inspect.signature(HOOKS[name]).return_annotation)
    assert f"`{returns}`" in section, "the section gives the type as the code does"
    assert "```python" in section


def test_no_section_is_left_over():
    """Every heading of the page is a hook that there is."""
    assert set(re.findall(r"(?m)^## (\w+)\(", PAGE)) == set(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_says_the_same_in_its_docstring(name):
    """The docstring of each hook answers the same questions, and gives an example."""
    said = inspect.getdoc(HOOKS[name])

    assert [answer for answer in (*ANSWERS, "Example") if not re.search(rf"(?m)^{answer}:", said)] == []


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_a_test(name):
    """Every hook has a `test_hook_<name>`."""
    tests = {
        node.name
        for path in (ROOT / "tests" / "unit").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }

    assert f"test_hook_{name}" in tests


@pytest.mark.parametrize(("line", "code"), blocks("hooks.md", "python"))
def test_every_example_is_a_plugin(line, code, monkeypatch):
    """Every example of the page is loaded by the host as a plugin, and offers something."""
    module = run_block("hooks.md", line, code)
    host = PluginHost([])
    host._load(plugin := _plugin(), module)

    assert plugin.error is None
    assert any(value for name, value in vars(plugin).items() if isinstance(value, list)), "it offers nothing"


def _plugin():
    from tallystick.plugins import Plugin

    return Plugin("example", "an example", "0")

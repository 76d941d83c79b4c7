"""Every command is described, and every link of the docs leads somewhere."""

import re
from pathlib import Path

import pytest
import typer

from tallystick.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("plugins/*/README.md"))]


def _commands(group, path=""):
    for name, command in getattr(group, "commands", {}).items():
        yield f"{path}{name}", command
        yield from _commands(command, f"{path}{name} ")


COMMANDS = dict(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name):
    """Every command and each of its options says what it is for."""
    command = COMMANDS[name]

    assert command.help
    assert [parameter.name for parameter in command.params if not getattr(parameter, "help", "")] in ([], ["help"])


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_in_the_docs(name):
    """Every command stands in the README or on a page of the docs."""
    assert any(f"tallystick {name}" in page.read_text() for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """Every relative link of a page names a file that exists."""
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_linked_from_the_readme():
    """No page of the docs is left that nobody is led to."""
    readme = (ROOT / "README.md").read_text()

    assert [page.name for page in (ROOT / "docs").glob("*.md") if f"(docs/{page.name}" not in readme] == []

"""`tallystick connectors test`: a plugin's connector against the kit, from the command line."""

import json
import sys
from importlib.metadata import EntryPoint

import pytest
from tests.tiny_mutants import MUTANTS

from tallystick.cli.app import main
from tallystick.testing.kit.kit import checks
from tallystick.testing.kit.runner import GROUP

QUICK = "closing_twice_is_safe"


class FailsOne(MUTANTS["test_closing_twice_is_safe"].kit):
    """A connector that can be closed once."""


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    """Two kits are installed: of a good connector and of a broken one."""
    kits = {"tiny": "tests.tiny_system:TinyKit", "broken": "tests.integration.test_connectors:FailsOne"}
    points = [EntryPoint(name, value, GROUP) for name, value in kits.items()]
    monkeypatch.setattr("tallystick.testing.kit.runner.entry_points", lambda group: points)


@pytest.fixture
def tallystick(monkeypatch, capsys):
    """Run a verb as the command line does; gives exit code, output and messages."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["tallystick", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


def test_a_good_connector(tallystick):
    """Exit 0; each check says what it proves."""
    code, told, _ = tallystick("connectors", "test", "tiny", "--only", QUICK, "--only", "calls_are_counted")

    assert code == 0
    assert f"passed   {QUICK}: {checks()[f'test_{QUICK}']}" in told
    assert told.endswith("tiny 1.0: 2 checks, 2 passed.\n")


def test_a_broken_connector(tallystick):
    """Exit 1; the check that fails says what was found and what to do."""
    code, told, _ = tallystick("connectors", "test", "broken", "--only", QUICK)

    assert code == 1
    assert "closed twice, the connector raises ValueError\n         Let `close` do nothing then.\n" in told


def test_as_json(tallystick):
    """One object, with every check and how it went."""
    code, told, _ = tallystick("connectors", "test", "broken", "--only", QUICK, "--json")
    told = json.loads(told)

    assert code == 1
    assert (told["connector"], told["version"], told["passed"]) == ("broken", "1.0", False)
    [check] = told["checks"]
    assert set(check) == {"check", "outcome", "proves", "found", "action"}
    assert (check["check"], check["outcome"]) == (f"test_{QUICK}", "failed")


def test_no_kit(tallystick):
    """Exit 2 for a connector that has no kit, with the names of those that do."""
    code, told, errors = tallystick("connectors", "test", "nothing")

    assert (code, told) == (2, "")
    assert "there are: broken, tiny" in errors

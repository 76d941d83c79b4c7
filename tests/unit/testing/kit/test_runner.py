"""Running an installed kit: by its name, in this process, with how each check went."""

from importlib.metadata import EntryPoint

import pytest
from tests.tiny_mutants import MUTANTS
from tests.tiny_system import TinyKit

from tallystick.errors import PluginError
from tallystick.testing.kit import Capability
from tallystick.testing.kit.kit import checks, taken_out
from tallystick.testing.kit.runner import GROUP, find_kit, run_kit

QUICK = "closing_twice_is_safe"


class Excused(TinyKit):
    """Cannot merge, and says why; fails a check, and says why; lacks something."""

    connector = MUTANTS["test_closing_twice_is_safe"].kit.connector
    lacks = {Capability.MERGES: "nothing is merged"}  # noqa: RUF012 - as a plugin writes it

    @pytest.mark.xfail(strict=True, reason="closed once a day")
    def test_closing_twice_is_safe(self, desk):
        """Overridden as it may be."""
        super().test_closing_twice_is_safe(desk)


class Skipping(TinyKit):
    """Skips a check by itself."""

    def test_merges_arrive(self):
        """Overridden as it may not be."""
        pytest.skip("no time")


class Broken(TinyKit):
    """Cannot even open an account."""

    def open(self, number):
        """Break."""
        raise ZeroDivisionError(number)


class FailsOne(TinyKit):
    """Closes once."""

    connector = MUTANTS["test_closing_twice_is_safe"].kit.connector


def _outcomes(kit, *only):
    return {result.check: result for result in run_kit(kit, only=only)}


def test_a_check_that_passes():
    """A check that passes says what it proves, and is told as it ends."""
    heard = []
    [result] = run_kit(TinyKit, heard.append, only=[QUICK])

    assert heard == [result]
    assert (result.check, result.outcome, result.found) == (f"test_{QUICK}", "passed", "")
    assert result.proves == checks()[f"test_{QUICK}"]


def test_a_check_that_fails():
    """A check that fails says what was found and what to do."""
    [result] = run_kit(FailsOne, only=[QUICK])

    assert result.outcome == "failed"
    assert result.found == "closed twice, the connector raises ValueError"
    assert result.action == "Let `close` do nothing then."


def test_what_is_lacking_or_excused():
    """A lack and a strict xfail are told with their reasons, and neither is a failure."""
    found = _outcomes(Excused, QUICK, "merges_arrive", "no_check_was_taken_out")

    assert {name: (result.outcome, result.found) for name, result in found.items()} == {
        "test_closing_twice_is_safe": ("excused", "closed once a day"),
        "test_merges_arrive": ("lacking", "the system lacks merges: nothing is merged"),
        "test_no_check_was_taken_out": ("passed", ""),
    }


def test_a_check_that_was_taken_out():
    """A plugin that skips, overrides or removes a check fails, whichever checks are run."""
    removed = MUTANTS["test_no_check_was_taken_out"].kit

    assert taken_out(Skipping) == ["test_merges_arrive"]
    assert [result.outcome for result in run_kit(Skipping, only=["merges_arrive"])] == ["failed", "failed"]
    assert _outcomes(removed, QUICK)["test_deletions_arrive"].found == "this check was taken out"
    assert taken_out(pytest.mark.skip(type("Marked", (TinyKit,), {}))) == ["all, by skip"]


def test_a_kit_that_breaks():
    """An exception that no check foresaw is a failure that names it."""
    [result] = run_kit(Broken, only=[QUICK])

    assert result.outcome == "failed"
    assert "ZeroDivisionError" in result.found
    assert "test_conformance.py" in result.action


def test_an_unknown_check():
    """A check that does not exist is refused."""
    with pytest.raises(PluginError, match="there is no check test_nothing"):
        run_kit(TinyKit, only=["nothing"])


def test_the_kits_that_are_installed(monkeypatch):
    """A kit is found by its connector's name; unknown, broken and wrong ones are named."""
    points = [
        EntryPoint("tiny", "tests.tiny_system:TinyKit", GROUP),
        EntryPoint("gone", "tests.nowhere:Kit", GROUP),
        EntryPoint("wrong", "tests.tiny_system:TinyApp", GROUP),
    ]
    monkeypatch.setattr("tallystick.testing.kit.runner.entry_points", lambda group: points)

    assert find_kit("tiny") is TinyKit
    for name, says in (("other", "there are: gone, tiny, wrong"), ("gone", "tests.nowhere"), ("wrong", "no subclass")):
        with pytest.raises(PluginError, match=says):
            find_kit(name)

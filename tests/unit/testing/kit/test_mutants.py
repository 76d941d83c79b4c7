"""Each check of the kit has been seen to fail: on a connector that is broken in what it is about."""

import inspect
import re
from pathlib import Path

import pytest
from tests.tiny_mutants import MUTANTS

from tallystick.testing.kit.kit import checks

PAGE = (Path(__file__).parents[4] / "docs/conformance-kit.md").read_text(encoding="utf-8")


def _run(kit, check, folder):
    """Run a check as pytest would."""
    test = getattr(kit, check)
    wanted = inspect.signature(test).parameters
    if "desk" not in wanted:
        test()
        return
    with kit._desk(1, folder) as desk:
        test(**{name: {"desk": desk, "tmp_path": folder}[name] for name in wanted})


def test_every_check_has_its_mutant():
    """No check is without a connector that it finds."""
    assert MUTANTS.keys() == checks().keys()


@pytest.mark.parametrize("check", checks())
def test_a_check_finds_its_mutant(check, tmp_path):
    """The check fails on its mutant, and says what was found and what to do, as the docs do."""
    mutant = MUTANTS[check]

    with pytest.raises(pytest.fail.Exception, match=mutant.says) as caught:
        _run(mutant.kit(), check, tmp_path)
    found, advice = str(caught.value).split("\n  ")
    assert found
    assert re.search(rf"`{check.removeprefix('test_')}` .*\| {re.escape(advice)} \|", PAGE)

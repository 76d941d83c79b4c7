"""Each check of the kit has been seen to fail: on a connector that is broken in what it is about."""

import inspect

import pytest
from tests.tiny_mutants import MUTANTS

from tallystick.testing.kit.kit import checks


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
    """The check fails on its mutant, and says what was found and what to do."""
    mutant = MUTANTS[check]

    with pytest.raises(pytest.fail.Exception, match=mutant.says) as caught:
        _run(mutant.kit(), check, tmp_path)
    found, advice = str(caught.value).split("\n  ", 1)
    assert found
    assert advice

"""The conformance kit: all checks together, and the guard that none of them was taken out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tallystick.testing.kit.base import KitBase
from tallystick.testing.kit.capability import Capability
from tallystick.testing.kit.changes import ChangeChecks
from tallystick.testing.kit.cost import CostChecks
from tallystick.testing.kit.failing import require
from tallystick.testing.kit.faults import FaultChecks
from tallystick.testing.kit.reading import ReadingChecks
from tallystick.testing.kit.secrets import SecretChecks
from tallystick.testing.kit.values import ValueChecks
from tallystick.testing.kit.wire import WireChecks

__all__ = ["ConnectorKit", "checks", "taken_out"]


# From last to first: pytest runs inherited tests in the order of the bases, the last one first.
class ConnectorKit(CostChecks, SecretChecks, ValueChecks, WireChecks, FaultChecks, ChangeChecks, ReadingChecks):
    """Subclass it in `tallystick_<name>/kit.py`, name it by an entry point in the group `tallystick.kits`, and run it.

    A check that the connector cannot pass yet is overridden with `pytest.mark.xfail(strict=True, reason=...)`, and by
    nothing else.
    """

    def test_no_check_was_taken_out(self) -> None:
        """Every check of the kit runs as it is, or is a strict xfail with a reason; every lack has a reason."""
        out = taken_out(type(self))
        require(
            not out,
            f"checks were taken out or overridden: {', '.join(out)}",
            "Let the kit's checks stand. One that cannot pass yet is overridden by a call of `super()` under"
            " `pytest.mark.xfail(strict=True, reason=...)`.",
        )
        bare = [str(lack) for lack, reason in self.lacks.items() if not reason.strip()]
        require(not bare, f"there is no reason for {', '.join(bare)}", "Say in `lacks` why the system cannot do it.")
        about = {*Capability, *((capability, name) for capability in Capability for name in self.creates)}
        strange = [str(lack) for lack in self.lacks if lack not in about]
        require(not strange, f"`lacks` speaks of {', '.join(strange)}", "Name capabilities, and types in `creates`.")


def checks(kit: type[KitBase] = ConnectorKit) -> dict[str, str]:
    """Give the checks of a kit by name, in the order they run, each with what it proves."""
    names: dict[str, None] = {}
    for base in reversed(kit.__mro__):
        names.update(dict.fromkeys(name for name in vars(base) if name.startswith("test_")))
    return {name: str(getattr(kit, name).__doc__) for name in names}


def taken_out(kit: type[KitBase]) -> list[str]:
    """Give the checks that a subclass removed, or overrides without a strict xfail that has a reason."""
    return [
        name
        for name in checks()
        if getattr(kit, name, None) is not getattr(ConnectorKit, name) and not _is_excused(getattr(kit, name, None))
    ] + [f"all, by {mark.name}" for mark in _marks(kit) if mark.name in {"skip", "skipif", "xfail"}]


def _is_excused(check: object) -> bool:
    return any(
        mark.name == "xfail" and mark.kwargs.get("strict") is True and str(mark.kwargs.get("reason", "")).strip()
        for mark in _marks(check)
    )


def _marks(marked: object) -> Iterator[pytest.Mark]:
    found = getattr(marked, "pytestmark", [])
    for mark in found if isinstance(found, list) else [found]:
        yield mark.mark if isinstance(mark, pytest.MarkDecorator) else mark

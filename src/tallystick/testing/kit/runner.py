"""Running an installed kit without a test file: what `tallystick connectors test` does."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal
from unittest.mock import patch

import msgspec
import pytest

from tallystick.errors import PluginError
from tallystick.testing.kit.base import LACKING
from tallystick.testing.kit.kit import ConnectorKit, checks, taken_out

__all__ = ["GROUP", "CheckResult", "find_kit", "run_kit"]

GROUP = "tallystick.kits"
"""Entry points that name the kits of plugins, by the connector's name."""

_OPTIONS = ("-p", "no:terminal", "-p", "no:cacheprovider", "--noconftest", "--capture=sys", "--import-mode=importlib")
_FAILED = "Failed: "
_ELSE = "This was not foreseen: run the plugin's tests/test_conformance.py under pytest to see where it happens."


class CheckResult(msgspec.Struct, frozen=True):
    """How a check went: what it proves, what it found and what to do about it.

    `lacking` is a check of what the system cannot do, `excused` one that is a strict xfail; `found` is the reason then.
    """

    check: str
    outcome: Literal["passed", "failed", "lacking", "excused"]
    proves: str
    found: str = ""
    action: str = ""


def find_kit(name: str) -> type[ConnectorKit]:
    """Give the kit of a connector.

    Raises:
        PluginError: No installed plugin ships one, or it cannot be loaded.
    """
    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        raise PluginError(
            f"no installed plugin ships a conformance kit for a connector {name!r}; there are: {_listed(points)}",
            hint=f"Name the plugin's kit by an entry point in the group {GROUP}; docs/conformance-kit.md says how.",
        )
    try:
        kit = points[name].load()
    except Exception as cause:  # a stranger's module may raise anything while it is loaded
        raise PluginError(
            f"the kit of {name} ({points[name].value}) cannot be loaded: {type(cause).__name__}: {cause}",
            hint=f"Install what it needs: pip install 'tallystick[testing]' 'tallystick-{name}[simulator]'",
        ) from cause
    if not isinstance(kit, type) or not issubclass(kit, ConnectorKit):
        raise PluginError(f"the kit of {name} ({points[name].value}) is no subclass of ConnectorKit")
    return kit


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def run_kit(
    kit: type[ConnectorKit], tell: Callable[[CheckResult], None] = lambda _: None, *, only: Collection[str] = ()
) -> list[CheckResult]:
    """Run the checks of a kit in this process, and give how each went.

    Args:
        kit: The kit.
        tell: Hears of each check as it ends.
        only: Names of checks, with or without `test_`; all of them by default.

    Raises:
        PluginError: There is no check of such a name.
    """
    wanted = _wanted(kit, only)
    listener = _Listener(wanted, tell)
    for name in taken_out(kit):
        listener.hear(CheckResult(name, "failed", "", "this check was taken out", "Let the checks of the kit stand."))
    with tempfile.TemporaryDirectory() as folder:
        # Named after the folder: a module of the same name is loaded but once in a process.
        path = Path(folder) / f"test_{Path(folder).name}.py"
        path.write_text(f"from {kit.__module__} import {kit.__qualname__} as TestKit\n", encoding="utf-8")
        # What else is installed for pytest here has no say in whether a connector is good.
        with patch.dict(os.environ, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}):
            options = ["-c", os.devnull, "--rootdir", folder, f"--basetemp={folder}/runs", *_OPTIONS]
            pytest.main([*options, *(f"{path}::TestKit::{name}" for name in wanted)], plugins=[listener])
    told = {result.check for result in listener.results}
    for name in wanted:
        if name not in told:
            listener.hear(CheckResult(name, "failed", wanted[name], "this check was not run", _ELSE))
    return listener.results


def _wanted(kit: type[ConnectorKit], only: Collection[str]) -> dict[str, str]:
    """Give the checks to run, each with what it proves."""
    known = {**checks(kit), **checks()}
    names = [f"test_{name.removeprefix('test_')}" for name in only]
    if unknown := [name for name in names if name not in known]:
        raise PluginError(f"there is no check {', '.join(unknown)}", hint="docs/conformance-kit.md names them all.")
    return {name: known[name] for name in names or known if getattr(kit, name, None) is not None}


class _Listener:
    """A plugin of pytest that hears how each check went."""

    def __init__(self, proves: Mapping[str, str], tell: Callable[[CheckResult], None]) -> None:
        self.results: list[CheckResult] = []
        self._proves = proves
        self._tell = tell

    def hear(self, result: CheckResult) -> None:
        """Take down a result."""
        self.results.append(result)
        self._tell(result)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take down a check that ran, or that ended before it did."""
        if report.when == "call" or report.outcome != "passed":
            name = report.nodeid.rpartition("::")[2]
            self.hear(_result(name, self._proves[name], report))


def _result(name: str, proves: str, report: pytest.TestReport) -> CheckResult:
    if hasattr(report, "wasxfail"):
        return CheckResult(name, "excused", proves, str(report.wasxfail).removeprefix("reason: "))
    if report.outcome == "passed":
        return CheckResult(name, "passed", proves)
    if isinstance(report.longrepr, tuple):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        if reason.startswith(LACKING):
            return CheckResult(name, "lacking", proves, reason)
        return CheckResult(name, "failed", proves, f"the plugin skips this check: {reason}", "Say in `lacks` why.")
    crash = getattr(report.longrepr, "reprcrash", None)
    said = report.longreprtext if crash is None else str(crash.message)
    found, advice, action = said.removeprefix(_FAILED).partition("\n  ")
    if advice and said.startswith(_FAILED):
        return CheckResult(name, "failed", proves, found, action)
    return CheckResult(name, "failed", proves, said, _ELSE)

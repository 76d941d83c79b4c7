"""The end of the demo: a bundle goes to the other side, is recomputed there, and once more with one byte changed."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tallystick.cli.bundling import BundleWish, bundle_statement
from tallystick.cli.output import say
from tallystick.cli.project import Project
from tallystick.errors import Error, Tampered

__all__ = ["hand_over", "print_hand_over"]

_OFFLINE = """\
import sys

def refuse(event, args):
    if event.startswith("socket."):
        raise OSError(f"there is no network here: {event}")

sys.addaudithook(refuse)
from tallystick.cli.app import main
main()
"""
"""The command in a process in which whatever touches the network fails."""


def hand_over(project: Project, contract: str, period: str, now: int) -> dict[str, Any]:
    """Write the bundle of a statement, and recompute it in a process of its own with an empty home and no network.

    Raises:
        Error: The other side comes to something else, or does not notice a byte that was changed.
    """
    path = project.root / f"{contract}-{period}.bundle"
    statement = bundle_statement(project, contract, period, now, BundleWish(path))
    key = project.keychain.newest.vkey
    told = _recompute(path, key)
    found = json.loads(told.stdout or "{}")
    if told.returncode or found["totals"] != [str(amount) for amount in statement.totals]:
        raise Error(f"the other side does not agree: {told.stderr or told.stdout}")
    data = bytearray(path.read_bytes())
    place = len(data) // 2
    data[place] ^= 1
    changed = path.with_suffix(".changed.bundle")
    changed.write_bytes(data)
    noticed = _recompute(changed, key)
    if noticed.returncode != Tampered.exit_code:
        raise Error(f"the other side did not notice that byte {place} was changed: {noticed.stdout}")
    error = json.loads(noticed.stdout)["error"]
    return {
        "bundle": str(path),
        "bytes": len(data),
        "counts": found["counts"],
        "totals": found["totals"],
        "changed_byte": place,
        "noticed": f"{error['where']}: {error['message']}" if error["where"] else error["message"],
    }


def print_hand_over(told: dict[str, Any]) -> None:
    """Print what the other side found."""
    counts = told["counts"]
    say(f"Bundle: {told['bundle']}, {told['bytes']:,} bytes")
    say(
        f"The vendor, without network, project or credentials, decides {counts['verdicts']:,} verdicts and prices "
        f"{counts['lines']:,} lines again:"
    )
    say(f"  Both sides agree to the cent: {', '.join(told['totals'])}.")
    say(f"  With byte {told['changed_byte']:,} of the file changed: {told['noticed']}")


def _recompute(path: Path, key: str) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-c", _OFFLINE, "recompute", str(path), "--key", key, "--json"]
        return subprocess.run(  # noqa: S603 - this very interpreter
            command, env={"HOME": home}, capture_output=True, text=True, check=False, timeout=600
        )

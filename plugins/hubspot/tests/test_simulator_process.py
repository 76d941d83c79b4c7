"""The simulator as a process of its own, and what its code may know."""

import ast
from pathlib import Path

import httpx
import pytest

import tallystick_hubspot.simulator
from tallystick.testing.simulation import start_simulator
from tallystick_hubspot.simulator.__main__ import main

BEARER = {"Authorization": "Bearer pat-eu1-sample"}
MODULE = "tallystick_hubspot.simulator"


def test_it_says_where_it_listens_and_obeys_its_options():
    """As a process it announces itself, starts at the instant it is told, and can be steered."""
    options = ["--burst-limit", "2", "--virtual-limits", "--index-lag", "60", "--retry-after"]
    with (
        start_simulator(MODULE, seed=1, now="2026-09-03T00:00:00Z", options=options) as simulator,
        httpx.Client(base_url=simulator.origin, headers=BEARER, trust_env=False) as client,
    ):
        deals = "/crm/v3/objects/deals"
        assert client.get(deals).headers["Date"] == "Thu, 03 Sep 2026 00:00:00 GMT"
        assert [client.get(deals).status_code for _ in range(2)] == [200, 429]
        simulator.move_clock("2026-09-25T00:00:00Z")
        assert client.get(f"{deals}/300001").json()["id"] == "300001"
        simulator.set_faults([{"kind": "503"}])
        assert client.get(deals).status_code == 503
        assert simulator.calls() == 5


@pytest.mark.parametrize("options", [["--now", "yesterday"], ["--prerendered", "5", "--now", "2026-10-01"]])
def test_wrong_options_are_refused(options, capsys):
    """An instant that is none ends it with a word on the options."""
    with pytest.raises(SystemExit) as caught:
        main(options)
    assert caught.value.code == 2
    assert "usage: python -m tallystick_hubspot.simulator" in capsys.readouterr().err


def test_it_borrows_nothing():
    """It imports nothing of the connector or of HubSpot's client, and of the core the shell and the company alone."""
    shell = ("company", "faultplan", "prerendered", "serving", "steering")
    allowed = (MODULE, *(f"tallystick.testing.{name}" for name in shell))
    for path in Path(tallystick_hubspot.simulator.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.split(".")[0] in {"tallystick", "tallystick_hubspot", "hubspot", ""}:
                    assert name.startswith(allowed), f"{path.name} imports {name}"

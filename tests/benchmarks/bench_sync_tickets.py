"""Sync of pre-rendered tickets and events, beside a bare httpx + orjson loop, and zenpy on the tickets."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import orjson
from tests.benchmarks.sync_of import sync_of

from tallystick.testing.simulation import start_simulator

TICKETS = 100_000
EVENTS = 8 * TICKETS
FEW = 30_000
SDK_TICKETS = 5_000
MODULE = "tallystick_zendesk.simulator"
START = 1_767_225_600
NOW = "2026-11-20T06:00:00Z"


def _bare(origin):
    """Read all pages of both exports one after the other and decode them; give rows per second."""
    form = {"grant_type": "client_credentials", "client_id": "bare", "client_secret": "s", "scope": "read"}
    count, began = 0, time.perf_counter()
    with httpx.Client(base_url=origin, trust_env=False, timeout=60) as client:
        token = client.post("/oauth/tokens", json=form).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        place = {"start_time": START}
        while True:
            params = {"include": "metric_sets", "support_type_scope": "all", "per_page": 1000, **place}
            page = orjson.loads(client.get("/api/v2/incremental/tickets/cursor.json", params=params).content)
            count += len(page["tickets"])
            if page["end_of_stream"]:
                break
            place = {"cursor": page["after_cursor"]}
        start = START
        while True:
            params = {"include": "comment_events", "support_type_scope": "all", "per_page": 1000, "start_time": start}
            page = orjson.loads(client.get("/api/v2/incremental/ticket_events.json", params=params).content)
            count += len(page["ticket_events"])
            if page["end_of_stream"]:
                break
            start = page["end_time"]
    assert count >= TICKETS + EVENTS
    return (TICKETS + EVENTS) / (time.perf_counter() - began)


_ZENPY = """\
import sys, time, warnings
warnings.simplefilter("ignore")
from zenpy import Zenpy
client = Zenpy(subdomain="desk", oauth_token=sys.argv[1])
began = time.perf_counter()
for count, _ in enumerate(client.tickets.incremental(start_time=int(sys.argv[2])), 1):
    if count == int(sys.argv[3]):
        break
print(count / (time.perf_counter() - began))
"""


def _zenpy(origin):
    """Page through the first tickets with zenpy's generator; give tickets per second."""
    form = {"grant_type": "client_credentials", "client_id": "bare", "client_secret": "s", "scope": "read"}
    token = httpx.post(f"{origin}/oauth/tokens", json=form, trust_env=False).json()["access_token"]
    force = {"ZENPY_FORCE_SCHEME": "http", "ZENPY_FORCE_NETLOC": origin.removeprefix("http://")}
    command = [sys.executable, "-c", _ZENPY, token, str(START), str(SDK_TICKETS)]
    done = subprocess.run(command, env={**os.environ, **force}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def _ours(origin, folder):
    source = (
        f"    connector: zendesk\n    base_url: {origin}\n    client_id: bench\n"
        "    client_secret: env:ZENDESK_SECRET\n    start: 2026-01-01\n    requests_per_minute: 60000\n"
        "    export_requests_per_minute: 60000\n    user_export_requests_per_minute: 60000\n"
    )
    return sync_of(folder, source, now=NOW, environment={"ZENDESK_SECRET": "s"})


def run():
    """Give rows per second of the three clients, the ratios, and the memory with a third as much."""
    found = {}
    with start_simulator(MODULE, seed=1, options=["--prerendered", str(TICKETS)]) as simulator:
        _bare(simulator.origin)  # renders the answers, so that all find them ready-made
        with tempfile.TemporaryDirectory() as folder:
            bare = _bare(simulator.origin)
            stored, seconds, peak, _ = _ours(simulator.origin, Path(folder))
        rate = (TICKETS + EVENTS) / seconds
        found["tickets and events"] = f"{TICKETS:,} and {EVENTS:,}; {stored:,} records stored"
        found["bare httpx + orjson, rows/s"] = f"{bare:,.0f}"
        found["tallystick sync, evidence durable, rows/s"] = f"{rate:,.0f}"
        found["ratio tallystick / bare (target >= 0.60)"] = f"{rate / bare:.2f}"
        found["peak memory, MB"] = f"{peak:.0f}"
        zenpy = _zenpy(simulator.origin)
        found["zenpy generator, tickets/s"] = f"{zenpy:,.0f}"
        found["ratio tallystick rows / zenpy tickets"] = f"{rate / zenpy:.1f}"
    with start_simulator(MODULE, seed=1, options=["--prerendered", str(FEW)]) as simulator:
        with tempfile.TemporaryDirectory() as folder:
            stored, _, peak, _ = _ours(simulator.origin, Path(folder))
        found[f"peak memory with {FEW:,} tickets, {stored:,} records, MB (target 300)"] = f"{peak:.0f}"
    return found

"""Sync of pre-rendered HubSpot tickets, beside a bare httpx + orjson loop of the same calls, and HubSpot's client."""

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
SDK_TICKETS = 5_000
MODULE = "tallystick_hubspot.simulator"
NOW = "2026-10-12T06:00:00Z"
SEARCH = "/crm/objects/2026-09/tickets/search"
ASSOCIATED = "/crm/associations/2026-09/tickets/{}/batch/read"


def _bare(origin):
    """Search all tickets by id, read the associations of each thousand, and decode all of it; give rows per second."""
    count, last, began = 0, 0, time.perf_counter()
    with httpx.Client(base_url=origin, trust_env=False, timeout=60, headers={"Authorization": "Bearer bare"}) as client:
        more, ids = True, []
        while more:
            beyond = {"propertyName": "hs_object_id", "operator": "GT", "value": str(last)}
            asked = {"filterGroups": [{"filters": [beyond]}], "limit": 200}
            page = orjson.loads(client.post(SEARCH, content=orjson.dumps(asked)).content)
            ids += [row["id"] for row in page["results"]]
            last, more = int(ids[-1]), "paging" in page
            if len(ids) == 1_000 or not more:
                inputs = orjson.dumps({"inputs": [{"id": key} for key in ids]})
                for kind in ("contacts", "companies"):
                    orjson.loads(client.post(ASSOCIATED.format(kind), content=inputs).content)
                count, ids = count + len(ids), []
    assert count == TICKETS
    return count / (time.perf_counter() - began)


_SDK = """\
import sys, time
from hubspot import HubSpot
api = HubSpot(access_token="bare", host=sys.argv[1]).crm.tickets
began = time.perf_counter()
count, after = 0, None
while count < int(sys.argv[2]):
    page = api.search_api.do_search({"limit": 200, "after": after} if after else {"limit": 200})
    count += len(page.results)
    after = page.paging.next.after
print(count / (time.perf_counter() - began))
"""


def _sdk(origin):
    """Search with hubspot-api-client and its models; give tickets per second."""
    command = [sys.executable, "-c", _SDK, origin, str(SDK_TICKETS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def _ours(origin, folder):
    source = (
        f"    connector: hubspot\n    base_url: {origin}\n    token: env:HUBSPOT_TOKEN\n    start: 2026-01-01\n"
        "    objects: [tickets]\n    threads: false\n    candidates: {created_after: 2030-01-01}\n"
        "    searches_per_second: 100000\n    requests_per_second: 100000\n"
    )
    return sync_of(folder, source, now=NOW, environment={"HUBSPOT_TOKEN": "bench"})


def run():
    """Give rows per second of the three clients, the ratios, and the memory."""
    found = {}
    with start_simulator(MODULE, seed=1, options=["--prerendered", str(TICKETS)]) as simulator:
        _bare(simulator.origin)
        with tempfile.TemporaryDirectory() as folder:
            bare = _bare(simulator.origin)
            stored, seconds, peak, calls = _ours(simulator.origin, Path(folder))
        rate = TICKETS / seconds
        found["tickets"] = f"{TICKETS:,}; {stored:,} records stored in {calls:,} calls"
        found["bare httpx + orjson, tickets/s"] = f"{bare:,.0f}"
        found["tallystick sync, evidence durable, tickets/s"] = f"{rate:,.0f}"
        found["ratio tallystick / bare (target >= 0.60)"] = f"{rate / bare:.2f}"
        found["peak memory, MB (target 300)"] = f"{peak:.0f}"
        sdk = _sdk(simulator.origin)
        found["hubspot-api-client search, tickets/s"] = f"{sdk:,.0f}"
        found["ratio tallystick / hubspot-api-client"] = f"{rate / sdk:.1f}"
    return found

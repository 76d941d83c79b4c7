"""Sync of pre-rendered HubSpot tickets beside a bare httpx + orjson loop, and hubspot-api-client on the same rows.

The bare loop asks for what the connector asks for: the same searches with the same properties. Histories and
conversations are left out on both sides, because they are read for candidates only.
"""

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
TOKEN = "bench"
NOW = "2026-11-20T06:00:00Z"
PROPERTIES = ["subject", "hs_pipeline", "hs_pipeline_stage", "hs_is_closed", "createdate", "hs_lastmodifieddate"]


def _bare(origin):
    """Search page after page by id and decode it; give rows per second."""
    count, last, began = 0, 0, time.perf_counter()
    window = {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "1767225600000"}
    with httpx.Client(base_url=origin, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False) as client:
        while True:
            beyond = {"propertyName": "hs_object_id", "operator": "GT", "value": str(last)}
            body = {
                "filterGroups": [{"filters": [window, beyond]}],
                "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
                "properties": PROPERTIES,
                "limit": 200,
            }
            page = orjson.loads(client.post("/crm/objects/2026-09/tickets/search", json=body).content)
            count += len(page["results"])
            if len(page["results"]) < 200:
                break
            last = int(page["results"][-1]["id"])
    assert count == TICKETS
    return count / (time.perf_counter() - began)


def _sdk(origin):
    """Page through the first tickets with HubSpot's client; give tickets per second."""
    from hubspot import HubSpot

    api = HubSpot(access_token=TOKEN, host=origin, retry=False).crm.tickets.search_api
    count, last, began = 0, 0, time.perf_counter()
    while count < SDK_TICKETS:
        beyond = {"propertyName": "hs_object_id", "operator": "GT", "value": str(last)}
        body = {"filterGroups": [{"filters": [beyond]}], "properties": PROPERTIES, "limit": 200}
        page = api.do_search(public_object_search_request=body)
        count += len(page.results)
        last = page.results[-1].id
    return count / (time.perf_counter() - began)


def run():
    """Give rows per second of the three clients, the ratios, calls and memory."""
    with start_simulator(MODULE, seed=1, options=["--prerendered", str(TICKETS)]) as simulator:
        source = (
            f"    connector: hubspot\n    base_url: {simulator.origin}\n    token: env:HUBSPOT_TOKEN\n"
            "    start: 2026-01-01\n    objects: [tickets]\n    threads: false\n"
            "    candidates: {created_after: 2100-01-01}\n"
            "    searches_per_second: 100000\n    requests_per_second: 100000\n"
        )
        _bare(simulator.origin)  # renders the pages, so that all find them ready-made
        bare = _bare(simulator.origin)
        with tempfile.TemporaryDirectory() as folder:
            stored, seconds, peak, calls = sync_of(Path(folder), source, now=NOW, environment={"HUBSPOT_TOKEN": TOKEN})
        sdk = _sdk(simulator.origin)
    rate = TICKETS / seconds
    return {
        "tickets": f"{TICKETS:,}; {stored:,} records stored in {calls:,} calls",
        "bare httpx + orjson, tickets/s": f"{bare:,.0f}",
        "tallystick sync, evidence durable, tickets/s": f"{rate:,.0f}",
        "ratio tallystick / bare (target >= 0.60)": f"{rate / bare:.2f}",
        "peak memory, MB (target 300)": f"{peak:.0f}",
        "hubspot-api-client, tickets/s": f"{sdk:,.0f}",
        "ratio tallystick / hubspot-api-client": f"{rate / sdk:.1f}",
    }

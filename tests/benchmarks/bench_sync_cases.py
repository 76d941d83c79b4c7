"""Sync of pre-rendered Salesforce cases beside a bare httpx + orjson loop, and simple-salesforce on the same rows.

Pages and Bulk are measured apart: each against a bare loop over the same answers.
"""

import csv
import io
import tempfile
import time
from pathlib import Path

import httpx
import orjson
from tests.benchmarks.sync_of import sync_of

from tallystick.testing.simulation import start_simulator

CASES = 100_000
SDK_CASES = 20_000
MODULE = "tallystick_salesforce.simulator"
VERSION = "v68.0"
NOW = "2026-11-20T06:00:00Z"
FIELDS = (
    "Id, CaseNumber, Status, IsClosed, ClosedDate, CreatedDate, IsEscalated, Origin, Priority, Reason, OwnerId,"
    " ContactId, AccountId, ParentId, MasterRecordId, IsDeleted, CreatedById, LastModifiedById, SystemModstamp"
)
SOQL = f"SELECT {FIELDS} FROM Case ORDER BY SystemModstamp, Id"


def _token(client):
    form = {"grant_type": "client_credentials"}
    answer = client.post("/services/oauth2/token", data=form, auth=("bench", "bench-secret"))
    return answer.json()["access_token"]


def _bare(origin):
    """Follow the pages of one query and decode them; give rows per second."""
    count, began = 0, time.perf_counter()
    with httpx.Client(base_url=origin, trust_env=False, timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {_token(client)}"
        page = orjson.loads(client.get(f"/services/data/{VERSION}/queryAll", params={"q": SOQL}).content)
        count += len(page["records"])
        while not page["done"]:
            page = orjson.loads(client.get(page["nextRecordsUrl"]).content)
            count += len(page["records"])
    assert count == CASES
    return count / (time.perf_counter() - began)


def _bare_bulk(origin):
    """Run one Bulk 2.0 query and read its results as CSV; give rows per second."""
    count, began = 0, time.perf_counter()
    with httpx.Client(base_url=origin, trust_env=False, timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {_token(client)}"
        jobs = f"/services/data/{VERSION}/jobs/query"
        job = client.post(jobs, json={"operation": "queryAll", "query": f"SELECT {FIELDS} FROM Case"}).json()
        while client.get(f"{jobs}/{job['id']}").json()["state"] != "JobComplete":
            time.sleep(0.05)
        locator = None
        while locator != "null":
            params = {"maxRecords": 20_000} | ({"locator": locator} if locator else {})
            answer = client.get(f"{jobs}/{job['id']}/results", params=params)
            count += sum(1 for _ in csv.reader(io.StringIO(answer.text))) - 1
            locator = answer.headers["Sforce-Locator"]
    assert count == CASES
    return count / (time.perf_counter() - began)


def _sdk(origin):
    """Iterate over the first cases with simple-salesforce; give cases per second."""
    import requests
    from simple_salesforce import Salesforce

    class Session(requests.Session):
        def request(self, method, url, **options):
            return super().request(method, url.replace("https://", "http://"), **options)

    with httpx.Client(base_url=origin, trust_env=False) as client:
        token = _token(client)
    sdk = Salesforce(session_id=token, instance=origin.removeprefix("http://"), version="68.0", session=Session())
    began = time.perf_counter()
    for count, _ in enumerate(sdk.query_all_iter(SOQL), 1):
        if count == SDK_CASES:
            break
    return SDK_CASES / (time.perf_counter() - began)


def _ours(origin, bulk):
    source = (
        f"    connector: salesforce\n    base_url: {origin}\n    client_id: bench\n    client_secret: env:SF_SECRET\n"
        f"    start: 2026-01-01\n    bulk_above: {bulk}\n    requests_per_minute: 600000\n    currency: USD\n"
        "    without: [ActivityFieldHistory]\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        return sync_of(Path(folder), source, now=NOW, environment={"SF_SECRET": "bench-secret"})


def run():
    """Give rows per second of all clients, the ratios, calls and memory."""
    found = {}
    with start_simulator(MODULE, seed=1, options=["--prerendered", str(CASES)]) as simulator:
        _bare(simulator.origin), _bare_bulk(simulator.origin)  # renders the answers, so that all find them ready-made
        bare = {"pages": _bare(simulator.origin), "bulk": _bare_bulk(simulator.origin)}
        for way, bulk in (("pages", "null"), ("bulk", "10000")):
            stored, seconds, peak, calls = _ours(simulator.origin, bulk)
            rate = CASES / seconds
            found[f"{way}: cases"] = f"{CASES:,}; {stored:,} records stored in {calls:,} calls"
            found[f"{way}: bare loop, cases/s"] = f"{bare[way]:,.0f}"
            found[f"{way}: tallystick sync, evidence durable, cases/s"] = f"{rate:,.0f}"
            found[f"{way}: ratio tallystick / bare (target >= 0.60)"] = f"{rate / bare[way]:.2f}"
            found[f"{way}: peak memory, MB (target 300)"] = f"{peak:.0f}"
        sdk = _sdk(simulator.origin)
        found["simple-salesforce query_all_iter, cases/s"] = f"{sdk:,.0f}"
    return found

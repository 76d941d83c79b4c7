"""Ready-made pages for measurements: real sizes, the real protocol."""

import json
import socket
import threading
from contextlib import contextmanager

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.testing.serving import bind
from tallystick.testing.simulation import start_simulator
from tallystick_hubspot.simulator.instants import instant, iso
from tallystick_hubspot.simulator.prerendered import PROPERTIES, Pages, _text

SEARCH = "/crm/objects/2026-09/tickets/search"
BATCH = "/crm/v3/objects/tickets/batch/read"
FIRST_ID = 4_000_000_000


def _keyset(last=0, low=0, high=2_000_000_000_000, **more):
    filters = [
        {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": str(low)},
        {"propertyName": "hs_lastmodifieddate", "operator": "LT", "value": str(high)},
        {"propertyName": "hs_object_id", "operator": "GT", "value": str(last)},
    ]
    return {"filterGroups": [{"filters": filters}], "limit": 200, **more}


@contextmanager
def _served(pages):
    listening = bind(0)
    serving = threading.Thread(target=pages.serve, args=(listening,), kwargs={"latency_ms": 1})
    serving.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", trust_env=False) as client:
            yield client
    finally:
        # Closing alone does not wake a thread that waits for a connection.
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        serving.join()


@pytest.fixture(scope="module")
def client():
    """A client of 450 ready-made tickets."""
    with _served(Pages(450)) as made:
        yield made


def test_prerendered_rows_have_the_size_of_real_ones():
    """A ticket has 24 properties in about 1,100 bytes, and the newest is older than a minute."""
    pages = Pages(300, "2026-10-01T00:00:00Z")
    rows = json.loads(b"".join(pages.search(_keyset())))["results"]
    assert {len(row["properties"]) for row in rows} == {len(PROPERTIES)} == {24}
    sizes = [len(json.dumps(row, separators=(",", ":"))) for row in rows]
    assert sizes == [pytest.approx(1_100, abs=60)] * 200
    assert pages.stamp(299) < instant("2026-10-01T00:00:00Z") - 60_000


def test_a_walk_by_keyset_gives_each_row_once(client):
    """Pages of 200 by the last id give all rows in order, each with its own id and stamp in every place of it."""
    found, last = [], 0
    while page := client.post(SEARCH, json=_keyset(last)).raise_for_status().json()["results"]:
        found += page
        last = page[-1]["id"]
    assert [row["id"] for row in found] == [str(FIRST_ID + number) for number in range(450)]
    for row in found:
        assert row["id"] == row["properties"]["hs_object_id"]
        assert row["id"] in row["url"]
        assert row["updatedAt"] == row["properties"]["hs_lastmodifieddate"] == row["properties"]["closed_date"]
    stamps = [instant(row["updatedAt"]) for row in found]
    assert stamps == sorted(set(stamps))


def test_pages_by_place_are_served_too(client):
    """Within one search `after` leads on, with the total of the window, until nothing is left."""
    found, after = [], None
    while True:
        page = client.post(SEARCH, json=_keyset(**({"after": after} if after else {}))).json()
        found += page["results"]
        assert page["total"] == 450
        if "paging" not in page:
            break
        after = page["paging"]["next"]["after"]
    assert len({row["id"] for row in found}) == 450
    assert client.post(SEARCH, json=_keyset(after="10000")).status_code == 400


@settings(max_examples=30, deadline=None)
@given(low=st.integers(0, 100), high=st.integers(0, 100), last=st.integers(0, 60), limit=st.integers(1, 60))
def test_a_window_has_just_the_rows_between_its_ends(low, high, last, limit):
    """Whatever the window and the last id, a page has the first rows of it, and its total is their number."""
    pages = Pages(50)
    start, step = pages.stamp(0), (pages.stamp(49) - pages.stamp(0)) // 80
    ends = (start + low * step, start + high * step)
    wanted = [n for n in range(50) if ends[0] <= pages.stamp(n) < ends[1] and n > last]
    asked = _keyset(FIRST_ID + last, *ends, limit=limit)
    page = json.loads(b"".join(pages.search(asked)))
    assert [int(row["id"]) - FIRST_ID for row in page["results"]] == wanted[:limit]
    assert page["total"] == len(wanted)


@given(at=st.integers(0, 4_000_000_000_000))
def test_instants_of_rows_are_written_like_all_others(at):
    """The fast way of writing an instant gives the same bytes as the ordinary one."""
    assert _text(at).decode() == iso(at)
    assert _text(at // 1_000 * 1_000).decode() == iso(at // 1_000 * 1_000)


def test_batches_histories_and_contacts_of_rows(client):
    """Rows are read by id with the history of the stage, and each has a contact; unknown ids are left out."""
    body = {"inputs": [{"id": str(FIRST_ID + 7)}, {"id": "1"}], "propertiesWithHistory": ["hs_pipeline_stage"]}
    (row,) = client.post(BATCH, json=body).json()["results"]
    entries = row["propertiesWithHistory"]["hs_pipeline_stage"]
    assert [entry["value"] for entry in entries] == ["4", "1"]
    assert entries[0]["timestamp"] == row["updatedAt"]
    del body["propertiesWithHistory"]
    assert "propertiesWithHistory" not in client.post(BATCH, json=body).json()["results"][0]
    links = client.post("/crm/v4/associations/tickets/contacts/batch/read", json=body).json()["results"]
    assert [link["from"]["id"] for link in links] == [str(FIRST_ID + 7), "1"]


def test_what_a_connector_reads_first_is_there(client):
    """Settings are those of an account, everything else is empty, and what is not served says so."""
    assert client.get("/account-info/2026-09/details").json()["portalId"]
    assert len(client.get("/crm/owners/2026-09").json()["results"]) == 2
    assert client.get("/crm/pipelines/2026-09/tickets").json()["results"][0]["stages"][1]["id"] == "4"
    known = {row["name"] for row in client.get("/crm/properties/2026-09/tickets").json()["results"]}
    assert set(PROPERTIES) <= known
    assert client.post("/crm/objects/2026-09/meetings/search", json={}).json() == {"total": 0, "results": []}
    assert client.get("/crm/objects/2026-09/tickets?archived=true").json() == {"results": []}
    assert client.get("/conversations/v3/conversations/threads").json() == {"results": []}
    assert client.post("/crm/v4/associations/tickets/deals/batch/read", json={}).json()["results"] == []
    assert client.post("/oauth/v1/token").json()["access_token"] == "prerendered"
    refused = client.post(SEARCH, json={"filterGroups": [{"filters": [{"propertyName": "subject", "operator": "EQ"}]}]})
    assert refused.status_code == 400
    assert client.get("/nothing").status_code == 404


def test_prerendered_pages_are_filled_again_when_they_are_not_kept(monkeypatch):
    """Pages that do not fit into memory are filled for each request, with the same bytes."""
    kept, fresh = Pages(20), Pages(20)
    first = kept.search(_keyset())
    monkeypatch.setattr("tallystick_hubspot.simulator.prerendered._KEPT_BYTES", 0)
    assert first == kept.search(_keyset()) == fresh.search(_keyset())
    assert (len(kept._kept), len(fresh._kept)) == (1, 0)


def test_the_prerendered_process_says_where_it_listens():
    """As a process it announces itself and serves."""
    with (
        start_simulator("tallystick_hubspot.simulator", seed=1, options=["--prerendered", "20"]) as simulator,
        httpx.Client(base_url=simulator.origin, trust_env=False) as client,
    ):
        assert client.post(SEARCH, json=_keyset()).json()["total"] == 20


def test_too_many_prerendered_tickets_are_refused():
    """More tickets than milliseconds would share stamps, which the ready-made pages cannot do."""
    with pytest.raises(ValueError, match="do not fit"):
        Pages(10, "2026-04-01T00:01:00Z")

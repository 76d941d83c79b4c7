"""The journal of the simulator, and its signed webhooks."""

import json
from contextlib import ExitStack

import httpx
import pytest
from hubspot.utils.signature import Signature

from tallystick_hubspot.simulator import Plan, serve
from tallystick_hubspot.simulator.deeds import Create, Set, imported
from tallystick_hubspot.simulator.instants import instant, iso
from tallystick_hubspot.simulator.sample import DEAL, END, ERASED, GONE, LOSER, MEETING, START, WINNER, sample_plan
from tallystick_hubspot.simulator.webhooks import deliveries, sign

JOURNAL = "/webhooks-journal/journal/2026-03"
GRANT = {"grant_type": "client_credentials", "client_id": "us", "client_secret": "secret"}
HOUR = 3_600_000
URI = "https://tallystick.example/hooks?a=1"


@pytest.fixture
def connect():
    """Serve a plan from an instant on and give a client that may read the journal."""
    with ExitStack() as opened:

        def make(plan, now):
            origin = opened.enter_context(serve(plan=plan, now=iso(now), expires_in=10**7))
            client = opened.enter_context(httpx.Client(base_url=origin, trust_env=False))
            token = client.post("/oauth/2026-09/token", data=GRANT).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            return client

        yield make


def _walk(client):
    """Follow the offsets from the earliest file to the end and give the files."""
    files, answer = [], client.get(f"{JOURNAL}/earliest")
    while answer.status_code == 200:
        entry = answer.json()
        files.append(httpx.get(entry["url"], trust_env=False).raise_for_status().json())
        answer = client.get(f"{JOURNAL}/offset/{entry['currentOffset']}/next")
    assert (answer.status_code, answer.content) == (204, b"")
    return files


def test_offsets_lead_through_all_events_of_three_days(connect):
    """From the earliest to the latest file each event of the last three days comes once, in the order of time."""
    now = START + 8 * 24 * HOUR
    client = connect(sample_plan(), now)
    files = _walk(client)
    events = [event for file in files for event in file["journalEvents"]]
    stamps = [instant(event["occurredAt"]) for event in events]
    assert stamps == sorted(stamps)
    assert now - 73 * HOUR <= stamps[0] < now - 71 * HOUR
    told = {(event["action"], event["objectId"]) for event in events}
    assert {("DELETE", int(GONE[1])), ("RESTORE", 400_006), ("GDPR_DELETE", int(ERASED[1]))} <= told
    assert ("MERGE", int(WINNER[1])) in told
    merge = next(event for event in events if event["action"] == "MERGE")
    assert merge["mergedObjectIds"] == [int(LOSER[1])]
    latest = client.get(f"{JOURNAL}/latest").json()
    assert latest["currentOffset"] == files[-1]["offset"]
    assert client.get(f"{JOURNAL.replace('2026-03', '2026-09')}/latest").json() == latest


def test_associations_and_changes_are_told(connect):
    """An association is told from both ends, and a change with the values that were written."""
    client = connect(sample_plan(), START + 3 * 24 * HOUR)
    events = [event for file in _walk(client) for event in file["journalEvents"]]
    added = [event for event in events if event["action"] == "ASSOCIATION_ADDED" and event["objectId"] == int(DEAL[1])]
    assert {(event["associatedObjectTypeId"], event["associatedObjectId"]) for event in added} == {
        ("0-47", int(MEETING[1])),
        ("0-2", 200_001),
    }
    changes = [
        event["propertyChanges"]
        for event in events
        if event["objectId"] == int(MEETING[1]) and "UPDATE" in event["action"]
    ]
    assert changes == [{"hs_meeting_outcome": "COMPLETED"}, {"hubspot_owner_id": "31", "accepted_by_ae": "true"}]


def test_an_address_expires_and_cannot_be_made(connect):
    """After a quarter of an hour, or with another offset or signature, the store refuses; a new address is good."""
    client = connect(sample_plan(), START + 24 * HOUR)
    entry = client.get(f"{JOURNAL}/earliest").json()
    assert entry["expiresAt"] == iso(START + 24 * HOUR + 900_000)
    assert client.get(entry["url"].replace("expires=1", "expires=2")).status_code == 403
    client.post("/_simulator/clock", json={"advance_seconds": 900})
    refused = client.get(entry["url"])
    assert (refused.status_code, "AccessDenied" in refused.text) == (403, True)
    assert client.get(client.get(f"{JOURNAL}/earliest").json()["url"]).status_code == 200


def test_an_hour_is_told_when_it_is_over_and_for_three_days(connect):
    """A file comes with the end of its hour, in pieces of a hundred events, and its offset is unknown later."""
    deeds = [Create(START, ("deals", str(number)), {}, imported(1)) for number in range(1, 251)]
    client = connect(Plan(deeds=tuple(deeds)), START + HOUR - 1_000)
    assert client.get(f"{JOURNAL}/earliest").status_code == 204
    client.post("/_simulator/clock", json={"advance_seconds": 1})
    files = _walk(client)
    assert [len(file["journalEvents"]) for file in files] == [100, 100, 50]
    assert {file["publishedAt"] for file in files} == {iso(START + HOUR)}
    client.post("/_simulator/clock", json={"advance_seconds": 3 * 86_400})
    assert client.get(f"{JOURNAL}/offset/{files[0]['offset']}/next").status_code == 404
    assert client.get(f"{JOURNAL}/latest").status_code == 204
    assert client.get(f"{JOURNAL}/nothing").status_code == 404


def test_the_journal_is_for_apps_only(connect):
    """A static token lacks the scope of the journal, and the token of the journal lacks those of objects."""
    client = connect(sample_plan(), END)
    assert client.get("/crm/v3/objects/deals").status_code == 403
    answer = client.get(f"{JOURNAL}/earliest", headers={"Authorization": "Bearer pat-eu1-sample"})
    assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")


def test_posts_are_signed_as_hubspots_own_code_signs():
    """The signature of each post is the one that the client's code makes, and another for any other byte."""
    posts = deliveries(sample_plan(), secret="s", uri=URI)
    for post in posts:
        timestamp = post.headers["X-HubSpot-Request-Timestamp"]
        theirs = Signature.get_signature("s", post.body.decode(), "v3", URI, "POST", timestamp)
        assert theirs == post.headers["X-HubSpot-Signature-v3"]
    assert sign("s", URI, "1", b"[]") != sign("s", URI, "1", b"[ ]")


def test_posts_come_twice_and_out_of_order():
    """Every event is told, some again with the next attempt, and the order is not that of the events."""
    posts = [json.loads(post.body) for post in deliveries(sample_plan(), secret="s", uri=URI)]
    rows = [row for post in posts for row in post]
    numbers = [row["eventId"] for row in rows]
    first = [row["eventId"] for row in rows if row["attemptNumber"] == 0]
    assert sorted(first) == list(range(3_000_000_000, 3_000_000_000 + len(first)))
    assert first != sorted(first)
    assert set(numbers) == set(first)
    assert len(numbers) > len(first)
    assert max(map(len, posts)) == 5
    assert posts == [json.loads(post.body) for post in deliveries(sample_plan(), secret="s", uri=URI)]


def test_what_posts_say():
    """Each change of a property is an event of its own, with its source; meetings come as objects of a type."""
    until = START + 2 * 24 * HOUR + 50 * 60_000
    posts = deliveries(sample_plan(), secret="s", uri=URI, until=until, events=1_000)
    rows = [row for post in posts for row in json.loads(post.body)]
    assert max(len(json.loads(post.body)) for post in posts) == 100
    accepted = next(row for row in rows if row.get("propertyName") == "accepted_by_ae")
    told = ("subscriptionType", "objectTypeId", "objectId", "propertyValue", "changeSource", "sourceId")
    assert [accepted[name] for name in told] == [
        *("object.propertyChange", "0-47", int(MEETING[1]), "true", "CRM_UI", "userId:9001"),
    ]
    assert max(row["occurredAt"] for row in rows) == until
    kinds = {row["subscriptionType"] for row in rows}
    assert {"ticket.creation", "contact.creation", "object.associationChange"} <= kinds


def test_what_posts_say_of_ends():
    """Deletions, restorations, merges, erasures and partings are told with both objects where there are two."""
    rows = [row for post in deliveries(sample_plan(), secret="s", uri=URI) for row in json.loads(post.body)]
    by_type = {row["subscriptionType"]: row for row in rows}
    assert by_type["ticket.deletion"]["objectId"] in {400_005, 400_006}
    assert by_type["ticket.restore"]["objectId"] == 400_006
    assert by_type["contact.privacyDeletion"]["objectId"] == int(ERASED[1])
    assert by_type["ticket.merge"]["mergedObjectIds"] == [int(LOSER[1])]
    assert [row["fromObjectId"] for row in rows if row.get("associationRemoved") and not row["attemptNumber"]]
    cleared = Plan(deeds=(Create(START, DEAL), Set(START, DEAL, {"amount": None})))
    (post,) = deliveries(cleared, secret="s", uri=URI)
    assert json.loads(post.body)[1]["propertyValue"] == ""

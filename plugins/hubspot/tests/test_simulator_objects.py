"""Objects of the simulator: lists, reads by id and batches, in both spellings of their paths."""

from contextlib import ExitStack

import httpx
import pytest

from tallystick_hubspot.simulator import Plan, serve
from tallystick_hubspot.simulator.deeds import Archive, Create, Set, app, person
from tallystick_hubspot.simulator.instants import instant, iso
from tallystick_hubspot.simulator.plan import Property
from tallystick_hubspot.simulator.sample import BACK, DEAL, END, ERASED, GONE, LOSER, MEETING, REWRITTEN, START, WINNER

BEARER = {"Authorization": "Bearer pat-eu1-sample"}
OBJECTS = pytest.mark.parametrize("objects", ["/crm/v3/objects", "/crm/objects/2026-09"])


@pytest.fixture(scope="module")
def client():
    """A client of the sample account when all of it has happened; no test changes it."""
    with serve(now=iso(END)) as origin, httpx.Client(base_url=origin, headers=BEARER, trust_env=False) as made:
        yield made


@pytest.fixture
def connect():
    """Serve a plan of one's own and give a client."""
    with ExitStack() as opened:

        def make(*deeds, properties=(), **options):
            plan = Plan(deeds=deeds, properties=properties)
            origin = opened.enter_context(serve(plan=plan, **options))
            return opened.enter_context(httpx.Client(base_url=origin, headers=BEARER, trust_env=False))

        yield make


def _walk(client, path, **query):
    """Follow the links to the end and give the pages."""
    pages, url, params = [], path, query
    while True:
        page = client.get(url, params=params).raise_for_status().json()
        pages.append(page)
        if "paging" not in page:
            return pages
        url, params = page["paging"]["next"]["link"], None


@OBJECTS
def test_a_list_has_ten_of_a_hundred_and_leads_on(client, objects):
    """Without a limit a page has ten rows, at most a hundred are given, and the links lead to each row once."""
    assert len(client.get(f"{objects}/tickets").json()["results"]) == 10
    pages = _walk(client, f"{objects}/tickets", limit=25)
    rows = [row["id"] for page in pages for row in page["results"]]
    assert [len(page["results"]) for page in pages] == [25, 25, 8]
    assert len(set(rows)) == 58
    assert rows == sorted(rows)
    assert pages[0]["paging"]["next"]["link"].startswith(f"{client.base_url}{objects}/tickets?")
    assert pages[0]["paging"]["next"]["after"] != rows[24]
    assert client.get(f"{objects}/tickets", params={"limit": 100}).status_code == 200


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": 101}, 400),
        ({"limit": 0}, 400),
        ({"limit": "many"}, 400),
        ({"limit": 51, "propertiesWithHistory": "subject"}, 400),
        ({"limit": 50, "propertiesWithHistory": "subject"}, 200),
        ({"after": "!"}, 400),
        ({"properties": "x" * 16_000}, 414),
    ],
)
def test_what_a_list_refuses(client, query, status):
    """Too big a page, half of it with histories, a place that is none, and an address that is too long."""
    answer = client.get("/crm/v3/objects/tickets", params=query)
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["category"] == "VALIDATION_ERROR"


def test_both_spellings_answer_alike(client):
    """The numbered and the dated path of one object give the same bytes, and so do its names and its number."""
    kind, key = MEETING
    query = {"properties": "hs_meeting_outcome", "propertiesWithHistory": "hs_meeting_outcome", "associations": "calls"}
    numbered = client.get(f"/crm/v3/objects/{kind}/{key}", params=query)
    assert numbered.status_code == 200
    for path in (f"/crm/objects/2026-09/{kind}/{key}", f"/crm/v3/objects/meeting/{key}", f"/crm/v3/objects/0-47/{key}"):
        assert client.get(path, params=query).content == numbered.content
    assert client.get(f"/crm/v9/objects/{kind}/{key}").status_code == 404
    assert client.get(f"/crm/v3/objects/spaceships/{key}").status_code == 400


def test_values_are_texts_and_what_is_unset_is_null(client):
    """An asked-for property is a text, or null when unset; an unknown or unasked one is not there at all."""
    path = "/crm/v3/objects/{}/{}".format(*MEETING)
    asked = "hs_meeting_outcome,accepted_by_ae,actual_minutes,acepted_by_ae"
    row = client.get(path, params={"properties": asked}).json()
    expected = {"hs_meeting_outcome": "COMPLETED", "accepted_by_ae": "true", "actual_minutes": None}
    assert row["properties"] == expected
    assert set(client.get(path).json()["properties"]) == {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"}
    assert row["url"].endswith("/record/0-47/500001")


def test_times_come_with_and_without_a_fraction(connect):
    """An instant on a whole second has no fraction, any other has three digits of one."""
    start = instant("2026-09-01T08:00:00Z")
    client = connect(Create(start, ("deals", "1")), Create(start + 7, ("deals", "2")))
    rows = client.get("/crm/v3/objects/deals").json()["results"]
    assert [row["createdAt"] for row in rows] == ["2026-09-01T08:00:00Z", "2026-09-01T08:00:00.007Z"]
    assert rows[1]["updatedAt"] == rows[1]["properties"]["hs_lastmodifieddate"]


def test_a_history_tells_who_wrote_newest_first(client):
    """Each entry names its source, a person by the user id, an app by its id; no entry has a null."""
    path = "/crm/v3/objects/{}/{}".format(*MEETING)
    query = {"propertiesWithHistory": "hs_meeting_outcome,accepted_by_ae"}
    shown = client.get(path, params=query).json()["propertiesWithHistory"]
    outcome = [(one["value"], one["sourceType"], one.get("sourceId")) for one in shown["hs_meeting_outcome"]]
    assert outcome == [("COMPLETED", "AUTOMATION_PLATFORM", "flowId:555"), ("SCHEDULED", "INTEGRATION", "77123")]
    (accepted,) = shown["accepted_by_ae"]
    assert (accepted["sourceId"], accepted["updatedByUserId"]) == ("userId:9001", 9001)
    assert "sourceLabel" not in accepted


def test_the_first_author_falls_out_of_a_deep_history(client):
    """Twenty values are kept: after 25 more, the person who wrote the first one is no longer named."""
    path = "/crm/v3/objects/{}/{}".format(*REWRITTEN)
    entries = client.get(path, params={"propertiesWithHistory": "hs_meeting_outcome"}).json()["propertiesWithHistory"]
    entries = entries["hs_meeting_outcome"]
    assert len(entries) == 20
    assert {one["sourceId"] for one in entries} == {"77123", "userId:9002"}
    assert "NO_SHOW" not in {one["value"] for one in entries if one["sourceType"] == "CRM_UI"}


def test_a_back_dated_value_goes_behind_the_newest(client):
    """A value with an older instant takes its place in the history, and the property keeps the newest one."""
    path = "/crm/v3/objects/{}/{}".format(*REWRITTEN)
    query = {"properties": "hs_meeting_outcome", "propertiesWithHistory": "hs_meeting_outcome"}
    row = client.get(path, params=query).json()
    entries = row["propertiesWithHistory"]["hs_meeting_outcome"]
    stamps = [instant(one["timestamp"]) for one in entries]
    assert stamps == sorted(stamps, reverse=True)
    assert row["properties"]["hs_meeting_outcome"] == entries[0]["value"] == "COMPLETED"
    assert [one["value"] for one in entries if one["sourceType"] == "IMPORT"] == ["CANCELED"]


def test_a_cleared_value_is_null_and_an_empty_text_in_history(connect):
    """Clearing leaves null in the properties and an empty text in the history."""
    ref = ("deals", "1")
    client = connect(
        Create(START, ref, {"amount": "5"}, person(1)),
        Set(START + 1, ref, {"amount": None}, app("9", "Cleaner")),
    )
    row = client.get("/crm/v3/objects/deals/1?properties=amount&propertiesWithHistory=amount").json()
    assert row["properties"] == {"amount": None}
    assert [entry["value"] for entry in row["propertiesWithHistory"]["amount"]] == ["", "5"]


def test_an_archived_object_is_on_its_own_list_only(client):
    """It is 404 by id and off the list unless archived ones are asked for; a restored one is back."""
    kind, key = GONE
    assert client.get(f"/crm/v3/objects/{kind}/{key}").status_code == 404
    row = client.get(f"/crm/v3/objects/{kind}/{key}", params={"archived": "true"}).json()
    assert (row["archived"], row["archivedAt"]) == (True, "2026-09-08T08:00:00Z")
    listed = _walk(client, f"/crm/objects/2026-09/{kind}", archived="true")
    assert [one["id"] for page in listed for one in page["results"]] == [key]
    back = client.get("/crm/v3/objects/{}/{}".format(*BACK)).json()
    assert (back["archived"], back["updatedAt"], "archivedAt" in back) == (False, "2026-09-08T08:02:00Z", False)


def test_what_is_merged_or_erased_is_nowhere(client):
    """A loser of a merge and an erased object are 404 with and without archived, and the winner names the loser."""
    for kind, key in (LOSER, ERASED):
        for archived in ("true", "false"):
            assert client.get(f"/crm/v3/objects/{kind}/{key}", params={"archived": archived}).status_code == 404
    path = "/crm/v3/objects/{}/{}".format(*WINNER)
    row = client.get(path, params={"properties": "hs_merged_object_ids", "associations": "contacts"}).json()
    assert row["properties"]["hs_merged_object_ids"] == LOSER[1]
    assert instant(row["updatedAt"]) < START + 86_400_000


@OBJECTS
def test_a_batch_with_missing_ids_is_a_207(client, objects):
    """Ids that are archived, merged or unknown are named in one error; the others are there, and 200 is all of them."""
    ids = [BACK[1], GONE[1], LOSER[1], "1"]
    body = {"inputs": [{"id": key} for key in ids], "properties": ["subject"], "propertiesWithHistory": []}
    answer = client.post(f"{objects}/tickets/batch/read", json=body)
    found = answer.json()
    assert (answer.status_code, found["numErrors"]) == (207, 1)
    assert [row["id"] for row in found["results"]] == [BACK[1]]
    assert found["errors"][0]["category"] == "OBJECT_NOT_FOUND"
    assert found["errors"][0]["context"] == {"ids": ids[1:]}
    whole = client.post(f"{objects}/tickets/batch/read", json={**body, "inputs": [{"id": BACK[1]}]})
    assert (whole.status_code, "numErrors" in whole.json()) == (200, False)


def test_a_batch_of_archived_objects(client):
    """Asked for archived ones, a batch has those and not the living."""
    body = {"inputs": [{"id": GONE[1]}, {"id": BACK[1]}], "properties": []}
    answer = client.post("/crm/v3/objects/tickets/batch/read?archived=true", json=body).json()
    assert [row["id"] for row in answer["results"]] == [GONE[1]]
    assert answer["errors"][0]["context"] == {"ids": [BACK[1]]}


def test_answers_are_compressed_for_those_who_take_it(client):
    """With gzip accepted an answer comes compressed, and is the same when read."""
    plain = client.get("/crm/v3/objects/tickets", headers={"Accept-Encoding": "identity"})
    small = client.get("/crm/v3/objects/tickets", headers={"Accept-Encoding": "gzip"})
    assert ("Content-Encoding" in plain.headers, small.headers["Content-Encoding"]) == (False, "gzip")
    assert plain.content == small.content
    assert int(small.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 2


def test_how_much_a_batch_takes(client):
    """A batch takes a hundred ids, with histories fifty; a body that is no batch is refused."""
    path = "/crm/v3/objects/tickets/batch/read"
    many = [{"id": str(number)} for number in range(101)]
    history = {"propertiesWithHistory": ["subject"]}
    assert client.post(path, json={"inputs": many}).status_code == 400
    assert client.post(path, json={"inputs": many[:100]}).status_code == 207
    assert client.post(path, json={"inputs": many[:51], **history}).status_code == 400
    assert client.post(path, json={"inputs": many[:50], **history}).status_code == 207
    for body in (b"[", b"[]", b"{}", b'{"inputs":[1]}', b'{"inputs":[],"properties":"subject"}'):
        assert client.post(path, content=body).status_code == 400


def test_an_object_can_be_read_by_a_unique_property(client):
    """A property that is declared unique, or a contact's address, names an object; others are refused."""
    query = {"idProperty": "crm_key", "properties": "crm_key"}
    assert client.get("/crm/v3/objects/contacts/K-7", params=query).json()["id"] == "100007"
    by_mail = client.get("/crm/v3/objects/contacts/carl@clay.example", params={"idProperty": "email"})
    assert by_mail.json()["id"] == "100001"
    assert client.get("/crm/v3/objects/contacts/P7", params={"idProperty": "firstname"}).status_code == 400
    body = {"inputs": [{"id": "K-7"}, {"id": "K-x"}], "idProperty": "crm_key", "properties": []}
    batch = client.post("/crm/v3/objects/contacts/batch/read", json=body)
    assert (batch.status_code, batch.json()["errors"][0]["context"]) == (207, {"ids": ["K-x"]})


def test_a_list_shows_associations_that_are_asked_for(client):
    """Associations stand beside the row, with the older names; kinds without any are left out."""
    path = "/crm/v3/objects/{}/{}".format(*MEETING)
    found = client.get(path, params={"associations": "contacts,calls,companies"}).json()["associations"]
    assert found["contacts"]["results"] == [{"id": "100001", "type": "meeting_event_to_contact"}]
    assert found["calls"]["results"] == [{"id": "600001", "type": "recording_of"}]
    assert set(found) == {"contacts", "calls"}
    assert "associations" not in client.get(path).json()


def test_a_declared_property_is_known_and_writing_is_not_served(connect):
    """The account's own property is read like any other; calls that would write find no address."""
    own = Property("deals", "grade", "Grade")
    client = connect(
        Create(START, ("deals", "1"), {"grade": "A"}), Archive(START + 1, ("deals", "1")), properties=(own,)
    )
    query = {"archived": "true", "properties": "grade"}
    assert client.get("/crm/v3/objects/deals/1", params=query).json()["properties"] == {"grade": "A"}
    assert client.post("/crm/v3/objects/deals", json={}).status_code == 404
    assert client.delete("/crm/v3/objects/deals/1").status_code == 404


def test_every_answer_has_its_own_correlation_id(client):
    """Good and bad answers carry an id in the header, and bad ones the same in the body."""
    good = client.get("/crm/v3/objects/{}/{}".format(*DEAL))
    bad = client.get("/crm/v3/objects/deals/1")
    assert bad.json()["correlationId"] == bad.headers["X-HubSpot-Correlation-Id"]
    assert good.headers["X-HubSpot-Correlation-Id"] != bad.headers["X-HubSpot-Correlation-Id"]

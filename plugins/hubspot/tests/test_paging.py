"""Lists of several pages: short ones, long ones, and those that never end."""

import json

import pytest

from tallystick.errors import PermanentError, SchemaChanged
from tallystick_hubspot.associations import links
from tallystick_hubspot.client import HubSpotApi
from tallystick_hubspot.directory import Directory
from tallystick_hubspot.history import histories
from tallystick_hubspot.kinds import DEALS
from tallystick_hubspot.search import changed, gather
from tallystick_hubspot.simulator.deeds import OpenThread, Say
from tallystick_hubspot.simulator.instants import instant
from tallystick_hubspot.simulator.plan import Owner
from tallystick_hubspot.threads import conversations

MINUTE = 60_000
T0 = instant("2026-09-01T08:00:00Z")
ROOT = "https://api.hubspot.test/crm"
SEARCH = f"{ROOT}/objects/2026-09/deals/search"
LINKS = f"{ROOT}/associations/2026-09/deals/contacts/batch/read"
THREADS = "https://api.hubspot.test/conversations/conversations/2026-09/threads"


@pytest.fixture
def api(connect) -> HubSpotApi:
    """The calls of a connector."""
    return connect()._api


def _rows(*keys):
    return [{"id": key, "properties": {}, "updatedAt": "2026-09-01T08:00:00Z"} for key in keys]


def _after(request):
    filters = json.loads(request.content)["filterGroups"][0]["filters"]
    return int(next(one["value"] for one in filters if one["propertyName"] == "hs_object_id"))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 200])
@pytest.mark.parametrize("told", ["total", "paging"])
def test_pages_shorter_than_asked_are_not_the_end(web, answer, api, size, told):
    """A search goes on while HubSpot says that there is more, however few rows a page has."""

    def search(request):
        left = [key for key in range(1, 8) if key > _after(request)]
        body = {"results": _rows(*left[:size])}
        if told == "total":
            body["total"] = len(left)
        elif len(left) > size:
            body["paging"] = {"next": {"after": str(size), "link": "https://evil.test/"}}
        return answer(body)

    web.post(SEARCH).mock(side_effect=search)
    batch = gather(api, DEALS, ["amount"], changed(DEALS, 0, 10), 0)

    assert [item.id for item in batch.items] == [str(key) for key in range(1, 8)]
    assert (batch.last, batch.end) == (7, True)


def test_what_a_search_asks_for(web, answer, api):
    """A window in whole milliseconds that leaves nothing out, ids above the last, in their order, 200 at once."""
    route = web.post(SEARCH).mock(return_value=answer({"total": 0, "results": []}))
    gather(api, DEALS, ["amount"], changed(DEALS, 1_999, 2_001), 41)

    assert json.loads(route.calls.last.request.content) == {
        "filterGroups": [
            {
                "filters": [
                    {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "1"},
                    {"propertyName": "hs_lastmodifieddate", "operator": "LT", "value": "3"},
                    {"propertyName": "hs_object_id", "operator": "GT", "value": "41"},
                ]
            }
        ],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": ["amount"],
        "limit": 200,
    }


def test_a_batch_ends_at_a_thousand(web, answer, api):
    """A thousand objects are handed over before the next ones are searched."""

    def search(request):
        first = _after(request) + 1
        return answer({"total": 5_000, "results": _rows(*range(first, first + 200))})

    route = web.post(SEARCH).mock(side_effect=search)
    batch = gather(api, DEALS, [], changed(DEALS, 0, 10), 0)

    assert (len(batch.items), batch.last, batch.end, route.call_count) == (1_000, 1_000, False, 5)


@pytest.mark.parametrize("rows", [_rows("x1"), _rows("-1"), [{"id": None}], [{"id": "1", "properties": {"amount": 5}}]])
def test_objects_in_another_shape(web, answer, api, rows):
    """An id that is no number, and a value that is no text, are told and not guessed at."""
    web.post(SEARCH).mock(return_value=answer({"total": 1, "results": rows}))

    with pytest.raises(SchemaChanged):
        gather(api, DEALS, [], changed(DEALS, 0, 10), 0)


def test_a_thousand_and_more_inputs(web, answer, api):
    """Associations are asked for a thousand at once, and ids may be numbers or texts."""
    asked = []

    def serve(request):
        inputs = json.loads(request.content)["inputs"]
        asked.append(len(inputs))
        rows = [{"from": {"id": int(one["id"])}, "to": [{"toObjectId": 10}, {"toObjectId": "9"}]} for one in inputs]
        return answer({"results": rows})

    web.post(LINKS).mock(side_effect=serve)
    found = links(api, "deals", "contacts", [str(key) for key in range(1, 2_101)])

    assert asked == [1_000, 1_000, 100]
    assert set(map(tuple, found.values())) == {("9", "10")}


def test_an_object_without_associations_is_no_error(web, answer, api):
    """A 207 that only says that an object has none is an answer in full."""
    none = {"category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND", "message": "x"}
    web.post(LINKS).mock(return_value=answer({"results": [], "numErrors": 1, "errors": [none]}, 207))

    assert links(api, "deals", "contacts", ["1"]) == {}


def test_what_a_batch_passes_over_in_silence_is_asked_for_again(web, answer, api):
    """A batch cut short is no proof that the rest have no associations; silence a second time is taken as one."""
    asked = []

    def serve(request):
        asked.append([one["id"] for one in json.loads(request.content)["inputs"]])
        keys = [key for key in asked[-1] if key not in {"2", "5"}][:2]
        none = {
            "category": "X",
            "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
            "context": {"fromObjectId": ["2"]},
        }
        rows = [{"from": {"id": key}, "to": [{"toObjectId": 9}]} for key in keys]
        return answer({"results": rows, "numErrors": 1, "errors": [none]}, 207)

    web.post(LINKS).mock(side_effect=serve)
    found = links(api, "deals", "contacts", ["1", "2", "3", "4", "5"])

    assert asked == [["1", "2", "3", "4", "5"], ["4", "5"]]
    assert found == {key: ["9"] for key in ("1", "3", "4")}


def test_a_batch_that_failed_in_part_and_does_not_say_why(web, answer, api):
    """That something was not answered is enough: nothing is made of what is missing."""
    web.post(LINKS).mock(return_value=answer({"results": [], "numErrors": 2}, 207))
    web.post(f"{ROOT}/objects/2026-09/deals/batch/read").mock(return_value=answer({"results": [], "numErrors": 1}, 207))

    with pytest.raises(PermanentError, match="only part of a batch"):
        links(api, "deals", "contacts", ["1", "2"])
    with pytest.raises(PermanentError, match="only part of a batch"):
        histories(api, "deals", ["dealstage"], ["1"])


def test_associations_that_never_end(web, answer, api, monkeypatch):
    """An input that goes on for ever ends the read."""
    monkeypatch.setattr("tallystick_hubspot.associations._MOST_ROUNDS", 5)
    row = {"from": {"id": "1"}, "to": [{"toObjectId": 9}], "paging": {"next": {"after": "x"}}}
    web.post(LINKS).mock(return_value=answer({"results": [row]}))

    with pytest.raises(PermanentError, match="never end"):
        links(api, "deals", "contacts", ["1"])


def test_histories_are_asked_for_fifty_at_once(web, answer, api):
    """A hundred and twenty objects are three batches; what nobody asked for is passed over."""
    asked = []

    def serve(request):
        inputs = json.loads(request.content)["inputs"]
        asked.append(len(inputs))
        told = {"dealstage": [{"value": "won", "timestamp": "2026-09-01T08:00:00Z"}], "other": "no list"}
        return answer({"results": [{"id": one["id"], "propertiesWithHistory": told} for one in inputs]})

    web.post(f"{ROOT}/objects/2026-09/deals/batch/read").mock(side_effect=serve)
    found = histories(api, "deals", ["dealstage"], [str(key) for key in range(120)])

    assert asked == [50, 50, 20]
    assert all(list(one) == ["dealstage"] for one in found.values())


def test_long_conversations(simulate, plan, tickets):
    """A ticket's threads and a thread's entries are read to the end, over all their pages."""
    deeds = [*tickets(1), *(OpenThread(T0, str(7_001 + n), "1001") for n in range(120))]
    deeds += [Say(T0 + MINUTE + n, "7001", "V-9", f"{n}") for n in range(250)]
    _, make = simulate(plan(*deeds))
    said = conversations(make()._api, "1001")

    assert len({one.entry.id for one in said if one.entry.text}) == 250


def test_conversations_that_never_end(web, answer, api):
    """A list that leads back to where it was ends the read."""
    page = {"results": [], "paging": {"next": {"after": "x"}}}
    web.get(url__startswith=THREADS).mock(return_value=answer(page))

    with pytest.raises(SchemaChanged, match="never ends"):
        conversations(api, "1001")


def test_many_owners(simulate, plan):
    """All pages of owners are read, of those who are there and of those who left."""
    owners = [Owner(str(100 + n), 9_000 + n, f"o{n}@x.example", archived_at=T0 if n % 2 else None) for n in range(230)]
    _, make = simulate(plan(owners=tuple(owners)))

    assert len(Directory(make()._api).owners().people) == 230


def test_owners_that_never_end(web, answer, api):
    """A list that leads back to where it was is no whole one: who is left out would be a stranger in every record."""
    row = {"id": "31", "userId": 9_001, "createdAt": "2026-09-01T08:00:00Z"}
    page = {"results": [row], "paging": {"next": {"after": "x"}}}
    web.get(url__startswith=f"{ROOT}/owners/").mock(return_value=answer(page))

    with pytest.raises(SchemaChanged, match="never ends"):
        Directory(api).owners()


def test_deleted_objects_that_never_end(web, answer, connect):
    """A list of deleted objects that leads back to where it was ends the read."""
    names = [{"name": "hs_object_id"}]
    web.get(f"{ROOT}/properties/2026-09/companies").mock(return_value=answer({"results": names}))
    page = {"results": [], "paging": {"next": {"after": "x"}}}
    web.get(f"{ROOT}/objects/2026-09/companies").mock(return_value=answer(page))
    stream = {one.name: one for one in connect().streams()}["archived_companies"]

    with pytest.raises(SchemaChanged, match="without moving on"):
        list(stream.read(stream.plan(None, (T0 + MINUTE) * 1000)[0]))

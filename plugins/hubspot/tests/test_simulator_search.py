"""Search of the simulator: filters, sorts, pages, and an index that lags behind."""

from contextlib import ExitStack

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick_hubspot.simulator import Plan, serve
from tallystick_hubspot.simulator.deeds import Archive, Create, Erase, Set, imported
from tallystick_hubspot.simulator.filters import matcher, sort_key
from tallystick_hubspot.simulator.index import Index
from tallystick_hubspot.simulator.instants import instant, iso
from tallystick_hubspot.simulator.items import Item
from tallystick_hubspot.simulator.plan import Property
from tallystick_hubspot.simulator.sample import END, START

BEARER = {"Authorization": "Bearer pat-eu1-sample"}
KNOWN = {
    "name": Property("deals", "name", "Name"),
    "size": Property("deals", "size", "Size", "number"),
    "when": Property("deals", "when", "When", "datetime"),
}


@pytest.fixture(scope="module")
def client():
    """A client of the sample account when all of it has happened; no test changes it."""
    with serve(now=iso(END)) as origin, httpx.Client(base_url=origin, headers=BEARER, trust_env=False) as made:
        yield made


@pytest.fixture
def connect():
    """Serve a plan of one's own and give a client."""
    with ExitStack() as opened:

        def make(*deeds, **options):
            origin = opened.enter_context(serve(plan=Plan(deeds=deeds), **options))
            return opened.enter_context(httpx.Client(base_url=origin, headers=BEARER, trust_env=False))

        yield make


def _keyset(low, high, last, **more):
    filters = [
        {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": str(low)},
        {"propertyName": "hs_lastmodifieddate", "operator": "LT", "value": str(high)},
        {"propertyName": "hs_object_id", "operator": "GT", "value": str(last)},
    ]
    sorts = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    return {"filterGroups": [{"filters": filters}], "sorts": sorts, "limit": 200, **more}


def _search(client, body, kind="tickets"):
    return client.post(f"/crm/objects/2026-09/{kind}/search", json=body)


def _ids(client, body, kind="tickets"):
    return [row["id"] for row in _search(client, body, kind).raise_for_status().json()["results"]]


def _move(client, to):
    client.post("/_simulator/clock", json={"to": iso(to)}).raise_for_status()


def test_a_window_and_a_keyset_give_each_row_once(client):
    """Walking a window by the last id gives every living ticket of it, in the order of ids."""
    found, last = [], 0
    while rows := _ids(client, _keyset(START, END, last, limit=20)):
        found += rows
        last = rows[-1]
    assert len(found) == len(set(found)) == 58
    assert found == sorted(found)
    assert _ids(client, _keyset(END, END + 1, 0)) == []


def test_search_has_ten_rows_no_rate_headers_and_no_histories(client):
    """Ten rows without a limit, at most 200; no rate header, and neither histories nor associations."""
    answer = _search(client, {"propertiesWithHistory": ["subject"], "associations": ["contacts"]})
    page = answer.json()
    assert (len(page["results"]), page["total"], page["paging"]["next"]["after"]) == (10, 58, "10")
    assert not [name for name in answer.headers if "ratelimit" in name.lower()]
    assert not {"propertiesWithHistory", "associations"} & set(page["results"][0])
    assert _search(client, {"limit": 201}).status_code == 400
    assert "x-hubspot-ratelimit-remaining" in client.get("/crm/v3/objects/tickets").headers


def test_many_rows_with_one_stamp_end_at_ten_thousand(connect):
    """Of 10,050 rows with one stamp a search by place gives 10,000 and then 400; the keyset gives all."""
    made = [Create(START, ("deals", str(number)), {}, imported(1)) for number in range(1, 10_051)]
    client = connect(*made)
    last = _search(client, {"limit": 200, "after": "9800"}, "deals").json()
    assert (last["total"], len(last["results"]), last["paging"]["next"]["after"]) == (10_050, 200, "10000")
    refused = _search(client, {"limit": 200, "after": "10000"}, "deals")
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")
    assert _ids(client, _keyset(START, START + 1, 10_000), "deals") == [str(n) for n in range(10_001, 10_051)]


def test_the_index_learns_of_a_change_later(connect):
    """A new row is missing in the first read of its window and present in a second one, when the lag is over."""
    ref = ("deals", "1")
    client = connect(Create(START, ref), now=iso(START + 1_000), index_lag=60)
    window = _keyset(START, START + 1_000, 0)
    assert client.get("/crm/v3/objects/deals/1").status_code == 200
    assert _ids(client, window, "deals") == []
    _move(client, START + 61_000)
    assert _ids(client, window, "deals") == ["1"]


def test_a_lagging_index_gives_rows_outside_the_window(connect):
    """A row that was changed after the window is found by its old stamp, and delivered with its new one."""
    ref = ("deals", "1")
    changed = START + 600_000
    client = connect(Create(START, ref), Set(changed, ref, {"amount": "7"}), now=iso(changed + 1_000), index_lag=60)
    row = _search(client, _keyset(START, START + 1, 0, properties=["amount"]), "deals").json()["results"][0]
    assert (row["updatedAt"], row["properties"]) == (iso(changed), {"amount": "7"})
    _move(client, changed + 61_000)
    assert _ids(client, _keyset(START, START + 1, 0), "deals") == []
    assert _ids(client, _keyset(changed, changed + 1, 0), "deals") == ["1"]


def test_search_never_shows_what_is_archived(connect):
    """An archived or erased object is not found, even while the index still knows it."""
    refs = [("deals", "1"), ("deals", "2"), ("deals", "3")]
    client = connect(
        *(Create(START, ref) for ref in refs),
        Archive(START + 600_000, refs[0]),
        Erase(START + 600_000, refs[1]),
        now=iso(START + 601_000),
        index_lag=60,
    )
    assert _ids(client, {}, "deals") == ["3"]
    _move(client, START + 900_000)
    assert _ids(client, {}, "deals") == ["3"]


@pytest.mark.parametrize(
    "body",
    [
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [{"propertyName": "subject", "operator": "HAS_PROPERTY"}] * 7}]},
        {"filterGroups": [{"filters": [{"propertyName": "subject", "operator": "HAS_PROPERTY"}] * 5}] * 4},
        {"filterGroups": [{"filters": [{"propertyName": "subjet", "operator": "HAS_PROPERTY"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "subject", "operator": "LIKE", "value": "x"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "subject", "operator": "EQ"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "subject", "operator": "IN", "value": "x"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "createdate", "operator": "LT", "value": "soon"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "hs_object_id", "operator": "LT", "value": "x"}]}]},
        {"filterGroups": [{"filters": ["subject"]}]},
        {"filterGroups": "subject"},
        {"sorts": ["subjet"]},
        {"query": "x" * 3_001},
        {"after": "soon"},
    ],
)
def test_what_search_refuses(client, body):
    """More than the limits allow, unknown names and operators, and values of the wrong kind give 400."""
    answer = _search(client, body)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("one", "found"),
    [
        ({"operator": "EQ", "value": "EAST side"}, "a"),
        ({"operator": "NEQ", "value": "east side"}, "b"),
        ({"operator": "IN", "values": ["West Side", "x"]}, "b"),
        ({"operator": "NOT_IN", "values": ["West Side"]}, "a"),
        ({"operator": "HAS_PROPERTY"}, "ab"),
        ({"operator": "NOT_HAS_PROPERTY"}, "c"),
        ({"operator": "CONTAINS_TOKEN", "value": "east"}, "a"),
        ({"operator": "CONTAINS_TOKEN", "value": "we*"}, "b"),
        ({"operator": "NOT_CONTAINS_TOKEN", "value": "east"}, "b"),
        ({"propertyName": "size", "operator": "GT", "value": "9"}, "b"),
        ({"propertyName": "size", "operator": "LTE", "value": "9"}, "a"),
        ({"propertyName": "size", "operator": "BETWEEN", "value": "9", "highValue": "10.5"}, "ab"),
        ({"propertyName": "when", "operator": "LT", "value": "2026-09-02"}, "a"),
        ({"propertyName": "when", "operator": "GTE", "value": str(instant("2026-09-02T00:00:00Z"))}, "b"),
    ],
)
def test_what_each_operator_finds(one, found):
    """Texts are compared whatever their case, numbers and dates as such, and a missing value matches only its lack."""
    rows = {
        "a": {"name": "East side", "size": "9", "when": "2026-09-01T23:59:59.999Z"},
        "b": {"name": "West side", "size": "10.5", "when": "2026-09-02T00:00:00Z"},
        "c": {"name": None},
    }
    matches = matcher([{"filters": [{"propertyName": "name", **one}]}], KNOWN)
    assert "".join(key for key, values in rows.items() if matches(values)) == found


def test_groups_are_alternatives_and_filters_are_not():
    """A row matches when all filters of one group do; without groups every row does."""
    big = {"propertyName": "size", "operator": "GT", "value": "5"}
    named = {"propertyName": "name", "operator": "EQ", "value": "x"}
    both, either = (
        matcher([{"filters": [big, named]}], KNOWN),
        matcher([{"filters": [big]}, {"filters": [named]}], KNOWN),
    )
    assert [both({"size": "9", "name": "x"}), both({"size": "9"}), either({"name": "x"}), either({})] == [
        True,
        False,
        True,
        False,
    ]
    assert matcher(None, KNOWN)({})


def test_one_sort_is_honoured(client):
    """The first sort decides, rising or falling, in words or as an object; further ones do nothing."""
    rising = _ids(client, {"sorts": ["createdate"], "limit": 200})
    falling = _ids(client, {"sorts": [{"propertyName": "createdate", "direction": "DESCENDING"}], "limit": 200})
    assert _ids(client, {"sorts": ["-createdate", "subject"], "limit": 200}) == falling
    assert falling[0] == rising[-1] != rising[0]
    order = sort_key([{"propertyName": "size", "direction": "ASCENDING"}], KNOWN)
    rows = [{"size": "10"}, {"size": "9"}, {}]
    assert sorted(rows, key=order[0]) == [{}, {"size": "9"}, {"size": "10"}]


def test_words_are_searched_in_all_values(client):
    """`query` finds rows in which all its words stand."""
    assert _ids(client, {"query": "CARL clay"}, "contacts") == ["100001"]
    assert _ids(client, {"query": "nobody here"}, "contacts") == []


@settings(max_examples=50, deadline=None)
@given(
    lag=st.integers(0, 100),
    changes=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 200)), max_size=12),
    looks=st.lists(st.integers(0, 400), max_size=6),
)
def test_an_index_that_caught_up_knows_the_last_values(lag, changes, looks):
    """Whenever it was looked at between, after the lag the index has the values of the last change of each object."""
    index, items = Index(lag), {}
    changes = sorted(changes, key=lambda change: change[1])
    pending = list(changes)
    for look in [*sorted(looks), 401]:
        while pending and pending[0][1] <= look:
            key, at = pending.pop(0)
            item = items.setdefault(key, Item("deals", str(key), 0, 5))
            item.values["amount"] = str(at)
            index.note(item, at)
        index.advance(look)
    index.advance(401 + lag)
    last = {str(key): str(at) for key, at in changes}
    assert {key: values["amount"] for key, values in index.rows("deals").items()} == last

"""The streams: plans, pages, watermarks, resuming, and what a first load costs."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.connectors import Slice
from tallystick.errors import CursorExpired, SchemaChanged
from tallystick.records.types import RECORD_TYPES
from tallystick_salesforce.catalog import ENTITIES, SNAPSHOTS
from tallystick_salesforce.faults import MissingError, QueryTimeoutError, QuotaError
from tallystick_salesforce.streams import LAG, OVERLAP

SECOND = 1_000_000
DAY = 86_400 * SECOND
NOW = 1_788_220_800 * SECOND
START = 1_775_001_600 * SECOND
AUGUST = 1_785_542_400 * SECOND
NAMES = [entity.stream for entity in ENTITIES]
TIMEOUT = (400, [{"errorCode": "QUERY_TIMEOUT", "message": "Your query request was running for too long."}])


@pytest.fixture
def streams(connect):
    """The streams of a connector by name."""
    return {stream.name: stream for stream in connect().streams()}


def _cases(org, row, count, **fields):
    org.rows["Case"] = [row("500", number, Status="New", IsClosed=False, **fields) for number in range(count)]


def _ids(records, kind="ticket"):
    return [record.id for record in records if record.type == kind]


def test_there_is_a_stream_for_each_object(streams):
    """Users and queues come first; each stream says which record types it feeds."""
    assert list(streams) == ["users", "groups", *NAMES]
    assert {kind for stream in streams.values() for kind in stream.types} <= set(RECORD_TYPES)


@pytest.mark.parametrize("name", NAMES)
def test_a_first_read_begins_at_the_start_and_counts(streams, name):
    """Without a watermark the history begins where the configuration says."""
    assert streams[name].plan(None, NOW) == [Slice(START, NOW, {"count": True})]


@pytest.mark.parametrize("name", NAMES)
def test_a_later_read_begins_ten_minutes_before_the_watermark(streams, name):
    """A later read overlaps what was read before, and never reaches back beyond the start."""
    assert streams[name].plan(NOW - DAY, NOW) == [Slice(NOW - DAY - OVERLAP, NOW, {})]
    assert streams[name].plan(START + 1, NOW)[0].start == START
    assert streams[name].plan(None, START) == []


@pytest.mark.parametrize("name", ["users", "groups", *NAMES])
def test_an_empty_object_is_known_up_to_the_lag(org, streams, read, name):
    """With nothing to read, what is known ends three minutes before Salesforce's own clock, whatever ours says."""
    pages, records = read(streams[name], until=NOW + DAY)

    assert records == []
    assert [(page.cursor, page.watermark) for page in pages] == [(None, NOW - LAG)]


def test_pages_are_read_to_the_end_in_order(org, streams, read, row):
    """Each row comes once, oldest first; the watermark follows the last row of each page."""
    org.page = 3
    _cases(org, row, 10)
    pages, records = read(streams["cases"])

    assert _ids(records) == [f"500{number:012d}AAA" for number in range(10)]
    assert [page.watermark for page in pages] == [AUGUST + n * SECOND for n in (2, 5, 8)] + [NOW - LAG]
    assert org.names().count("more") == 3


def test_a_page_may_be_shorter_than_asked(org, streams, read, row):
    """Wide rows make short pages; only `done` says that a query has ended."""
    org.page = 1
    _cases(org, row, 4)

    assert len(_ids(read(streams["cases"])[1])) == 4


def test_what_a_row_says_is_kept_as_delivered(org, streams, read, row):
    """The bytes of a record are those of its row in the page."""
    _cases(org, row, 1)
    [record, _] = read(streams["cases"])[1]

    assert json.loads(record.raw)["attributes"] == {"type": "Case"}
    assert record.raw.startswith(b'{"attributes": {"type"')


@pytest.mark.parametrize("cut", range(4))
def test_cut_after_any_page_the_rest_comes(org, streams, row, cut):
    """Resumed from the cursor of any page, a read yields the rest: nothing lost, nothing twice."""
    org.page = 3
    _cases(org, row, 11)
    stream = streams["cases"]
    [part] = stream.plan(None, NOW)
    seen = []
    pages = stream.read(part)
    for _ in range(cut):
        page = next(pages)
        seen += _ids(page.records)
        part = Slice(part.start, part.end, json.loads(json.dumps(page.cursor)))
    rest = [record for page in stream.read(part) for record in page.records]

    assert [*seen, *_ids(rest)] == [f"500{number:012d}AAA" for number in range(11)]


def test_a_forgotten_locator_goes_on_from_the_last_row(org, streams, read, row):
    """The window is asked for again from where it stopped, not from its start."""
    org.page = 3
    _cases(org, row, 8)
    stream = streams["cases"]
    pages = stream.read(stream.plan(None, NOW)[0])
    first = next(pages)
    org.pages.clear()
    rest = [record for page in pages for record in page.records]

    assert _ids([*first.records, *rest]) == [f"500{number:012d}AAA" for number in range(8)]
    [again] = [soql for name, soql in org.calls if name == "query Case" and "Id > " in soql]
    assert "Id > '500000000000002AAA'" in again


def test_a_first_page_that_is_refused_as_a_locator_ends_the_slice(org, streams, read):
    """There is nothing to go on from, so it is no endless loop."""
    lost = (400, [{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}])
    org.refuse = lambda method, path, params, body: lost if "ORDER BY" in params.get("q", "") else None
    with pytest.raises(CursorExpired):
        read(streams["cases"])


def test_rows_of_one_instant_are_all_read(org, connect, read, row):
    """More rows with one time stamp than fit on a page, and a locator lost among them: none is missed."""
    stream = {stream.name: stream for stream in connect(bulk_above=None).streams()}["cases"]
    org.rows["Case"] = [{**row("500", number), **_same(row)} for number in range(12_000)]
    pages = stream.read(stream.plan(None, NOW)[0])
    first = [next(pages), next(pages)]
    org.pages.clear()
    records = [record for page in [*first, *pages] for record in page.records]

    assert len(set(_ids(records))) == len(_ids(records)) == 12_000


def _same(row):
    return {"SystemModstamp": row("500", 0)["SystemModstamp"]}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.tuples(st.lists(st.integers(0, 6), max_size=14), st.integers(1, 5)),
    breaks=st.tuples(st.sets(st.integers(0, 13)), st.sets(st.integers(0, 13))),
)
def test_every_row_comes_once_wherever_it_is_cut(org, streams, row, rows, breaks):
    """Ties, pages of any size, runs that end after any page and locators that expire: nothing lost, nothing twice."""
    (seconds, page), (cuts, forgotten) = rows, breaks
    org.page = page
    org.pages.clear()
    org.rows["Case"] = [{**row("500", second), "Id": f"500{n:012d}AAA"} for n, second in enumerate(seconds)]
    stream = streams["cases"]
    [part] = stream.plan(NOW - 60 * DAY, NOW)
    ids, marks, number = [], [], 0
    pages = stream.read(part)
    while True:
        found = next(pages)
        ids += _ids(found.records)
        marks += [found.watermark] if found.watermark is not None else []
        if found.cursor is None:
            break
        if number in forgotten:
            org.pages.clear()
        if number in cuts:
            pages = stream.read(Slice(part.start, part.end, json.loads(json.dumps(found.cursor))))
        number += 1

    order = sorted(range(len(seconds)), key=lambda n: (seconds[n], n))
    assert ids == [f"500{n:012d}AAA" for n in order]
    assert marks == sorted(marks)


def test_a_row_that_changes_while_we_read_comes_with_the_next_window(org, streams, read, row, stamp):
    """It moves behind what is read now, and the next read begins before it."""
    org.page = 2
    _cases(org, row, 4)
    stream = streams["cases"]
    pages = stream.read(stream.plan(None, NOW)[0])
    next(pages)
    later = stamp(datetime(2026, 9, 1, 0, 5, tzinfo=UTC))
    org.rows["Case"][0] = {**org.rows["Case"][0], "SystemModstamp": later, "Status": "Working"}
    mark = [page.watermark for page in pages][-1]
    org.now = datetime(2026, 9, 1, 1, tzinfo=UTC)
    [again, _] = read(stream, mark, NOW + 3600 * SECOND)[1]

    assert (again.id, again.values[2]) == ("500000000000000AAA", "open")


def test_a_long_transaction_is_seen_by_the_overlap(org, streams, read, row, stamp):
    """A row that shows itself late, with a stamp before the watermark, is found by the next read."""
    stream = streams["cases"]
    mark = read(stream)[0][-1].watermark
    late = stamp(datetime(2026, 8, 31, 23, 50, tzinfo=UTC))
    org.rows["Case"] = [{**row("500", 1), "SystemModstamp": late}]

    assert len(_ids(read(stream, mark, NOW)[1])) == 1


def test_a_query_that_takes_too_long_is_halved(org, streams, read, row):
    """Windows are halved until they pass, and widen again; every row of the slice comes all the same."""
    _cases(org, row, 9)
    widths = []

    def refuse(method, path, params, body):
        soql = params.get("q", "")
        if "ORDER BY" not in soql:
            return None
        times = [datetime.fromisoformat(word) for word in soql.split() if word.startswith("2026-") and "T" in word]
        widths.append(max(times) - min(times))
        return TIMEOUT if widths[-1].days > 20 else None

    org.refuse = refuse
    pages, records = read(streams["cases"])

    assert _ids(records) == [f"500{number:012d}AAA" for number in range(9)]
    assert pages[-1].watermark == NOW - LAG
    passed = [width.days for width in widths if width.days <= 20]
    assert 153 <= sum(passed) + len(passed) <= 160
    assert len(widths) < 30
    marks = [page.watermark for page in pages if page.watermark is not None]
    assert marks == sorted(marks)


def test_a_query_that_never_ends_is_given_up(org, streams, read):
    """At a second there is nothing left to halve."""
    org.refuse = lambda method, path, params, body: TIMEOUT if "ORDER BY" in params.get("q", "") else None
    with pytest.raises(QueryTimeoutError):
        read(streams["cases"])


def test_a_query_that_does_not_move_on_is_an_error(org, streams, read, row):
    """A next page that leads to itself would never end."""
    org.page = 1
    _cases(org, row, 3)
    stream = streams["cases"]
    pages = stream.read(stream.plan(None, NOW)[0])
    cursor = next(pages).cursor
    key = cursor["next"].rpartition("/")[2]
    found = {"done": False, "records": [], "totalSize": 3, "nextRecordsUrl": cursor["next"]}
    org.refuse = lambda method, path, params, body: (200, found) if path.endswith(key) else None

    with pytest.raises(SchemaChanged, match="does not move on"):
        list(pages)


def test_an_answer_that_goes_on_nowhere_is_an_error(org, streams, read):
    """Not done, and no next page: half of it would pass for all of it."""
    found = {"done": False, "records": [], "totalSize": 3}
    org.refuse = lambda method, path, params, body: (200, found) if "ORDER BY" in params.get("q", "") else None
    with pytest.raises(SchemaChanged, match="not where"):
        read(streams["cases"])


def test_deleted_rows_become_tombstones(org, streams, read, row):
    """What lies in the recycle bin is read in the same window, and is gone."""
    org.rows["Event"] = [row("00U", 1), row("00U", 2, IsDeleted=True)]
    records = read(streams["events"])[1]

    assert [(record.id, record.deleted) for record in records] == [
        ("00U000000000001AAA", False),
        ("00U000000000002AAA", True),
    ]


def test_an_object_that_cannot_be_read_stops_its_stream_alone(org, streams, read):
    """Not readable is not the same as not there: it is said, and nothing counts as read."""
    org.hidden.add("VideoCall")
    with pytest.raises(MissingError, match="VideoCall cannot be read") as caught:
        read(streams["video_calls"])

    assert "without" in caught.value.hint
    assert read(streams["events"])[0][-1].watermark == NOW - LAG


def test_an_object_that_is_left_out_has_no_stream(connect):
    """What the buyer says the org does not use is not read."""
    names = {stream.name for stream in connect(without=["VideoCall", "Group"]).streams()}

    assert names == {"users", *NAMES} - {"video_calls"}


def test_a_quota_in_the_middle_of_paging_loses_nothing(org, streams, read, row):
    """The run ends incomplete; the next one goes on from the last page."""
    org.page = 3
    _cases(org, row, 9)
    stream = streams["cases"]
    [part] = stream.plan(None, NOW)
    pages = stream.read(part)
    first = next(pages)
    spent = (403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}])
    org.refuse = lambda method, path, params, body: spent
    with pytest.raises(QuotaError):
        next(pages)
    org.refuse = None
    rest = [record for page in stream.read(Slice(part.start, part.end, first.cursor)) for record in page.records]

    assert _ids([*first.records, *rest]) == [f"500{number:012d}AAA" for number in range(9)]


def test_a_token_that_expires_in_the_middle_of_paging_costs_one_call(org, streams, read, row):
    """The page is asked for again with a new token."""
    org.page = 3
    _cases(org, row, 9)
    stream = streams["cases"]
    pages = stream.read(stream.plan(None, NOW)[0])
    next(pages)
    org.valid = "expired"

    assert len(_ids([record for page in pages for record in page.records])) == 6
    assert org.tokens == 2


def test_users_are_read_whole_as_of_salesforces_clock(org, streams, read, row):
    """Roles are those of now: every run reads all users, and one that did not change stays as it is known."""
    org.page = 2
    org.rows["User"] = [
        row(
            "005", n, Name=f"U{n}", IsActive=n != 2, UserType="Standard", UserRole={"Name": "AE"}, Profile={"Name": "P"}
        )
        for n in range(5)
    ]
    pages, records = read(streams["users"])

    assert {record.as_of for record in records} == {NOW}
    assert [record.values[4:] for record in records] == [("AE", n != 2) for n in range(5)]
    assert records[0].custom == {"profile": "P", "user_type": "Standard"}
    assert [page.watermark for page in pages] == [None, None, NOW - LAG]


def test_users_go_on_behind_a_forgotten_locator(org, streams, row):
    """The rest is asked for by id, as of the same time."""
    org.page = 2
    org.rows["User"] = [row("005", n) for n in range(5)]
    stream = streams["users"]
    pages = stream.read(stream.plan(None, NOW)[0])
    first = next(pages)
    org.pages.clear()
    org.now = datetime(2026, 9, 1, 1, tzinfo=UTC)
    rest = [record for page in pages for record in page.records]

    # The fake's words for an id are those of the order, so greater ids come next.
    assert [record.id for record in [*first.records, *rest]] == [f"005{n:012d}AAA" for n in range(5)]
    assert {record.as_of for record in rest} == {NOW}


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"start": "2026-05-01"}, {"users", "groups", *NAMES}),
        ({"custom": {"ticket": {"x": {"path": "X__c"}}}}, {"cases", *(name for name in NAMES if "histor" in name)}),
        ({"closed_case_statuses": ["Done"]}, {"cases", "case_history", "case_trail"}),
        ({"without": ["OpportunityHistory"]}, {"opportunity_field_history"}),
        ({"without": ["VideoCall"]}, set()),
        ({"requests_per_minute": 5}, set()),
    ],
)
def test_what_would_be_read_otherwise_is_read_again(connect, change, again):
    """A setting by which a history reads otherwise changes the revision of the streams concerned."""
    before = {stream.name: stream.revision for stream in connect().streams()}
    after = {stream.name: stream.revision for stream in connect(**change).streams()}

    assert again <= {name for name, found in after.items() if before[name] != found}
    if again <= {"opportunity_field_history"}:
        assert again == {name for name, found in after.items() if before[name] != found}


def test_every_query_names_only_fields_that_are_described(org, streams, read):
    """A field that the reader may not see is left out of the query instead of breaking it."""
    org.hidden |= {"Event.WhoId", "EventRelation.Relation.Email", "Case.Origin"}
    org.fields["EventRelation"] = [path for path in org.fields["EventRelation"] if not path.startswith("Relation.")]
    for name in ("events", "event_relations", "cases"):
        read(streams[name])
    asked = " ".join(soql for name, soql in org.calls if name.startswith("query"))

    assert "WhoId" not in asked
    assert "Relation." not in asked
    assert "Origin" not in asked


def test_objects_are_described_once(org, connect, read):
    """A second slice of the same run asks for nothing that is known."""
    stream = {stream.name: stream for stream in connect().streams()}["events"]
    read(stream)
    read(stream, NOW - DAY)

    assert org.names().count("describe") == 1


def test_a_first_load_of_a_hundred_thousand_cases_by_pages_takes_sixty_calls_at_most(org, connect, read, row):
    """Sign-in, description, count and fifty pages of two thousand rows."""
    connector = connect(bulk_above=None)
    served = _prepared(org, row, 100_000)
    _, records = read({stream.name: stream for stream in connector.streams()}["cases"])

    assert len(_ids(records)) == 100_000
    assert served[0] == 50
    assert connector.calls() <= 60


def _prepared(org, row, count):
    """Serve pages of two thousand cases that were written beforehand."""
    rows = [{**row("500", number), "Status": "New"} for number in range(2000)]
    served = [0]

    def refuse(method, path, params, body):
        if "COUNT()" in params.get("q", "") or not (path.endswith("queryAll") or "/query/" in path):
            return None
        served[0] += 1
        done = served[0] * 2000 >= count
        found = {"totalSize": count, "done": done, "records": rows}
        return 200, found if done else {**found, "nextRecordsUrl": f"/services/data/v68.0/query/0r8-{served[0]}"}

    org.refuse = refuse
    return served


def test_the_snapshots_are_those_of_people(streams):
    """Users and queues are read whole, everything else by windows."""
    assert [snapshot.name for snapshot in SNAPSHOTS] == ["User", "Group"]
    assert len(streams) == len(ENTITIES) + 2

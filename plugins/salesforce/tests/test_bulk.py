"""First loads in bulk: jobs, results, and rows of text as the JSON of a page."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.connectors import Slice
from tallystick.errors import RetryableError, SchemaChanged
from tallystick_salesforce.bulk import CHUNK, rows_as_json
from tallystick_salesforce.describe import Described, Field
from tallystick_salesforce.streams import LAG

NOW = 1_788_220_800_000_000
KINDS = {"Id": "id", "Name": "string", "IsClosed": "boolean", "Amount": "currency", "Length": "int"}
CASE = Described("Case", {name: Field(name, kind) for name, kind in KINDS.items()}, frozenset({"Owner"}), False)


@pytest.fixture
def stream(connect):
    """Make the stream of an object that is read in bulk above three rows."""

    def make(name="cases", **settings):
        return {found.name: found for found in connect(bulk_above=3, **settings).streams()}[name]

    return make


def _cases(org, row, count):
    org.rows["Case"] = [row("500", number, Status='a "b", c\nd', IsClosed=False) for number in range(count)]


def _ids(records):
    return [record.id for record in records if record.type == "ticket"]


def test_few_rows_are_read_by_pages(org, stream, read, row):
    """Up to the number that is set, a job would cost more calls than pages do."""
    _cases(org, row, 3)
    read(stream())

    assert "job" not in org.names()


def test_many_rows_are_read_as_a_job(org, stream, read, row):
    """The rows of a job are those of a page, and what is known at its end is told with the last of them."""
    org.polls = 3
    _cases(org, row, 10)
    pages, records = read(stream())

    assert sorted(_ids(records)) == [f"500{number:012d}AAA" for number in range(10)]
    assert [page.watermark for page in pages] == [None, NOW - LAG]
    assert org.names() == ["token", "describe", "query Case", "job", "poll", "poll", "poll", "results"]


def test_a_job_asks_for_the_same_rows_without_an_order(org, stream, read, row):
    """Deleted rows are in it; an order would only make it slower."""
    _cases(org, row, 10)
    read(stream())
    [soql] = [asked for name, asked in org.calls if name == "job"]

    assert "ORDER BY" not in soql
    assert "SystemModstamp >= 2026-04-01T00:00:00.000Z" in soql


def test_a_row_of_a_job_makes_the_record_that_a_page_makes(org, connect, read, row):
    """Whichever way a row comes, the record is the same, numbers and truth values included."""
    amounts = {"Name": 'O\'Neil, "X"', "Amount": 1000.5, "IsClosed": True, "IsWon": False, "StageName": "Won"}
    org.rows["Opportunity"] = [row("006", number, **amounts) for number in range(5)]
    one, other = (
        read({found.name: found for found in connect(bulk_above=above).streams()}["opportunities"])[1]
        for above in (3, None)
    )

    assert [record.values for record in one] == [record.values for record in other]
    assert one[0].values[13] == Decimal("1000.5")
    assert json.loads(one[0].raw) == json.loads(other[0].raw)


def test_polls_come_less_and_less_often(org, stream, read, row, timer):
    """A job that takes long is not asked every second."""
    org.polls = 8
    _cases(org, row, 10)
    read(stream())

    assert [wait for wait in timer.waits if wait >= 2] == [2, 5, 10, 20, 30, 30, 30, 30]


def test_a_job_that_does_not_end_is_left_to_the_next_run(org, stream, row):
    """After an hour the run gives up, and the next one goes on in the same job."""
    org.polls = 10**9
    _cases(org, row, 10)
    found = stream()
    [part] = found.plan(None, NOW)
    pages = found.read(part)
    cursor = next(pages).cursor
    with pytest.raises(RetryableError, match="within an hour"):
        next(pages)
    org.polls = 1
    records = [record for page in found.read(Slice(part.start, part.end, cursor)) for record in page.records]

    assert len(_ids(records)) == 10
    assert org.names().count("job") == 1


def test_a_long_result_comes_in_parts_and_goes_on_in_the_middle(org, stream, row):
    """Cut after any part, the rest comes: nothing lost, nothing twice."""
    count = 2 * CHUNK + 7
    _cases(org, row, count)
    found = stream()
    [part] = found.plan(None, NOW)
    pages = found.read(part)
    first = [next(pages), next(pages)]
    rest = list(found.read(Slice(part.start, part.end, json.loads(json.dumps(first[-1].cursor)))))
    records = [record for page in [*first, *rest] for record in page.records]

    assert len(_ids(records)) == len(set(_ids(records))) == count
    assert rest[-1].cursor is None


def test_several_results_are_read_one_after_the_other(org, stream, read, row, monkeypatch):
    """Each names where the next one begins; the last says null."""
    monkeypatch.setattr("tallystick_salesforce.bulk._ROWS", 4)
    _cases(org, row, 10)
    pages, records = read(stream())

    assert len(set(_ids(records))) == 10
    assert [where for name, where in org.calls if name == "results"] == ["", "4", "8"]
    assert [page.watermark for page in pages][:-1] == [None] * 3


def test_a_result_is_asked_for_as_the_text_it_is(org, stream, read, row):
    """A server that takes the Accept header at its word gives no JSON in place of CSV."""
    _cases(org, row, 10)
    answer, asked = org.answer, {}

    def noted(method, url, headers, body):
        asked["results" if "/results" in url else "other"] = headers["accept"]
        return answer(method, url, headers, body)

    org.answer = noted
    read(stream())

    assert asked == {"results": "text/csv", "other": "application/json"}


def test_a_job_that_is_refused_is_read_by_pages(org, stream, read, row):
    """Some objects cannot be read in bulk; that costs one call."""
    _cases(org, row, 10)
    no = (400, [{"errorCode": "API_ERROR", "message": "not supported by the Bulk API"}])
    org.refuse = lambda method, path, params, body: no if method == "POST" and "jobs" in path else None
    _, records = read(stream())

    assert _ids(records) == [f"500{number:012d}AAA" for number in range(10)]


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_job_that_fails_is_read_by_pages(org, stream, read, row, state):
    """What the job could not do, pages can."""
    _cases(org, row, 10)
    ended = {"id": "750", "state": state, "errorMessage": "VerySecret"}
    org.refuse = lambda method, path, params, body: (200, ended) if method == "GET" and "/jobs/query/" in path else None

    assert len(_ids(read(stream())[1])) == 10


def test_a_job_that_is_gone_is_begun_again(org, stream, row):
    """Results are kept for seven days: a run that is resumed later makes a new job."""
    _cases(org, row, 10)
    found = stream()
    [part] = found.plan(None, NOW)
    cursor = next(found.read(part)).cursor
    org.jobs.clear()
    records = [record for page in found.read(Slice(part.start, part.end, cursor)) for record in page.records]

    assert len(_ids(records)) == 10


@pytest.mark.parametrize("code", ["INVALIDJOBSTATE", "INVALID_QUERY_LOCATOR"])
def test_a_result_that_is_refused_for_good_is_left(org, stream, row, monkeypatch, code):
    """A job that somebody aborted, or a place that is none any more, does not end every run from then on."""
    monkeypatch.setattr("tallystick_salesforce.bulk._ROWS", 4)
    _cases(org, row, 10)
    found = stream()
    [part] = found.plan(None, NOW)
    pages = found.read(part)
    cursor = [next(pages), next(pages)][-1].cursor
    no = (400, [{"errorCode": code, "message": "no"}])
    org.refuse = lambda method, path, params, body: no if "/results" in path and len(org.jobs) == 1 else None
    records = [record for page in found.read(Slice(part.start, part.end, cursor)) for record in page.records]
    assert len(set(_ids(records))) == 10
    assert org.names().count("job") == 2

    org.refuse = lambda method, path, params, body: no if "/results" in path else None
    records = [record for page in found.read(part) for record in page.records]
    assert _ids(records) == [f"500{number:012d}AAA" for number in range(10)]


@pytest.mark.parametrize("told", ["11", None])
def test_a_result_that_is_not_whole_is_not_taken(org, stream, read, row, told):
    """A result has as many rows as it says; a cut one is asked for again by the next run."""
    _cases(org, row, 10)
    results = org._results

    def cut(job, params):
        status, body, headers = results(job, params)
        return status, body, {**headers, "sforce-numberofrecords": told}

    org._results = cut
    with pytest.raises(RetryableError, match="has 10 rows"):
        read(stream())


def test_a_result_that_is_cut_anywhere_is_not_taken(org, stream, read, row):
    """Not even where all rows and columns seem to be there: the last value may have lost its end, or all of it."""
    _cases(org, row, 4)
    results, seen = org._results, []

    def cut(job, params):
        status, body, headers = results(job, params)
        seen.append(len(body) - body.rindex(b'"500'))
        return status, body[: -len(seen)], headers

    org._results = cut
    found = stream()
    while not seen or len(seen) < seen[0]:
        with pytest.raises(RetryableError, match="a bulk result"):
            read(found)


def test_a_result_that_does_not_move_on_is_an_error(org, stream, read, row):
    """One that names itself as the next one would never end."""
    _cases(org, row, 10)
    results = org._results

    def stuck(job, params):
        status, body, headers = results(job, {**params, "locator": "0"})
        return status, body, {**headers, "sforce-locator": "x"}

    org._results = stuck
    with pytest.raises(SchemaChanged, match="does not move on"):
        read(stream())


def test_a_result_that_is_no_text_is_not_taken(org, stream, read, row):
    """Bytes that are no UTF-8 would be no evidence."""
    _cases(org, row, 10)
    org._results = lambda job, params: (200, b"\xff\xfe", {"content-type": "text/csv", "sforce-numberofrecords": "0"})
    with pytest.raises(RetryableError, match="no text"):
        read(stream())


def test_an_id_of_a_job_that_is_none_is_not_called(org, stream, read, row):
    """An id that came from outside gets into no path unchecked."""
    _cases(org, row, 10)
    made = {"id": "../../x", "state": "UploadComplete"}
    org.refuse = lambda method, path, params, body: (200, made) if method == "POST" and "jobs" in path else None
    with pytest.raises(SchemaChanged, match="an id that none has"):
        read(stream())


def test_a_first_load_of_a_hundred_thousand_cases_in_bulk_takes_ten_calls_at_most(org, connect, read, row):
    """Sign-in, description, count, job, a few polls, and two results of fifty thousand rows."""
    org.polls = 3
    one = row("500", 1, Status="New", IsClosed=False)
    org.rows["Case"] = [{**one, "Id": f"500{number:012d}AAA"} for number in range(100_000)]
    connector = connect()
    _, records = read({found.name: found for found in connector.streams()}["cases"])

    assert len(set(_ids(records))) == 100_000
    assert connector.calls() <= 10


def test_values_have_the_types_of_their_fields():
    """An empty text is null; numbers stay as written, truth values become such, lookups are nested."""
    names = ["Id", "Name", "IsClosed", "Amount", "Length", "Owner.Type", "Owner.Name"]
    rows = [
        ["1", "", "true", "1000.10", "15", "User", "Ada"],
        ["2", "007", "false", "", "", "", ""],
        ["3", "x", "", "not a number", "1", "", "Bo"],
    ]
    found = json.loads(rows_as_json(CASE, names, rows), parse_float=Decimal)["records"]

    assert [list(row.values())[1:] for row in found] == [
        ["1", None, True, Decimal("1000.10"), 15, {"Type": "User", "Name": "Ada"}],
        ["2", "007", False, None, None, None],
        ["3", "x", None, "not a number", 1, {"Name": "Bo"}],
    ]
    assert found[0]["attributes"] == {"type": "Case"}


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5))
def test_any_text_survives(texts):
    """Whatever a text holds, it stands in the JSON as it stood in the row."""
    body = rows_as_json(CASE, ["Name"], [[text] for text in texts if text.isprintable()])

    assert [row["Name"] for row in json.loads(body)["records"]] == [text for text in texts if text.isprintable()]

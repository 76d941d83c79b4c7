"""What is asked for, and up to when it is known afterwards."""

import httpx
import pytest

from tallystick.errors import SchemaChanged

T0, SECOND = 1_788_220_800, 1_000_000
HOUR = 3_600
DAY = 24 * HOUR
UNTIL = (T0 + HOUR) * SECOND
LAG = "{field: updated, format: unix, order: oldest_first, lag_seconds: 120, overlap_seconds: 600}"


def _asked(desk):
    return [dict(request.url.params) for request in desk.asked]


def test_the_first_read_begins_at_the_start(desk, stream):
    """The first read asks for everything from the configured day on, and is known up to the end of the read."""
    pages = desk.read(stream(start="2026-08-31"))

    assert _asked(desk) == [{"since": str(T0 - DAY)}]
    assert [page.watermark for page in pages] == [UNTIL]


def test_a_later_read_overlaps(desk, stream):
    """A later read begins the overlap before the watermark, but never before the start."""
    found = stream()
    desk.read(found, watermark=(T0 + HOUR) * SECOND, until=(T0 + 2 * HOUR) * SECOND)
    desk.read(found, watermark=(T0 + 10) * SECOND, until=(T0 + 2 * HOUR) * SECOND)

    assert _asked(desk) == [{"since": str(T0 + HOUR - 60)}, {"since": str(T0)}]


def test_a_start_in_the_future_reads_nothing(desk, stream):
    """Before its start a source has nothing to read."""
    assert desk.read(stream(start="2027-01-01")) == []
    assert desk.asked == []


@pytest.mark.parametrize("keyset", ["", ", keyset: true"])
def test_the_watermark_is_the_systems_clock_less_its_lag(desk, stream, keyset):
    """A page answered at 00:30 whose list lags two minutes is known up to 00:28, whatever our clock says."""
    desk.now = T0 + 1_800
    desk.rows = [desk.ticket(1)]

    pages = desk.read(stream(desk.describe(cursor=LAG.replace("}", f"{keyset}}}"))))

    assert pages[-1].watermark == (T0 + 1_800 - 120) * SECOND


def test_the_clock_of_the_first_page_counts(desk, stream):
    """Pages that take their time do not make the end of the read known: its first page was answered before."""
    desk.rows = [desk.ticket(number) for number in range(1, 10)]
    desk.before = lambda _: setattr(desk, "now", T0 + 1_000 + 100 * len(desk.asked))

    pages = desk.read(stream(desk.describe(page="{kind: page, size: 3}", query="{since: '{start}', page: '{page}'}")))

    assert [page.watermark for page in pages] == [None, None, None, (T0 + 1_100) * SECOND]


@pytest.mark.parametrize("how", [", keyset: true", ", window_seconds: 60"])
def test_nothing_is_known_before_the_slice_is_read(desk, stream, how):
    """What an object went through before its last change stands there only, so earlier ones make nothing known."""
    desk.rows = [desk.ticket(number, at=100 * number) for number in range(1, 5)]
    text = desk.describe(
        page="{kind: page, size: 3}",
        query="{since: '{start}', until: '{end}', page: '{page}'}",
        cursor=LAG.replace("}", f"{how}}}"),
    )

    pages = desk.read(stream(text))

    assert len(pages) > 1
    assert [page.watermark for page in pages[:-1]] == [None] * (len(pages) - 1)
    assert pages[-1].watermark == (T0 + HOUR - 120) * SECOND


@pytest.mark.parametrize("how", ["", ", keyset: true"])
def test_what_changes_while_it_is_read_is_read(desk, stream, how):
    """An object that is changed between two pages, after the end of the read, does not leave the read."""
    desk.rows = [desk.ticket(number, at=100 * number) for number in range(1, 6)]
    text = desk.describe(
        page="{kind: token, path: token}",
        query="{since: '{start}', until: '{end}', paged: 1, token: '{token}'}",
        cursor=LAG.replace("}", f"{how}}}"),
    )
    changes = {1: lambda: desk.rows[4].update(updated=T0 + HOUR + 30)}
    desk.before = lambda _: changes.pop(len(desk.asked) - 1, lambda: None)()

    pages = desk.read(stream(text))

    assert "5" in desk.ids(pages)
    assert pages[-1].watermark == (T0 + HOUR - 120) * SECOND


def test_an_answer_without_a_clock(desk, stream):
    """Without a Date header it cannot be said up to when was read, so nothing is."""
    desk.before = lambda _: httpx.Response(200, json={"tickets": []}, headers={"date": ""})

    with pytest.raises(SchemaChanged, match="no Date header"):
        desk.read(stream())


def test_a_newest_first_list_ends_at_the_start_of_the_read(desk, stream):
    """Where the newest come first, nothing is known before the end, and no page older than the start is asked for."""
    desk.rows = [desk.ticket(number, at=100 * number) for number in range(1, 10)]
    text = desk.describe(
        page="{kind: page, size: 3}",
        query="{page: '{page}', order: desc}",
        cursor="{field: updated, format: unix, order: newest_first, overlap_seconds: 0}",
    )

    pages = desk.read(stream(text), watermark=(T0 + 500) * SECOND)

    assert desk.ids(pages) == ["9", "8", "7", "6", "5"]
    assert [page.watermark for page in pages] == [None, UNTIL]


def test_windows_are_read_one_after_the_other(desk, stream):
    """A list that takes a start and an end is read window by window, and known once all are read."""
    desk.rows = [desk.ticket(1, at=0), desk.ticket(2, at=1_800), desk.ticket(3, at=1_801)]
    text = desk.describe(
        query="{since: '{start}', until: '{end}'}",
        cursor="{field: updated, format: unix, window_seconds: 1800, overlap_seconds: 0}",
    )

    pages = desk.read(stream(text), until=(T0 + 4_000) * SECOND)

    assert [(asked["since"], asked["until"]) for asked in _asked(desk)] == [
        (str(T0), str(T0 + 1_800)),
        (str(T0 + 1_800), str(T0 + 3_600)),
        (str(T0 + 3_600), str(T0 + 4_000 + DAY)),  # the last one is open: what changes meanwhile does not leave it
    ]
    assert [page.watermark for page in pages] == [None, None, UNTIL]
    assert desk.ids(pages) == ["1", "2", "3"]


def test_the_first_load_is_read_in_slices(desk, stream):
    """Slices cover the whole time, known when all are read, and an object at their edge is read in one of them."""
    desk.now = T0 + 10 * DAY
    desk.rows = [desk.ticket(number, at=number * DAY) for number in range(10)]
    cursor = "{field: updated, format: unix, order: oldest_first, overlap_seconds: 0, slices: 4, keyset: true}"
    found = stream(desk.describe(query="{since: '{start}', until: '{end}'}", cursor=cursor))

    parts = found.plan(None, (T0 + 10 * DAY) * SECOND)

    assert [part.start for part in parts][1:] == [part.end for part in parts][:-1]
    assert (parts[0].start, parts[-1].end) == (T0 * SECOND, (T0 + 10 * DAY) * SECOND)
    assert (len(parts), found.moves) == (4, True)
    assert desk.ids([page for part in parts for page in found.read(part)]) == [str(number) for number in range(10)]


@pytest.mark.parametrize(
    ("cursor", "query", "since"),
    [
        ("bound: exclusive", "{since: '{start}'}", T0 + 1_000 - 1),
        ("bound: exclusive, unit_seconds: 86400", "{since: '{start}'}", T0 - DAY),
        ("unit_seconds: 86400", "{since: '{start}'}", T0),
        ("filter: unix_ms", "{since: '{start}'}", (T0 + 1_000) * 1_000),
        ("filter: iso", "{from: '{start}'}", "2026-09-01T00:16:40Z"),
        ("filter: date", "{from: 'day {start}!'}", "day 2026-09-01!"),
    ],
)
def test_the_filter_leaves_nothing_out(desk, stream, cursor, query, since):
    """A filter that leaves out its bound, or counts whole days, is asked for as much earlier as that takes."""
    text = desk.describe(query=query, cursor=f"{{field: updated, format: unix, overlap_seconds: 0, {cursor}}}")

    desk.read(stream(text), watermark=(T0 + 1_000) * SECOND)

    assert list(_asked(desk)[0].values()) == [str(since)]


def test_what_the_filter_gives_beyond_the_time_is_left(desk, stream):
    """Objects of the day before the read began are not read again; one without a time is never left out."""
    desk.rows = [desk.ticket(1, at=10), desk.ticket(2, at=2_000), desk.ticket(3, at=HOUR)]
    desk.before = lambda _: httpx.Response(
        200, json={"tickets": [*desk.rows, {"id": 4, "created": T0, "updated": None, "state": "open"}]}
    )
    text = desk.describe(cursor="{field: updated, format: unix, overlap_seconds: 0, unit_seconds: 86400}")

    assert desk.ids(desk.read(stream(text), watermark=(T0 + 1_000) * SECOND)) == ["2", "3", "4"]


def test_a_list_without_a_cursor_is_read_whole_every_time(desk, stream):
    """Without a cursor everything is read each time, and known from the start on."""
    desk.rows = [desk.ticket(1), desk.ticket(2)]
    found = stream(desk.describe(cursor="", query="{}"))

    for watermark in (None, (T0 + 1_000) * SECOND):
        (part,) = found.plan(watermark, UNTIL)
        pages = list(found.read(part))

        assert (part.start, part.end) == (T0 * SECOND, UNTIL)
        assert desk.ids(pages) == ["1", "2"]
        assert pages[-1].watermark == UNTIL


def test_a_search_is_posted(desk, stream):
    """A POST sends its body with the placeholders filled; an entry without a value is left out, its own null is not."""
    seen = []
    rows = [desk.ticket(1)]

    def search(request):
        seen.append(request.content)
        return httpx.Response(200, json={"tickets": rows, "token": "t2" if len(seen) == 1 else None})

    desk.routes["/tickets"] = search
    text = desk.describe(page="{kind: token, path: token}").replace(
        "call: {path: /tickets, query: {since: '{start}'}}",
        "call: {method: POST, path: /tickets, body: "
        "{q: [{f: updated, v: '{start}'}], page: {size: 2, after: '{token}'}, none: null}}",
    )
    rows_of_second = [desk.ticket(2)]
    desk.before = lambda _: rows.__setitem__(slice(None), rows_of_second) if seen else None

    pages = desk.read(stream(text))

    assert desk.ids(pages) == ["1", "2"]
    assert seen == [
        b'{"q":[{"f":"updated","v":1788220800}],"page":{"size":2},"none":null}',
        b'{"q":[{"f":"updated","v":1788220800}],"page":{"size":2,"after":"t2"},"none":null}',
    ]


def test_the_revision_follows_what_is_read(desk, stream):
    """A changed mapping, call, address, start or version is read again from the start; the same one is not."""
    base = stream().revision
    others = [
        stream(desk.describe(records=desk.TICKET.replace("open: open", "open: new"))).revision,
        stream(desk.describe(query="{since: '{start}', x: 1}")).revision,
        stream(desk.describe().replace("api_version: v1", "api_version: v2")).revision,
        stream(start="2026-08-01").revision,
        stream(base_url="https://other.example").revision,
    ]

    assert stream().revision == base
    assert len({base, *others}) == 6

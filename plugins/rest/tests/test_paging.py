"""Lists are read to their end over every kind of paging, nothing is lost while they change, and none is endless."""

import httpx
import pytest

from tallystick.connectors import Slice
from tallystick.errors import PermanentError, RetryableError, SchemaChanged

T0, SECOND = 1_788_220_800, 1_000_000
CURSOR = "{field: updated, format: unix, order: oldest_first, overlap_seconds: 60}"
KEYSET = CURSOR.replace("}", ", keyset: true}")
PAGINGS = {
    "none": ("{kind: none}", "{since: '{start}'}"),
    "token": ("{kind: token, path: token}", "{since: '{start}', paged: 1, token: '{token}'}"),
    "token with more": ("{kind: token, path: token, more: more}", "{since: '{start}', paged: 1, token: '{token}'}"),
    "next": ("{kind: next, path: next}", "{since: '{start}', paged: 1}"),
    "link": ("{kind: link}", "{since: '{start}', paged: 1}"),
    "page": ("{kind: page, size: 3}", "{since: '{start}', page: '{page}', size: '{size}'}"),
    "page with more": ("{kind: page, size: 3, more: more}", "{since: '{start}', page: '{page}'}"),
    "offset": ("{kind: offset, size: 3}", "{since: '{start}', offset: '{offset}'}"),
}


def _numbers(count):
    return [str(number) for number in range(1, count + 1)]


@pytest.mark.parametrize("cursor", [CURSOR, KEYSET], ids=["turned", "keyset"])
@pytest.mark.parametrize("kind", PAGINGS)
@pytest.mark.parametrize("count", [0, 1, 3, 7, 9])
def test_every_paging_reads_to_the_end(desk, stream, kind, count, cursor):
    """Whatever the paging and however many objects, full last pages included, each object is read."""
    page, query = PAGINGS[kind]
    desk.rows = [desk.ticket(number) for number in range(1, count + 1)]

    pages = desk.read(stream(desk.describe(page=page, query=query, cursor=cursor)))

    assert list(dict.fromkeys(desk.ids(pages))) == _numbers(count)
    assert pages[-1].cursor is None
    assert all(page.cursor is not None for page in pages[:-1])


@pytest.mark.parametrize("cursor", [CURSOR, KEYSET], ids=["turned", "keyset"])
@pytest.mark.parametrize("kind", PAGINGS)
def test_a_read_cut_after_any_page_is_resumed(desk, stream, kind, cursor):
    """From the cursor of any page, the rest is read, and no more."""
    page, query = PAGINGS[kind]
    desk.rows = [desk.ticket(number, at=number // 4) for number in range(1, 12)]
    found = stream(desk.describe(page=page, query=query, cursor=cursor))
    (part,) = found.plan(None, (T0 + 3_600) * SECOND)
    whole = list(found.read(part))

    for place, cut in enumerate(whole[:-1], start=1):
        rest = list(found.read(Slice(part.start, part.end, cut.cursor)))

        assert desk.ids(rest) == desk.ids(whole[place:])
        assert [page.cursor for page in rest] == [page.cursor for page in whole[place:]]


@pytest.mark.parametrize("kind", ["page", "offset", "token"])
def test_objects_of_one_instant_over_many_pages(desk, stream, kind):
    """More objects of one instant than three pages hold are all read by keyset, and those after them too."""
    page, query = PAGINGS[kind]
    desk.rows = [desk.ticket(number, at=5) for number in range(1, 12)] + [
        desk.ticket(number) for number in range(12, 16)
    ]

    pages = desk.read(stream(desk.describe(page=page, query=query, cursor=KEYSET)))

    assert sorted(set(desk.ids(pages)), key=int) == _numbers(15)


@pytest.mark.parametrize("kind", ["page", "offset"])
@pytest.mark.parametrize("moved", range(1, 12))
@pytest.mark.parametrize("call", range(1, 6))
def test_an_object_that_leaves_while_pages_are_counted(desk, stream, kind, moved, call):
    """Whichever object is edited or deleted between whichever two calls, no other one is lost by keyset."""
    page, query = PAGINGS[kind]
    desk.rows = [desk.ticket(number, at=5) for number in range(1, 12)] + [desk.ticket(20, at=20)]

    def before(_):
        if len(desk.asked) == call + 1:
            desk.rows = [row for row in desk.rows if row["id"] != moved]

    desk.before = before
    pages = desk.read(stream(desk.describe(page=page, query=query, cursor=KEYSET)))

    assert {*_numbers(11), "20"} - {str(moved)} <= set(desk.ids(pages))


def test_an_edit_moves_nothing_past_the_reader(desk, stream):
    """An object edited between pages comes again at the end, and those behind it are not skipped."""
    page, query = PAGINGS["page"]
    desk.rows = [desk.ticket(number) for number in range(1, 10)]

    def before(_):
        if len(desk.asked) == 2:
            desk.rows[0]["updated"] = T0 + 100

    desk.before = before
    pages = desk.read(stream(desk.describe(page=page, query=query, cursor=KEYSET)))

    assert set(desk.ids(pages)) == set(_numbers(9))
    assert desk.ids(pages)[-1] == "1"


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("token", {"token": "same"}),
        ("next", {"next": "/tickets?again=1"}),
        ("page", {}),
        ("offset", {}),
        ("page with more", {"more": True}),
    ],
)
def test_an_endless_loop_of_pages_ends(desk, stream, kind, answer):
    """A page that leads to itself, or comes again under another number, is an error and no endless read."""
    page, query = PAGINGS[kind]
    rows = [desk.ticket(1), desk.ticket(2), desk.ticket(3)]
    desk.routes["/tickets"] = lambda _: httpx.Response(200, json={"tickets": rows, **answer})

    with pytest.raises(PermanentError, match="a page came twice, so that the read would never end"):
        desk.read(stream(desk.describe(page=page, query=query)))

    assert len(desk.asked) <= 3


def test_more_pages_than_the_system_gives(desk, stream):
    """A list longer than the pages a system gives is an error, not a shorter list."""
    desk.rows = [desk.ticket(number) for number in range(1, 10)]
    page, query = PAGINGS["page"]

    with pytest.raises(PermanentError, match="goes on after 2 pages"):
        desk.read(stream(desk.describe(page=page.replace("}", ", most: 2}"), query=query)))


def test_a_next_page_elsewhere_is_not_asked_for(desk, stream):
    """A next page at another origin is refused, and the key never goes there."""
    desk.routes["/tickets"] = lambda _: httpx.Response(200, json={"tickets": [], "next": "https://evil.example/x"})

    with pytest.raises(PermanentError, match="not at its own origin"):
        desk.read(stream(desk.describe(page="{kind: next, path: next}", query="{since: '{start}', paged: 1}")))

    assert {request.url.host for request in desk.asked} == {"api.desk.example"}


def test_a_redirect_is_not_followed(desk, stream):
    """A redirect is an error, wherever it leads."""
    desk.before = lambda _: httpx.Response(302, headers={"location": "https://evil.example/"})

    with pytest.raises(PermanentError, match="a redirect; it is not followed"):
        desk.read(stream())

    assert len(desk.asked) == 1


def test_a_page_of_gigabytes(desk, stream):
    """A page larger than the description allows is not read to its end."""
    desk.before = lambda _: httpx.Response(200, content=b" " * 2_001)

    with pytest.raises(PermanentError, match="more than 2,000 bytes"):
        desk.read(stream(desk.describe(more="largest_page: 2000")))


@pytest.mark.parametrize("body", [{"tickets": {}}, {"tickets": [1]}, {"others": []}, [], {"tickets": None}], ids=repr)
def test_no_list_where_one_is_described(desk, stream, body):
    """Where the list should stand is something else: that is said, and nothing is taken for an empty list."""
    desk.before = lambda _: httpx.Response(200, json=body)

    with pytest.raises(SchemaChanged, match=r"no list of objects|shape this connector does not know"):
        desk.read(stream())


def test_a_list_in_another_order_than_described(desk, stream):
    """By keyset, a list that does not come oldest first is an error: going on from its last object could skip some."""
    desk.rows = [desk.ticket(1), desk.ticket(2)]

    with pytest.raises(SchemaChanged, match="does not come with the oldest objects first"):
        desk.read(stream(desk.describe(query="{since: '{start}', order: desc}", cursor=KEYSET)))


def test_half_a_page_is_asked_for_again(desk, stream, timer):
    """A body cut on its way is asked for again; if it stays so, it is an error."""
    desk.rows = [desk.ticket(1)]
    broken = iter([b'{"tickets": [', b"<html>"])

    def before(_):
        content = next(broken, None)
        return None if content is None else httpx.Response(200, content=content)

    desk.before = before

    assert desk.ids(desk.read(stream())) == ["1"]
    assert len(desk.asked) == 3


def test_a_system_that_is_down(desk, stream):
    """A system that stays down ends the read with an error that may go away."""
    desk.before = lambda _: httpx.Response(503, json={"message": "down"})

    with pytest.raises(RetryableError, match=r"Desk refused \(503\): down"):
        desk.read(stream())


@pytest.mark.parametrize("more", ["headers: {X-Account: the-company-of-the-buyer}", "auth: {kind: bearer}"])
def test_a_link_is_followed_whatever_it_repeats(desk, stream, more):
    """A link to the next page that repeats a header of the call, the key even, does not end the list."""
    page, query = PAGINGS["link"]
    desk.rows = [desk.ticket(number) for number in range(1, 8)]
    list_of = desk.routes["/tickets"]

    def echoing(request):
        answer = list_of(request)
        if "link" in answer.headers:
            repeated = request.headers.get("x-account") or request.headers["authorization"].partition(" ")[2]
            answer.headers["link"] = answer.headers["link"].replace(">", f"&for={repeated}>")
        return answer

    desk.routes["/tickets"] = echoing

    pages = desk.read(stream(desk.describe(page=page, query=query, more=more)))

    assert desk.ids(pages) == _numbers(7)
    assert "key_VerySecret" not in str([page.cursor for page in pages])

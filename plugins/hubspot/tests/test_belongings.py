"""What belongs to objects, and what changes without a stamp: associations, merges, deletions, parts of batches."""

import pytest

from tallystick.errors import AuthorizationError, PermanentError, SchemaChanged
from tallystick_hubspot.simulator.deeds import (
    Archive,
    Associate,
    Create,
    Merge,
    OpenThread,
    Restore,
    Say,
    Set,
    person,
)
from tallystick_hubspot.simulator.instants import instant
from tallystick_hubspot.simulator.plan import Owner, Pipeline, Property, Stage, Team

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
T0 = instant("2026-09-01T08:00:00Z")
BY = person(9_001)
TICKET, DEAL, MEETING, CALL = ("tickets", "1001"), ("deals", "2001"), ("meetings", "5001"), ("calls", "6001")


def _contact(number):
    return Create(T0, ("contacts", str(number)), {"email": f"C{number}@Clay.example", "jobtitle": "CFO"}, BY)


def _row(records, kind, key=None):
    found = [record for record in records if record.type == kind and key in {None, record.id}]
    assert len(found) == 1, [(record.type, record.id) for record in records]
    return found[0]


def _meeting(**values):
    return Create(T0, MEETING, {"hs_timestamp": "2026-09-02T08:00:00Z", "hubspot_owner_id": "31", **values}, BY)


# --- associations


def test_associations_fill_the_columns(simulate, plan, streams, read):
    """A meeting has the contact, company and deal with the lowest id, compared as numbers, and all contacts attend."""
    deeds = [
        _meeting(hs_attendee_owner_ids="31;32"),
        *(_contact(number) for number in (99, 100)),
        Create(T0, ("companies", "201"), {"name": "Clay"}, BY),
        Create(T0, DEAL, {"dealname": "x", "dealstage": "first"}, BY),
        *(Associate(T0, MEETING, ("contacts", number)) for number in ("100", "99")),
        Associate(T0, MEETING, ("companies", "201")),
        Associate(T0, MEETING, DEAL),
    ]
    _, make = simulate(plan(*deeds))
    _, records = read(streams(make())["meetings"])
    row = _row(records, "meeting")
    attendees = {record.id: record for record in records if record.type == "attendee"}

    assert row.values[10:13] == ("201", "99", "2001")
    assert set(attendees) == {
        f"meeting.5001.{part}" for part in ("contact.99", "contact.100", "user.9001", "user.9002")
    }
    assert attendees["meeting.5001.contact.99"].values[3:8] == ("c99@clay.example", "clay.example", False, None, "99")
    assert attendees["meeting.5001.user.9002"].values[3:8] == (
        *("bea@nordwind.example", "nordwind.example", True),
        *("9002", None),
    )


def test_a_contact_with_an_owners_address_is_one_of_the_house(simulate, plan, streams, read):
    """A contact whose address is that of a user is internal, with the user's id."""
    colleague = Create(T0, ("contacts", "99"), {"email": "Bea@Nordwind.example"}, BY)
    _, make = simulate(plan(_meeting(), colleague, Associate(T0, MEETING, ("contacts", "99"))))
    _, records = read(streams(make())["meetings"])

    assert _row(records, "attendee", "meeting.5001.contact.99").values[5:8] == (True, "9002", "99")


def test_associations_of_one_object_over_several_pages(simulate, plan, streams, read):
    """Where one object has more associations than a page, all are read."""
    contacts = [_contact(number) for number in range(100, 130)]
    links = [Associate(T0, MEETING, ("contacts", str(number))) for number in range(100, 130)]
    _, make = simulate(plan(_meeting(), *contacts, *links), association_page=7)
    _, records = read(streams(make())["meetings"])

    assert sum(1 for record in records if ".contact." in record.id) == 30


@pytest.mark.parametrize(
    ("kind", "ref", "values", "column"),
    [
        ("tickets", TICKET, {"hs_pipeline": "0", "hs_pipeline_stage": "1"}, 5),
        ("deals", DEAL, {"dealstage": "first", "pipeline": "default"}, 4),
        ("meetings", MEETING, {"hs_timestamp": "2026-09-02T08:00:00Z"}, 11),
        ("calls", CALL, {"hs_timestamp": "2026-09-02T08:00:00Z"}, 10),
    ],
)
def test_an_association_without_a_stamp_is_found(simulate, plan, streams, read, kind, ref, values, column):  # noqa: PLR0917 - fixtures and one case
    """A contact that is connected later, which moves no stamp, is found by the next read while the object is open."""
    deeds = [Create(T0, ref, values, BY), _contact(99), Associate(T0 + 5 * HOUR, ref, ("contacts", "99"))]
    simulator, make = simulate(plan(*deeds))
    pages, before = read(streams(make())[kind])
    simulator.move((T0 + 6 * HOUR) // 1000)
    pages, after = read(streams(make())[kind], pages[-1].watermark, until=T0 + 6 * HOUR)
    record = streams(make())[kind].types[0]

    assert _row(before, record).values[column] is None
    assert _row(after, record).values[column].endswith("99")
    assert pages[-1].watermark == (T0 + 5 * HOUR) * 1000


def test_what_is_over_is_not_read_again(simulate, plan, streams, read):
    """A closed ticket, a lost deal and a meeting of three weeks ago are not read again when nothing changed."""
    deeds = [
        Create(T0, TICKET, {"hs_pipeline": "0", "hs_pipeline_stage": "4"}, BY),
        Create(T0, DEAL, {"dealstage": "won", "pipeline": "default"}, BY),
        _meeting(),
    ]
    now = T0 + 23 * DAY
    _, make = simulate(plan(*deeds), now=now)
    for kind in ("tickets", "deals", "meetings"):
        _, records = read(streams(make())[kind], (T0 + 22 * DAY) * 1000, until=now)
        assert records == []
    _, again = read(streams(make(recheck_days=30))["meetings"], (T0 + 22 * DAY) * 1000, until=now)
    assert _row(again, "meeting").id == "5001"


def test_an_account_without_the_properties_that_tell_is_read_without_them(web, answer, connect, streams):
    """Where nothing tells which objects are open or merged no search without filters is made."""
    _partly(web, answer, archived=[])
    names = ["hs_object_id", "createdate"]
    properties = "https://api.hubspot.test/crm/properties/2026-09/tickets"
    web.get(properties).mock(return_value=answer({"results": [{"name": name} for name in names]}))
    search = web.post("https://api.hubspot.test/crm/objects/2026-09/tickets/search")
    search.mock(return_value=answer({"total": 0, "results": []}))
    stream = streams(connect(objects=["tickets"], threads=False))["tickets"]
    [part] = stream.plan(T0 * 1000, (T0 + HOUR) * 1000)

    assert [page.cursor is None for page in stream.read(part)] == [False, True]
    assert search.call_count == 1


# --- merges and deletions


@pytest.mark.parametrize("moves", [True, False])
@pytest.mark.parametrize("stage", ["1", "4"])
def test_a_merge_of_tickets_is_found(simulate, plan, streams, read, tickets, moves, stage):  # noqa: PLR0917 - fixtures and one case
    """A merge becomes an act on both tickets, also where no stamp moved and the one that stays is closed."""
    merge = Merge(T0 + 5 * HOUR, TICKET, ("tickets", "1002"), person(9_002), moves_stamp=moves)
    closing = Set(T0 + MINUTE, TICKET, {"hs_pipeline_stage": stage}, BY)
    simulator, make = simulate(plan(*tickets(2), closing, merge))
    pages, before = read(streams(make())["tickets"])
    simulator.move((T0 + 7 * HOUR) // 1000)
    _, after = read(streams(make())["tickets"], pages[-1].watermark, until=T0 + 7 * HOUR)

    assert {"1001", "1002"} <= {record.id for record in before}
    gone, came = _row(after, "ticket_event", "1002.merged.1001"), _row(after, "ticket_event", "1001.absorbed.1002")
    assert gone.values[:5] == ((T0 + 5 * HOUR) * 1000, "1002", "merged", "9002", "user")
    assert gone.values[13] == "1001"
    assert came.values[1:3] == ("1001", "absorbed")
    assert came.values[13] == "1002"


@pytest.mark.parametrize(("kind", "record", "column"), [("contacts", "contact", -1), ("companies", "account", -1)])
def test_a_merged_contact_or_company_names_the_one_that_stays(simulate, plan, streams, read, kind, record, column):  # noqa: PLR0917 - fixtures and one case
    """The one that went is a record that says into which other it went; a tombstone would hide it."""
    deeds = [Create(T0, (kind, key), {"name": key} if kind == "companies" else {}, BY) for key in ("301", "302")]
    merge = Merge(T0 + 5 * HOUR, (kind, "301"), (kind, "302"), BY, moves_stamp=False)
    simulator, make = simulate(plan(*deeds, merge))
    pages, _ = read(streams(make())[kind])
    simulator.move((T0 + 7 * HOUR) // 1000)
    _, after = read(streams(make())[kind], pages[-1].watermark, until=T0 + 7 * HOUR)

    gone = _row(after, record, "302")
    assert not gone.deleted
    assert gone.values[column] == "301"
    assert gone.raw == b'"302"'


def test_what_was_deleted_is_told_by_its_status(simulate, plan, streams, read, tickets):
    """A deleted ticket stays visible, with its status, time and an act; one that is back is not deleted."""
    deeds = [*tickets(2), Archive(T0 + HOUR, TICKET), Archive(T0 + HOUR, ("tickets", "1002"))]
    simulator, make = simulate(plan(*deeds, Restore(T0 + 3 * HOUR, ("tickets", "1002"))))
    found = streams(make())
    pages, records = read(found["archived_tickets"])
    gone = _row(records, "ticket", "1001")

    assert (gone.deleted, gone.as_of, gone.values[2]) == (False, (T0 + HOUR) * 1000, "deleted")
    assert _row(records, "ticket_event", f"1001.deleted.{T0 + HOUR}").values[2] == "deleted"
    assert pages[-1].watermark == (T0 + 2 * HOUR) * 1000
    assert found["archived_tickets"].follows == ("tickets",)
    simulator.move((T0 + 4 * HOUR) // 1000)
    _, later = read(streams(make())["archived_tickets"], until=T0 + 4 * HOUR)
    assert [record.id for record in later if record.type == "ticket"] == ["1001"]
    _, back = read(streams(make())["tickets"], (T0 + 2 * HOUR) * 1000, until=T0 + 4 * HOUR)
    assert _row(back, "ticket", "1002").as_of > gone.as_of


def test_a_deleted_meeting_is_a_tombstone(simulate, plan, streams, read):
    """What has no status that says so is gone from what is judged; what it was stays in the tombstone."""
    _, make = simulate(plan(_meeting(hs_meeting_title="Demo"), Archive(T0 + HOUR, MEETING)))
    _, records = read(streams(make())["archived_meetings"])

    assert (_row(records, "meeting").deleted, _row(records, "meeting").values[6]) == (True, "Demo")


def test_a_deal_that_was_merged_away_is_a_tombstone(simulate, plan, streams, read):
    """A deal has no column for the one that stays, so the one that went is gone."""
    deeds = [Create(T0, ("deals", key), {"dealstage": "first"}, BY) for key in ("301", "302")]
    _, make = simulate(plan(*deeds, Merge(T0 + HOUR, ("deals", "301"), ("deals", "302"), BY)))
    _, records = read(streams(make())["deals"])

    assert _row(records, "deal", "302").deleted
    assert not _row(records, "deal", "301").deleted


# --- batches that are answered in part


def test_what_the_index_still_shows_and_was_deleted(web, answer, connect, streams):
    """A ticket that the search shows and the batch leaves out is looked for among the deleted ones before it counts."""
    asked = _partly(web, answer, archived=["1001"])
    pages = _pages(streams(connect(objects=["tickets"], threads=False))["tickets"])

    assert [record.id for page in pages for record in page.records if record.type == "ticket"] == ["1001"]
    assert [params for params in asked if "archived" in params] == [{"archived": "true"}]


def test_what_was_merged_away_is_named_by_the_one_that_stays(web, answer, connect, streams):
    """A ticket that is neither there nor deleted counts when another one names it as merged."""
    _partly(web, answer, archived=[], merged="1001;7")
    pages = _pages(streams(connect(objects=["tickets"], threads=False))["tickets"])

    assert pages[-1].watermark is not None


def test_what_nobody_explains_ends_the_read(web, answer, connect, streams):
    """A ticket that the reader may not see makes the read incomplete: its history is not taken to be empty.

    It may only lag behind in the index, so the other streams of the run are read.
    """
    _partly(web, answer, archived=[])

    with pytest.raises(PermanentError, match="1001") as caught:
        _pages(streams(connect(objects=["tickets"], threads=False))["tickets"])
    assert not isinstance(caught.value, AuthorizationError)


def test_a_batch_refused_in_part_ends_the_read(web, answer, connect, streams):
    """An error inside a 207 that says more than that there is nothing ends the read."""
    _partly(web, answer, archived=[], category="INTERNAL_ERROR")

    with pytest.raises(PermanentError, match="INTERNAL_ERROR"):
        _pages(streams(connect(objects=["tickets"], threads=False))["tickets"])


def _partly(web, answer, *, archived, merged=None, category="OBJECT_NOT_FOUND"):
    """Let the search show ticket 1001 and the batch leave it out; give the parameters of the batches asked for."""
    root = "https://api.hubspot.test/crm"
    names = ["hs_object_id", "hs_pipeline_stage", "hubspot_owner_id", "hs_merged_object_ids", "createdate"]
    row = {"id": "1001", "properties": {"createdate": "2026-05-01T00:00:00Z"}, "updatedAt": "2026-05-01T00:00:00Z"}
    asked = []

    def search(request):
        if b"CONTAINS_TOKEN" in request.content:
            found = [{"id": "1002", "properties": {"hs_merged_object_ids": merged}}] if merged else []
            return answer({"total": len(found), "results": found})
        return answer({"total": 1, "results": [row]})

    def batch(request):
        asked.append(dict(request.url.params))
        if "archived" in request.url.params:
            return answer({"results": [{"id": key, "properties": {}} for key in archived]})
        fault = {"category": category, "message": "x", "context": {"ids": ["1001"]}}
        return answer({"results": [], "numErrors": 1, "errors": [fault]}, 207)

    web.post(f"{root}/objects/2026-09/tickets/search").mock(side_effect=search)
    web.post(f"{root}/objects/2026-09/tickets/batch/read").mock(side_effect=batch)
    web.post(url__startswith=f"{root}/associations/").mock(return_value=answer({"results": []}))
    web.get(f"{root}/properties/2026-09/tickets").mock(return_value=answer({"results": [{"name": n} for n in names]}))
    web.get(f"{root}/pipelines/2026-09/tickets").mock(return_value=answer({"results": []}))
    web.get(url__startswith=f"{root}/owners/").mock(return_value=answer({"results": []}))
    return asked


def _pages(stream):
    [part] = stream.plan(None, (T0 + HOUR) * 1000)[-1:]
    return list(stream.read(part))


# --- properties, pipelines, owners


def test_a_misspelt_property_is_an_error(simulate, plan, streams, read):
    """A declared property that the account does not have ends the read, and is named; it is no empty field."""
    _, make = simulate(plan(_meeting()))
    custom = {"meeting": {"accepted": {"path": "properties.acepted_by_ae"}}}

    for settings in ({"custom": custom}, {"history": {"meetings": ["acepted_by_ae"]}}):
        with pytest.raises(PermanentError, match="acepted_by_ae"):
            read(streams(make(**settings))["meetings"])


def test_a_declared_property_is_read_with_its_history(simulate, plan, streams, read):
    """A custom field is typed, its history is read, and its changes are called as the field is."""
    own = Property("meetings", "accepted_by_ae", "Accepted", "bool")
    setting = Set(T0 + MINUTE, MEETING, {"accepted_by_ae": "true"}, person(9_002))
    _, make = simulate(plan(_meeting(), setting, properties=(own,)))
    custom = {"meeting": {"accepted": {"path": "properties.accepted_by_ae", "type": "boolean"}}}
    _, records = read(streams(make(custom=custom))["meetings"])
    [change] = [record for record in records if record.type == "change" and record.values[4] == "custom.accepted"]

    assert _row(records, "meeting").custom == {"accepted": True}
    assert change.values[1:] == (*("meeting", "5001", "CRM_UI", "custom.accepted", None, "true", "9002", None, None),)
    assert change.raw.startswith(b'{"value":"true"')


def test_owners_are_people_by_their_user_id(simulate, plan, streams, read):
    """Those who left are there and not active; a queue has no user id; of one who came back the present row counts."""
    owners = (
        Owner("31", 9_001, "Ada@nordwind.example", "Ada", "East", (Team("1", "Sales"),)),
        Owner("32", 9_001, "ada@nordwind.example", "Ada", "Old", archived_at=T0),
        Owner("33", 9_003, "old@nordwind.example", archived_at=T0),
        Owner("34", None, "queue@nordwind.example", type="QUEUE"),
    )
    _, make = simulate(plan(owners=owners))
    pages, records = read(streams(make())["owners"])
    found = {record.id: record for record in records}

    assert set(found) == {"9001", "9003", "owner:34"}
    assert found["9001"].values[1:] == ("unknown", "Ada East", "ada@nordwind.example", "agent", True)
    assert found["9001"].custom == {"owner_id": "31", "role": "agent", "team": "Sales"}
    assert found["9003"].values[5] is False
    assert pages[-1].watermark == (T0 + 2 * HOUR) * 1000
    _, teams = read(streams(make(role="team"))["owners"])
    assert {record.id: record.values[4] for record in teams} == {"9001": "Sales", "9003": "agent", "owner:34": "agent"}


def test_pipelines_decide_what_a_stage_means(simulate, plan, streams, read):
    """The same kind of stage closes in one pipeline and not in another."""
    pipelines = (
        Pipeline("tickets", "0", "Support", (Stage("1", "New"), Stage("4", "Closed", closed=True))),
        Pipeline("tickets", "20", "Returns", (Stage("21", "Closed"), Stage("22", "Refunded", closed=True))),
    )
    stages = {"1001": ("0", "4"), "1002": ("20", "21"), "1003": ("20", "22")}
    deeds = [
        Create(T0, ("tickets", key), {"hs_pipeline": pipeline, "hs_pipeline_stage": stage}, BY)
        for key, (pipeline, stage) in stages.items()
    ]
    _, make = simulate(plan(*deeds, pipelines=pipelines))
    _, records = read(streams(make())["tickets"])

    assert {r.id: r.values[2] for r in records if r.type == "ticket"} == {
        "1001": "solved",
        "1002": "open",
        "1003": "solved",
    }


# --- conversations


def test_conversations_become_acts(simulate, plan, streams, read, tickets):
    """What bots, people, applications and customers said is told apart, and each stranger is an actor."""
    deeds = [
        *tickets(1),
        OpenThread(T0 + MINUTE, "7001", "1001"),
        Say(T0 + 2 * MINUTE, "7001", "V-99", "Hello, where is my order?"),
        Say(T0 + 3 * MINUTE, "7001", "L-8", "It is on its way."),
        Say(T0 + 4 * MINUTE, "7001", "A-9001", "I am the vendor.", app_id=77123),
        Say(T0 + 5 * MINUTE, "7001", "A-9001", "look at this", type="COMMENT"),
    ]
    _, make = simulate(plan(*deeds))
    _, records = read(streams(make())["tickets"])
    acts = {r.values[0]: r.values for r in records if r.type == "ticket_event" and r.values[2] == "message"}
    told = [(acts[at][3], acts[at][6], acts[at][7]) for at in sorted(acts)]

    assert told == [
        ("V-99", "chat", True),
        ("L-8", "chat", True),
        ("app:77123", "api", True),
        ("9001", "chat", False),
    ]
    assert {r.id: r.values[4] for r in records if r.type == "actor"} == {
        "V-99": "end-user",
        "L-8": "bot",
        "app:77123": None,
    }


def test_words_that_leave_no_stamp(simulate, plan, streams, read, tickets):
    """A comment moves no stamp: with `recheck_threads` it is found on an open ticket, without it is not."""
    comment = Say(T0 + 5 * HOUR, "7001", "A-9001", "Hello.", type="COMMENT")
    simulator, make = simulate(plan(*tickets(1), OpenThread(T0, "7001", "1001"), comment))
    pages, _ = read(streams(make())["tickets"])
    simulator.move((T0 + 7 * HOUR) // 1000)
    told = {}
    for recheck in (True, False):
        stream = streams(make(recheck_threads=recheck))["tickets"]
        _, records = read(stream, pages[-1].watermark, until=T0 + 7 * HOUR)
        told[recheck] = [record.values[2:4] for record in records if record.type == "ticket_event"]

    assert ("message", "9001") in told[True]
    assert told[False] == []


def test_conversations_of_another_ticket_do_not_count(simulate, plan, streams, read, tickets):
    """A list that takes no notice of the ticket gives no ticket the words of another one."""
    deeds = [*tickets(2), OpenThread(T0, "7001", "1002"), Say(T0 + MINUTE, "7001", "A-9001", "x")]
    simulator, make = simulate(plan(*deeds))
    simulator.faults.load([{"kind": "all_threads", "times": None}])
    _, records = read(streams(make())["tickets"])

    assert {r.values[1] for r in records if r.type == "ticket_event" and r.values[2] == "message"} == {"1002"}


# --- what HubSpot may do


@pytest.mark.parametrize("kind", ["new_field", "foreign_host"])
def test_additions_and_foreign_links_change_nothing(simulate, plan, streams, read, tickets, kind):  # noqa: PLR0917 - fixtures and one case
    """Fields nobody knows are passed over, and no link is ever followed."""
    deeds = [*tickets(250), _meeting(), _contact(99), Associate(T0, MEETING, ("contacts", "99"))]
    simulator, make = simulate(plan(*deeds))
    plain = {name: [r.id for r in read(stream)[1]] for name, stream in streams(make(threads=False)).items()}
    simulator.faults.load([{"kind": kind, "times": None}])
    other = {name: [r.id for r in read(stream)[1]] for name, stream in streams(make(threads=False)).items()}

    assert plain == other


def test_values_nobody_knows_are_not_guessed(simulate, plan, streams, read):
    """An outcome that is not known yet gives no status."""
    simulator, make = simulate(plan(_meeting(hs_meeting_outcome="COMPLETED")))
    simulator.faults.load([{"kind": "unknown_enum", "times": None}])
    _, records = read(streams(make())["meetings"])

    assert _row(records, "meeting").values[5] is None


def test_a_search_without_order_is_refused(web, answer, connect, streams):
    """A search that does not keep to the order of ids would lose objects, so the read ends."""
    _partly(web, answer, archived=[])
    rows = [{"id": key, "properties": {}, "updatedAt": "2026-05-01T00:00:00Z"} for key in ("1002", "1001")]
    web.post("https://api.hubspot.test/crm/objects/2026-09/tickets/search").mock(
        return_value=answer({"total": 2, "results": rows})
    )

    with pytest.raises(SchemaChanged, match="order"):
        _pages(streams(connect(objects=["tickets"]))["tickets"])


def test_a_search_that_does_not_move_is_refused(web, answer, connect, streams):
    """A search that says there is more and gives nothing would never end."""
    _partly(web, answer, archived=[])
    web.post("https://api.hubspot.test/crm/objects/2026-09/tickets/search").mock(
        return_value=answer({"total": 2, "results": [], "paging": {"next": {"after": "5"}}})
    )

    with pytest.raises(SchemaChanged):
        _pages(streams(connect(objects=["tickets"]))["tickets"])


@pytest.mark.parametrize("legacy", [True, False])
def test_both_spellings_of_paths_read_the_same(simulate, plan, streams, read, tickets, legacy):  # noqa: PLR0917 - fixtures and one case
    """The numbered and the dated paths give the same records, and one run uses one of them only."""
    deeds = [*tickets(3), _meeting(), _contact(99), OpenThread(T0, "7001", "1001"), Archive(T0 + MINUTE, TICKET)]
    simulator, make = simulate(plan(*deeds))
    connector = make(legacy=legacy)
    count = sum(len(read(stream)[1]) for stream in streams(connector).values())
    paths = list(simulator.calls)

    assert count == sum(len(read(stream)[1]) for stream in streams(make(legacy=not legacy)).values())
    assert all(("2026-09" in path) != legacy for path in paths)
    assert connector.api_version == ("v3" if legacy else "2026-09")

"""One object, live, through simple-salesforce."""

import pytest

from tallystick.errors import AuthorizationError, ConfigurationError, RetryableError, SchemaChanged
from tallystick_salesforce.faults import MissingError, QuotaError

ADA = "005000000000001AAA"
CASE = "500000000000001AAA"
DEAL = "006000000000001AAA"


def _kinds(records):
    return [(record.type, record.id) for record in records]


def test_a_case_is_read_with_what_happened_to_it(org, connect, row):
    """Ticket, acts and changes come as the streams give them, by one call each."""
    org.rows["Case"] = [row("500", 1, Status="Closed", IsClosed=True, OwnerId=ADA)]
    org.rows["CaseHistory"] = [
        row("017", 1, CaseId=CASE, Field="Status", OldValue="New", NewValue="Closed", CreatedById=ADA),
        row("017", 2, CaseId="500000000000002AAA", Field="Status", OldValue="New", NewValue="Closed"),
    ]
    org.rows["CaseComment"] = [row("00a", 1, ParentId=CASE, CommentBody="x", IsPublished=True, CreatedById=ADA)]
    records = connect().lookup(CASE)

    assert _kinds(records) == [
        ("ticket", CASE),
        ("ticket_event", f"{CASE}.created"),
        ("change", "017000000000001AAA"),
        ("ticket_event", "017000000000001AAA.status"),
        ("ticket_event", "00a000000000001AAA"),
    ]
    assert [name for name in org.names() if name not in {"describe", "token"}] == [
        "get",
        "query CaseStatus",
        "query CaseHistory",
        "query CaseHistory2",
        "query MessagingSession",
        "query EmailMessage",
        "query CaseComment",
    ]


@pytest.mark.parametrize(
    ("key", "becomes"),
    [
        ("00U000000000001AAA", ("Event", "meeting")),
        ("00T000000000001AAA", ("Task", "call")),
        ("006000000000001AAA", ("Opportunity", "deal")),
        ("00Q000000000001AAA", ("Lead", "contact")),
        ("003000000000001AAA", ("Contact", "contact")),
        ("001000000000001AAA", ("Account", "account")),
        ("500000000000001AAA", ("Case", "ticket")),
    ],
)
def test_each_kind_is_known_by_its_id(org, connect, row, key, becomes):
    """The first signs of an id tell the object."""
    entity, kind = becomes
    org.rows[entity] = [row(key[:3], 1, TaskSubtype="Call")]

    assert connect().lookup(key)[0].type == kind
    assert ("get", entity) in org.calls


def test_a_record_is_the_one_the_stream_gives(org, connect, read, row):
    """Live or by a stream, the same columns and declared fields."""
    org.fields["Event"] += ["Accepted__c"]
    custom = {"meeting": {"accepted": {"path": "Accepted__c", "type": "boolean"}}}
    org.rows["Event"] = [row("00U", 1, Subject="x", Accepted__c=True, StartDateTime="2026-08-03T10:00:00.000+0000")]
    connector = connect(custom=custom)
    [listed] = read({stream.name: stream for stream in connector.streams()}["events"])[1]
    [live] = connector.lookup(listed.id)

    assert (live.values, live.custom, live.as_of) == (listed.values, listed.custom, listed.as_of)


def test_a_long_history_is_read_to_its_end(org, connect, row):
    """simple-salesforce asks for the pages that follow, and all of them count."""
    org.page = 2
    org.rows["Opportunity"] = [row("006", 1)]
    org.rows["OpportunityHistory"] = [row("008", n, OpportunityId=DEAL, StageName=f"S{n}") for n in range(5)]
    records = connect().lookup(DEAL)

    assert [record.values[6] for record in records if record.values[4] == "stage"] == [f'"S{n}"' for n in range(5)]


def test_a_deleted_object_is_found_among_the_deleted(org, connect, row):
    """What is in the recycle bin is told as deleted, what was merged as merged."""
    org.rows["Event"] = [row("00U", 1, IsDeleted=True)]
    org.rows["Account"] = [row("001", 1, IsDeleted=True, MasterRecordId="001000000000002AAA")]
    connector = connect()

    assert connector.lookup("00U000000000001AAA")[0].deleted is True
    assert connector.lookup("001000000000001AAA")[0].values[8] == "001000000000002AAA"


def test_what_is_nowhere_is_said_to_be(org, connect):
    """Neither shown nor in the recycle bin: gone for good, or hidden from the reader."""
    with pytest.raises(MissingError, match="not even a deleted one"):
        connect().lookup(CASE)


@pytest.mark.parametrize("ref", ["", "5", "005000000000001AAA", "500' OR Id != null", "50000000000000é", "x" * 18])
def test_what_is_no_id_of_ours_makes_no_call(org, connect, ref):
    """An id of another object, or none at all, is refused before anything is asked."""
    with pytest.raises(ConfigurationError, match="no id"):
        connect().lookup(ref)
    assert org.calls == []


def test_a_token_that_expired_is_minted_anew_once(org, connect, row):
    """The SDK never signs in by itself: one new token, one more call."""
    org.rows["Account"] = [row("001", 1)]
    connector = connect(without=["AccountHistory"])
    connector.lookup("001000000000001AAA")
    org.valid = "expired"
    connector.lookup("001000000000001AAA")

    assert org.tokens == 2


def test_a_token_that_is_never_accepted_ends_the_look_up(org, connect):
    """Two calls and no loop: the SDK's own retry, which runs away, is never in use."""
    connector = connect()
    asked = []
    refused = (401, [{"errorCode": "INVALID_SESSION_ID", "message": "x"}])
    org.refuse = lambda method, path, params, body: (
        asked.append(path) or refused if path.endswith("500000000000001AAA") else None
    )
    with pytest.raises(AuthorizationError):
        connector.lookup(CASE)

    assert len(asked) == 2


def test_the_quota_counts_for_look_ups_too(org, connect, row):
    """A look-up spends from the same quota as the streams, and stops with it."""
    org.rows["Account"] = [row("001", 1)]
    connector = connect()
    org.used = 90_000
    with pytest.raises(QuotaError):
        connector.lookup("001000000000001AAA")


def test_an_object_that_is_left_out_is_not_asked_for(org, connect, row):
    """What the org does not use is not looked up either."""
    org.rows["Account"] = [row("001", 1)]
    connect(without=["AccountHistory"]).lookup("001000000000001AAA")

    assert "query AccountHistory" not in org.names()


@pytest.mark.parametrize(
    ("body", "expected"),
    [([1], SchemaChanged), ({"Id": 5}, SchemaChanged), ({}, SchemaChanged), (b"<html>", RetryableError)],
)
def test_a_strange_answer_is_an_error_of_ours(org, connect, body, expected):
    """Whatever comes, nothing of the SDK's leaves the connector."""
    connector = connect()
    org.refuse = lambda method, path, params, given: (200, body) if path.endswith(CASE) else None
    with pytest.raises(expected):
        connector.lookup(CASE)


def test_a_history_without_an_end_is_not_followed_for_ever(org, connect, row):
    """The SDK follows next pages as long as there are any; the session it was given does not."""
    org.rows["Case"] = [row("500", 1, Status="New", IsClosed=False)]
    page = {"records": [], "totalSize": 1, "done": False, "nextRecordsUrl": "/services/data/v68.0/query/0r8-1"}
    org.refuse = lambda method, path, params, body: (
        (200, page) if "0r8-1" in path or "FROM CaseComment" in params.get("q", "") else None
    )
    connector = connect()
    with pytest.raises(SchemaChanged, match="does not end"):
        connector.lookup(CASE)
    assert connector.calls() < 600

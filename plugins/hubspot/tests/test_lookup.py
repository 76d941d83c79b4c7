"""One object live: through hubspot-api-client, over the wire, and what each refusal means."""

import ast
import inspect
import logging
from http.client import HTTPConnection

import pytest

from tallystick.errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    PermanentError,
    RateLimited,
    RetryableError,
    SchemaChanged,
)
from tallystick_hubspot import lookup as module
from tallystick_hubspot.faults import MissingError, PausedError, UnauthenticatedError
from tallystick_hubspot.lookup import Ref
from tallystick_hubspot.simulator.deeds import Archive, Associate, Create, Merge, OpenThread, Say, Set, person
from tallystick_hubspot.simulator.instants import instant
from tallystick_hubspot.simulator.sample import sample_plan

MINUTE, HOUR = 60_000, 3_600_000
T0 = instant("2026-09-01T08:00:00Z")
END = instant("2026-09-26T08:00:00Z")
KEY = "pat-na1-VerySecretKey"
BY = person(9_001)
REFS = [
    *("ticket/400001", "ticket/400002", "ticket/400003", "meeting/500001", "meeting/500002", "call/600001"),
    *("deal/300001", "contact/100001", "account/200001"),
]
OBJECT = "/crm/v3/objects/tickets/1001"


@pytest.mark.parametrize("ref", REFS)
def test_both_ways_give_what_the_streams_give(simulate, streams, read, ref):
    """Through the SDK and over the wire the records are those that the streams read, id by id and column by column."""
    _, make = simulate(sample_plan(), now=END)
    record, _, key = ref.partition("/")
    kind = next(name for name, stream in streams(make()).items() if stream.types[0] == record)
    _, everything = read(streams(make())[kind], until=END)
    through, wired = make().lookup(ref), make(lookup_through_sdk=False).lookup(ref)
    streamed = {(one.type, one.id): one.values for one in everything}

    assert through[0].id == key
    assert [(one.type, one.id, one.values) for one in through] == [(one.type, one.id, one.values) for one in wired]
    assert {(one.type, one.id): one.values for one in through if one.type != "actor"}.items() <= streamed.items()


def test_the_same_object_over_both_spellings(simulate):
    """Over the wire the configured spelling of the paths is used; through the SDK the numbered one."""
    simulator, make = simulate(sample_plan(), now=END)
    make(lookup_through_sdk=False).lookup("deal/300001")
    assert simulator.calls["/crm/objects/2026-09/deals/300001"] == 1
    make().lookup("deal/300001")
    assert simulator.calls["/crm/v3/objects/deals/300001"] == 1


@pytest.mark.parametrize("sdk", [True, False])
def test_what_was_deleted_is_asked_for_as_deleted(simulate, plan, tickets, sdk):
    """A deleted ticket says so, with its act; one that never was is missing."""
    _, make = simulate(plan(*tickets(1), Archive(T0 + MINUTE, ("tickets", "1001"))))
    found = make(lookup_through_sdk=sdk).lookup("ticket/1001")

    assert [(one.type, one.deleted) for one in found] == [("ticket", False), ("ticket_event", False)]
    assert found[0].values[2] == "deleted"
    with pytest.raises(MissingError):
        make(lookup_through_sdk=sdk).lookup("ticket/9")


def test_what_was_merged_away_leads_to_the_one_that_stays(simulate, plan, tickets):
    """Where HubSpot leads from the one that went to the one that stays, that one is given, with the merge."""
    merge = Merge(T0 + MINUTE, ("tickets", "1001"), ("tickets", "1002"), BY, redirects=True)
    _, make = simulate(plan(*tickets(2), merge))
    found = make().lookup("ticket/1002")

    assert found[0].id == "1001"
    assert "1002.merged.1001" in {one.id for one in found}


@pytest.mark.parametrize("text", ["", "1001", "ticket/", "ticket/x", "ticket/1/2", "lead/1", "ticket/" + "1" * 21])
def test_what_is_no_reference_is_told(text):
    """A reference is a record type and a number."""
    with pytest.raises(ConfigurationError, match="no object"):
        Ref.of(text)


@pytest.mark.parametrize(
    ("fault", "kind", "calls"),
    [
        ({"kind": "401"}, UnauthenticatedError, 1),
        ({"kind": "403", "scopes": ["tickets"]}, AuthorizationError, 1),
        ({"kind": "400"}, PermanentError, 1),
        ({"kind": "429", "policy": "DAILY", "retry_after": None}, PausedError, 1),
        ({"kind": "429", "retry_after": "2"}, RateLimited, 8),
        ({"kind": "429", "retry_after": None}, RateLimited, 8),
        ({"kind": "500"}, RetryableError, 8),
        ({"kind": "503"}, RateLimited, 8),
        ({"kind": "521"}, RetryableError, 8),
        ({"kind": "530"}, UnauthenticatedError, 1),
        ({"kind": "redirect"}, PermanentError, 1),
        ({"kind": "200_html"}, RetryableError, 8),
        ({"kind": "reset"}, RetryableError, 8),
        ({"kind": "truncated"}, ConnectorError, 8),
    ],
)
def test_what_each_refusal_means(simulate, plan, tickets, fault, kind, calls):  # noqa: PLR0917 - fixtures and one case
    """Every exception of the SDK and of urllib3 is one of ours; only what may pass is tried again, by us alone."""
    simulator, make = simulate(plan(*tickets(1)))
    simulator.faults.load([{**fault, "path": OBJECT, "times": None}])

    with pytest.raises(kind) as caught:
        make().lookup("ticket/1001")
    assert simulator.calls[OBJECT] == calls
    assert KEY not in caught.value.diagnostics()


def test_a_passing_refusal_is_survived(simulate, plan, tickets):
    """After one refusal the object is there."""
    simulator, make = simulate(plan(*tickets(1)))
    simulator.faults.load([{"kind": "502", "path": OBJECT}])

    assert make().lookup("ticket/1001")[0].id == "1001"


def test_an_expired_bearer_is_renewed_once(simulate, plan, tickets):
    """A minted bearer that expired is renewed, once."""
    simulator, make = simulate(plan(*tickets(1)))
    simulator.faults.load([{"kind": "expired", "path": OBJECT}])
    connector = make(oauth=True)

    assert connector.lookup("ticket/1001")[0].id == "1001"
    assert simulator.stats()["tokens"] == 2
    simulator.faults.load([{"kind": "expired", "path": OBJECT, "times": None}])
    with pytest.raises(UnauthenticatedError):
        connector.lookup("ticket/1001")
    assert simulator.stats()["tokens"] == 3


def test_another_shape_is_told(simulate, plan, tickets, monkeypatch):
    """An answer in an unknown shape is no crash."""
    _, make = simulate(plan(*tickets(1)))
    connector = make()
    monkeypatch.setattr(module, "_response", lambda status, headers, body, bearer: _shape(status, headers))

    with pytest.raises(SchemaChanged):
        connector.lookup("ticket/1001")


def test_a_header_that_repeats_the_key_is_not_shown(simulate, plan, tickets, monkeypatch):
    """A gateway that answers in place of HubSpot may echo what the call was signed with."""
    _, make = simulate(plan(*tickets(1)))
    whole = module._response
    told = {"content-type": "text/html", "x-hubspot-correlation-id": f"req-{KEY}"}
    monkeypatch.setattr(
        module, "_response", lambda status, headers, body, bearer: whole(status, told, b"<html>", bearer)
    )

    with pytest.raises(RetryableError) as caught:
        make().lookup("ticket/1001")
    assert KEY not in caught.value.diagnostics()
    assert caught.value.request_id == "req-..."


def _shape(status, headers):
    from tallystick.connectors import Response

    return Response.of(status, {name.lower(): value for name, value in headers.items()}, b'{"id": []}', "req")


def test_levels_of_logging_are_put_back(simulate, plan, tickets):
    """What the SDK sets for the whole process is as it was before."""
    _, make = simulate(plan(*tickets(1)))
    log = logging.getLogger("urllib3")
    before = log.level
    log.setLevel(logging.INFO)
    HTTPConnection.debuglevel = 1
    try:
        make().lookup("ticket/1001")
        assert log.level == logging.INFO
        assert HTTPConnection.debuglevel == 1
    finally:
        log.setLevel(before)
        HTTPConnection.debuglevel = 0


def test_every_call_of_the_sdk_has_a_time_limit():
    """No call through the SDK could wait for ever, and none goes through its model layer."""
    tree = ast.parse(inspect.getsource(module))
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr.startswith("get_by_id")
    ]

    assert len(found) == 1
    assert {"_request_timeout", "_preload_content"} <= {keyword.arg for keyword in found[0].keywords}


def test_calls_of_a_lookup_are_counted(simulate, plan, tickets):
    """A look-up spends from the bucket of the streams, the SDK's own call included."""
    simulator, make = simulate(plan(*tickets(1), OpenThread(T0, "7001", "1001"), Say(T0, "7001", "V-9", "hi")))
    connector = make()
    connector.lookup("ticket/1001")

    assert connector.calls() == simulator.stats()["calls"]


def test_an_attendee_is_looked_up_with_the_meeting(simulate, plan):
    """A meeting comes with its contacts' addresses."""
    meeting = ("meetings", "5001")
    deeds = [
        Create(T0, meeting, {"hs_timestamp": "2026-09-02T08:00:00Z"}, BY),
        Create(T0, ("contacts", "99"), {"email": "cfo@clay.example"}, BY),
        Associate(T0, meeting, ("contacts", "99")),
        Set(T0 + HOUR, meeting, {"hs_meeting_outcome": "COMPLETED"}, person(9_002)),
    ]
    _, make = simulate(plan(*deeds))
    found = {(one.type, one.id): one.values for one in make().lookup("meeting/5001")}

    assert found["attendee", "meeting.5001.contact.99"][3] == "cfo@clay.example"
    assert found["meeting", "5001"][11] == "99"


@pytest.mark.parametrize("sdk", [True, False])
def test_more_associations_than_come_with_an_object(simulate, plan, sdk):
    """Where the associations that came with an object are cut, a batch gives them all."""
    meeting = ("meetings", "5001")
    contacts = [Create(T0, ("contacts", str(1000 + n)), {"email": f"c{n}@clay.example"}, BY) for n in range(130)]
    links = [Associate(T0, meeting, ("contacts", str(1000 + n))) for n in range(130)]
    _, make = simulate(plan(Create(T0, meeting, {"hs_timestamp": "2026-09-02T08:00:00Z"}, BY), *contacts, *links))
    found = make(lookup_through_sdk=sdk).lookup("meeting/5001")

    assert sum(1 for one in found if one.type == "attendee") == 130

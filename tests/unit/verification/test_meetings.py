"""`qualified-meeting` among many claims: copies, series, reschedules and meetings of one account are paid once."""

import pytest

from tallystick.contracts import load_contract
from tallystick.outcomes import Inputs
from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING
from tallystick.records.types import RECORD_TYPES
from tallystick.verification.claim import Claim
from tallystick.verification.verifier import Decision

DAY = 86_400_000_000
MINUTE = 60_000_000
NOW = 1_790_000_000_000_000
START = NOW - 200 * DAY
CONTRACT = """\
contract: acme
version: 1
buyer: Acme
vendor: {name: Vendor, identities: {billing: [bot]}}
people: {account_executive: {billing: {role_in: [AE]}}}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-01-01}
outcomes:
  met:
    source: billing
    uses: qualified-meeting
    with: {one_per_account_days: 30, AGREED}
    price: {per_unit: 240}
"""


@pytest.fixture
def decide(tmp_path, evidence):
    """Give a function from meetings by name, days after the start and columns, to status and reason of each claim."""

    def run(*meetings, claims=None, agreed="acceptance: none", **more):
        path = tmp_path / "acme.yaml"
        path.write_text(CONTRACT.replace("AGREED", agreed))
        templates = {"qualified-meeting": QUALIFIED_MEETING}
        contract = load_contract(path, templates=templates, custom={"billing": {}})
        records = [record for name, days, columns in meetings for record in _held(name, START + days * DAY, columns)]
        records += more.pop("records", [])
        read = dict.fromkeys(RECORD_TYPES, NOW)
        inputs = Inputs(read_from=dict.fromkeys(RECORD_TYPES, 0), read_to=read)
        decision = Decision(evidence(*records), contract, contract.outcomes["met"], inputs, now=0, before={}, **more)
        names = claims if claims is not None else [name for name, *_ in meetings]
        owner = {}
        found = decision.claimed([Claim(f"C-{name}", "met", name, NOW, None, None) for name in names], owner)
        found += decision.found(owner)
        return {each.subject: (each.status, each.reasons[0].clause if each.reasons else "") for each in found}

    return run


def _held(name, at, columns):
    """Give a meeting of half an hour with both sides and a conference of twenty minutes."""
    times = {
        "starts_at": at,
        "ends_at": at + 30 * MINUTE,
        "created_at": at - DAY,
        "updated_at": at,
        "created_by": "bot",
    }
    yield "meeting", name, {**times, "account_id": "a1", "status": "completed", **columns}
    call = {"meeting_id": name, "started_at": at, "ended_at": at + 20 * MINUTE, "seconds": 1_200}
    yield "call", f"call-{name}", {**call, "medium": "conference"}
    yield "attendee", f"b-{name}", {"meeting_id": name, "at": at, "internal": True}
    yield "attendee", f"p-{name}", {"meeting_id": name, "at": at, "internal": False, "domain": "x.example"}


PAID, TWICE = ("verified", ""), ("rejected", "duplicate")


@pytest.mark.parametrize(("days", "expected"), [(29, TWICE), (30, PAID)])
def test_meetings_of_one_account_lie_days_apart(decide, days, expected):
    """Two meetings of one account less than the agreed days apart are paid once, by the claim that comes first."""
    found = decide(("m1", 0, {}), ("m2", days, {}), ("m3", days, {"account_id": "a2"}))
    assert found == {"claim:C-m1": PAID, "claim:C-m2": expected, "claim:C-m3": PAID}

    found = decide(("m1", 0, {}), ("m2", days, {}), claims=["m2", "m1"])
    assert found == {"claim:C-m2": PAID, "claim:C-m1": expected}


def test_accounts_that_were_merged_are_one(decide):
    """Meetings of an account that was merged into another one are that one's."""
    merged = [("account", "a2", {"merged_into": "a1"})]
    found = decide(("m1", 0, {}), ("m2", 9, {"account_id": "a2"}), records=merged)

    assert found["claim:C-m2"] == TWICE


def test_accounts_that_were_merged_twice_are_one(decide):
    """Where the account that remained was merged into another one later, all three are that one."""
    merged = [("account", "a3", {"merged_into": "a2"}), ("account", "a2", {"merged_into": "a1"})]
    meetings = [(f"m{number}", number, {"account_id": f"a{number}"}) for number in (1, 2, 3)]

    found = decide(*meetings, records=merged)
    assert list(found.values()) == [PAID, TWICE, TWICE]


def test_copies_of_events_that_are_not_told_join_nothing(decide):
    """Series whose copies all name the same unknown event are as many units as there are series."""
    meetings = [(f"m{series}", 0, {"series_id": series, "account_id": series}) for series in ("s1", "s2")]
    copies = [(f"c{series}", 0, {"series_id": series, "parent_id": "unknown"}) for series in ("s1", "s2")]

    found = decide(*meetings, *copies, claims=["ms1", "ms2"])
    assert found == {"claim:C-ms1": PAID, "claim:C-ms2": PAID}


def test_a_copy_is_not_paid_beside_its_meeting(decide):
    """The copy in an invited user's calendar is none, and the meeting is paid, claimed or found."""
    found = decide(("m1", 0, {}), ("m2", 0, {"parent_id": "m1"}), claims=["m2"])

    assert found == {"claim:C-m2": ("rejected", "not_a_copy"), "found:met:m1": PAID}


@pytest.mark.parametrize(("rule", "expected"), [("follows_original", TWICE), ("new_unit", PAID)])
def test_a_replacement_is_the_same_unit(decide, rule, expected):
    """A meeting rescheduled twice is one unit with its originals, however long after, unless each is its own."""
    agreed = f"acceptance: none, reschedule_rule: {rule}"
    meetings = [("m1", 0, {}), ("m2", 40, {"rescheduled_from": "m1"}), ("m3", 80, {"rescheduled_from": "m2"})]

    assert decide(*meetings, claims=["m1", "m3"], agreed=agreed) == {
        "claim:C-m1": PAID,
        "claim:C-m3": expected,
        **({"found:met:m2": PAID} if rule == "new_unit" else {}),
    }


@pytest.mark.parametrize(("rule", "expected"), [("first_only", ("rejected", "first_of_series")), ("each", PAID)])
def test_a_series_is_paid_once(decide, rule, expected):
    """Of a weekly series the first meeting is paid, the others where the contract says each."""
    agreed = f"acceptance: none, recurring: {rule}"
    found = decide(("m1", 0, {"series_id": "s"}), ("m2", 35, {"series_id": "s"}), agreed=agreed)

    assert found == {"claim:C-m1": PAID, "claim:C-m2": expected}


def test_two_entries_of_a_series_at_one_time_are_one_unit(decide):
    """Where two of a series begin at one time neither is later, and one alone is paid."""
    found = decide(("m1", 0, {"series_id": "s", "account_id": "a1"}), ("m2", 0, {"series_id": "s", "account_id": "a2"}))

    assert found == {"claim:C-m1": PAID, "claim:C-m2": TWICE}


def test_the_reason_says_why(decide):
    """A meeting that nobody accepted is rejected by that clause, and an accepted one is paid."""
    agreed = "acceptance: deal_created"
    deal = {"account_id": "a1", "created_at": START + DAY, "created_by": "u1", "closed": False}
    user = [("actor", "u1", {"role": "AE", "as_of": 0})]

    assert decide(("m1", 0, {}), agreed=agreed)["claim:C-m1"] == ("rejected", "accepted")
    assert decide(("m1", 0, {}), agreed=agreed, records=[*user, ("deal", "d1", deal)])["claim:C-m1"] == PAID

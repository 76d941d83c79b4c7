"""What goes wrong on the way, the check, look-ups and a large first load, against the simulator over a real socket."""

import json

import pytest

from tallystick.connectors import Slice
from tallystick.errors import AuthorizationError, ConfigurationError, RateLimited, RetryableError
from tallystick.records.types import RECORD_TYPES
from tallystick.testing.instants import iso
from tallystick.testing.simulation import start_simulator
from tallystick_salesforce.faults import FieldError, MissingError, QuotaError
from tallystick_salesforce.simulator import Paging, Plan, sample_plan
from tallystick_salesforce.simulator.sample import END

SECOND = 1_000_000
UNTIL = END * SECOND
LATER = "2026-11-20T06:00:00Z"
SECRET = "VerySecretOfTheApp"
CUSTOM = {"meeting": {"accepted": {"path": "Meeting_Accepted__c", "type": "boolean"}}}
STATUS = {"Held": "completed", "No Show": "no_show", "Cancelled": "canceled"}
MEETINGS = {"custom": CUSTOM, "meeting_status_field": "Meeting_Outcome__c", "meeting_status_values": STATUS}


def _streams(connector):
    return {stream.name: stream for stream in connector.streams()}


def _read(stream, watermark=None, until=UNTIL):
    pages = [page for part in stream.plan(watermark, until) for page in stream.read(part)]
    return pages, [record for page in pages for record in page.records]


def _columns(record):
    return dict(zip(RECORD_TYPES[record.type].column, record.values, strict=True))


def _all(connector):
    return {name: _read(stream)[1] for name, stream in _streams(connector).items()}


@pytest.mark.parametrize("kind", ["401", "401_html", "401_object"])
def test_a_token_that_expires_while_paging_is_minted_anew(company, open_, kind):
    """Whatever the refusal looks like, one new token and one more call bring the page."""
    org = company(paging=Paging(page=3))
    connector = open_(org)
    stream = _streams(connector)["cases"]
    pages = stream.read(stream.plan(None, UNTIL)[0])
    first = next(pages)
    org.fault(kind=kind, times=1)
    rest = [record for page in pages for record in page.records]

    assert len({record.id for record in [*first.records, *rest] if record.type == "ticket"}) == 20
    assert org.app.access.minted == 2


def test_a_token_lives_as_long_as_the_virtual_clock_says(company, open_):
    """An hour later the old one is refused, and nobody notices."""
    org = company(expires_in=60)
    connector = open_(org)
    stream = _streams(connector)["users"]
    _read(stream)
    org.steer("clock", {"to": iso(END + 3600)})

    assert len(_read(stream, UNTIL, UNTIL + 3600 * SECOND)[1]) == 9
    assert org.app.access.minted == 2


@pytest.mark.parametrize("kind", ["420", "429", "500", "503", "403_concurrent", "400"])
def test_what_passes_is_tried_again(company, open_, kind):
    """A busy or broken server is asked again, more slowly."""
    org = company()
    connector = open_(org)
    org.fault(kind=kind, times=3)

    assert _read(_streams(connector)["groups"])[1]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("403_quota", QuotaError),
        ("403_access", AuthorizationError),
        ("404", MissingError),
        ("429", RateLimited),
        ("503", RetryableError),
        ("401", AuthorizationError),
    ],
)
def test_what_stays_is_one_of_our_errors(company, open_, kind, expected):
    """Each refusal that stays ends as what the reader has to do."""
    org = company()
    connector = open_(org)
    _read(_streams(connector)["users"])
    org.fault(kind=kind, times=1000)
    with pytest.raises(expected):
        _read(_streams(connector)["groups"])


def test_a_locator_that_expired_goes_on_from_the_last_row(company, open_):
    """The rest of the window is asked for anew, from where it stopped."""
    org = company(paging=Paging(page=3))
    stream = _streams(open_(org))["cases"]
    pages = stream.read(stream.plan(None, UNTIL)[0])
    first = next(pages)
    org.fault(kind="expired_locator", times=1)
    ids = [record.id for page in [first, *pages] for record in page.records if record.type == "ticket"]

    assert len(ids) == len(set(ids)) == 20


def test_a_query_that_takes_too_long_is_halved(company, open_):
    """Twice too long, then in quarters: every row comes."""
    org = company()
    connector = open_(org, bulk_above=None)
    stream = _streams(connector)["cases"]
    _read(_streams(connector)["groups"])
    org.fault(kind="query_timeout", times=3, path="/services/data/v68.0/queryAll")

    assert len({record.id for record in _read(stream)[1] if record.type == "ticket"}) == 20


def test_a_job_that_fails_is_read_by_pages(company, open_):
    """What the job could not do, pages can."""
    org = company()
    stream = _streams(open_(org, bulk_above=1))["cases"]
    org.fault(kind="job_failed", times=1)

    assert len({record.id for record in _read(stream)[1] if record.type == "ticket"}) == 20


def test_a_token_for_another_host_is_refused(company, open_):
    """The token would go along to whoever is there."""
    org = company()
    connector = open_(org)
    org.fault(kind="foreign_instance", times=1)
    with pytest.raises(ConfigurationError, match="another org"):
        _read(_streams(connector)["users"])


def test_a_field_that_is_lost_is_told_or_left_out(company, open_):
    """A declared one is an error; one that is not needed is left out."""
    org = company()
    org.fault(kind="lost_field", field="Event.Meeting_Accepted__c")
    _read(_streams(open_(org))["groups"])
    with pytest.raises(FieldError):
        _read(_streams(open_(org, **MEETINGS))["events"])
    assert _read(_streams(open_(org))["events"])[1]


def test_rows_that_sharing_hides_are_a_matter_for_the_check(company, open_):
    """They simply do not come; the check tells how many events there are, for an admin to compare."""
    plan = sample_plan()
    plan.unshared = {"case3"}
    org = company(plan)
    connector = open_(org)
    ids = {record.id for record in _read(_streams(connector)["cases"])[1]}

    assert org.id("case3") not in ids
    assert "an admin should count as many" in {row.name: row for row in connector.check()}["events of 30 days"].detail


def test_a_thousand_rows_of_one_instant_are_all_read(company, open_):
    """Ties are told apart by id, across pages and a lost locator."""
    plan = Plan()
    plan.user("ada", END - 9000, "Ada", "Berg")
    for number in range(1000):
        plan.create(END - 8000, "Case", f"case{number}", by="ada")
    org = company(plan, paging=Paging(page=300))
    stream = _streams(open_(org))["cases"]
    pages = stream.read(stream.plan(None, UNTIL)[0])
    first = next(pages)
    org.fault(kind="expired_locator", times=1)
    ids = [record.id for page in [first, *pages] for record in page.records if record.type == "ticket"]

    assert len(ids) == len(set(ids)) == 1000


@pytest.mark.parametrize("cut", [1, 4, 7])
def test_cut_after_any_page_the_rest_comes(company, open_, cut):
    """A new process goes on from the stored cursor."""
    org = company(paging=Paging(page=2))
    stream = _streams(open_(org))["opportunity_history"]
    [part] = stream.plan(None, UNTIL)
    pages = stream.read(part)
    seen = [next(pages) for _ in range(cut)]
    cursor = json.loads(json.dumps(seen[-1].cursor))
    again = _streams(open_(org))["opportunity_history"]
    rest = list(again.read(Slice(part.start, part.end, cursor)))
    whole = [record for page in stream.read(part) for record in page.records]

    assert [record for page in [*seen, *rest] for record in page.records] == whole


# --- check and look-up


def test_the_check_of_an_org_in_order_has_no_failure(company, open_):
    """Every object is readable, nothing is writable, and each history says whether it is on."""
    org = company()
    rows = {row.name: row for row in open_(org, vendor_user_ids=[org.id("bot")], **MEETINGS).check()}

    assert [row for row in rows.values() if row.status == "failed"] == []
    assert rows["history of Event.Meeting_Accepted__c"].detail == "on"
    assert rows["history of Event.Meeting_Outcome__c"].status == "warning"
    assert rows["opportunity stage history"].detail == "readable: yes"


def test_the_check_finds_what_is_hidden_writable_or_the_vendors(company, open_):
    """Each of them fails, and says what to do."""
    plan = sample_plan()
    plan.hidden_objects = {"VideoCall", "ActivityFieldHistory"}
    plan.hidden_fields = {"Case": {"IsClosed"}}
    plan.writable = {"Opportunity"}
    org = company(plan)
    rows = {row.name: row for row in open_(org, vendor_user_ids=[org.id("reader")]).check()}

    assert {name for name, row in rows.items() if row.status == "failed"} == {
        "VideoCall",
        "ActivityFieldHistory",
        "no write permission",
        "reader",
    }
    assert "acceptance on events cannot be attributed" in rows["event field history"].detail
    assert "IsClosed" in rows["Case"].detail


@pytest.mark.parametrize("key", ["meeting0", "deal0", "lead0", "contact1.0", "account8", "case1", "call0"])
def test_a_look_up_gives_what_the_streams_give(company, open_, key):
    """Live or by streams, an object's records are the same."""
    org = company()
    connector = open_(org, **MEETINGS)
    found = {(r.type, r.id): (r.values, r.custom) for records in _all(connector).values() for r in records}
    live = {(r.type, r.id): (r.values, r.custom) for r in connector.lookup(org.id(key))}

    assert live
    assert {name: found.get(name) for name in live} == live


def test_a_look_up_tells_deleted_merged_and_gone_apart(company, open_):
    """The recycle bin still has the first two; the third is nowhere."""
    org = company()
    connector = open_(org)

    assert connector.lookup(org.id("meeting19"))[0].deleted
    assert _columns(connector.lookup(org.id("account9"))[0])["merged_into"] == org.id("account8")
    with pytest.raises(MissingError):
        connector.lookup(org.id("case18"))


# --- how much it costs


@pytest.mark.parametrize(("bulk_above", "most"), [(None, 60), (10_000, 10)])
def test_a_first_load_of_a_hundred_thousand_cases(open_, bulk_above, most):
    """By pages at most sixty calls, in bulk at most ten, sign-in and description included."""
    options = ["--prerendered", "100000"]
    with start_simulator("tallystick_salesforce.simulator", seed=1, now=LATER, options=options) as simulator:
        connector = open_(simulator.origin, bulk_above=bulk_above)
        stream = _streams(connector)["cases"]
        seen = sum(
            sum(record.type == "ticket" for record in page.records)
            for part in stream.plan(None, 2**52)
            for page in stream.read(part)
        )

    assert seen == 100_000
    assert connector.calls() <= most

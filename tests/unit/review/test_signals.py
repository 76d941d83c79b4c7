"""Signals count what they say they count, are flagged from their threshold on, and decide nothing."""

from dataclasses import replace
from decimal import Decimal

import duckdb
import pytest
from tests.reviewed import MEETINGS, TICKETS, contract_of, outcome, records_in, review_on, verdict_of

from tallystick.contracts import Vendor
from tallystick.outcomes import Inputs
from tallystick.period import format_instant, parse_instant
from tallystick.records.types import RECORD_TYPES
from tallystick.review.signals import SIGNALS, Signal, signals_of, stops_at_a_tier
from tallystick.statements import restate

START = parse_instant("2026-08-10T10:00:00Z")
SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000
DAY = 24 * HOUR


@pytest.fixture
def database():
    """An empty DuckDB."""
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


@pytest.fixture
def meetings(tmp_path):
    """A contract on meetings of at least 15 minutes."""
    return contract_of(tmp_path, MEETINGS)


@pytest.fixture
def tickets(tmp_path):
    """A contract on tickets."""
    return contract_of(tmp_path, TICKETS)


def _claims(contract, *ids, status="verified", **more):
    return [verdict_of(contract, name, format_instant(START), status, record_id=name, **more) for name in ids]


def _signals(database, contract, verdicts, *rows):
    [agreed] = contract.outcomes.values()
    inputs = Inputs(dict.fromkeys(RECORD_TYPES, 0), dict.fromkeys(RECORD_TYPES, START + 100 * DAY))
    found = signals_of(records_in(database, *rows), contract, agreed, inputs, verdicts)
    return {signal.name: signal for signal in found}


def _seen(signal):
    return signal.count, signal.flagged


def _meeting(name, seconds=1800, **more):
    """Give a meeting of half an hour and the conference that shows how long it took."""
    values = {"created_at": START - DAY, "starts_at": START, "ends_at": START + 30 * MINUTE, "all_day": False, **more}
    call = {
        "started_at": START,
        "ended_at": START + seconds * SECOND,
        "seconds": seconds,
        "medium": "conference",
        "meeting_id": name,
    }
    return ("meeting", name, values), ("call", f"c-{name}", call)


def _attendee(meeting, email, **more):
    values = {"at": START, "meeting_id": meeting, "email": email, "domain": email.partition("@")[2], "internal": False}
    return ("attendee", f"{meeting}-{email}", values | more)


def _change(record, at, actor="u-ann", *, field="status", seen=None, **more):
    values = {"at": at, "object_id": record, "field": field, "actor_id": actor, "observed_at": seen or at, **more}
    return ("change", f"{record}-{field}-{at}-{actor}", values)


def test_nothing_is_no_signal(database, meetings):
    """With neither records nor claims every signal is there, counts nothing and is not flagged."""
    found = _signals(database, meetings, [])

    assert [_seen(signal) for signal in found.values()] == [(0, False)] * len(found)
    assert found.keys() == SIGNALS.keys() - {"closed_in_bulk", "split_conversations"}


def test_each_record_type_has_its_signals(database, tickets):
    """A contract on tickets has the signals of tickets and not those of meetings."""
    assert {"closed_in_bulk", "split_conversations", "refused_in_bulk"} <= _signals(database, tickets, []).keys()


@pytest.mark.parametrize(("just", "more", "flagged"), [(10, 3, True), (9, 0, False), (10, 4, False)])
def test_just_over_the_minimum(database, meetings, just, more, flagged):
    """Ten or more meetings of 15 minutes up to a tenth more are flagged where three times fewer took a bit longer."""
    lengths = [*[899] * 5, *[900, 989] * (just // 2), *[900] * (just % 2), *[990, 1079] * (more // 2)]
    lengths += [*[990] * (more % 2), 1080, 3600]
    rows = [row for n, seconds in enumerate(lengths) for row in _meeting(f"m{n}", seconds)]
    claims = _claims(meetings, *(f"m{n}" for n in range(len(lengths))))
    refused = _claims(meetings, "m-short", status="rejected")
    signal = _signals(database, meetings, [*claims, *refused], *rows, *_meeting("m-short", 901))[
        "just_over_the_minimum"
    ]

    assert (signal.count, signal.threshold, signal.flagged) == (just, max(10, 3 * more), flagged)
    assert f"{more} took up to two tenths more" in signal.says


def test_the_same_attendee(database, meetings):
    """An address in three verified meetings is flagged; twice, or as one of the parties' own, it is not."""
    names = ("m1", "m2", "m3")
    own = [_attendee(name, "ann@acme.example") for name in names] + [
        _attendee(name, "x@uptime.example") for name in names
    ]
    user = [_attendee(name, "bob@other.example", internal=True) for name in names]
    away = [_attendee(name, "no@where.example", attended=name != "m3") for name in names]
    twice = [_attendee(name, "two@where.example") for name in names[:2]]
    claims = [*_claims(meetings, *names), *_claims(meetings, "m4", status="rejected")]
    ordinary = [*own, *user, *away, *twice, _attendee("m4", "two@where.example")]
    assert _seen(_signals(database, meetings, claims, *ordinary)["same_attendee"]) == (0, False)

    often = [_attendee(name, "yes@where.example") for name in names]
    with duckdb.connect() as other:
        assert _seen(_signals(other, meetings, claims, *ordinary, *often)["same_attendee"]) == (1, True)


def _user(name, email):
    return ("actor", name, {"kind": "user", "email": email})


@pytest.mark.parametrize(
    ("email", "users", "count"),
    [
        ("a@uptime.example", [], 1),
        ("a@fixly.example", [("u-bot", "bot@fixly.example")], 1),
        ("a@fixly.example", [("u-bot", "BOT@Fixly.Example")], 1),
        ("a@fixly.example", [], 0),
        ("a@gmail.com", [("u-bot", "bot@gmail.com")], 0),
        ("a@acme.example", [("u-bot", "bot@acme.example")], 0),
        ("a@shared.example", [("u-bot", "bot@shared.example"), ("u-ann", "ann@shared.example")], 0),
        ("a@where.example", [("u-ann", "ann@acme.example")], 0),
    ],
)
def test_self_booked(database, meetings, email, users, count):
    """A verified meeting with an address of the vendor's own domain is flagged; a shared domain tells nothing."""
    rows = [_attendee("m1", email), _attendee("m2", "p@where.example"), _attendee("m3", email)]
    claims = [*_claims(meetings, "m1", "m2"), *_claims(meetings, "m3", status="rejected")]
    found = _signals(database, meetings, claims, *rows, *(_user(*user) for user in users))

    assert _seen(found["self_booked"]) == (count, count > 0)


def test_a_vendor_who_is_the_host_is_not_self_booked(database, meetings):
    """Somebody of the vendor's who is marked as internal, or stayed away, is not taken for a prospect."""
    rows = [
        _attendee("m1", "a@uptime.example", internal=True),
        _attendee("m1", "b@uptime.example", response="declined"),
    ]

    assert _seen(_signals(database, meetings, _claims(meetings, "m1"), *rows)["self_booked"]) == (0, False)


@pytest.mark.parametrize(
    ("domains", "count"),
    [
        (("x.example", "X.example"), 1),
        (("x.example", "y.example"), 0),
        ((None, None), 0),
        (("gmail.com", "gmail.com"), 0),
    ],
)
def test_one_company_under_several_accounts(database, meetings, domains, count):
    """One domain under two accounts with a verified meeting each is flagged; unknown and free-mail domains are not."""
    accounts = [("account", f"a{n}", {"domain": domain}) for n, domain in enumerate(domains)]
    booked = [row for n in range(2) for row in _meeting(f"m{n}", account_id=f"a{n}")]
    again = _meeting("m2", account_id="a0")
    found = _signals(database, meetings, _claims(meetings, "m0", "m1", "m2"), *accounts, *booked, *again)

    assert _seen(found["one_company"]) == (count, count > 0)


def _solved(ticket, at, **more):
    return ("ticket_event", f"{ticket}-{at}", {"at": at, "ticket_id": ticket, "kind": "solved", "by": "user"} | more)


@pytest.mark.parametrize(
    ("who", "number", "count"),
    [
        ({"actor_id": "u-bot"}, 20, 20),
        ({"actor_id": "u-bot"}, 19, 19),
        ({"actor_id": None}, 20, 20),
        ({"actor_id": "u-ann", "by": "rule"}, 20, 20),
        ({"actor_id": "u-ann"}, 20, 0),
    ],
)
def test_closed_in_bulk(database, tickets, who, number, count):
    """Twenty verified tickets solved in one minute by the vendor, a rule or the system are flagged."""
    minute = START - START % MINUTE
    names = [f"t{n}" for n in range(number)]
    rows = [_solved(name, minute + n * SECOND, **who) for n, name in enumerate(names)]
    twice = [_solved("t0", minute + 59 * SECOND, **who), _solved("t0", minute + MINUTE, **who)]
    found = _signals(database, tickets, _claims(tickets, *names), *rows, *twice, _solved("t-other", minute, **who))

    assert _seen(found["closed_in_bulk"]) == (count, count >= 20)


@pytest.mark.parametrize(("gap", "number", "flagged"), [(DAY - 1, 6, True), (DAY, 6, False), (DAY - 1, 5, False)])
def test_split_conversations(database, tickets, gap, number, flagged):
    """Five verified tickets within a day after another one of the same requester are flagged."""
    rows = [("ticket", f"t{n}", {"created_at": START + n * gap, "requester_id": "r"}) for n in range(number)] + [
        ("ticket", f"o{n}", {"created_at": START, "requester_id": None}) for n in range(9)
    ]
    names = [name for _, name, _ in rows]
    signal = _signals(database, tickets, _claims(tickets, *names), *rows)["split_conversations"]

    assert _seen(signal) == ((number - 1) * (gap < DAY), flagged)


def test_refused_in_bulk(database, meetings):
    """Ten records of refused claims that one person wrote into within an hour are flagged, across the full hour too."""
    names = [f"m{n}" for n in range(10)]
    late = START - START % HOUR + HOUR - MINUTE
    rows = [_change(name, late + n * 13 * SECOND) for n, name in enumerate(names)]
    found = _signals(database, meetings, _claims(meetings, *names, status="rejected"), *rows)

    assert _seen(found["refused_in_bulk"]) == (10, True)


@pytest.mark.parametrize(
    "ordinary",
    [
        lambda n: {"at": START + n * 7 * MINUTE},
        lambda n: {"at": START - n - 1},
        lambda n: {"at": START + n, "actor": f"u-{n % 2}"},
        lambda n: {"at": START + n, "actor": "u-bot"},
        lambda n: {"at": START + n, "app_id": "app-7"},
        lambda n: {"at": START + n, "actor": None},
    ],
    ids=["slowly", "before it happened", "two persons", "the vendor", "through the vendor's app", "nobody known"],
)
def test_not_refused_in_bulk(database, meetings, ordinary):
    """Writes that are slow, older than the outcome, of several people, the vendor's or nobody's are no bulk refusal."""
    names = [f"m{n}" for n in range(10)]
    found = _signals(
        database,
        meetings,
        _claims(meetings, *names, status="rejected"),
        *(_change(name, **ordinary(n)) for n, name in enumerate(names)),
    )

    assert not found["refused_in_bulk"].flagged


@pytest.mark.parametrize(
    ("before", "number", "flagged"),
    [(1, 5, True), (2 * DAY, 5, True), (1, 4, False), (0, 5, False), (2 * DAY + 1, 5, False)],
)
def test_near_the_lock(database, meetings, before, number, flagged):
    """Five claims verified once, whose records were written into in the two days before the lock, are flagged."""
    names = [f"m{n}" for n in range(number)]
    lock = START + 10 * DAY
    claims = _claims(meetings, *names, status="reversed", locks=format_instant(lock))
    found = _signals(database, meetings, claims, *(_change(name, lock - before) for name in names))

    assert found["near_the_lock"].flagged is flagged


def test_what_never_locked_is_not_near_it(database, meetings):
    """A claim that was rejected from the start has no lock to be near."""
    names = [f"m{n}" for n in range(9)]
    rows = [_change(name, START + 9 * DAY) for name in names]

    assert _seen(
        _signals(database, meetings, _claims(meetings, *names, status="rejected"), *rows)["near_the_lock"]
    ) == (
        0,
        False,
    )


def test_back_dated(database, meetings):
    """Three changes dated days before a reading of their field's history that lacked them are flagged."""
    names = [f"m{n}" for n in range(3)]
    read = [_change(name, START, seen=START + 5 * DAY) for name in names]
    slipped = [_change(name, START + DAY, seen=START + 9 * DAY) for name in names]
    found = _signals(database, meetings, _claims(meetings, *names), *read, *slipped)

    assert _seen(found["back_dated"]) == (3, True)


@pytest.mark.parametrize(
    "late",
    [
        {"at": START + DAY, "seen": START + 5 * DAY},
        {"at": START + 3 * DAY, "seen": START + 9 * DAY},
        {"at": START + DAY, "seen": START + 9 * DAY, "field": "owner"},
    ],
    ids=["at the first load", "read soon after", "a field read for the first time"],
)
def test_not_back_dated(database, meetings, late):
    """A first load, a change that was read soon after it, and a field that was not read before are no back-dating."""
    names = [f"m{n}" for n in range(5)]
    meeting = [("meeting", name, {"observed_at": START + 4 * DAY}) for name in names]
    read = [_change(name, START, seen=START + 5 * DAY) for name in names]
    rows = [*meeting, *read, *(_change(name, **late) for name in names)]

    assert _seen(_signals(database, meetings, _claims(meetings, *names), *rows)["back_dated"]) == (0, False)


def test_a_change_read_twice_is_not_back_dated(database, meetings):
    """A change that is delivered once more later, as a new version, was known all the time."""
    names = [f"m{n}" for n in range(5)]
    first = [_change(name, START, seen=START + 5 * DAY) for name in names]
    other = [_change(name, START + 5 * DAY, seen=START + 5 * DAY) for name in names]
    again = [(kind, name, values | {"observed_at": START + 9 * DAY}) for kind, name, values in first]

    assert _seen(_signals(database, meetings, _claims(meetings, *names), *first, *other, *again)["back_dated"]) == (
        0,
        False,
    )


def test_deleted_after_the_claim(database, meetings):
    """Three records deleted after their claims are flagged; one deleted before, or that came back, is not counted."""
    rows = []
    for name, at, back in (("m1", 1, False), ("m2", 1, False), ("m3", 1, False), ("m4", -1, False), ("m5", 1, True)):
        rows += [("meeting", name, {}), ("meeting", name, {"deleted": True, "as_of": START + at})]
        rows += [("meeting", name, {"as_of": START + 2})] if back else []
    names = ("m1", "m2", "m3", "m4", "m5")

    assert _seen(_signals(database, meetings, _claims(meetings, *names), *rows)["deleted_after_the_claim"]) == (3, True)


def test_names_with_quotes(database, meetings):
    """Ids and domains with quotes in them are texts, whatever SQL they might be."""
    evil = "x') OR ('1'='1"
    agreed = replace(
        meetings,
        vendor=Vendor("Evil", {"crm": (evil, "o'neil")}),
        outcomes={
            "held": replace(
                meetings.outcomes["held"],
                settings={"min_minutes": 15, "internal_domains": (evil,), "excluded_domains": ("o'neil.example",)},
            )
        },
    )
    names = [f"m'{n}" for n in range(10)]
    rows = [_change(name, START + n, "o'neil") for n, name in enumerate(names)]
    rows.append(_attendee(names[0], "a@o'neil.example"))
    found = _signals(database, agreed, [*_claims(agreed, *names, status="rejected"), *_claims(agreed, "m'0")], *rows)

    assert _seen(found["refused_in_bulk"]) == (0, False)
    assert _seen(found["self_booked"]) == (1, True)


# --- tiers


TIERS = "{tiers: {mode: volume, steps: [{up_to: 20, per_unit: 9.00}, {per_unit: 5.00}]}}"


@pytest.mark.parametrize(("months", "count"), [((20, 20), 2), ((20, 19), 1), ((20, 21), 1), ((0, 0), 0), ((20, 40), 1)])
def test_months_that_stop_at_a_tier(tmp_path, months, count):
    """Months that end just below a step of the price, or on it, count; two of them are flagged."""
    tiered = contract_of(tmp_path, outcome("held", TIERS))
    verdicts = [
        verdict_of(tiered, f"{month}-{n}", f"2026-{month:02}-01T10:00:00Z", quantity=Decimal(1))
        for month, number in zip((7, 8), months, strict=True)
        for n in range(number)
    ]
    review = review_on(tiered, verdicts)
    numbered = dict(enumerate(verdicts))
    lines = restate(review.agreement, numbered, [review.period], {}).lines
    [signal] = stops_at_a_tier(tiered.outcomes["held"], [lines.get(month.label, ()) for month in review.months])

    assert _seen(signal) == (count, count >= 2)


def test_a_flat_price_has_no_tier(tmp_path):
    """A price without steps has no such signal."""
    flat = contract_of(tmp_path)

    assert list(stops_at_a_tier(flat.outcomes["held"], [[]])) == []


# --- what signals are


@pytest.mark.parametrize(("count", "flagged"), [(2, False), (3, True), (4, True)])
def test_a_signal_is_flagged_from_its_threshold_on(count, flagged):
    """The threshold itself is flagged."""
    assert Signal("x", "vendor", "held", "things", count, 3).flagged is flagged


def test_signals_change_no_verdict(database, meetings):
    """The verdicts are what they were before, and so are the records."""
    claims = _claims(meetings, "m1")
    before = list(claims)
    rows = [*_meeting("m1"), _attendee("m1", "a@uptime.example")]
    assert _signals(database, meetings, claims, *rows)["self_booked"].flagged

    assert claims == before
    assert database.execute("SELECT count(*) FROM meeting_all").fetchone() == (1,)

"""`qualified-meeting` where a second source tells who accepted: its history, its roster and its identities alone."""

import pytest

from tallystick.errors import ContractError
from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING

EXECUTIVE, BOOKER, VENDOR = "005-ae", "005-sdr", "005-bot"
OWN_EXECUTIVE, OWN_VENDOR = "ae", "bot"
DAYS = 24 * 60
# Five business days after the Monday the meeting took place on, in minutes after its start.
LATE = 7 * DAYS + 14 * 60
FIELD = {"acceptance": "meeting_field", "acceptance_field": "accepted", "acceptance_values": ["Yes"]}
STAGE = {"acceptance": "deal_stage", "accepting_stages": ["Won"], "rejection_values": ["Lost"]}


class Beside:
    """A meeting in one source, and the one that it is in another."""

    def __init__(self, sale):
        self.sale, self.world = sale, sale.world
        sale.talk(900)
        for user, role in ((EXECUTIVE, "AE"), (BOOKER, "SDR"), (VENDOR, "AE"), (OWN_VENDOR, "AE")):
            self.world.add("acceptance_actor", id=user, role=role, as_of=0, kind="person", active=True)
        self.pair = self.world.add(
            "acceptance_meeting", id="00U", meeting_id="m1", account_id="001", contact_id="003", deal_id=None
        )
        self.world.add("acceptance_contact", id="003")
        self.account_deal = self.world.add("acceptance_deal", id="006", account_id="001", created_at=0)

    def act(self, field, new, minutes, actor=EXECUTIVE, what="00U", **columns):
        """Add a change in the second source, some minutes after the meeting's start."""
        at = self.sale.start + round(minutes * 60_000_000)
        kind = {"003": "contact", "00U": "meeting"}.get(what, "deal")
        known = {"object_type": kind, "object_id": what, "field": field, "new": new, "at": at, "actor_id": actor}
        self.world.add("acceptance_change", **{**known, **columns})

    def deal(self, minutes, author=EXECUTIVE, **columns):
        """Add a deal in the second source."""
        at = self.sale.start + round(minutes * 60_000_000)
        self.world.add("acceptance_deal", **{"created_at": at, "created_by": author, "account_id": "001", **columns})

    def decide(self, **values):
        """Decide the meeting by SQL and by Python; give status, deciding clause, and explanations."""
        agreed = {"vendor_ids": [OWN_VENDOR], "account_executive_roles": ["AE"], **values}
        predicate = QUALIFIED_MEETING.predicate(agreed, beside={"acceptance": [VENDOR]})
        row, _, explained = self.world.decide(predicate)
        clause = predicate.clauses[row["clause"]].name if row["clause"] is not None else ""
        return row["status"], clause, explained

    def verdict(self, **values):
        """Decide the meeting; give status and deciding clause, which is empty when all hold."""
        return self.decide(**values)[:2]


@pytest.fixture
def beside(booked):
    """A meeting that was held, and that nobody has accepted in the second source."""
    return Beside(booked)


@pytest.mark.parametrize(
    ("minutes", "author", "expected"),
    [
        (15, EXECUTIVE, ("meets", "")),
        (LATE, EXECUTIVE, ("rejected", "accepted")),
        (14, EXECUTIVE, ("rejected", "accepted_after_end")),
        (60, BOOKER, ("rejected", "accepted_by_executive")),
        (60, VENDOR, ("rejected", "acceptance_independent")),
        # An id of the own source is somebody else there: the vendor's no vendor, the executive's nobody known.
        (60, OWN_VENDOR, ("meets", "")),
        (60, OWN_EXECUTIVE, ("unverifiable", "acceptance_attributed")),
        (60, None, ("unverifiable", "acceptance_attributed")),
    ],
)
@pytest.mark.parametrize("act", ["deal_created", "deal_stage", "deal_field", "contact_field", "meeting_field"])
def test_acceptance_is_an_act_in_the_second_source(beside, act, minutes, author, expected):
    """Whatever act accepts: who did it when is told by history, roster and identities of the second source."""
    agreed = {"acceptance": act}
    if act == "deal_created":
        beside.deal(minutes, author)
    elif act == "deal_stage":
        beside.act("stage", '"Won"', minutes, author, "006")
        agreed["accepting_stages"] = ["Won"]
    else:
        what = {"deal_field": "006", "contact_field": "003", "meeting_field": "00U"}[act]
        beside.act("accepted", '"Yes"', minutes, author, what)
        agreed["acceptance_field"] = "accepted"

    assert beside.verdict(**agreed) == expected


@pytest.mark.parametrize("act", [{}, FIELD])
def test_what_the_own_source_says_accepts_nothing(beside, act):
    """An act in the outcome's own source counts for nothing, whoever did it."""
    beside.sale.deal(60, OWN_EXECUTIVE)
    beside.sale.change("accepted", '"Yes"', 60, OWN_EXECUTIVE)

    assert beside.verdict(**act) == ("rejected", "accepted")


def test_the_own_history_tells_of_the_meeting(beside):
    """A no-show is one by the own history; the same words in the second source are nothing."""
    beside.act("accepted", '"Yes"', 60)
    beside.act("status", '"no_show"', 20)
    assert beside.verdict(**FIELD) == ("meets", "")

    beside.sale.change("status", '"no_show"', 20, OWN_EXECUTIVE)
    assert beside.verdict(**FIELD) == ("rejected", "not_a_no_show")


def test_the_role_at_the_time_of_the_act_counts_there(beside):
    """Who became an executive of the second source after accepting was none."""
    for role, since in (("SDR", 0), ("AE", beside.sale.start + 61 * 60_000_000)):
        beside.world.add("acceptance_actor", id="new", role=role, as_of=since)
    beside.act("accepted", '"Yes"', 60, "new")
    assert beside.verdict(**FIELD) == ("rejected", "accepted_by_executive")

    beside.act("accepted", '"Yes"', 62, "new")
    assert beside.verdict(**FIELD) == ("meets", "")


def test_an_application_of_the_vendor_is_the_vendor(beside):
    """An executive through the vendor's application in the second source is self-attested, unless that is agreed."""
    beside.act("accepted", '"Yes"', 60, app_id=VENDOR)

    assert beside.verdict(**FIELD) == ("rejected", "acceptance_independent")
    assert beside.verdict(**FIELD, accept_self_attested=True) == ("meets", "")


def test_the_deal_of_the_meeting_there_comes_first(beside):
    """Where the meeting of the second source names a deal, others of its account accept nothing."""
    beside.act("stage", '"Won"', 60, what="006")
    assert beside.verdict(**STAGE) == ("meets", "")

    beside.pair["deal_id"] = "007"
    beside.world.add("acceptance_deal", id="007")
    assert beside.verdict(**STAGE) == ("rejected", "accepted")
    beside.act("stage", '"Won"', 60, what="007")
    assert beside.verdict(**STAGE) == ("meets", "")
    beside.act("stage", '"Lost"', 90, what="007")
    assert beside.verdict(**STAGE) == ("rejected", "not_declined")


@pytest.mark.parametrize("silence", ["reject", "accept", "escalate"])
@pytest.mark.parametrize(
    ("agreed", "lost"),
    [
        (FIELD, {"meeting_id": "another"}),
        (STAGE, {"meeting_id": "another"}),
        (STAGE, {"account_id": None}),
        ({}, {"account_id": None}),
        ({**FIELD, "acceptance": "contact_field"}, {"contact_id": None}),
    ],
)
def test_silence_elsewhere_says_nothing(beside, agreed, lost, silence):
    """Without a meeting there, or with one that names nothing to accept, nobody is silent: once read, unverifiable."""
    beside.pair |= lost
    assert beside.verdict(**agreed, on_silence=silence) == ("unverifiable", "acceptance_paired")

    beside.sale.read(LATE - 1, "acceptance_meeting")
    assert beside.verdict(**agreed, on_silence=silence)[0] == "pending"


@pytest.mark.parametrize("silence", ["reject", "accept", "escalate"])
@pytest.mark.parametrize("new", ['"Yes"', '"No"', None])
def test_meetings_that_cannot_be_told_apart(beside, new, silence):
    """What was done around one of several counts for none: they are unverifiable with all named, pending until then."""
    agreed = FIELD | {"on_silence": silence}
    beside.pair["candidates"] = "m1 m2"
    if new:
        beside.act("accepted", new, 60)
    status, clause, explained = beside.decide(**agreed)
    assert (status, clause) == ("unverifiable", "acceptance_told_apart")
    assert explained[clause].because == "which meeting there is this one cannot be told: they may be any of 'm1 m2'"

    beside.sale.read(LATE - 1)
    assert beside.verdict(**agreed)[0] == "pending"


def test_several_meetings_there_cannot_be_told_apart(beside):
    """A meeting that two of the second source may be is unverifiable, whichever of them was accepted."""
    beside.pair["candidates"] = "sales:00U sales:00V"
    beside.world.add("acceptance_meeting", **{**beside.pair, "id": "00V"})
    beside.act("accepted", '"Yes"', 60, what="00V")

    assert beside.verdict(**FIELD) == ("unverifiable", "acceptance_told_apart")


@pytest.mark.parametrize("kind", ["meeting", "change", "actor"])
def test_all_of_the_second_source_has_to_be_read(beside, kind):
    """Nobody is known to be silent until each type of the second source was read to the deadline."""
    beside.sale.read(LATE - 1, f"acceptance_{kind}")
    assert beside.verdict(**FIELD)[0] == "pending"

    beside.act("accepted", '"Yes"', 60)
    assert beside.verdict(**FIELD) == ("meets", "")
    beside.sale.read(59, f"acceptance_{kind}")
    assert beside.verdict(**FIELD)[0] == "pending"
    beside.world.read_to[f"acceptance_{kind}"] = None
    assert beside.verdict(**FIELD)[0] == "pending"


@pytest.mark.parametrize("kind", ["change", "actor", "deal", "contact"])
def test_the_own_source_need_not_hold_what_accepts(beside, kind):
    """Where the own source has no deals, contacts or users, the second one decides all the same; history it needs."""
    beside.act("stage", '"Won"', 60, what="006")
    beside.world.read_to[kind] = None

    assert beside.verdict(**STAGE)[0] == ("pending" if kind == "change" else "meets")


def test_history_that_begins_later_proves_nothing(beside):
    """An acceptance may be missing where the second source's history was read only from after the meeting on."""
    beside.world.read_from["acceptance_change"] = beside.sale.start + 1

    assert beside.verdict(**FIELD) == ("unverifiable", "acceptance_history_known")
    beside.deal(60)
    assert beside.verdict() == ("meets", "")


def test_an_identity_with_a_space_is_refused(booked):
    """Identities of the second source are held against words, so that none may hold a space."""
    agreed = {"vendor_ids": ["bot"], "account_executive_roles": ["AE"]}
    with pytest.raises(ContractError, match="in the source of acceptance: 'a b' has a space inside"):
        QUALIFIED_MEETING.predicate(agreed, beside={"acceptance": ["a b"]})


def test_without_acceptance_nothing_there_is_read(booked):
    """Where no act accepts, the predicate depends on nothing of a second source."""
    agreed = {"vendor_ids": ["bot"], "acceptance": "none"}

    assert QUALIFIED_MEETING.predicate(agreed, beside={"acceptance": ["x"]}).beside == ()
    assert QUALIFIED_MEETING.predicate({**agreed, **FIELD, "account_executive_ids": ["x"]}).beside == ()
    there = QUALIFIED_MEETING.predicate({**agreed, **FIELD, "account_executive_ids": ["x"]}, beside={"acceptance": []})
    assert there.beside == ("acceptance_change", "acceptance_meeting")

"""The company of the sales story: its labels against a plain reading of the contract, written again from the deeds."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tallystick.testing.company.company import ABILITIES, LEAST, SIZE, STAGES, limits, scenes, told_in
from tallystick.testing.company.contract import contract
from tallystick.testing.company.deeds import (
    Accept,
    Book,
    DeleteMeeting,
    Mark,
    Meet,
    MergeCompanies,
    Move,
    OpenDeal,
    StageDeal,
    Talk,
)
from tallystick.testing.company.people import APPS, PEOPLE, SHARED, VENDOR_APP, VENDOR_SEAT
from tallystick.testing.company.telling import claims_and_labels

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY, FIFTEEN = 3_600, 86_400, 900
HOLIDAYS = {date(2026, 10, 26)}
TERM = datetime(2026, 9, 15, tzinfo=BERLIN).timestamp()
FREE = {"gmail.com", "gmx.de", "outlook.com", "web.de"}
VENDORS = {VENDOR_SEAT, SHARED}
EXECUTIVES = {"Account Executive", "Senior Account Executive"}
SIZES = (LEAST, SIZE[1])


def local(at):
    """Give the wall clock in Berlin."""
    return datetime.fromtimestamp(at, UTC).astimezone(BERLIN)


def midnight_after(at, days):
    """Give the midnight that ends so many business days after the day of an instant."""
    day = local(at).date()
    while days:
        day += timedelta(1)
        days -= day.weekday() < 5 and day not in HOLIDAYS
    return datetime.combine(day + timedelta(1), datetime.min.time(), BERLIN).timestamp()


def role(key, at):
    """Give what somebody was at an instant."""
    person = PEOPLE[key]
    return person.became[1] if person.became and at >= person.became[0] else person.role


def by_vendor(by):
    """Tell whether the vendor, its application or the shared seat did something."""
    return by.app == VENDOR_APP or by.person in VENDORS


class Reading:
    """What a careful reader of a scene knows at an instant."""

    def __init__(self, scene, now):
        self.now = now
        self.done = [deed for deed in sorted(scene.deeds, key=lambda deed: deed.at) if deed.at <= now]
        self.people = {deed.key: deed for deed in self.of(Meet)}

    def of(self, kind, **values):
        """Give the deeds of a kind with some values, in their order."""
        found = [deed for deed in self.done if isinstance(deed, kind)]
        return [deed for deed in found if all(getattr(deed, name) == value for name, value in values.items())]

    def account(self, key):
        """Give the company that one is by now."""
        merges = {deed.loser: deed.winner for deed in self.of(MergeCompanies)}
        return merges.get(key, key)

    def times(self, meeting):
        """Give when a meeting stands in the calendar."""
        [book] = self.of(Book, key=meeting)
        moves = self.of(Move, meeting=meeting)
        return (moves[-1].starts, moves[-1].ends) if moves else (book.starts, book.ends)

    def judge(self, meeting):
        """Give how a meeting stands by the clauses of the contract, and the clause that decides."""
        [book] = self.of(Book, key=meeting)
        starts, ends = self.times(meeting)
        if starts < TERM:
            return "rejected", "term"
        talks = self.of(Talk, meeting=meeting)
        heard = [talk for talk in talks if talk.connected and not by_vendor(talk.by)]
        lengths = [talk.seconds for talk in heard if talk.seconds is not None]
        longest = max(lengths, default=None)
        over = max((talk.started + talk.seconds for talk in heard if talk.seconds == longest and longest), default=ends)
        tests = [
            *self.marked(meeting, starts, over),
            *self.held(talks, longest, over),
            *self.present(book, talks),
            ("new_business", not self.open_deals(book), False),
            *self.accepted(meeting, over),
            ("booked_by_vendor", by_vendor(book.by), False),
        ]
        return self.decide(tests)

    @staticmethod
    def decide(tests):
        """Give the verdict: contradicting facts, then what is false, then what is open, then what is unknown."""
        for wanted, status in (
            ("guard", "unverifiable"),
            (False, "rejected"),
            ("open", "pending"),
            (None, "unverifiable"),
        ):
            for name, value, _ in tests:
                if value is wanted or value == wanted:
                    return status, name
        return "verified", ""

    def marked(self, meeting, starts, over):
        """Say what the marks of how it went come to."""
        marks = self.of(Mark, meeting=meeting)
        last = marks[-1] if marks else None
        word = last.outcome if last else "scheduled"
        yield "not_rescheduled", word != "rescheduled", False
        canceled = word == "canceled"
        yield "not_canceled", not canceled or last.at >= over, False
        yield "not_canceled_later", "guard" if canceled and last.at >= over else True, True
        reports = [mark for mark in marks if mark.outcome == "no_show" and starts <= mark.at < over + DAY]
        undone = reports and any(
            mark.at > reports[-1].at and mark.outcome != "no_show" and not by_vendor(mark.by) for mark in marks
        )
        yield "not_a_no_show", not reports or bool(undone), False

    def held(self, talks, longest, over):
        """Say whether it lasted long enough, by somebody else's word than the vendor's."""
        enough = longest is not None and longest >= FIFTEEN
        own = max((talk.seconds or 0 for talk in talks if talk.connected and by_vendor(talk.by)), default=0)
        waits = not enough and over + DAY > self.now
        yield "not_self_logged", "open" if waits else enough or own < FIFTEEN, False
        yield "held", "open" if waits else enough or (None if longest is None else False), False

    def present(self, book, talks):
        """Say who of both sides was there."""
        spoke = [talk for talk in talks if not any(by_vendor(each.by) for each in talks)]
        ours = {*book.invited, *(talk.host for talk in spoke if talk.host)} - VENDORS
        theirs = {*book.contacts, *(guest for talk in spoke for guest in talk.guests)}
        domains = {self.people[key].email.partition("@")[2] for key in theirs}
        yield "buyer_present", bool(ours), False
        yield "prospect_present", bool(domains - FREE - {"nordwind.example", "uptime.example"}), False

    def open_deals(self, book):
        """Give the deals of the company that were open when the meeting was booked."""
        booked = book.at if book.dated is None else book.dated
        return [
            deal
            for deal in self.of(OpenDeal, company=book.company)
            if deal.at < booked
            and not any(
                move.stage in {"won", "lost"} and move.at <= booked for move in self.of(StageDeal, deal=deal.key)
            )
        ]

    def accepted(self, meeting, over):
        """Say whether an account executive accepted it in time, and whether one took that back."""
        told = [(deed.at if deed.dated is None else deed.dated, deed) for deed in self.of(Accept, meeting=meeting)]
        end = midnight_after(over, 5)
        ticks = [(at, deed) for at, deed in told if deed.accepted]
        after = [(at, deed) for at, deed in ticks if at >= over]
        nobody = [at for at, deed in after if deed.by.person is None and deed.by.app is None]
        known = [(at, deed) for at, deed in after if at not in nobody]
        vendor = [at for at, deed in known if by_vendor(deed.by)]
        others = [at for at, deed in known if not by_vendor(deed.by) and role(deed.by.person, at) not in EXECUTIVES]
        good = [at for at, _ in known if at not in vendor and at not in others]
        done = bool(good) and good[0] < end
        waits = not done and end > self.now

        def refused(found):
            return "open" if waits else done or not [at for at in found if at < end]

        guard = refused(nobody)
        yield "acceptance_attributed", "guard" if guard is False else guard, True
        yield "acceptance_independent", refused(vendor), False
        yield "accepted_after_end", "open" if waits else done or not [at for at, _ in ticks if at < over], False
        yield "accepted_by_executive", refused(others), False
        yield "accepted", "open" if waits else done, False
        limit = max(end, self.days_later(good[0], 21)) if good else end
        taken = [
            at
            for at, deed in told
            if not deed.accepted and over <= at < limit and not by_vendor(deed.by)
            if role(deed.by.person, at) in EXECUTIVES
        ]
        yield "not_declined", not taken or (bool(good) and taken[-1] < good[-1]), False

    @staticmethod
    def days_later(at, days):
        """Give the same wall-clock time some days later."""
        return (local(at).replace(tzinfo=None) + timedelta(days)).replace(tzinfo=BERLIN).timestamp()


def decided(scene, now, before):
    """Give how each claim of a scene stands at an instant, knowing how it stood before."""
    reading, held, found = Reading(scene, now), [], {}
    for claim in sorted(scene.claims, key=lambda claim: (claim.at, claim.id)):
        if claim.at > now:
            continue
        status, clause = of_claim(reading, claim, held)
        if status in {"verified", "pending"} and not claim.raw:
            held.append(claim.ref)
        known = before.get(claim.id, ("", ""))
        was = known[0] in {"verified", "reversed"}
        if was and status in {"pending", "unverifiable"}:
            found[claim.id] = known  # it is locked: what is unknown moves it no more
        else:
            found[claim.id] = ("reversed" if was and status == "rejected" else status, clause)
    return found


def of_claim(reading, claim, held):
    """Give how a claim stands beside those that came before it."""
    early = [
        (claim.raw, ("rejected", "no_such_record")),
        (claim.copy is not None, ("rejected", "not_a_copy")),
        (reading.of(DeleteMeeting, meeting=claim.ref), ("unverifiable", "deleted")),
        (claim.ref in held, ("rejected", "duplicate")),
    ]
    for holds, ruling in early:
        if holds:
            return ruling
    [book] = reading.of(Book, key=claim.ref)
    if book.series and any(other.starts < book.starts for other in reading.of(Book, series=book.series)):
        return "rejected", "first_of_series"
    ruling = reading.judge(claim.ref)
    if ruling[0] != "verified":
        return ruling
    day = local(reading.times(claim.ref)[0]).date()
    for other in held:
        [one] = reading.of(Book, key=other)
        close = abs((local(reading.times(other)[0]).date() - day).days) < 90
        if close and reading.account(one.company) == reading.account(book.company):
            return "rejected", "duplicate"
    return ruling


@pytest.mark.parametrize("meetings", SIZES)
def test_labels_follow_from_the_contract(meetings):
    """Every claim's label is what a plain reading of the deeds gives at the last stage, read stage by stage."""
    told = scenes(1, meetings)
    for scene in told:
        found = {}
        for stage in STAGES:
            found = decided(scene, int(datetime.fromisoformat(stage).timestamp()) - HOUR, found)
        assert found == {key: (label.status, label.clause) for key, label in scene.labels.items()}, scene.trap


@pytest.mark.parametrize("meetings", SIZES)
def test_what_nobody_claimed_is_found_or_does_not_meet(meetings):
    """A meeting without a claim is labelled as found if and only if it meets the contract."""
    last = int(datetime.fromisoformat(STAGES[-1]).timestamp()) - HOUR
    for scene in scenes(1, meetings):
        claimed = {claim.ref for claim in scene.claims}
        reading = Reading(scene, last)
        free = [meeting.key for meeting in scene.meetings if meeting.key not in claimed]
        met = {key for key in free if reading.judge(key)[0] == "verified"}
        assert met == set(scene.found), scene.trap


def test_the_same_seed_gives_the_same_company():
    """Scenes follow from the seed and the size alone."""
    one = [(scene.trap, scene.deeds, scene.claims) for scene in scenes(7, LEAST)]
    scenes.cache_clear()

    assert [(scene.trap, scene.deeds, scene.claims) for scene in scenes(7, LEAST)] == one
    assert [scene.deeds for scene in scenes(8, LEAST)] != [deeds for _, deeds, _ in one]


def test_a_company_without_room_for_its_traps_is_refused():
    """Fewer meetings than the traps need are an error."""
    with pytest.raises(ValueError, match="at least 300 meetings, not 299"):
        scenes(1, LEAST - 1)


@pytest.mark.parametrize("meetings", SIZES)
def test_the_company_is_as_large_as_asked(meetings):
    """The full size has 3,000 meetings, most of them claimed, with every verdict there is."""
    told = scenes(1, meetings)
    labels = Counter(label.status for scene in told for label in scene.labels.values())

    assert sum(len(scene.meetings) for scene in told) >= meetings
    assert set(labels) == {"verified", "rejected", "pending", "unverifiable", "reversed"}
    assert any(scene.found for scene in told)


def test_two_systems_share_the_company():
    """Together two systems tell every scene that they can, each one once, but those told twice; each trap in both."""
    told = scenes(1, SIZE[1])
    parts = [told_in(told, ABILITIES, place) for place in (0, 1)]
    numbers = [{scene.number for scene in part} for part in parts]

    assert numbers[0] | numbers[1] == {scene.number for scene in told}
    assert numbers[0] & numbers[1] == {scene.number for scene in told if scene.twice}
    assert len({scene.trap for scene in parts[0]} ^ {scene.trap for scene in parts[1]}) == 0
    assert {need for scene in told for need in scene.needs} == ABILITIES


def test_a_system_tells_what_it_is_able_to():
    """A scene that needs what a system does not have is left out."""
    assert not [scene for scene in told_in(scenes(1, LEAST), set()) if scene.needs]
    assert {scene.needs for scene in told_in(scenes(1, LEAST), {"series"})} == {(), ("series",)}


def test_nothing_happens_to_what_is_not_there_yet():
    """Companies, contacts and meetings are entered before anything happens to them, and by people who are there."""
    for scene in scenes(1, SIZE[1]):
        born = {deed.key: deed.at for deed in scene.deeds if hasattr(deed, "key")}
        for deed in scene.deeds:
            named = [getattr(deed, name, None) for name in ("company", "meeting", "deal", "winner", "loser")]
            assert all(born[key] <= deed.at for key in (*named, *getattr(deed, "contacts", ())) if key)
            assert deed.by.person in {None, *PEOPLE}
            assert deed.by.app in {None, *APPS}
            assert (
                deed.by.person is None or PEOPLE[deed.by.person].left is None or deed.at < PEOPLE[deed.by.person].left
            )


def test_claims_of_the_second_system_are_the_second_claims():
    """A scene that is told twice has its claims in both systems, and in the second one they are duplicates."""
    twice = [scene for scene in scenes(1, LEAST) if scene.twice]
    first, labels = claims_and_labels(twice, "met", lambda claim: claim.ref, str)
    second, again = claims_and_labels(twice, "met", lambda claim: claim.ref, str, again=True)

    assert [claim["claim_id"] + "-2" for claim in first] == [claim["claim_id"] for claim in second]
    assert {label["status"] for label in labels.values()} == {"verified"}
    assert {(label["status"], label["clause"]) for label in again.values()} == {("rejected", "duplicate")}
    assert all(one["claimed_at"] < two["claimed_at"] for one, two in zip(first, second, strict=True))


def test_the_contract_is_the_same_but_for_its_source():
    """Where an outcome is read is one line of the text."""
    some = limits(scenes(1, LEAST))
    texts = [contract({"met": name}, {"a": ("1",), "b": ("2", "3")}, some) for name in ("a", "b")]

    assert texts[0].replace("source: a", "source: b") == texts[1]

"""The tiny connector broken in what it reads: nothing else differs from the honest one."""

import msgspec
from tests.tiny_broken import breaks
from tests.tiny_connector import LAG, SECOND, ChangeStream, PeopleStream, TinyConnector, _Person
from tests.tiny_system import PAGE

from tallystick.connectors import Page

# --- reading


@breaks("test_everything_that_was_made_arrives", "objects never arrived")
class FullPagesOnly(PeopleStream):
    """Takes a page that is not full for none."""

    def page(self, part, cursor):
        """Give full pages."""
        records, place, now = super().page(part, cursor)
        return (records if place else []), place, now


@breaks("test_a_second_run_brings_nothing_new", "a second run stored records again")
class NumbersRecords(PeopleStream):
    """Writes a number of its own into what it keeps."""

    number = 0

    def record(self, person, raw):
        """Number the bytes."""
        NumbersRecords.number += 1
        return super().record(person, raw + b" " * NumbersRecords.number)


@breaks("test_resuming_at_every_page_equals_an_uncut_run", "cut after 1 pages and resumed")
class SkipsWhenResumed(PeopleStream):
    """Believes that the first page after a cut was given before it."""

    def read(self, part):
        """Leave out a page."""
        pages = super().read(part)
        if "at" in part.cursor:
            next(pages)
        yield from pages


@breaks("test_reading_one_page_a_run_equals_an_uncut_run", "cut after every page")
class SkipsWhenResumedTwice(PeopleStream):
    """Can be cut once, and not again."""

    def read(self, part):
        """Empty a page at the second cut."""
        self.cuts = part.cursor.get("cuts", 0)
        for page in super().read(part):
            yield Page(() if self.cuts == 2 else page.records, page.cursor, page.watermark)

    def onward(self, cursor, place, now):
        """Count cuts in the cursor."""
        return {**super().onward(cursor, place, now), "cuts": self.cuts + 1}


@breaks("test_ties_across_a_page_edge_lose_nothing", "objects never arrived")
class PagesByTimeAlone(PeopleStream):
    """Goes on behind the time of the last object of a page."""

    def asked(self, part, cursor):
        """Pass over all that share its instant."""
        asked = super().asked(part, cursor)
        return {**asked, "after_id": "~"} if "after_id" in asked else asked


@breaks("test_ties_across_two_runs_lose_nothing", "objects never arrived")
class BeginsBehindTheEnd(PeopleStream):
    """Takes the end of a read for read."""

    def plan(self, watermark, until):
        """Begin a second later."""
        return super().plan(watermark and watermark + LAG + SECOND, until)


class _HistoryAtOnce(ChangeStream):
    looks = False

    def asked(self, part, cursor):
        """Ask for all there is, for a look at the whole history."""
        asked = super().asked(part, cursor)
        return {**asked, "since": 0, "until": 1 << 40} if self.looks else asked

    def page(self, part, cursor):
        """Withhold what a person went through until the last of it."""
        records, place, now = super().page(part, cursor)
        told, after = [], {}
        self.looks = True
        while after is not None:
            more, after, _ = super().page(part, after)
            told += more
        self.looks = False
        last = {record.values[2]: record.id for record in told}
        ends = {record.values[2] for record in records if last[record.values[2]] == record.id}
        return [record for record in told if record.values[2] in ends], place, now


class _HistoryAtOnceKnownAtTheEnd(_HistoryAtOnce):
    def read(self, part):
        """Tell how far it is known with the last page only."""
        for page in super().read(part):
            yield Page(page.records, page.cursor, None if page.cursor else page.watermark)


@breaks("test_a_second_edit_does_not_hide_the_first", "seconds behind the watermark")
class TellsTheHistoryWithItsEnd(TinyConnector):
    """Tells all that a person went through where the last of it stands."""

    changes = _HistoryAtOnce


@breaks("test_an_edit_in_the_middle_of_a_read_does_not_hide_an_earlier_one", "seconds behind the watermark")
class TellsTheHistoryOfAWindow(TinyConnector):
    """Does so up to the end of a window, which a person may leave while it is read."""

    changes = _HistoryAtOnceKnownAtTheEnd


@breaks("test_the_watermark_is_not_ahead_of_what_was_read", "seconds behind the watermark")
class KnowsFromTheFirstPage(PeopleStream):
    """Says that all is known before it is read."""

    def read(self, part):
        """Give each page the watermark of the last one."""
        for page in super().read(part):
            yield Page(page.records, page.cursor, part.end)


@breaks("test_what_appears_late_is_not_behind_the_watermark", "while the system lagged")
class KnowsOfNoLag(PeopleStream):
    """Reads what appears late, and had said that there is nothing."""

    def plan(self, watermark, until):
        """Begin before the watermark."""
        return super().plan(watermark and watermark - LAG, until)

    def known(self, part, cursor):
        """Forget that the system lags."""
        return min(part.end, cursor["now"])


@breaks("test_a_fast_clock_here_loses_nothing", "is later than the system's own clock")
class TrustsOurClock(PeopleStream):
    """Takes this machine's clock for the system's."""

    def known(self, part, cursor):
        """Forget the system's clock."""
        return part.end - LAG


@breaks("test_a_slow_clock_here_loses_nothing", "later than the end of this read")
class TrustsTheirClockAlone(PeopleStream):
    """Forgets that it was to read no further than `until`."""

    def known(self, part, cursor):
        """Forget the end of the slice."""
        return cursor["now"] - LAG


@breaks("test_two_accounts_stay_apart", "objects never arrived")
class OneReaderForAll(TinyConnector):
    """Reads all accounts as it reads the first one."""

    opened = []  # noqa: RUF012 - the fault

    def streams(self):
        """Give the streams of the first account."""
        self.opened.append(self)
        return TinyConnector.streams(self.opened[0])


# --- changes


@breaks("test_late_edits_arrive", "an edit of contact")
class ReadsNewObjectsOnly(PeopleStream):
    """Passes over objects that are older than the window."""

    def page(self, part, cursor):
        """Leave out what was only changed."""
        records, place, now = super().page(part, cursor)
        return [record for record in records if record.values[0] >= part.start], place, now


@breaks("test_an_edit_in_the_middle_of_a_read_arrives", "were lost by edits while reading")
class PagesByOffset(PeopleStream):
    """Counts the objects it has had, while they move."""

    def onward(self, cursor, place, now):
        """Count a page."""
        return {"now": cursor.get("now", now), "offset": cursor.get("offset", 0) + PAGE}

    def asked(self, part, cursor):
        """Ask for the next ones."""
        return {**super().asked(part, {}), "offset": cursor.get("offset", 0)}


@breaks("test_deletions_arrive", "was deleted, and the first run after it does not say so")
class NeverDeletes(PeopleStream):
    """Overlooks the mark of a deletion."""

    def deleted(self, person):
        """Say that it is there."""
        return False


@breaks("test_merges_arrive", "and nothing says so")
class NeverMerges(PeopleStream):
    """Overlooks into which object one went."""

    def values(self, person):
        """Leave out the last column."""
        return (*super().values(person)[:-1], None)


@breaks("test_the_history_says_when_and_by_whom", "does not name u1, who made it")
class NamesNobody(TinyConnector):
    """Does not tell who did it."""

    class changes(TinyConnector.changes):  # noqa: N801 - takes the place of the honest one
        """Changes by nobody."""

        def actor(self, change):
            """Name nobody."""


@breaks("test_a_live_look_up_equals_what_was_synced", "differs from the sync")
class LooksUpAnotherStatus(TinyConnector):
    """Maps an object otherwise when it is looked up."""

    def lookup(self, ref):
        """Give other values."""
        return [msgspec.structs.replace(found, values=(*found.values[:-1], "x")) for found in super().lookup(ref)]


# --- wire


@breaks("test_a_gained_field_is_kept", "with a new field, contact did not arrive")
class ForbidsNewFields(PeopleStream):
    """Refuses what it does not know."""

    def decode(self, raw):
        """Read strictly."""
        return msgspec.json.decode(raw, type=_Strict)


class _Strict(_Person, forbid_unknown_fields=True):
    """A person and nothing else."""


@breaks("test_a_lost_field_is_unknown", "contact.status could not be read (lost_field) and was stored as 'lead'")
class MakesUpWhatIsMissing(PeopleStream):
    """Puts in a default."""

    def status(self, person):
        """Make up a status."""
        return "lead" if person.status is None else super().status(person)


@breaks("test_a_retyped_field_is_unknown", "contact.status could not be read (retyped_field)")
class WritesDownAnything(PeopleStream):
    """Makes a text of whatever it gets."""

    def status(self, person):
        """Write it down."""
        return str(person.status)


@breaks("test_an_unknown_word_is_not_taken_for_a_known_one", "and stored as 'customer'")
class EndsInADefault(PeopleStream):
    """Takes each word it does not know for the last one it does."""

    def status(self, person):
        """Know two words."""
        return "lead" if person.status == "lead" else "customer"


# --- values


@breaks("test_streams_feed_known_record_types", "there is no record type person")
class FeedsAnotherType(PeopleStream):
    """Says that it gives what does not exist."""

    types = ("contact", "person")


@breaks("test_values_have_the_types_of_their_columns", "created_at is float")
class GivesFloats(PeopleStream):
    """Gives instants as floats."""

    def values(self, person):
        """Give a float."""
        created, *rest = super().values(person)
        return (float(created), *rest)


@breaks("test_raw_bytes_are_as_delivered", "are not what the system delivered")
class WritesAnew(PeopleStream):
    """Keeps what it makes of the bytes."""

    def record(self, person, raw):
        """Encode it again."""
        return super().record(person, msgspec.json.encode(msgspec.json.decode(raw)))

"""The tiny connector broken on purpose: for each check of the kit one it must find, a few lines from the honest one."""

import logging
import re
from dataclasses import dataclass

import msgspec
from pydantic import ConfigDict
from tests.tiny_connector import LAG, SECOND, PeopleStream, TinyConfig, TinyConnector, _Person
from tests.tiny_system import PAGE, TinyKit

from tallystick.connectors import CheckRow, Page, Retry, SecretRef
from tallystick.errors import AuthorizationError, PermanentError, RateLimited, RetryableError

MUTANTS = {}


@dataclass
class Mutant:
    """A kit with a broken connector, and what the check that finds it must say."""

    kit: type[TinyKit]
    says: str


def breaks(check, says):
    """Register a broken stream of people, connector, configuration or kit as the mutant of a check."""

    def register(broken):
        if issubclass(broken, TinyKit):
            kit = broken
        elif issubclass(broken, TinyConnector):
            kit = type("Kit", (TinyKit,), {"connector": broken})
        else:
            field = "config_model" if issubclass(broken, TinyConfig) else "people"
            kit = type("Kit", (TinyKit,), {"connector": type("Connector", (TinyConnector,), {field: broken})})
        assert check not in MUTANTS, check
        MUTANTS[check] = Mutant(kit, re.escape(says))
        return broken

    return register


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


# --- faults


@breaks("test_throttling_is_obeyed", "asked again at once")
class NeverWaits(TinyConnector):
    """Asks again as fast as it can."""

    def retry(self):
        """Wait for nothing."""
        return Retry(self._timer, first=0)


@breaks("test_the_wait_that_was_asked_for_is_waited", "the system asked to wait 7 seconds")
class WaitsAsItLikes(TinyConnector):
    """Does not read how long to wait."""

    def classify(self, response):
        """Forget the header."""
        return RateLimited("too many calls") if response.status == 429 else super().classify(response)


@breaks("test_an_expired_token_is_renewed", "a passing fault (token_expiry) ended a sync")
class SignsInOnce(TinyConnector):
    """Keeps its token, good or not."""

    def get(self, path, params, decode):
        """Call without a second try."""
        self._token = self._token or self.sign_in()
        return self.http.get_as(path, params, decode)


@breaks("test_a_server_error_is_got_over", "a passing fault (server_error) ended a sync")
class TakesFailuresForLasting(TinyConnector):
    """Gives up at the first failure of the system."""

    def classify(self, response):
        """Take 500 for the end."""
        return PermanentError("it failed") if response.status >= 500 else super().classify(response)


@breaks("test_a_maintenance_page_is_got_over", "a passing fault (maintenance_page) ended a sync")
class TakesPagesForLasting(TinyConnector):
    """Gives up at the first page of HTML."""

    def classify(self, response):
        """Take HTML for the end."""
        html = "html" in response.headers.get("content-type", "")
        return PermanentError("it answered with a page") if html else super().classify(response)


class _Swallows(PeopleStream):
    """Takes an answer that failed for the last page."""

    def page(self, part, cursor):
        try:
            return super().page(part, cursor)
        except RetryableError:
            return [], None, part.end


@breaks("test_a_truncated_answer_is_got_over", "after a passing fault (truncation)")
class TakesHalfForTheEnd(TinyConnector):
    """Takes half an answer for the end of the list."""

    people = changes = _Swallows

    def streams(self):
        """Read people only."""
        return [self.people(self)]

    def retry(self):
        """Try once."""
        return Retry(self._timer, attempts=1)


@breaks("test_a_broken_connection_is_got_over", "a passing fault (reset) ended a sync")
class TriesOnce(TinyConnector):
    """Tries every call once."""

    def retry(self):
        """Try once."""
        return Retry(self._timer, attempts=1)


@breaks("test_a_wrong_time_in_an_answer_is_got_over", "a passing fault (clock_skew) ended a sync")
class BelievesEveryClock(TinyConnector):
    """Takes the latest clock it was told, whatever it says."""

    class people(PeopleStream):  # noqa: N801 - takes the place of the honest one
        """People as of the latest clock."""

        def onward(self, cursor, place, now):
            """Keep the latest clock."""
            return {**super().onward(cursor, place, now), "now": max(cursor.get("now", now), now)}

        def known(self, part, cursor):
            """Forget the end of the slice."""
            return cursor["now"] - LAG

    def streams(self):
        """Read people only."""
        return [self.people(self)]


@breaks("test_a_lasting_failure_keeps_what_was_read", "the sync says that all is well")
class TakesFailuresForTheEnd(TinyConnector):
    """Takes a failure for the end of the list."""

    people = _Swallows

    def streams(self):
        """Read people only."""
        return [self.people(self)]


@breaks("test_a_refused_sign_in_is_told", "sign-in was refused, and the sync ended with ['PermanentError'")
class TakesARefusalForAFailure(TinyConnector):
    """Does not say that nobody is let in."""

    def classify(self, response):
        """Take 401 for anything."""
        return PermanentError("it answered 401") if response.status == 401 else super().classify(response)


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


# --- secrets


@breaks("test_no_secret_in_representations", "the connector shows a secret")
class ShowsItsKey(TinyConnector):
    """Shows its key when it is printed."""

    def __repr__(self):
        return f"TinyConnector({self._config.key.reveal()})"


@breaks("test_no_secret_in_errors", "an error (sign_in) shows a secret")
class TellsItsKey(TinyConnector):
    """Tells its key in an error."""

    def classify(self, response):
        """Say which key was refused."""
        key = self._config.key.reveal()
        return AuthorizationError(f"no to {key}", hint="-") if response.status == 401 else super().classify(response)


@breaks("test_no_secret_in_logs", "the log shows a secret")
class LogsItsToken(TinyConnector):
    """Logs the token it was given."""

    def sign_in(self):
        """Log it."""
        token = super().sign_in()
        logging.getLogger("tiny").debug("signed in with %s", token)
        return token


@breaks("test_no_secret_is_stored", "a stored cursor shows a secret")
class StoresItsToken(PeopleStream):
    """Keeps the token in the cursor."""

    def onward(self, cursor, place, now):
        """Put it in."""
        return {**super().onward(cursor, place, now), "token": self.connector._token}


@breaks("test_a_secret_in_the_configuration_is_refused_unseen", "the key key takes a secret itself")
class TakesTheSecretItself(TinyConfig):
    """Takes a key where it should be told where one is kept."""

    key: SecretRef | str


# --- cost


@breaks("test_calls_stay_within_the_budget", "three further pages of contact cost")
class AsksForEach(PeopleStream):
    """Asks for each object of a page again."""

    def page(self, part, cursor):
        """Look each one up."""
        records, place, now = super().page(part, cursor)
        return [self.connector.lookup(record.id)[0] for record in records], place, now


@breaks("test_an_idle_sync_stays_within_the_budget", "a sync that found nothing new cost")
class SignsInAgainAndAgain(TinyConnector):
    """Signs in once per page it may read."""

    def streams(self):
        """Sign in beforehand."""
        for _ in range(5):
            self.sign_in()
        return super().streams()


@breaks("test_calls_are_counted", "reached the system")
class CountsNoSignIn(TinyConnector):
    """Does not count how it signs in."""

    def calls(self):
        """Leave one out."""
        return super().calls() - 1


@breaks("test_memory_stays_flat", "more bytes of memory")
class ReadsAllFirst(PeopleStream):
    """Reads a slice to its end before it gives a page."""

    def read(self, part):
        """Collect."""
        yield from list(super().read(part))


@breaks("test_errors_of_the_configuration_name_the_key", "the key surely_no_key is unknown")
class TakesAnyKey(TinyConfig):
    """Takes keys that mean nothing."""

    model_config = ConfigDict(extra="ignore")


@breaks("test_check_is_content_with_a_good_account", "`check` fails a good account")
class NeverContent(TinyConnector):
    """Fails what is good."""

    def check(self):
        """Fail."""
        yield CheckRow("clock", "failed", "it ticks", "Stop it.")


@breaks("test_closing_twice_is_safe", "closed twice, the connector raises ValueError")
class ClosesOnce(TinyConnector):
    """Can be closed once."""

    closed = False

    def close(self):
        """Close."""
        if self.closed:
            raise ValueError("it is closed")
        self.closed = True
        super().close()


# --- the kit itself


@breaks("test_no_check_was_taken_out", "test_deletions_arrive")
class LeavesOut(TinyKit):
    """Does not want to know of deletions."""

    test_deletions_arrive = None

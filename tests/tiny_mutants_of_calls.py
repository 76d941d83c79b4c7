"""The tiny connector broken in how it calls, what it shows and what it costs."""

import logging

from pydantic import ConfigDict
from tests.tiny_broken import breaks
from tests.tiny_connector import LAG, PeopleStream, TinyConfig, TinyConnector
from tests.tiny_system import TinyKit

from tallystick.connectors import CheckRow, Retry, SecretRef
from tallystick.errors import AuthorizationError, PermanentError, RateLimited, RetryableError

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
        with self._lock:
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

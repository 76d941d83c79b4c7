"""Checks of what a system may answer in place of data: passing faults are got over, lasting ones are told."""

from __future__ import annotations

from tallystick.errors import AuthorizationError, ConnectorError
from tallystick.testing.kit.base import KitBase, needs
from tallystick.testing.kit.capability import Capability
from tallystick.testing.kit.contents import Contents, difference
from tallystick.testing.kit.desk import Desk
from tallystick.testing.kit.failing import fail, require, said

__all__ = ["FaultChecks"]

_WAIT = 7
_LEAST = 0.02
"""Seconds: of three waits, drawn at random up to 0.5, 1 and 2, one is longer but in 8 of a million times."""

_REPEAT = "Raise `RetryableError` for it and make the call through `Retry`: what passes is waited out and asked again."


class FaultChecks(KitBase):
    """What goes wrong in the middle of a read must neither end it nor change what is stored."""

    @needs(Capability.THROTTLING)
    def test_throttling_is_obeyed(self, desk: Desk) -> None:
        """Refused for too many calls, the connector waits, asks again, and nothing is missing."""
        expected = self._undisturbed(desk)
        self._got_over(desk, expected, Capability.THROTTLING, times=3)
        require(
            max(desk.timer.waits, default=0) > _LEAST,
            "the connector was told three times to slow down and asked again at once",
            "Raise `RateLimited` and make the call through `Retry`, which waits longer with each attempt.",
        )

    @needs(Capability.RETRY_AFTER)
    def test_the_wait_that_was_asked_for_is_waited(self, desk: Desk) -> None:
        """Told how long to wait, the connector waits that long before it asks again."""
        expected = self._undisturbed(desk)
        self._got_over(desk, expected, Capability.RETRY_AFTER, seconds=_WAIT)
        require(
            max(desk.timer.waits, default=0) >= _WAIT,
            f"the system asked to wait {_WAIT} seconds, and the longest wait was {max(desk.timer.waits, default=0):g}",
            "Raise `RateLimited(retry_after=...)` with the seconds that the answer says.",
        )

    @needs(Capability.TOKEN_EXPIRY)
    def test_an_expired_token_is_renewed(self, desk: Desk) -> None:
        """A token that expires in the middle of a read is renewed, and nothing is missing."""
        expected = self._undisturbed(desk)
        self._got_over(
            desk,
            expected,
            Capability.TOKEN_EXPIRY,
            advice="Sign in again once a token is refused, and repeat the call.",
        )

    @needs(Capability.SERVER_ERROR)
    def test_a_server_error_is_got_over(self, desk: Desk) -> None:
        """A failure of the system that passes does not end the read."""
        self._got_over(desk, self._undisturbed(desk), Capability.SERVER_ERROR)

    @needs(Capability.MAINTENANCE_PAGE)
    def test_a_maintenance_page_is_got_over(self, desk: Desk) -> None:
        """A page of HTML in the place of data is no data, and passes."""
        self._got_over(desk, self._undisturbed(desk), Capability.MAINTENANCE_PAGE)

    @needs(Capability.TRUNCATION)
    def test_a_truncated_answer_is_got_over(self, desk: Desk) -> None:
        """Half an answer is not taken for a whole one, and is asked for again."""
        self._got_over(desk, self._undisturbed(desk), Capability.TRUNCATION)

    @needs(Capability.RESET)
    def test_a_broken_connection_is_got_over(self, desk: Desk) -> None:
        """A connection that breaks is opened again."""
        self._got_over(desk, self._undisturbed(desk), Capability.RESET)

    @needs(Capability.CLOCK_SKEW)
    def test_a_wrong_time_in_an_answer_is_got_over(self, desk: Desk) -> None:
        """An answer whose clock is two hours ahead moves no watermark past the end of the read."""
        expected = self._undisturbed(desk)
        self._got_over(desk, expected, Capability.CLOCK_SKEW, seconds=7_200)
        now = desk.system.now()
        ahead = [kind for kind, cover in desk.coverage("disturbed").items() if (cover.watermark or 0) > now]
        require(
            not ahead,
            f"the watermark of {', '.join(ahead)} is later than now",
            "Bound the watermark by the end of the slice, whatever an answer says the time is.",
        )

    @needs(Capability.SERVER_ERROR)
    def test_a_lasting_failure_keeps_what_was_read(self, desk: Desk) -> None:
        """A failure that does not pass ends the run with an error of ours; the next run completes what is missing."""
        expected = self._undisturbed(desk)
        desk.system.set_fault(Capability.SERVER_ERROR, after=2, times=None)
        report = desk.sync("disturbed")
        desk.system.clear()
        require(
            report.errors,
            "the system failed for good, and the sync says that all is well",
            "Never take a failed call for an empty page: let its error leave `read`.",
        )
        for error in report.errors:
            _ours(error)
        desk.read("disturbed")
        wrong = difference(expected, desk.contents("disturbed"), newest=True)
        require(not wrong, f"after a failure and another run, {wrong}", "Move the cursor only behind what was given.")

    @needs(Capability.SIGN_IN)
    def test_a_refused_sign_in_is_told(self, desk: Desk) -> None:
        """Not let in, the sync ends with `AuthorizationError`, which says what to do, and `check` says so too."""
        desk.fill(self.creates, 0.2)
        desk.system.set_fault(Capability.SIGN_IN, times=None)
        report = desk.sync()
        told = [error for error in report.errors if isinstance(error, AuthorizationError)]
        require(
            told and told[0].hint,
            f"sign-in was refused, and the sync ended with {[type(error).__name__ for error in report.errors]}",
            "Raise `AuthorizationError` with a hint that says where to make or renew the secret.",
        )
        try:
            rows = list(desk.connect().check())
        except ConnectorError as error:
            rows = []
            _ours(error)
        require(
            not rows or any(row.status == "failed" and row.action for row in rows),
            "sign-in was refused, and `check` has no failed row that says what to do",
            "Yield a `CheckRow` with status `failed` and an `action`, or raise `AuthorizationError`.",
        )

    def _undisturbed(self, desk: Desk) -> Contents:
        desk.fill(self.creates)
        return desk.read_whole()[0]

    def _got_over(
        self,
        desk: Desk,
        expected: Contents,
        fault: Capability,
        *,
        seconds: int = 0,
        times: int = 1,
        advice: str = _REPEAT,
    ) -> None:
        """Fail unless a read during which a fault strikes, and passes, stores the same."""
        desk.system.set_fault(fault, after=1, times=times, seconds=seconds)
        report = desk.sync("disturbed")
        desk.system.clear()
        if report.errors:
            fail(f"a passing fault ({fault.value}) ended a sync: {said(report.errors[0])}", advice)
        wrong = difference(expected, desk.contents("disturbed"))
        require(not wrong, f"after a passing fault ({fault.value}), {wrong}", advice)


def _ours(error: ConnectorError) -> None:
    require(
        type(error) is not ConnectorError,
        f"a failure was not foreseen: {said(error)}",
        "Turn every error of a library into one of `tallystick.errors`, by what its reader does next.",
    )

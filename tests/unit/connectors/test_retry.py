"""Retries: what is repeated, how long between, and when it ends."""

import pytest

from tallystick.connectors import Retry
from tallystick.errors import PermanentError, RateLimited, RetryableError


class _Call:
    """Raises the given errors in turn, then gives its count."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.count = 0

    def __call__(self):
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.count


def _busy(times):
    return [RetryableError(f"busy {number}") for number in range(times)]


def test_a_call_that_works_is_made_once(timer):
    """Nothing is waited for when nothing goes wrong."""
    assert Retry(timer)(_Call()) == 1
    assert timer.waits == []


def test_a_passing_error_is_repeated(timer):
    """A call that works at the third attempt gives what it gives, after two waits."""
    assert Retry(timer)(_Call(*_busy(2))) == 3
    assert len(timer.waits) == 2


def test_other_errors_leave_at_once(timer):
    """An error that calling again cannot help is raised after one attempt."""
    call = _Call(PermanentError("gone"))

    with pytest.raises(PermanentError, match="gone"):
        Retry(timer)(call)
    assert call.count == 1


def test_the_last_error_is_raised_when_attempts_are_spent(timer):
    """Eight attempts by default, and the error of the eighth is what the reader sees."""
    call = _Call(*_busy(20))

    with pytest.raises(RetryableError, match="busy 7"):
        Retry(timer)(call)
    assert call.count == 8


def test_waits_are_jittered_grow_and_have_a_cap(timer):
    """Wait n lies between 0 and first * 2^(n-1), never above the longest wait, and not all waits are equal."""
    for _ in range(30):
        with pytest.raises(RetryableError):
            Retry(timer, attempts=8, first=1, longest=10)(_Call(*_busy(20)))
    rounds = [timer.waits[start : start + 7] for start in range(0, len(timer.waits), 7)]

    for number, ceiling in enumerate([1, 2, 4, 8, 10, 10, 10]):
        waits = [waited[number] for waited in rounds]
        assert min(waits) >= 0
        assert max(waits) <= ceiling
        assert len(set(waits)) > 20


def test_what_the_system_asked_for_is_waited(timer):
    """Retry-After is honoured to the second."""
    Retry(timer)(_Call(RateLimited("slow down", retry_after=7.0)))

    assert timer.waits == [7.0]


def test_a_wait_longer_than_the_cap_ends_the_call(timer):
    """Asked to wait an hour, we leave it to the next run instead of coming back too early."""
    call = _Call(RateLimited("slow down", retry_after=3600.0))

    with pytest.raises(RateLimited) as caught:
        Retry(timer, longest=30)(call)
    assert caught.value.retry_after == 3600.0
    assert (call.count, timer.waits) == (1, [])


def test_all_calls_share_one_budget_of_retries(timer):
    """Once the run's retries are spent, the next failing call is made once."""
    retry = Retry(timer, attempts=4, total_retries=3)
    with pytest.raises(RetryableError):
        retry(_Call(*_busy(9)))
    last = _Call(*_busy(9))
    with pytest.raises(RetryableError):
        retry(last)

    assert last.count == 1


def test_all_calls_share_one_budget_of_waiting(timer):
    """The waits of a run together never exceed its budget."""
    retry = Retry(timer, attempts=100, total_wait=25)
    with pytest.raises(RateLimited):
        retry(_Call(*[RateLimited("slow", retry_after=10.0) for _ in range(50)]))

    assert timer.waits == [10.0, 10.0]


def test_a_stopped_timer_ends_the_retries(timer):
    """After closing, the error is raised without another attempt."""
    call = _Call(*_busy(5))
    timer.stop()

    with pytest.raises(RetryableError, match="busy 0"):
        Retry(timer)(call)
    assert call.count == 1


def test_stopping_during_a_wait_raises(timer):
    """A retry that is waiting when the connector is closed raises instead of calling again."""
    real_wait = timer.wait

    def wait(seconds):
        timer.stop()
        real_wait(seconds)

    timer.wait = wait
    call = _Call(*_busy(5))

    with pytest.raises(RetryableError, match="closed"):
        Retry(timer)(call)
    assert call.count == 1

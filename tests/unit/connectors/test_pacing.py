"""Pacing keeps the rate, gives way to refusals, and lets go when it is told to."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.connectors import Timer, TokenBucket
from tallystick.errors import RetryableError


class _Manual(Timer):
    """Time that a test moves by hand; waits are added to it."""

    def __init__(self):
        super().__init__()
        self.time = 0.0

    def now(self):
        return self.time

    def wait(self, seconds):
        super().wait(0)
        self.time += max(seconds, 0)


def _starts(bucket, timer, calls, pauses=()):
    starts = []
    for number in range(calls):
        timer.time += pauses[number] if number < len(pauses) else 0
        bucket.acquire()
        starts.append(timer.time)
    return starts


def test_a_burst_of_one_second_is_free_and_the_rest_is_spaced():
    """A bucket of 10 a second lets ten calls go at once and each further one a tenth of a second later."""
    timer = _Manual()

    starts = _starts(TokenBucket(10, timer), timer, 13)

    assert starts == pytest.approx([0] * 10 + [0.1, 0.2, 0.3])


def test_without_a_burst_calls_are_never_closer_than_the_rate():
    """A bucket without a burst spaces all calls, also after a pause, and after a refusal as well."""
    timer = _Manual()
    bucket = TokenBucket(5, timer, burst=0)

    assert _starts(bucket, timer, 4, [0, 0, 10]) == pytest.approx([0, 0.2, 10.2, 10.4])
    bucket.slow_down()
    first, second = _starts(bucket, timer, 2)
    assert first - 10.4 >= 0.2
    assert second - first > 0.2


@settings(max_examples=100, deadline=None)
@given(
    rate=st.floats(0.2, 200),
    pauses=st.lists(st.floats(0, 5), min_size=1, max_size=60),
)
def test_no_second_ever_holds_more_than_rate_and_burst(rate, pauses):
    """In any stretch of time t at most rate * t + max(rate, 1) calls start, whatever the pauses between them."""
    timer = _Manual()
    starts = _starts(TokenBucket(rate, timer), timer, len(pauses), pauses)

    for first in range(len(starts)):
        for last in range(first, len(starts)):
            stretch = starts[last] - starts[first]
            assert last - first + 1 <= rate * stretch + max(rate, 1) + 1e-6


def test_slowing_down_halves_the_rate_and_drops_the_burst():
    """After a refusal the next call waits its full turn at half the rate."""
    timer = _Manual()
    bucket = TokenBucket(10, timer)
    bucket.slow_down()

    assert bucket.rate == 5
    assert _starts(bucket, timer, 3) == pytest.approx([0.2, 0.4, 0.6], abs=0.01)


def test_refusals_at_the_same_moment_count_once():
    """Eight slices refused together halve the rate once, not eight times."""
    timer = _Manual()
    bucket = TokenBucket(10, timer)
    for _ in range(8):
        bucket.slow_down()

    assert bucket.rate == 5


def test_the_rate_comes_back_slowly_and_never_beyond_full():
    """Half the rate is back after thirty seconds, and all there ever is is the full rate."""
    timer = _Manual()
    bucket = TokenBucket(10, timer)
    bucket.slow_down()
    timer.time += 15
    bucket.acquire()
    halfway = bucket.rate
    timer.time += 500
    bucket.acquire()

    assert halfway == pytest.approx(7.5, abs=0.1)
    assert bucket.rate == 10


def test_the_rate_never_falls_asleep():
    """However often calls are refused, a thirty-second of the rate is left."""
    timer = _Manual()
    bucket = TokenBucket(32, timer)
    for _ in range(40):
        timer.time += 1.0
        bucket.slow_down()

    assert bucket.rate >= 1


def test_every_call_is_counted(timer):
    """The bucket counts the calls it let go."""
    bucket = TokenBucket(100, timer)
    for _ in range(7):
        bucket.acquire()

    assert bucket.taken == 7


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_must_be_above_zero(timer, rate):
    """A rate that would never let a call go is refused."""
    with pytest.raises(ValueError, match="above zero"):
        TokenBucket(rate, timer)


def test_threads_share_one_rate():
    """Many threads together spend exactly what one thread would, and all their calls are counted."""
    timer = Timer()
    bucket = TokenBucket(10_000, timer)
    threads = [threading.Thread(target=lambda: [bucket.acquire() for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert bucket.taken == 400


def test_stopping_wakes_every_waiting_thread():
    """Threads that wait for minutes raise promptly once the timer is stopped."""
    timer = Timer()
    bucket = TokenBucket(0.001, timer)
    bucket.acquire()
    raised = []

    def wait():
        try:
            bucket.acquire()
        except RetryableError as error:
            raised.append(error)

    threads = [threading.Thread(target=wait) for _ in range(5)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    timer.stop()
    for thread in threads:
        thread.join(timeout=30)

    assert len(raised) == 5
    assert bucket.taken == 1


def test_a_stopped_timer_lets_nothing_go(timer):
    """After stopping, even a call whose turn it is raises."""
    timer.stop()

    with pytest.raises(RetryableError, match="closed"):
        TokenBucket(10, timer).acquire()

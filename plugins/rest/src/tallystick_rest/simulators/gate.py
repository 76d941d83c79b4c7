"""Who may call, and how often: keys that expire, and the window of the limit on calls."""

from __future__ import annotations

__all__ = ["Keys", "Window"]


class Keys:
    """The keys of an account: any is good, unless it begins with `wrong` or was made to expire.

    `calls_left` is how many calls the keys seen so far are still good for; None for any number.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Make all keys good again."""
        self.calls_left: int | None = None
        self._seen: set[str] = set()
        self._expired: set[str] = set()

    def expire(self, after: int) -> None:
        """Let the keys seen so far, or until then, expire after so many more calls."""
        self.calls_left = after

    def good(self, key: str) -> bool:
        """Tell whether a key is good, and count the call."""
        if not key or key.startswith("wrong"):
            return False
        self._seen.add(key)
        if self.calls_left == 0:
            self._expired |= self._seen
            self.calls_left = None
        elif self.calls_left is not None:
            self.calls_left -= 1
        return key not in self._expired


class Window:
    """The limit on calls, in windows of the virtual clock.

    Args:
        limit: Calls in a window.
        seconds: Length of a window, by the virtual clock.
        enforced: Whether calls past the limit are refused; if not, only the headers count down, to one.
    """

    def __init__(self, limit: int, seconds: int, *, enforced: bool) -> None:
        self.limit = limit
        self.seconds = seconds
        self._enforced = enforced
        self.reset()

    def reset(self) -> None:
        """Begin a window."""
        self._number, self._spent = 0, 0

    def spend(self, calls: int, now: int) -> bool:
        """Count calls, and tell whether they were within the limit."""
        if now // self.seconds != self._number:
            self._number, self._spent = now // self.seconds, 0
        self._spent += calls
        if not self._enforced:
            self._spent = min(self._spent, self.limit - 1)
        return self._spent <= self.limit

    @property
    def left(self) -> int:
        """How many calls are left in the window."""
        return max(0, self.limit - self._spent)

    @property
    def ends(self) -> int:
        """When the window of the last call ends, Unix seconds."""
        return (self._number + 1) * self.seconds

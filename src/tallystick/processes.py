"""What a process that another one starts needs: no Ctrl-C of its own, and its end when the first one ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process, resource_tracker
from threading import Thread

__all__ = ["follow_the_first", "uninterrupted"]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C: here until this is over, in a process that is started inside for ever.

    Whoever stops the first process means both; the first one ends the other.
    """
    # What starts on the way to the first process of all would let it through again.
    resource_tracker.ensure_running()
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def follow_the_first() -> None:
    """End this process as soon as the one that started it by `multiprocessing` has ended, however that did."""
    Thread(target=_end_with_the_first, daemon=True).start()


def _end_with_the_first() -> None:
    if (first := parent_process()) is not None:
        first.join()
        os._exit(1)

"""Python's collector of cycles kept out of long pure work."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_collections"]


@contextmanager
def no_collections() -> Iterator[None]:
    """Let no garbage be collected inside: for work that makes millions of objects and no cycles of them.

    The collector looks at all that is there again and again, and would find nothing. What nobody refers to any more is
    freed as ever.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()

"""A simulator on a socket: from a thread of this process, or as a process of its own."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ParamSpec

from tallystick.testing.serving import listening, running, serve

__all__ = ["run", "threaded"]

P = ParamSpec("P")


def threaded(create: Callable[P, Any]) -> Callable[P, AbstractContextManager[str]]:
    """Give a function that serves what `create` builds from a thread while the block runs, and gives its origin.

    It takes and raises what `create` does; the origin is like `http://127.0.0.1:41234`.
    """

    @contextmanager
    def served(*args: P.args, **options: P.kwargs) -> Iterator[str]:
        with running(create(*args, **options)) as origin:
            yield origin

    return served


def run(create: Callable[..., Any], parser: argparse.ArgumentParser, arguments: list[str] | None) -> None:
    """Serve until interrupted what `create` builds by the options; one line says where, once connections are accepted.

    Args:
        create: Takes the seed, and the other options by their names.
        parser: Of these options, and `port`.
        arguments: What was written; by default those of the process.
    """
    options = vars(parser.parse_args(arguments))
    with listening(options.pop("port")) as sock:
        try:
            app = create(options.pop("seed"), **options)
        except ValueError as error:
            parser.error(str(error))
        serve(app, sock)

"""What a connector says about itself before it is read: its release, its streams and the record types they feed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import Any

from tallystick.connectors.base import Connector, Stream
from tallystick.records.types import RECORD_TYPES
from tallystick.sync.guards import Blame

__all__ = ["streams_of"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)
_MOST = 1_000


def streams_of(connector: Connector, blame: Blame) -> Sequence[Stream]:
    """Give the streams of a connector, in their order.

    Raises:
        PermanentError: A stream has no usable name or another one's, feeds a record type that does not exist, or
            follows itself; or what the connector says of its release is no text.
        ConnectorError: The connector raised.
    """
    with blame.guarded():
        for told in ("name", "version", "api_version"):
            value = getattr(connector, told, None)
            if type(value) is not str or not value:
                raise blame.fault(f"the connector's {told} is {type(value).__name__}", f"set {told} to a text.")
        given = connector.streams()
        if not isinstance(given, Iterable):
            raise blame.fault(f"streams gave {type(given).__name__}", "return a list of Stream.")
        streams = list(islice(given, _MOST))
        for stream in streams:
            _check(stream, blame)
        names = [stream.name for stream in streams]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise blame.fault(f"two streams are named {twice}", "give each stream a name of its own.")
        _check_order(streams, blame)
    return streams


def _check(stream: Any, blame: Blame) -> None:
    if not isinstance(stream, Stream):
        raise blame.fault(f"{type(stream).__name__} is no Stream", "return objects of subclasses of Stream.")
    name = getattr(stream, "name", None)
    if type(name) is not str or not _NAME.fullmatch(name):
        raise blame.fault(
            f"a stream ({type(stream).__name__}) has no usable name",
            "name it with letters, digits, dots, dashes and underscores, at most 100.",
        )
    own = blame.of(name)
    for told in ("types", "follows"):
        if not _is_texts(getattr(stream, told, None)):
            raise own.fault(f"{told} is no tuple of texts", f"set {told} to a tuple such as ('ticket',).")
    if type(stream.revision) is not str:
        raise own.fault(f"revision is {type(stream.revision).__name__}", "set revision to a text.")
    unknown = [kind for kind in stream.types if kind not in RECORD_TYPES or RECORD_TYPES[kind].of]
    if unknown or not stream.types:
        known = ", ".join(name for name, kind in RECORD_TYPES.items() if not kind.of)
        text = f"the stream feeds the record type {unknown[0]!a}" if unknown else "the stream feeds no record type"
        raise own.fault(f"{text}; there is no such type" if unknown else text, f"feed one or more of: {known}.")


def _is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(type(text) is str for text in value)


def _check_order(streams: Sequence[Stream], blame: Blame) -> None:
    try:
        TopologicalSorter({stream.name: stream.follows for stream in streams}).prepare()
    except CycleError as error:
        ring = " follows ".join(error.args[1])
        text = f"the streams wait for each other: {ring}"
        raise blame.fault(text, "let `follows` name streams that do not follow back.") from None

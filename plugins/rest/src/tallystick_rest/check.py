"""What `tallystick check` says about a described system: one call per stream, and no write is ever tried."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from tallystick.connectors import CheckRow
from tallystick.connectors.mapping import provenance_row
from tallystick.errors import AuthorizationError, ConfigurationError, Error
from tallystick_rest.api import RestApi, clock
from tallystick_rest.opened import Opened
from tallystick_rest.pages import Found
from tallystick_rest.streams import RestStream

__all__ = ["check_source"]

_SECOND = 1_000_000
_SAMPLE = 20
_SINGLES = 5
_SHOWN = 8
_RECENT = 30 * 86_400 * _SECOND


def check_source(opened: Opened, api: RestApi) -> Iterator[CheckRow]:
    """Yield one row each about the description, the key, every stream and its fields, the clock, and what is not shown.

    Stops early when there is no way to sign in: every further row would say the same.

    Args:
        opened: The system.
        api: Makes the calls.
    """
    described = opened.description
    yield CheckRow("description", "ok", f"{described.title}, API version {described.api_version}")
    try:
        opened.sign_in.ready()
    except ConfigurationError as error:
        yield _failed("key", error)
        return
    yield CheckRow("key", "ok", f"{described.auth.kind}; what it may do is not told by a description")
    try:
        streams = opened.streams(api)
    except ConfigurationError as error:
        yield _failed("mapping", error)
        return
    date: int | None = None
    for stream in streams:
        name = f"stream {stream.name}"
        try:
            found = stream.sample(opened.start if date is None else max(opened.start, date - _RECENT), _far(date))
            date = clock(found.response, described.title)
            yield CheckRow(name, "ok", f"readable; {len(found.raws)} in the sample")
            yield from _field_rows(stream, found, date)
        except AuthorizationError as error:
            yield _failed(name, error)
            if "(401)" in error.message:
                return
        except Error as error:
            yield _failed(name, error)
    yield _clock_row(date, described.title)
    yield provenance_row({kind for stream in streams for kind in stream.types})
    yield from _not_shown(opened)


def _far(date: int | None) -> int:
    return 4_102_444_800 * _SECOND if date is None else date


def _failed(name: str, error: Error) -> CheckRow:
    return CheckRow(name, "failed", str(error), error.hint)


def _field_rows(stream: RestStream, found: Found, date: int) -> Iterator[CheckRow]:
    """Yield whether the mapped columns have something in a sample, read one by one where the stream does so."""
    objects = list(zip(found.objects, found.raws, strict=True))[:_SAMPLE]
    if not objects:
        return
    unknown = stream.objects.unknown(objects, date, most=_SINGLES)
    name = f"fields {stream.name}"
    if not unknown:
        yield CheckRow(name, "ok", "every mapped column has something in the sample")
        return
    shown = ", ".join(unknown[:_SHOWN]) + (f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else "")
    yield CheckRow(
        name,
        "warning",
        f"unknown in all of the sample: {shown}",
        "If the system has it, correct its path or its values in the description.",
    )


def _clock_row(date: int | None, title: str) -> CheckRow:
    if date is None:
        return CheckRow(
            "clock",
            "failed",
            "no answer told the system's clock",
            "See the rows above; check base_url and the network.",
        )
    shown = datetime.fromtimestamp(date // _SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return CheckRow("clock", "ok", f"{title}'s clock: {shown}; what it says decides up to when we have read")


def _not_shown(opened: Opened) -> Iterator[CheckRow]:
    """Yield what the API cannot show, and which streams tell no deletions."""
    described = opened.description
    for sentence in described.cannot_show:
        yield CheckRow("not shown", "warning", sentence, "Agree in the contract what that means for the outcome.")
    silent = [
        name
        for name, stream in described.streams.items()
        if not any(entry.deleted for entry in stream.records)
        and not (stream.object is not None and stream.object.missing == "deleted")
    ]
    if silent:
        yield CheckRow(
            "deletions",
            "warning",
            f"not described for {', '.join(silent)}: what is deleted there stays as it was read last",
            "Describe `deleted`, if the system shows it.",
        )

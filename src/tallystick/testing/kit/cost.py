"""Checks of what reading costs: calls, memory, and the patience of who configures it."""

from __future__ import annotations

import gc
import tracemalloc
from pathlib import Path

from pydantic import ValidationError

from tallystick.errors import Error
from tallystick.testing.kit.base import KitBase
from tallystick.testing.kit.desk import Desk
from tallystick.testing.kit.failing import fail, require

__all__ = ["CostChecks"]

_FEW, _MANY = 3, 12
_OBJECTS = 200
"""Fewer would not stand out of the noise."""

_SLACK = 0.5
_NOISE = 200_000
"""Bytes that libraries keep in caches of a fixed size."""


class CostChecks(KitBase):
    """A connector asks little, holds little, and says what is wrong with its configuration."""

    def test_calls_stay_within_the_budget(self, desk: Desk, tmp_path: Path) -> None:
        """More objects cost no more calls than `calls_per_page` for each further page of each type."""
        few = self._calls(desk, 1)
        with self._desk(2, tmp_path) as other:
            many = self._calls(other, 4)
        allowed = 3 * len(self.creates) * self.calls_per_page
        require(
            many - few <= allowed,
            f"three further pages of {', '.join(self.creates)} cost {many - few} calls; {allowed:g} are declared",
            "Read objects by the page with all that belongs to them, never one by one; or declare what it costs.",
        )

    def test_an_idle_sync_stays_within_the_budget(self, desk: Desk) -> None:
        """A sync that finds nothing new costs no more than `calls_idle` calls."""
        desk.fill(self.creates, 0.2)
        desk.read()
        desk.system.advance(60)
        desk.read()
        before = desk.system.calls()
        desk.system.advance(60)
        desk.read()
        spent = desk.system.calls() - before
        require(
            spent <= self.calls_idle,
            f"a sync that found nothing new cost {spent} calls; {self.calls_idle} are declared",
            "Ask each stream once for what changed since its watermark; or declare what it really costs.",
        )

    def test_calls_are_counted(self, desk: Desk) -> None:
        """The number of calls the connector gives is the number that reached the system."""
        desk.fill(self.creates, 0.2)
        connector = desk.connect()
        before = desk.system.calls()
        desk.read(connector=connector)
        told, made = connector.calls(), desk.system.calls() - before
        require(
            told == made,
            f"the connector counts {told} calls, and {made} reached the system",
            "Count every call where it is made, with retries and sign-ins: people plan their limits by it.",
        )

    def test_memory_stays_flat(self, desk: Desk, tmp_path: Path) -> None:
        """Many times the pages take no more memory to read: a page is given on before the next is asked for."""
        desk.read("warm")
        few = self._peaks(desk, _FEW)
        with self._desk(2, tmp_path) as other:
            many = self._peaks(other, max(_MANY, _OBJECTS // other.system.page_size))
        for stream, (peak, read) in many.items():
            before, read_before = few[stream]
            more = read - read_before
            require(
                peak - before <= max(more * _SLACK, _NOISE),
                f"reading {more:,} more bytes of {stream} took {peak - before:,} more bytes of memory",
                "Yield each page as it comes, and keep nothing of it: a year of records does not fit into memory.",
            )

    def test_errors_of_the_configuration_name_the_key(self, desk: Desk) -> None:
        """A key that is missing, unknown or of a wrong kind is named in the error."""
        config = dict(desk.system.config)
        self._names(dict(config, surely_no_key="x"), "surely_no_key", "is unknown")
        for key in config:
            self._names({**config, key: [object()]}, key, "holds no value that it could take")
            if self.connector.config_model.model_fields[key].is_required():
                self._names({name: value for name, value in config.items() if name != key}, key, "is missing")

    def test_check_is_content_with_a_good_account(self, desk: Desk) -> None:
        """Of an account with all rights, no row of `check` is failed, and each row says what was looked at."""
        rows = list(desk.connect().check())
        require(rows, "`check` says nothing", "Yield a row for sign-in, each permission, the history and the clock.")
        failed = [f"{row.name}: {row.detail}" for row in rows if row.status == "failed"]
        require(
            not failed,
            f"`check` fails a good account: {'; '.join(failed)}",
            "A row is failed only for what stops a sync; what only costs something is a warning.",
        )
        silent = [row.name for row in rows if row.status != "ok" and not row.action]
        require(not silent, f"rows of `check` do not say what to do: {', '.join(silent)}", "Give each an `action`.")

    def test_closing_twice_is_safe(self, desk: Desk) -> None:
        """A connector can be closed twice, before and after a read."""
        unused, used = desk.connect(), desk.connect()
        desk.read(connector=used)
        for connector in (unused, unused, used, used):
            try:
                connector.close()
            except Exception as error:  # noqa: BLE001 - whatever it raises is what is looked for
                fail(f"closed twice, the connector raises {type(error).__name__}", "Let `close` do nothing then.")

    def _calls(self, desk: Desk, pages: int) -> int:
        desk.fill(self.creates, pages)
        before = desk.system.calls()
        desk.read()
        return desk.system.calls() - before

    def _peaks(self, desk: Desk, pages: int) -> dict[str, tuple[int, int]]:
        """Give, per stream, the most memory that was held between two pages, and how many raw bytes it gave."""
        desk.fill(self.creates, pages)
        # A simulator may make its objects when it is first asked for them, and it stands in this process.
        for stream in desk.connect().streams():
            for part in stream.plan(None, desk.system.now()):
                for _ in stream.read(part):
                    pass
        peaks = {}
        # What is there already need not be looked through each time.
        gc.collect()
        gc.freeze()
        tracemalloc.start()
        try:
            for stream in desk.connect().streams():
                before, most, read = _held(), 0, 0
                for part in stream.plan(None, desk.system.now()):
                    for number, page in enumerate(stream.read(part), start=1):
                        read += sum(len(record.raw) for record in page.records)
                        if number & (number - 1) == 0:  # looking takes longer than reading: at 1, 2, 4, 8, ...
                            most = max(most, _held() - before)
                peaks[stream.name] = most, read
        finally:
            tracemalloc.stop()
            gc.unfreeze()
        return peaks

    def _names(self, config: dict[str, object], key: str, wrong: str) -> None:
        try:
            self.connector.config_model.model_validate(config)
        except ValidationError as error:
            places = {str(step) for found in error.errors() for step in found["loc"]}
            named = key in places or key in str(error)
        except Error as error:
            named = key in str(error)
        else:
            fail(f"the key {key} {wrong}, and the configuration is taken", "Forbid unknown keys, and type all others.")
        require(named, f"the key {key} {wrong}, and the error does not name it", "Raise it about the key, by its name.")


def _held() -> int:
    """Give the bytes in use; what a simulator needed for an answer has been given back by now."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]

"""The connectors: `rest`, whose description the buyer writes, and one for each description that comes with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import ClassVar

from tallystick.connectors import CheckRow, Connector, ConnectorConfig, Retry, Stream, Timer
from tallystick.errors import ConfigurationError
from tallystick.records.model import Record
from tallystick_rest.check import check_source
from tallystick_rest.config import AccountConfig, RestConfig
from tallystick_rest.faults import MissingError
from tallystick_rest.opened import Opened

__all__ = ["RestConnector", "described"]

_STARTER = """\
# The file that describes the system; docs/rest-connector.md says how one is written.
description: system.yaml
"""


class RestConnector(Connector):
    """A system as a description says it is.

    Args:
        config: A validated `RestConfig`.
        timer: Waits; tests pass their own.
    """

    name: ClassVar[str] = "rest"
    version: ClassVar[str] = "0.1.0"
    api_version: ClassVar[str] = "as described"
    config_model: ClassVar[type[ConnectorConfig]] = RestConfig
    starter: ClassVar[str] = _STARTER

    def __init__(self, config: AccountConfig, *, timer: Timer | None = None) -> None:
        self._config = config
        self._timer = timer or Timer()
        self._lock = Lock()
        self._known: Opened | None = None

    def streams(self) -> Sequence[Stream]:
        """Give the streams in the order of the description.

        Raises:
            ConfigurationError: The description or the key cannot be used.
        """
        opened = self._opened()
        opened.sign_in.ready()
        return opened.streams()

    def check(self) -> Iterator[CheckRow]:
        """Say whether the account can be read as described, and what the description cannot show.

        A person waits for the answer, so a call is repeated less often than in a sync.
        """
        try:
            opened = self._opened()
        except ConfigurationError as error:
            return iter([CheckRow("description", "failed", str(error), error.hint)])
        return check_source(opened, opened.open(Retry(self._timer, attempts=3, longest=10)))

    def lookup(self, ref: str) -> Sequence[Record]:
        """Read one object live, with what belongs to it, by the call that the description names.

        Args:
            ref: The id of an object of the stream that `lookup` names; or of a record, with its type: `actor:17`.

        Raises:
            ConfigurationError: The description names no such call.
            MissingError: There is no such object.
            Error: The call was refused or could not be made.
        """
        opened = self._opened()
        kind, _, key = ref.rpartition(":")
        names = opened.singles(kind) if kind else [opened.description.lookup] if opened.description.lookup else []
        if not names or not key:
            raise ConfigurationError(
                f"the description of {opened.description.title} does not say how that is read alone",
                hint="Add `lookup:` to it, and `object:` to the stream.",
            )
        opened.sign_in.ready()
        for name in names[:-1]:
            with suppress(MissingError):
                return opened.looked_up(name).look_up(key)
        return opened.looked_up(names[-1]).look_up(key)

    def ref_of(self, kind: str, record_id: str) -> str:
        """Give what `lookup` is asked for to see a stored record: its id, and its type if the stream is another one."""
        opened = self._opened()
        singles = opened.singles(kind)
        return record_id if not singles or opened.description.lookup in singles else f"{kind}:{record_id}"

    def calls(self) -> int:
        """Give the number of calls made so far, retries and sign-ins included."""
        return 0 if self._known is None else self._known.calls

    def close(self) -> None:
        """Give back the connections; every thread that waits raises `RetryableError`."""
        self._timer.stop()
        if self._known is not None:
            self._known.close()

    def _opened(self) -> Opened:
        """Read the description at the first use: constructing makes no call and opens no file."""
        with self._lock:
            if self._known is None:
                self._known = Opened(self._config, self._timer)
                # What is stored with every record: the version that the description reads.
                self.__dict__["api_version"] = self._known.description.api_version
            return self._known


def described(
    name: str, path: Path, *, starter: str = "", source_name: str = "source", outcome: str = ""
) -> type[RestConnector]:
    """Give a connector for a description that comes with a plugin.

    Args:
        name: The connector's name.
        path: The description.
        starter: YAML that `tallystick init` puts below the settings of a new source.
        source_name: What `tallystick init` calls a source of this kind.
        outcome: YAML of the outcome that `tallystick init` puts into a first contract.
    """
    title = name.capitalize()
    model = type(f"{title}Config", (AccountConfig,), {"described_by": str(path), "__doc__": AccountConfig.__doc__})
    body = {
        "__doc__": f"{title}, as {path.name} describes it.",
        "name": name,
        "config_model": model,
        "starter": starter,
        "source_name": source_name,
        "starter_outcome": outcome,
    }
    return type(f"{title}Connector", (RestConnector,), body)

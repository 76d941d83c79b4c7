"""A project: `tallystick.yaml`, the database beside it, and what both lead to."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine

from tallystick.connectors import Connector
from tallystick.connectors.secrets import hide_secrets
from tallystick.contracts import Contract, load_contract
from tallystick.database.engine import open_database
from tallystick.errors import ConfigurationError, ConnectorError, Error, PluginError
from tallystick.ledger import KeyChain, Log, Signer, Verifier, open_ledger_key
from tallystick.ledger.rotation import chain_path, load_chain
from tallystick.period import parse_instant
from tallystick.plugins import PluginHost
from tallystick.records.catalog import RecordStore
from tallystick.sinks.base import EventName, Sink
from tallystick.sinks.outbox import Outbox, Subscription
from tallystick.sync.guards import Blame
from tallystick.sync.lock import ProjectLock
from tallystick.yamlfile import Document, load_yaml, validate

__all__ = ["Project", "SinkOf", "Source", "open_project"]


class _SourceSettings(BaseModel):
    """What the core reads of a source; the rest belongs to its connector."""

    model_config = ConfigDict(extra="allow", frozen=True)

    connector: str
    every_minutes: int = Field(default=0, ge=0)


class _SinkSettings(BaseModel):
    """What the core reads of a sink; the rest belongs to its kind."""

    model_config = ConfigDict(extra="allow", frozen=True)

    kind: str
    events: list[EventName] = Field(default=[], min_length=1)
    contracts: list[str] = Field(default=[], min_length=1)
    from_: date | None = Field(default=None, alias="from")


class _ProjectFile(BaseModel):
    """Shape of `tallystick.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    sources: dict[str, _SourceSettings]
    contracts: list[str] = []
    sinks: dict[str, _SinkSettings] = {}
    database: str | None = None
    folder: str = ".tallystick"


class Source:
    """One source of the project: its connector class, its validated settings, and who is named for its faults."""

    def __init__(self, kind: type[Connector], config: Any, every_minutes: int, blame: Blame) -> None:
        self.kind = kind
        self.config = config
        self.every_minutes = every_minutes
        self.blame = blame

    def whole_id(self, text: str) -> str:
        """Give an id that somebody typed as records of the source carry it.

        Raises:
            ConnectorError: The plugin failed, or gave no text.
        """
        with self.blame.guarded():
            found = self.kind.whole_id(text)
        if type(found) is not str or not found:
            raise self.blame.fault(f"whole_id gave {type(found).__name__}", "give the id, or what you were given.")
        return found


class SinkOf:
    """One sink of the project: its kind, its validated settings, and what leaves for it."""

    def __init__(self, kind: type[Sink], config: Any, subscription: Subscription) -> None:
        self.kind = kind
        self.config = config
        self.subscription = subscription


class Project:
    """An opened project. Nothing is read from a source and no secret is resolved by opening it."""

    def __init__(self, path: Path, host: PluginHost) -> None:
        self._document = _load(path)
        self._file = validate(self._document, _ProjectFile, error=ConfigurationError)
        self.root = path.parent
        self.name = self._file.project
        self.folder = self.root / self._file.folder
        self.host = host
        self.held: ProjectLock | None = None
        """The lock that the present verb holds; None where it only reads."""
        self.folder.mkdir(mode=0o700, exist_ok=True)

    @cached_property
    def engine(self) -> Engine:
        """The project's database, created and migrated on first use."""
        url = self._file.database
        if url and url.startswith("env:"):
            variable = url.removeprefix("env:")
            if variable not in os.environ:
                raise ConfigurationError(
                    f"database: the environment variable {variable} is not set", where=str(self.root)
                )
            url = os.environ[variable]
        return open_database(url or self.folder / "tallystick.db", create=True)

    @cached_property
    def store(self) -> RecordStore:
        """The store of evidence."""
        return RecordStore(self.engine, self.folder / "records")

    @cached_property
    def log(self) -> Log:
        """The ledger."""
        return Log(self.engine, origin=f"tallystick/{self.name}")

    @property
    def signer(self) -> Signer:
        """The key that signs checkpoints; made with the first entry, readable by its owner only."""
        return self._ledger_keys[0]

    @property
    def keychain(self) -> KeyChain:
        """The keys of the checkpoints, each from its size on; after an import known before the signing key is there."""
        if not self.only_imported:
            return self._ledger_keys[1]
        verifier = self._imported_verifier()
        chain = load_chain(self.key_path) or KeyChain(verifier)
        if verifier not in {epoch.verifier for epoch in chain.epochs}:
            raise ConfigurationError(
                f"the key in {self.verifier_path} is none of {chain_path(self.key_path)}",
                hint="Bring back both files from a backup, or import again.",
            )
        return chain

    @cached_property
    def _ledger_keys(self) -> tuple[Signer, KeyChain]:
        path = self.key_path
        if not path.exists() and self.log.size:
            raise ConfigurationError(
                f"{path} is missing, and the ledger has entries that were signed with it",
                hint="Bring it back from a backup, or from where the project was exported: a new key could not vouch "
                "for the old entries.",
            )
        signer, chain = open_ledger_key(path, self.log.origin)
        known = {epoch.verifier for epoch in chain.epochs}
        if self.verifier_path.exists() and self.log.size and self._imported_verifier() not in known:
            raise ConfigurationError(
                f"{path} is not the key that signed the imported ledger",
                hint=f"The right one has the public half that {self.verifier_path} holds.",
            )
        return signer, chain

    @property
    def key_path(self) -> Path:
        """Where the signing key lies; the files of a rotation lie beside it."""
        return self.folder / "ledger.key"

    @property
    def keyring_path(self) -> Path:
        """Where the keys lie that the project knows as those of the parties."""
        return self.folder / "keyring.json"

    @property
    def verifier_path(self) -> Path:
        """Where an import leaves the public half of the key, which an export does not hold."""
        return self.folder / "ledger.pub"

    @property
    def verifier(self) -> Verifier:
        """The key that signs now."""
        return self.keychain.newest

    @property
    def only_imported(self) -> bool:
        """Whether the ledger came by an import and its signing key has not been placed."""
        return not self.key_path.exists() and self.verifier_path.exists() and bool(self.log.size)

    def _imported_verifier(self) -> Verifier:
        try:
            return Verifier.parse(self.verifier_path.read_text(encoding="ascii").strip())
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{self.verifier_path} cannot be read") from error

    @property
    def document(self) -> Document:
        """The project file, with the position of every value."""
        return self._document

    @cached_property
    def sources(self) -> dict[str, Source]:
        """Sources by name, in the order of the file."""
        return {name: self._source(name, settings) for name, settings in self._file.sources.items()}

    @cached_property
    def sinks(self) -> dict[str, SinkOf]:
        """Sinks by name, in the order of the file."""
        return {name: self._sink(name, settings) for name, settings in self._file.sinks.items()}

    @property
    def outbox(self) -> Outbox:
        """What writes the outbox of the sinks."""
        return Outbox(self.log.origin, [sink.subscription for sink in self.sinks.values()])

    @contextmanager
    def opened_sinks(self, names: Sequence[str], clock: Callable[[], int]) -> Iterator[dict[str, Sink]]:
        """Give the named sinks, closed again on leaving.

        Args:
            names: All of them are the project's.
            clock: Gives the instant of an attempt.
        """
        with ExitStack() as stack:
            opened = {}
            for name in names:
                sink = self.sinks[name]
                made = sink.kind(sink.config, root=self.root, clock=clock)
                opened[name] = stack.enter_context(closing(made))
            yield opened

    @cached_property
    def custom(self) -> dict[str, dict[str, dict[str, str]]]:
        """Custom fields that the buyer declared: source to record type to field to kind."""
        return {name: _custom_kinds(source.config) for name, source in self.sources.items()}

    @property
    def whole_ids(self) -> dict[str, Callable[[str], str]]:
        """By source, what gives an id that somebody typed as its records carry it."""
        return {name: source.whole_id for name, source in self.sources.items()}

    @property
    def contract_files(self) -> list[Path]:
        """The contract files, in the order of the project file."""
        return [self.root / entry for entry in self._file.contracts]

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """Contracts by name, in the order of the file."""
        loaded: dict[str, Contract] = {}
        for position, entry in enumerate(self._file.contracts):
            contract = self.read_contract(self.root / entry)
            if contract.name in loaded:
                raise ConfigurationError(
                    f"two files hold the contract {contract.name}",
                    where=self._document.position(("contracts", position)),
                    hint="List each contract once.",
                )
            loaded[contract.name] = contract
        return loaded

    def read_contract(self, path: Path) -> Contract:
        """Read a contract file, whether or not the project goes by it.

        Raises:
            ContractError: The file cannot be used.
        """
        return load_contract(path, templates=self.host.templates, custom=self.custom, whole_ids=self.whole_ids)

    def contract(self, name: str) -> Contract:
        """Give the contract of that name.

        Raises:
            ConfigurationError: The project has none of that name; those it has are listed.
        """
        if name not in self.contracts:
            has = ", ".join(self.contracts) or "none"
            raise ConfigurationError(f"this project has no contract {name!r}; it has: {has}", where=str(self.root))
        return self.contracts[name]

    @contextmanager
    def connector(self, name: str) -> Iterator[Connector]:
        """Give the connector of a source, closed again on leaving.

        Raises:
            ConfigurationError: The project has no such source.
            PluginError: Its plugin is missing or broken.
            ConnectorError: The connector could not be made, or not be closed.
        """
        source = self.source(name)
        try:
            with source.blame.guarded():
                connector = source.kind(source.config)
            try:
                yield connector
            except BaseException:
                with suppress(Error), source.blame.guarded():
                    connector.close()
                raise
            with source.blame.guarded():
                connector.close()
        except ConnectorError as error:
            # Its text is the plugin's own, and a plugin knows the secrets.
            error.message, error.hint = (hide_secrets(text, source.config) for text in (error.message, error.hint))
            error.args = (error.message,)
            raise

    def source(self, name: str) -> Source:
        """Give the source of that name.

        Raises:
            ConfigurationError: The project has none of that name; those it has are listed.
            PluginError: The plugin of one of its sources is missing or broken.
        """
        if name not in self.sources:
            has = ", ".join(self.sources) or "none"
            raise ConfigurationError(f"this project has no source {name!r}; it has: {has}", where=str(self.root))
        return self.sources[name]

    @contextmanager
    def lock(self, verb: str) -> Iterator[None]:
        """Hold the lock that every verb which writes holds.

        Raises:
            Busy: Another process holds it; says which.
        """
        with ProjectLock(self.folder / "lock", verb) as lock:
            self.held = lock
            try:
                yield
            finally:
                self.held = None

    def _sink(self, name: str, settings: _SinkSettings) -> SinkOf:
        kind = self.host.sink(settings.kind)
        part = self._document.at(("sinks", name))
        for field, known, chosen in (
            ("events", list(kind.events), settings.events),
            ("contracts", list(self.contracts), settings.contracts),
        ):
            for position, value in enumerate(chosen):
                if value not in known:
                    raise ConfigurationError(
                        f"the sink {name} has no {field} {value!r} to take",
                        where=part.position((field, position)),
                        hint=f"There are: {', '.join(known) or 'none'}.",
                    )
        config = validate(
            part.without("kind", "events", "contracts", "from"), kind.config_model, error=ConfigurationError
        )
        events: tuple[EventName, ...] = tuple(settings.events) or kind.events
        since = None if settings.from_ is None else parse_instant(f"{settings.from_}T00:00:00Z")
        where = None if since is None else str(part.position(("from",)))
        contracts = tuple(settings.contracts or self.contracts)
        return SinkOf(kind, config, Subscription(name, events, contracts, since, where))

    def _source(self, name: str, settings: _SourceSettings) -> Source:
        kind = self.host.connector(settings.connector)
        blame = Blame(name, self.host.plugin_of(settings.connector).release)
        part = self._document.at(("sources", name)).without("connector", "every_minutes")
        try:
            with blame.guarded():
                # Paths in the settings of a source are meant as seen from the project file.
                config = validate(part, kind.config_model, error=ConfigurationError, context={"folder": self.root})
        except ConnectorError as error:
            raise PluginError(
                error.message, hint=error.hint, where=self._document.position(("sources", name))
            ) from error
        return Source(kind, config, settings.every_minutes, blame)


@contextmanager
def open_project(path: Path, host: PluginHost | None = None) -> Iterator[Project]:
    """Open a project for one command and close its database afterwards."""
    project = Project(path, host or PluginHost())
    try:
        yield project
    finally:
        if "engine" in project.__dict__:
            project.engine.dispose()


def _load(path: Path) -> Document:
    if not path.exists():
        raise ConfigurationError(
            f"there is no project file {path}",
            hint="Run `tallystick init --source CONNECTOR` here, or name the file with --project.",
        )
    return load_yaml(path)


def _custom_kinds(config: Any) -> dict[str, dict[str, str]]:
    return {record: {name: field.type for name, field in fields.items()} for record, fields in config.custom.items()}

"""What `tallystick init` writes: a project file and a first contract, tried out before, and both or none of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import indent

from tallystick.cli.init_fields import as_yaml, settings_of, trouble_with_reference
from tallystick.cli.project import Project, open_project
from tallystick.connectors import Connector
from tallystick.errors import ConfigurationError, Error
from tallystick.period import zone
from tallystick.plugins import PluginHost
from tallystick.yamlfile import Document, parse_yaml, validate

__all__ = [
    "Draft",
    "NewSource",
    "check_flags",
    "refuse_existing",
    "source_from",
    "starter_outcome",
    "tried",
    "trouble_with_currency",
    "trouble_with_name",
    "trouble_with_zone",
    "try_contract",
    "write",
]

_PROJECT = """\
# What Tallystick reads, and what it decides. Secrets are references, never values: env:NAME, file:/path, keyring:name.
project: {name}
sources:
{sources}contracts:
  - {contract}
"""

_CONTRACT = """\
# What was agreed. Every number here decides money: read it with the vendor before both of you rely on it.
contract: {name}
version: 1
buyer: {name}
vendor: {{name: Your vendor, identities: {{}}}}
timezone: {timezone}
currency: {currency}
term: {{start: {start}}}
outcomes:
{outcome}billing:
  cap: {{monthly: 10000.00, excess: forgiven}}
  rounding: half_up
"""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)


@dataclass(frozen=True)
class NewSource:
    """A source to be: its name, its connector, and the settings given for it, as typed; None: left out."""

    name: str
    kind: type[Connector]
    settings: Mapping[str, str | None]

    def text(self) -> str:
        """Give its part of the project file: the settings given, then the starter's lines for all others."""
        model = self.kind.config_model
        said = {field: value for field, value in self.settings.items() if value is not None}
        given = "".join(f"{field}: {as_yaml(model, field, value)}\n" for field, value in said.items())
        # What was given, or left out, stands in place of what the starter would show for it.
        shown = [line for line in self.kind.starter.splitlines(True) if line.partition(":")[0] not in self.settings]
        return f"  {self.name}:\n" + indent(f"connector: {self.kind.name}\n{given}{''.join(shown)}", "    ")


@dataclass(frozen=True)
class Draft:
    """A project file and a contract that are not written yet."""

    name: str
    sources: tuple[NewSource, ...]
    outcome: str
    timezone: str
    currency: str
    start: str

    @property
    def contract_path(self) -> Path:
        """Where the contract lies, as seen from the project file."""
        return Path("contracts") / f"{self.name}.yaml"

    @property
    def project_text(self) -> str:
        """The project file."""
        sources = "".join(source.text() for source in self.sources)
        return _PROJECT.format(name=self.name, sources=sources, contract=self.contract_path.as_posix())

    @property
    def contract_text(self) -> str:
        """The contract."""
        return _CONTRACT.format(
            name=self.name,
            timezone=self.timezone,
            currency=self.currency,
            start=self.start,
            outcome=indent(self.outcome, "  "),
        )


def trouble_with_name(name: str) -> str | None:
    """Give why a text is no name of a project, contract or source; None when it is one."""
    return None if _NAME.fullmatch(name) else "letters, digits, _, . and - only"


def trouble_with_zone(name: str) -> str | None:
    """Give why a text is no IANA time zone; None when it is one."""
    try:
        zone(name)
    except ConfigurationError as error:
        return error.message
    return None


def trouble_with_currency(code: str) -> str | None:
    """Give why a text is no currency; None when it looks like one."""
    return None if re.fullmatch("[A-Z]{3}", code) else "three capitals, as in EUR"


def check_flags(name: str, timezone: str, currency: str) -> None:
    """Hold flags to what an answer at the terminal is held to; what was typed may be a secret and is not repeated.

    Raises:
        ConfigurationError: One of them cannot be used.
    """
    troubles = {
        "--name": trouble_with_name(name),
        "--timezone": trouble_with_zone(timezone) and "no such time zone; write it like Europe/Berlin",
        "--currency": trouble_with_currency(currency),
    }
    for flag, trouble in troubles.items():
        if trouble:
            raise ConfigurationError(trouble, where=flag)


def source_from(kind: type[Connector], given: Mapping[str, str]) -> NewSource:
    """Give a source with the settings given, and with a reference for a secret that it needs and that was not named.

    Raises:
        ConfigurationError: A value does not fit the connector.
    """
    wanted = {each.name: each for each in settings_of(kind, given) if each.secret}
    for name in wanted.keys() & given.keys():
        if trouble := trouble_with_reference(given[name]):
            raise ConfigurationError(f"{name}: {trouble}", where="--flags")
    usual = {name: each.default for name, each in wanted.items() if each.required and each.default}
    source = NewSource(kind.source_name, kind, {**usual, **given})
    said = {name: text for name, text in source.settings.items() if text is not None}
    settings = "".join(f"{name}: {as_yaml(kind.config_model, name, text)}\n" for name, text in said.items())
    data = parse_yaml(settings, "--flags").data if settings else {}
    validate(Document.from_data(data, "--flags"), kind.config_model, error=ConfigurationError)
    return source


def starter_outcome(source: NewSource) -> str:
    """Give the outcome that a connector proposes, decided in a source by its name here."""
    return re.sub(r"(?m)^  source: .*", f"  source: {source.name}", source.kind.starter_outcome)


def try_contract(draft: Draft, host: PluginHost, root: Path) -> None:
    """Read the contract of a draft as `verify` would.

    Raises:
        ConfigurationError: The project cannot be used.
        ContractError: The contract cannot be used; places are those in the file to be written.
    """
    with tried(draft, host, root) as project:
        project.read_contract(project.folder.parent / draft.contract_path)


@contextmanager
def tried(draft: Draft, host: PluginHost, root: Path) -> Iterator[Project]:
    """Open a draft as the project it would be, in a folder that goes away again.

    Args:
        draft: What would be written.
        host: The installed plugins.
        root: Where it would be written, and what paths in the settings of a source are meant from.

    Raises:
        ConfigurationError: What the draft says cannot be used; places are those in the files to be written.
        Error: What the block raises, with such places too.
    """
    with TemporaryDirectory(prefix="tallystick-init-") as folder:
        path = Path(folder) / "tallystick.yaml"
        path.write_text(draft.project_text, encoding="utf-8")
        (path.parent / draft.contract_path).parent.mkdir()
        (path.parent / draft.contract_path).write_text(draft.contract_text, encoding="utf-8")
        try:
            with open_project(path, host) as project:
                project.root = root
                yield project
        except Error as error:
            error.message = error.message.replace(f"{folder}{os.sep}", "")
            error.where = str(error.where).replace(f"{folder}{os.sep}", "") if error.where else None
            raise


def refuse_existing(*paths: Path) -> None:
    """Refuse to write over a file.

    Raises:
        ConfigurationError: One of them exists.
    """
    for path in paths:
        if path.exists():
            raise ConfigurationError(
                f"{path} exists and is not overwritten", hint="Edit it, or choose another --project."
            )


def write(draft: Draft, project: Path) -> tuple[Path, Path]:
    """Write the project file and the contract, both or none, and give their paths.

    Raises:
        ConfigurationError: One of them exists, or cannot be written.
    """
    contract = project.parent / draft.contract_path
    # The project file comes last: without it, nothing refers to the contract.
    texts = {contract: draft.contract_text, project: draft.project_text}
    refuse_existing(*texts)
    made: list[Path] = []
    try:
        for path, text in texts.items():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                _write_new(path, text)
            except OSError as cause:
                raise ConfigurationError(f"{path} cannot be written: {cause.strerror}") from None
            made.append(path)
    except BaseException:  # Ctrl-C too
        for path in made:
            path.unlink()
        raise
    return project, contract


def _write_new(path: Path, text: str) -> None:
    """Write a file whole or not at all, and never over another one."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)

"""How the verbs before signing find a contract, agreed or not, and the records it is tried on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import duckdb
from sqlalchemy.exc import DBAPIError

from tallystick.cli.project import Project
from tallystick.contracts import Contract, Outcome
from tallystick.contracts.lint.rule import Memory, Seen
from tallystick.contracts.variants import Variants
from tallystick.errors import ConfigurationError, ContractError, Error
from tallystick.outcomes import Inputs
from tallystick.period import Period, parse_period, zone
from tallystick.records.progress import coverage
from tallystick.records.scan import connect
from tallystick.records.types import RECORD_TYPES
from tallystick.statements.comparison import OpenOutcome
from tallystick.verification.agreements import read_agreement
from tallystick.verification.corroboration import connect_outcome, inputs_for
from tallystick.yamlfile import load_yaml

__all__ = [
    "contract_file",
    "find_contract",
    "last_month",
    "memory",
    "months_between",
    "opener",
    "seen_in",
    "variants_of",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WHO = frozenset({"actor_id", "app_id", "assignee_id", "created_by", "owner_id", "submitter_id"})
_ROLES = (("actor", "role"),)
_PEOPLE = (
    ("actor", "id"),
    *(
        (kind.name, column.name)
        for kind in RECORD_TYPES.values()
        for column in kind.columns
        if column.name in _WHO and not kind.of
    ),
)
"""In which columns the users and applications of a system stand."""


def contract_file(project: Project, named: str) -> Path:
    """Give the file of a contract: a path, or the name of a contract of the project, whose newest version is meant.

    Raises:
        ConfigurationError: There is neither such a file nor such a contract.
    """
    if Path(named).is_file():
        return Path(named)
    known: dict[str, tuple[int, Path]] = {}
    for path in project.contract_files:
        data = load_yaml(path, error=ContractError).data
        name, version = str(data.get("contract")), data.get("version")
        place = (version if isinstance(version, int) else 0, path)
        known[name] = max(place, known.get(name, place))
    if named not in known:
        has = ", ".join(known) or "none"
        raise ConfigurationError(
            f"{named} is neither a file nor a contract of this project; it has: {has}",
            hint="Name a contract file, a contract, or for a version that was used NAME@VERSION.",
        )
    return known[named][1]


def find_contract(project: Project, named: str) -> Contract:
    """Give a contract by its file, its name, or as `NAME@VERSION` the version that the ledger holds.

    Raises:
        ConfigurationError: There is none.
        ContractError: The file cannot be used.
    """
    name, sign, version = named.rpartition("@")
    if not sign or Path(named).is_file():
        path = contract_file(project, named)
        return project.read_contract(path)
    versions = read_agreement(project.engine, project.log, find_contract(project, name)).versions
    for contract in versions:
        if str(contract.version) == version:
            return contract
    has = ", ".join(str(contract.version) for contract in versions)
    raise ConfigurationError(f"{name} has no version {version}; it has: {has}", hint="Name one of them.")


def memory(project: Project) -> Memory:
    """Give how many days back each source tells a record type, as its connector says."""
    return {name: source.kind.memory_days for name, source in project.sources.items()}


def seen_in(project: Project) -> Seen:
    """Give what tells which ids and roles stand in the records of a source, whatever their version.

    Records that cannot be read count as not read: a contract can be looked at where they are not.
    """

    def seen(source: str, part: Literal["ids", "role_in"], texts: Collection[str]) -> Collection[str] | None:
        try:
            return _seen(project, source, part, texts)
        except (Error, DBAPIError, duckdb.Error):
            return None

    return seen


def _seen(
    project: Project, source: str, part: Literal["ids", "role_in"], texts: Collection[str]
) -> Collection[str] | None:
    read = coverage(project.engine, source)
    told = read.get("actor", next(iter(read.values()), None))
    if told is None or told.watermark is None:
        return None
    columns = _ROLES if part == "role_in" else _PEOPLE
    with connect(project.store, source, types={kind for kind, _ in columns}) as database:
        parts = " UNION ALL ".join(f'SELECT "{column}" AS text FROM "{kind}_all"' for kind, column in columns)
        query = f"SELECT DISTINCT text FROM ({parts}) WHERE list_contains($1, text)"
        return {text for (text,) in database.execute(query, [list(texts)]).fetchall()}


def opener(project: Project, now: int) -> OpenOutcome:
    """Give what opens the records of an outcome as of an instant and of what is stored now."""
    as_of_seq = project.store.last_seq()

    @contextmanager
    def opened(outcome: Outcome) -> Iterator[tuple[duckdb.DuckDBPyConnection, Inputs]]:
        _check_sources(project, outcome)
        with connect_outcome(project.store, outcome, as_of_seq) as database:
            yield database, inputs_for(project.engine, outcome, now)

    return opened


def _check_sources(project: Project, outcome: Outcome) -> None:
    for source in (outcome.source, *(second.source for second in (outcome.calls, outcome.acceptance) if second)):
        if source not in project.sources:
            has = ", ".join(project.sources) or "none"
            raise ConfigurationError(f"{outcome.name} is decided in {source}, which is no source; there is: {has}")


def variants_of(project: Project, contract: Contract) -> dict[str, Variants]:
    """Give the other forms of the outcomes that use a template."""
    templates = project.host.templates
    return {
        name: Variants(contract, outcome, templates[outcome.uses], project.custom.get(outcome.source, {}))
        for name, outcome in contract.outcomes.items()
        if outcome.uses in templates
    }


def last_month(now: int, zone_name: str) -> str:
    """Give the last calendar month that was over by an instant, as `2026-09`."""
    local = _EPOCH + timedelta(microseconds=zone(zone_name).to_local(now))
    before = local.replace(day=1) - timedelta(days=1)
    return f"{before.year:04}-{before.month:02}"


def months_between(first: str, last: str, zone_name: str) -> Period:
    """Give the period from one month to another, both included.

    Raises:
        ConfigurationError: One of them is no month, or the last comes before the first.
    """
    start, end = (parse_period(month, zone_name) for month in (first, last))
    if end.start < start.start:
        raise ConfigurationError(f"{last} comes before {first}", hint="Name the first month, then the last one.")
    return Period(start.start, end.end, first if first == last else f"{first} to {last}")

"""Making a bundle: everything that one statement rests on, in one file that the other party recomputes."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from sqlalchemy import Engine, select

from tallystick.canonical import canonical
from tallystick.database import schema
from tallystick.errors import ConfigurationError
from tallystick.ledger import KeyChain, Log, Signer
from tallystick.ledger.pruned import write_piece
from tallystick.outcomes import State, compile_evidence
from tallystick.statements.archive_writer import ArchiveWriter
from tallystick.statements.bundle_format import (
    CHECKPOINT,
    CLAIMS,
    EVIDENCE,
    INPUTS,
    KEYS,
    LEDGER,
    REFERENCES,
    RIVALS,
    STATEMENT_FILE,
    UNITS,
    Basis,
    BundleInputs,
    ClaimLine,
    RecordLine,
    ReferenceLine,
    RivalLine,
    RowBody,
    RowLine,
    UnitLine,
    write_line,
)
from tallystick.statements.commitments import Commitments
from tallystick.statements.statement import Statement, statement_json
from tallystick.verification.recorder import Turn
from tallystick.verification.units import Holder
from tallystick.verification.verdict import Verdict
from tallystick.verification.verifier import Decision

__all__ = ["Bundling", "decide_current", "write_bundle"]

_ROWS = 5_000
_LARGEST = 2**53 - 1


@dataclass(frozen=True)
class Bundling:
    """What a bundle is made of besides the statement.

    `commitments` hides the columns of all rows but those of the claims it names; None shows all of them.
    """

    engine: Engine
    log: Log
    keys: KeyChain
    signers: Sequence[Signer]
    commitments: Commitments | None = None


def decide_current(turn: Turn) -> list[Verdict]:
    """Decide everything as of now, and give the verdicts if they are those that the ledger has.

    Raises:
        ConfigurationError: They are not.
    """
    verdicts = turn.decide()
    known = {verdict.subject: verdict for verdict in turn.before.values()}
    changed = [verdict for verdict in verdicts if known.get(verdict.subject) != verdict]
    if changed:
        raise ConfigurationError(
            f"the ledger is not what is known by now: {changed[0].subject} is {changed[0].status}"
            + (f", and {len(changed) - 1} more changed" if len(changed) > 1 else ""),
            hint=f"Run `tallystick verify {turn.agreement.name}` first.",
        )
    return verdicts


def write_bundle(path: Path, made: Bundling, turn: Turn, statement: Statement, verdicts: Sequence[Verdict]) -> str:
    """Write the bundle of a statement, and give the digest of its manifest.

    Args:
        path: The file to make; its folder must exist.
        made: The ledger, the keys, who signs.
        turn: What the verdicts are decided by.
        statement: The statement, computed from the ledger.
        verdicts: What `decide_current` gives for the turn.

    Raises:
        ConfigurationError: There are later verdicts than those the statement rests on, or entries that are not signed;
            or the file exists with other bytes.
        StorageError: The file cannot be written.
    """
    size = statement.ledger.size
    _refuse_later(turn, size)
    note = made.log.latest_note()
    entries, signed = _entries(made.log, turn.agreement.name), _sizes(made.engine)
    reach = signed[-1]
    if note is None or reach < size:
        raise ConfigurationError("the ledger has entries that are not signed yet", hint="Run `tallystick verify`.")
    shown = [_shown(decision, verdicts) for decision in turn.decisions]
    inputs = BundleInputs(
        contract=turn.agreement.name,
        period=statement.period.label,
        timezone=statement.timezone,
        now=turn.now,
        ledger_size=size,
        sizes=tuple(sorted({size, *signed} - {reach})),
        decisions=tuple(_basis(decision) for decision in turn.decisions),
        private=made.commitments is not None,
    )
    with ArchiveWriter(path) as archive:
        archive.add(INPUTS, canonical(inputs))
        archive.add(KEYS, made.keys.encode())
        archive.add(CHECKPOINT, note.encode())
        indexes = [index for index in entries if index < reach]
        archive.add_lines(LEDGER, map(write_piece, made.log.prune(indexes, reach, sizes=inputs.sizes)))
        archive.add_lines(CLAIMS, _claims(turn))
        archive.add_lines(REFERENCES, _references(turn.decisions))
        archive.add_lines(RIVALS, _rivals(turn.decisions, shown))
        archive.add_lines(UNITS, _units(turn.decisions, shown))
        archive.add_lines(EVIDENCE, _evidence(turn.decisions, shown, made.commitments))
        archive.add_chunks(STATEMENT_FILE, statement_json(statement))
        return archive.seal(made.signers)


def _refuse_later(turn: Turn, size: int) -> None:
    """Refuse to bundle a statement that was issued before the newest verdicts."""
    later = [index for index in turn.before if index >= size]
    if later:
        raise ConfigurationError(
            f"the statement was issued before ledger entry {later[0]}, which changed a verdict",
            hint="The bundle of a statement is made when it is issued: use --issue and --bundle together.",
        )


class _Subject(msgspec.Struct, frozen=True, gc=False):
    contract: str = ""


class _About(msgspec.Struct, frozen=True, gc=False):
    """As much of an entry as tells whose it is."""

    contract: str = ""
    verdict: _Subject = _Subject()


def _entries(log: Log, contract: str) -> list[int]:
    """Give the indexes of all entries about a contract."""
    decoder = msgspec.json.Decoder(_About)
    found = []
    for index, data in enumerate(log.entries()):
        about = decoder.decode(data)
        if (about.contract or about.verdict.contract) == contract:
            found.append(index)
    return found


def _sizes(engine: Engine) -> list[int]:
    """Give the sizes at which the ledger was signed, ascending; [0] if it never was."""
    table = schema.ledger_checkpoint
    with engine.connect() as connection:
        return list(connection.execute(select(table.c.size).order_by(table.c.size)).scalars()) or [0]


def _basis(decision: Decision) -> Basis:
    inputs = decision.inputs
    return Basis(decision.contract.version, decision.outcome.name, dict(inputs.read_from), dict(inputs.read_to))


def _shown(decision: Decision, verdicts: Sequence[Verdict]) -> set[str]:
    """Give the ids of the records that matter: those that a claim may mean, and those of verdicts."""
    name = decision.outcome.name
    ids = {verdict.record_id for verdict in verdicts if verdict.outcome == name and verdict.record_id is not None}
    for meant in (decision.meant or {}).values():
        ids |= {meant.exact} if meant.exact is not None else set()
        ids |= set(meant.others)
    return ids


def _claims(turn: Turn) -> Iterator[bytes]:
    for claim in turn.claims:
        amount = None if claim.amount is None else f"{claim.amount:f}"
        entry = turn.order[claim.claim_id]
        yield write_line(
            ClaimLine(claim.claim_id, claim.outcome, claim.ref, entry, claim.claimed_at, amount, claim.currency)
        )


def _references(decisions: Sequence[Decision]) -> Iterator[bytes]:
    for number, decision in enumerate(decisions):
        for ref, meant in sorted((decision.meant or {}).items()):
            plain = meant.exact == ref and not meant.others
            if plain and ref in decision.rows:
                continue
            none = meant.exact is None and not meant.others
            deleted = decision.facts.deleted(ref) if none else None
            yield write_line(ReferenceLine(number, ref, meant.exact, meant.others, deleted))


def _rivals(decisions: Sequence[Decision], shown: Sequence[Collection[str]]) -> Iterator[bytes]:
    """Give the claims under other contracts that stand against something shown, and no others."""
    found: set[tuple[str, str, int, Holder]] = set()
    for decision, ids in zip(decisions, shown, strict=True):
        place = (decision.outcome.source, decision.outcome.predicate.record)
        found |= {(*place, *rival) for record_id in ids for rival in decision.contesting(record_id)}
    for source, kind, entry, holder in sorted(found, key=lambda item: (*item[:3], item[3].claim_id)):
        yield write_line(
            RivalLine(source, kind, holder.record_id, entry, holder.claim_id, holder.contract, holder.status)
        )


def _units(decisions: Sequence[Decision], shown: Sequence[Collection[str]]) -> Iterator[bytes]:
    """Give what ties other records to those that are shown."""
    for number, (decision, ids) in enumerate(zip(decisions, shown, strict=True)):
        unit = decision.outcome.predicate.unit
        if unit is None:
            continue
        groups = {group for record_id in ids for group in decision.units.groups(record_id)}
        for row in decision.facts.unit_rows([holder.record_id for _, holder in decision.rivals]):
            seen = row["id"] in decision.rows and row["id"] in ids
            if not seen and not groups.isdisjoint(decision.units.groups(row["id"])):
                facts = {name: row[f"fact_{name}"] for name in unit.facts}
                yield write_line(UnitLine(number, row["id"], facts, row["occurred_at"]))


def _evidence(
    decisions: Sequence[Decision], shown: Sequence[Collection[str]], commitments: Commitments | None
) -> Iterator[bytes]:
    """Give each row once, before the first record that rests on it, and each record with how its clauses stood."""
    numbers: dict[tuple[bytes, bool], int] = {}
    for place, (decision, ids) in enumerate(zip(decisions, shown, strict=True)):
        opened = None if commitments is None else commitments.opened(decision)
        for record_id, rows in _records(decision, ids):
            base, related = 0, defaultdict[str, list[int]](list)
            for relation, key, row in rows:
                is_open = opened is None or record_id in opened
                number = numbers.get((key, is_open))
                if number is None:
                    number = numbers[key, is_open] = len(numbers)
                    yield write_line(RowLine(row() if commitments is None else commitments.hide(row(), is_open)))
                if relation:
                    related[relation].append(number)
                else:
                    base = number
            yield write_line(_record(place, decision, record_id, base, related))


def _record(
    place: int, decision: Decision, record_id: str, base: int, related: Mapping[str, Sequence[int]]
) -> RecordLine:
    row = decision.rows[record_id]
    clauses = decision.outcome.predicate.clauses
    until = {clause.name: row[f"until_{clause.name}"] for clause in clauses}
    return RecordLine(
        decision=place,
        id=record_id,
        row=base,
        status=row["status"],
        clauses={clause.name: State(row[f"clause_{clause.name}"]).name.lower() for clause in clauses},
        related={relation: tuple(numbers) for relation, numbers in related.items()},
        until={name: at for name, at in until.items() if at is not None},
        clause=row["clause"],
    )


def _records(decision: Decision, ids: Collection[str]) -> Iterator[tuple[str, list[tuple[str, bytes, Any]]]]:
    """Give each record that is shown, by id, with its rows: relation, what tells the row from others, the row."""
    wanted = sorted(record_id for record_id in ids if record_id in decision.rows)
    database = decision.queried.database
    database.register("shown", pa.table({"id": pa.array(wanted, pa.string())}))
    query = compile_evidence(decision.outcome.predicate, "shown")
    listed = "base_id, relation, source, type, id, version, raw_sha256, data"
    # A cursor of its own, since the connection is asked for other things while rows are read.
    found = database.execute(f"SELECT {listed} FROM ({query}) ORDER BY base_id, relation, id, version, data")
    held = ""
    rows: list[tuple[str, bytes, Any]] = []
    while some := found.fetchmany(_ROWS):
        for base_id, relation, *cells in some:
            if base_id != held and rows:
                yield held, rows
                rows = []
            held = base_id
            rows.append((relation, _key(cells), _Row(cells)))
    if rows:
        yield held, rows


class _Row:
    """A row of evidence, read from its columns when it is wanted."""

    __slots__ = ("_cells",)

    def __init__(self, cells: Sequence[Any]) -> None:
        self._cells = cells

    def __call__(self) -> RowBody:
        source, kind, record_id, version, raw_sha256, data = self._cells
        columns = msgspec.json.decode(data)
        for name, value in columns.items():
            # JSON readers lose digits there.
            if type(value) is int and not -_LARGEST <= value <= _LARGEST:
                columns[name] = str(value)
        return RowBody(source, kind, record_id, version, raw_sha256, columns)


def _key(cells: Sequence[Any]) -> bytes:
    """Give what tells a row, with the columns that are read of it, from others."""
    return hashlib.blake2b("\0".join(map(str, cells)).encode(), digest_size=16).digest()

"""The members of a bundle and what a line of each holds; `docs/bundle-format.md` is the page for it.

Every line is canonical JSON. A field that has its default value is left out, and only then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, Literal, TypeAlias, TypeVar

import msgspec

from tallystick.canonical import canonical
from tallystick.errors import Tampered
from tallystick.strictjson import read_strict

__all__ = [
    "CHECKPOINT",
    "CLAIMS",
    "EVIDENCE",
    "INPUTS",
    "KEYS",
    "LEDGER",
    "MEMBERS",
    "REFERENCES",
    "RIVALS",
    "STATEMENT_FILE",
    "UNITS",
    "Basis",
    "BundleInputs",
    "ClaimLine",
    "Lines",
    "RecordLine",
    "ReferenceLine",
    "RivalLine",
    "RowBody",
    "RowLine",
    "UnitLine",
    "Value",
    "write_line",
]

INPUTS = "inputs.json"
KEYS = "keys.json"
CHECKPOINT = "checkpoint.txt"
LEDGER = "ledger.jsonl"
CLAIMS = "claims.jsonl"
REFERENCES = "references.jsonl"
RIVALS = "rivals.jsonl"
UNITS = "units.jsonl"
EVIDENCE = "evidence.jsonl"
STATEMENT_FILE = "statement.json"

MEMBERS = (INPUTS, KEYS, CHECKPOINT, LEDGER, CLAIMS, REFERENCES, RIVALS, UNITS, EVIDENCE, STATEMENT_FILE)
"""All members, in their order."""

Value: TypeAlias = str | int | bool | None
"""A value of a column: money and rates are text, instants are microseconds UTC."""

_KEEP = "Keep the file: it was damaged, changed, or not written by Tallystick."
_FORMAT: Final = "tallystick-bundle-inputs/1"


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What every line has in common."""


class Basis(_Line, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One outcome of one version of the contract, and how far what it rests on was read (see `outcomes.Inputs`)."""

    version: int
    outcome: str
    read_from: dict[str, int | None]
    read_to: dict[str, int | None]


class BundleInputs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The member `inputs.json`.

    `now` is the instant that was decided as of, in microseconds UTC; `ledger_size` the number of ledger entries that
    the statement rests on; `sizes` are smaller sizes at which the ledger was signed. `decisions` are numbered from 0.
    `private` says that the rows are commitments.
    """

    contract: str
    period: str
    timezone: str
    now: int
    ledger_size: int
    sizes: tuple[int, ...]
    decisions: tuple[Basis, ...]
    private: bool
    format: Literal["tallystick-bundle-inputs/1"] = _FORMAT


class ClaimLine(_Line, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A claim, and the ledger entry by which it was taken in."""

    claim_id: str
    outcome: str
    ref: str
    entry: int
    claimed_at: int | None = None
    amount: str | None = None
    currency: str | None = None


class ReferenceLine(_Line, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a reference may mean that is not just the id of a record; `deleted` is when its tombstone says it went."""

    decision: int
    ref: str
    exact: str | None = None
    others: tuple[str, ...] = ()
    deleted: int | None = None


class RivalLine(_Line, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A claim under another contract, in line for something that matters here."""

    source: str
    type: str
    record_id: str
    entry: int
    claim_id: str
    contract: str
    status: Literal["verified", "pending"]


class UnitLine(_Line, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What makes a record one unit with others, of one that is no evidence itself."""

    decision: int
    id: str
    facts: dict[str, Value]
    occurred_at: int | None = None


class RowBody(_Line, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One version of a record, with the columns that were read: open, or each as a commitment.

    A commitment that is opened has its salt and its value beside it.
    """

    source: str
    type: str
    id: str
    version: int
    raw_sha256: str
    data: dict[str, Value] | None = None
    commitments: dict[str, str] | None = None
    salts: dict[str, str] | None = None


class RowLine(_Line, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A row, numbered from 0 in the order of the member; it stands before the first record that rests on it."""

    row: RowBody


class RecordLine(_Line, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A record that was decided: its own row, those related to it by relation, and how each clause stood.

    `clauses` holds a `State` in lower case for each clause, `until` the instant before which an open one cannot be
    known. `clause` is the index of the deciding one.
    """

    decision: int
    id: str
    row: int
    status: str
    clauses: dict[str, str]
    related: dict[str, tuple[int, ...]] = {}
    until: dict[str, int] = {}
    clause: int | None = None


_encoder = msgspec.json.Encoder(order="sorted")
_T = TypeVar("_T", bound=msgspec.Struct)


def write_line(line: msgspec.Struct) -> bytes:
    """Give the canonical bytes of a line."""
    return canonical(line)


class Lines(Generic[_T]):
    """Reads the lines of a member, each the canonical bytes of one kind of value and nothing else.

    Args:
        kind: What a line holds.
        name: What to call the member in an error.
    """

    def __init__(self, kind: type[_T], name: str) -> None:
        self._decoder = msgspec.json.Decoder(kind)
        self._name = name

    def read(self, line: bytes, number: int) -> _T:
        """Give what a line holds.

        Raises:
            Tampered: It is not canonical, or holds something else; names member and line.
        """
        try:
            value = self._decoder.decode(line)
            if _encoder.encode(value) == line:
                return value
        except (msgspec.DecodeError, ValueError, UnicodeError) as error:
            read_strict(line, f"{self._name}:{number}")
            raise self._refuse(number, str(error)) from error
        read_strict(line, f"{self._name}:{number}")
        if canonical(value) == line:
            return value
        raise self._refuse(number, "a field is written that has its default value")

    def each(self, lines: Iterator[bytes]) -> Iterator[tuple[int, _T]]:
        """Give what each line holds, with its number from 1."""
        for number, line in enumerate(lines, 1):
            yield number, self.read(line, number)

    def _refuse(self, number: int, why: str) -> Tampered:
        return Tampered(f"this line is not what belongs here: {why}", hint=_KEEP, where=f"{self._name}:{number}")

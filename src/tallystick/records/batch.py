"""The records of one type in a batch, column by column: checked, hashed, and made into the rows that are stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec

from tallystick.canonical import canonical
from tallystick.errors import PermanentError
from tallystick.records.heads import Changes, Versions
from tallystick.records.model import Record

__all__ = ["HINT", "Batch", "record_digest"]

HINT = "This is a fault of the connector; nothing of this batch was stored. Report it with this message."

_CUSTOM, _DELETED = b"\n", b"\ndeleted"
_LONGEST_ID = 500
"""Signs: the index of a database takes no longer key."""
_INSTANTS = (-62_135_596_800_000_000, 253_402_300_799_999_999)
_json = msgspec.json.Decoder(msgspec.Raw).decode
_columns = attrgetter("id", "as_of", "raw", "deleted", "values", "custom")


class Batch:
    """The records of one type in a batch, with what is compared.

    Args:
        kind: Record type.
        places: Where they stand in the whole batch, ascending.
        records: The whole batch.
        where: Source and streams, for messages.

    Raises:
        PermanentError: A record cannot be one, whatever its type; names source, streams, type, id and field.
    """

    def __init__(self, kind: str, places: Sequence[int], records: Sequence[Record], where: str) -> None:
        self.kind = kind
        self.places = places
        self.where = where
        ours = records if len(places) == len(records) else [records[place] for place in places]
        columns = zip(*map(_columns, ours), strict=True)
        self.ids, self._as_ofs, self._raws, self._deleted, self._values, customs = columns
        self._check()
        self._customs = [
            self._custom(record_id, custom) if custom else None
            for record_id, custom in zip(self.ids, customs, strict=True)
        ]
        self._raw_sha256, digests = self._hashes()
        self.versions = Versions(self.ids, self._as_ofs, digests)

    def build(self, changes: Changes, shared: Mapping[str, Any]) -> Any:
        """Give the rows that are stored as an Arrow table.

        Args:
            changes: Which are stored, and as what.
            shared: The common columns that are the same in all of them.

        Raises:
            PermanentError: A value does not fit its column; names source, streams, type, id and column.
        """
        from tallystick.records.segments import build

        common = {**shared, **self.common(changes)}
        return build(self.kind, common, self._select(self._values, changes), common["id"], where=self.where)

    def common(self, changes: Changes) -> dict[str, Any]:
        """Give the common columns that differ from row to row, for the rows that are stored."""
        return {
            "id": self._select(self.ids, changes),
            "version": changes.versions,
            "seq": changes.seqs,
            "as_of": self._select(self._as_ofs, changes),
            "deleted": self._select(self._deleted, changes),
            "custom": self._select(self._customs, changes),
            "raw_sha256": self._select(self._raw_sha256, changes),
            "raw": self._select(self._raws, changes),
        }

    def stored(self, changes: Changes) -> Sequence[int]:
        """Give the places, in the whole batch, of the records that are stored."""
        return self._select(self.places, changes)

    def _select(self, column: Sequence[Any], changes: Changes) -> Sequence[Any]:
        if len(changes.places) == len(self.ids):
            return column
        return [column[place] for place in changes.places]

    def _check(self) -> None:
        """Check what is used before columns are built: ids, instants and bytes."""
        wanted = (
            ("id", self.ids, str),
            ("as_of", self._as_ofs, int),
            ("raw", self._raws, bytes),
            ("deleted", self._deleted, bool),
            ("values", self._values, tuple),
        )
        for field, values, kind in wanted:
            if set(map(type, values)) != {kind}:
                place = next(place for place, value in enumerate(values) if type(value) is not kind)
                found = type(values[place]).__name__
                raise self._misfit(self.ids[place], field, f"{found} is not {kind.__name__}")
        first, last = _INSTANTS
        if not (first <= min(self._as_ofs) and max(self._as_ofs) <= last):
            place = next(place for place, at in enumerate(self._as_ofs) if not first <= at <= last)
            raise self._misfit(self.ids[place], "as_of", "it is not between the years 1 and 9999")
        if "" in self.ids or max(map(len, self.ids)) > _LONGEST_ID or not _is_text("".join(self.ids)):
            bad = next(one for one in self.ids if not one or len(one) > _LONGEST_ID or not _is_text(one))
            raise self._misfit(bad, "id", f"not usable as an id; it has 1 to {_LONGEST_ID} signs, none of them NUL")

    def _custom(self, record_id: str, custom: object) -> str:
        if type(custom) is not dict:
            raise self._misfit(record_id, "custom", f"{type(custom).__name__} is not dict")
        try:
            return canonical(custom).decode()
        except (TypeError, ValueError) as error:
            raise self._misfit(record_id, "custom", str(error)) from error

    def _hashes(self) -> tuple[list[str], list[bytes]]:
        """Give the hash of each record's bytes, and what its versions are compared by."""
        names: list[str] = []
        digests: list[bytes] = []
        last, hashed = None, hashlib.sha256()
        for place, raw in enumerate(self._raws):
            # Several records of one object come one after the other with the very same bytes.
            if raw is not last:
                last, hashed = raw, hashlib.sha256(raw)
                try:
                    _json(raw)
                except (msgspec.DecodeError, RecursionError) as error:
                    raise self._misfit(self.ids[place], "raw", f"the bytes are not JSON ({error})") from None
                digest = hashed.digest()
                name = digest.hex()
            names.append(name)
            custom, deleted = self._customs[place], self._deleted[place]
            if custom is None and not deleted:
                digests.append(digest)
            else:
                whole = hashed.copy()
                whole.update(_tail(custom, deleted=deleted))
                digests.append(whole.digest())
        return names, digests

    def _misfit(self, record_id: object, column: str, why: str) -> PermanentError:
        """Give the error for a value that does not fit; an id is shown as far as a line takes it."""
        shown = record_id if type(record_id) is str and record_id.isprintable() and record_id else ascii(record_id)
        return PermanentError(f"{self.where}: {self.kind} {shown[:80]}: column {column}: {why}", hint=HINT)


def record_digest(raw: bytes, custom: str | None, *, deleted: bool) -> bytes:
    """Give what two versions of a record are compared by: SHA-256 over raw, custom fields and the tombstone mark."""
    return hashlib.sha256(raw + _tail(custom, deleted=deleted)).digest()


def _tail(custom: str | None, *, deleted: bool) -> bytes:
    return (_CUSTOM + custom.encode() if custom is not None else b"") + (_DELETED if deleted else b"")


def _is_text(value: str) -> bool:
    """Tell whether both databases and Parquet can hold it: no NUL, no lone surrogate."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False

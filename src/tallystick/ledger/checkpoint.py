"""A signed checkpoint: which root the ledger had at which size, as a C2SP signed note.

    tallystick/example
    2
    s5CxkLLDN3pZgrdn+kx43wTrJZ6JmdIJkLBC/cLRWRw=

    — tallystick/example YX1ae9YtjZqc0kr1IWclE5Qm/iqe1jfKC+AWA3KaX85qbFIxvRDi8UbpExF/zkZ3oCN4E6+xngSm96XtVgDVAEIW1QA=

Origin, size and root, one line each; an empty line; one line for each signature over the text before the empty line.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import NamedTuple

from tallystick.errors import ConfigurationError, Inconsistent, Tampered
from tallystick.ledger.keys import LedgerKeys, Signer, Verifier, check_key_name, decode_base64
from tallystick.ledger.merkle import HASH_SIZE, verify_consistency

__all__ = [
    "Checkpoint",
    "Signature",
    "check_extends",
    "cosign_note",
    "open_checkpoint",
    "open_note",
    "sign_checkpoint",
    "sign_note",
    "split_note",
]

_DASH = "\N{EM DASH} "
_HASH_BYTES = 4
_LARGEST_NOTE = 64 * 1024
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_KEEP = "Keep these bytes: they are not what was signed."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a ledger commits to: the root over its first `size` entries."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the three lines; more or fewer are refused, and so is any other spelling of the same numbers.

        Raises:
            Tampered: The text is not of that form.
        """
        lines = text.split("\n")
        root = decode_base64(lines[2]) if len(lines) == 4 else None
        if root is None or len(root) != HASH_SIZE or not lines[0] or lines[3] or not _SIZE.fullmatch(lines[1]):
            raise Tampered("a checkpoint is three lines: origin, size and root", hint=_KEEP)
        return cls(lines[0], int(lines[1]), root)


class Signature(NamedTuple):
    """One signature line of a note, not yet verified."""

    name: str
    key_hash: bytes
    signature: bytes


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """Give a checkpoint as a signed note."""
    return sign_note(checkpoint.text, signer)


def open_checkpoint(note: str, keys: LedgerKeys, origin: str) -> Checkpoint:
    """Give the checkpoint in a note, after verifying the signature of its ledger.

    Args:
        note: The signed note.
        keys: The key of the ledger, or the chain of its keys, of which the one for this size must have signed.
        origin: The name of the ledger.

    Raises:
        Tampered: The note is malformed, or is not signed by that key, or is a checkpoint of another ledger.
    """
    # Which key it must be stands in the text; nothing else is done with the text before it is verified.
    checkpoint = Checkpoint.parse(split_note(note)[0])
    open_note(note, keys.at(checkpoint.size))
    if checkpoint.origin != origin:
        raise Tampered(f"this is a checkpoint of {checkpoint.origin!r}, not of {origin!r}", hint=_KEEP)
    return checkpoint


def check_extends(old: Checkpoint, new: Checkpoint, proof: list[bytes]) -> None:
    """Return when a newer checkpoint is proven to extend one held before; who holds no entries needs no more.

    Args:
        old: The checkpoint held.
        new: The checkpoint offered.
        proof: Consistency proof from the size of `old` to the size of `new`.

    Raises:
        Inconsistent: The newer one is smaller, of another ledger, or not proven to begin with the older one. Keep both
            notes: two signed checkpoints that cannot both be true are evidence.
    """
    if old.origin != new.origin:
        raise Inconsistent(f"the checkpoints are of two ledgers: {old.origin!r} and {new.origin!r}")
    if new.size < old.size:
        raise Inconsistent(
            f"the ledger {new.origin} shrank from {old.size} to {new.size} entries", hint="Keep both checkpoints."
        )
    verify_consistency(first=old.size, second=new.size, proof=proof, first_root=old.root, second_root=new.root)


def sign_note(text: str, signer: Signer) -> str:
    """Give a text and one signature line under it.

    Raises:
        ConfigurationError: The text is empty, does not end with a newline, or has control characters.
    """
    if not _is_note_text(text):
        raise ConfigurationError("a note is lines of plain text, each ended by a newline")
    signature = base64.b64encode(signer.verifier.key_hash + signer.sign(text.encode())).decode()
    return f"{text}\n{_DASH}{signer.name} {signature}\n"


def cosign_note(note: str, signer: Signer) -> str:
    """Give a note with one more signature line under it; a note that bears it already stays as it is.

    The signatures that are there are not verified.

    Raises:
        Tampered: The note is malformed.
    """
    text, _ = split_note(note)
    line = sign_note(text, signer).removeprefix(f"{text}\n")
    return note if line in note.removeprefix(f"{text}\n").splitlines(keepends=True) else note + line


def open_note(note: str, verifier: Verifier) -> str:
    """Give the text of a note, after verifying that a key signed it; signatures of other keys are left aside.

    Raises:
        Tampered: The note is malformed, has no signature of the key, or one that does not fit.
    """
    text, signatures = split_note(note)
    ours = [line for line in signatures if line.name == verifier.name and line.key_hash == verifier.key_hash]
    if not ours:
        raise Tampered(f"the note has no signature of {verifier.name}+{verifier.key_hash.hex()}", hint=_KEEP)
    for line in ours:
        verifier.verify(line.signature, text.encode())
    return text


def split_note(note: str) -> tuple[str, list[Signature]]:
    """Split a note into its text and its signature lines, none of them verified.

    Raises:
        Tampered: The note is malformed.
    """
    text, separator, below = note.rpartition("\n\n")
    text += "\n"
    if len(note) > _LARGEST_NOTE or not separator or not _is_note_text(text) or not below.endswith("\n"):
        raise Tampered("a signed note is text, an empty line and signature lines", hint=_KEEP)
    return text, [_read_signature(line) for line in below[:-1].split("\n")]


def _read_signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    data = decode_base64(encoded)
    if not line.startswith(_DASH) or not space or data is None or len(data) <= _HASH_BYTES:
        raise Tampered("a line under the note is not a signature", hint=_KEEP)
    try:
        check_key_name(name)
    except ConfigurationError:
        raise Tampered("a signature line has no proper name", hint=_KEEP) from None
    return Signature(name, data[:_HASH_BYTES], data[_HASH_BYTES:])


def _is_note_text(text: str) -> bool:
    if not text.endswith("\n") or any(letter < " " and letter != "\n" for letter in text):
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

"""Identifiers that look like Stripe's and follow from the seed alone."""

from __future__ import annotations

import hashlib
import string

__all__ = ["Ids"]

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase


class Ids:
    """Gives the same identifier for the same seed, prefix and parts, in whatever order they are asked for."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def make(self, prefix: str, *parts: object) -> str:
        """Give `<prefix>_` and 24 letters and digits."""
        text = "\x1f".join([str(self._seed), prefix, *map(str, parts)])
        number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=20).digest())
        letters = []
        for _ in range(24):
            number, place = divmod(number, 62)
            letters.append(_ALPHABET[place])
        return f"{prefix}_{''.join(letters)}"

    def uuid(self, *parts: object) -> str:
        """Give text in the form of a version 4 UUID, as the SDK sends for idempotency keys."""
        digest = hashlib.blake2b("\x1f".join([str(self._seed), *map(str, parts)]).encode(), digest_size=16).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}"

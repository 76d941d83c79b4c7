"""The public keys of the ledger as an export carries them: the first one, and the notes that introduce the others."""

from __future__ import annotations

from tallystick.errors import ConfigurationError, Tampered
from tallystick.export.folder import ExportFolder
from tallystick.export.manifest import MANIFEST
from tallystick.ledger import KeyChain, Verifier

__all__ = ["read_keys"]


def read_keys(export: ExportFolder) -> KeyChain | None:
    """Give the keys that the manifest names; None for a ledger without entries, which nobody signed.

    Raises:
        Tampered: They do not follow from each other, are of another ledger, one signs only sizes that the ledger is not
            about to have, or there is none for a ledger with entries; names the manifest.
    """
    head = export.manifest.ledger
    if head.verifier is None:
        if head.size or head.links:
            raise export.wrong("the manifest does not name the first key of the ledger", MANIFEST)
        return None
    try:
        keys = KeyChain(Verifier.parse(head.verifier), head.links)
    except ConfigurationError as error:
        raise export.wrong(f"the key cannot be read: {error.message}", MANIFEST) from error
    except Tampered as error:
        raise export.wrong(
            f"the keys of the ledger do not follow from each other: {error.message}", MANIFEST
        ) from error
    if keys.origin != f"tallystick/{export.manifest.project}":
        raise export.wrong("the key is not of this project's ledger", MANIFEST)
    # A rotation introduces a key from the next entry on.
    if keys.epochs[-1].from_size > head.size + 1:
        raise export.wrong(f"a key of the ledger signs from {keys.epochs[-1].from_size} entries on only", MANIFEST)
    return keys

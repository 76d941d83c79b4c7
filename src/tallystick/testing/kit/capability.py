"""What a system of record can do to a reader: each member switches on the checks that are about it."""

from __future__ import annotations

from enum import Enum

__all__ = ["FAULTS", "WIRE_CHANGES", "Capability"]


class Capability(Enum):
    """What a system can do. A kit has all of them but those it says the system lacks, each with a reason."""

    EDITS = "edits"
    """Objects change after they were made."""

    DELETIONS = "deletions"
    """Objects are deleted, and the system tells."""

    MERGES = "merges"
    """Two objects are merged into one of them."""

    PROVENANCE = "provenance"
    """The system tells when a field of an object changed, and by whom where it tells that too."""

    LOOKUP = "lookup"
    """One object can be read live."""

    VERBATIM = "verbatim"
    """Objects are delivered as JSON, so that their bytes can be kept as they came."""

    LAG = "lag"
    """What was made is not shown at once. A fault: what is made while it is set is shown `seconds` later."""

    SIGN_IN = "sign_in"
    """Reading needs a secret, and it can be refused. A fault: calls are refused as not signed in, for good."""

    TOKEN_EXPIRY = "token_expiry"  # noqa: S105 - no token, but that there are such
    """Signing in gives a token that expires. A fault: the calls are refused until the reader signs in again."""

    THROTTLING = "throttling"
    """Too many calls are refused without saying how long to wait. A fault."""

    RETRY_AFTER = "retry_after"
    """Too many calls are refused, and the answer says to wait `seconds`. A fault."""

    SERVER_ERROR = "server_error"
    """The system fails for a moment. A fault: status 500 or what the system has in its place."""

    MAINTENANCE_PAGE = "maintenance_page"
    """A page of HTML comes where data should be. A fault."""

    TRUNCATION = "truncation"
    """An answer breaks off in the middle. A fault."""

    RESET = "reset"
    """The connection breaks before an answer. A fault."""

    CLOCK_SKEW = "clock_skew"
    """An answer says a wrong time. A fault: the clock it tells is `seconds` ahead."""

    GAINED_FIELD = "gained_field"
    """Objects are delivered with a field nobody has heard of. A change on the wire."""

    LOST_FIELD = "lost_field"
    """Objects are delivered without a field. A change on the wire."""

    RETYPED_FIELD = "retyped_field"
    """A field is delivered as another type, such as an object where a text was. A change on the wire."""

    UNKNOWN_WORD = "unknown_word"
    """A field of fixed words is delivered with `UNKNOWN_WORD`. A change on the wire."""


FAULTS = (
    Capability.LAG,
    Capability.SIGN_IN,
    Capability.TOKEN_EXPIRY,
    Capability.THROTTLING,
    Capability.RETRY_AFTER,
    Capability.SERVER_ERROR,
    Capability.MAINTENANCE_PAGE,
    Capability.TRUNCATION,
    Capability.RESET,
    Capability.CLOCK_SKEW,
)
"""What `System.set_fault` is asked for."""

WIRE_CHANGES = (
    Capability.GAINED_FIELD,
    Capability.LOST_FIELD,
    Capability.RETYPED_FIELD,
    Capability.UNKNOWN_WORD,
)
"""What `System.change_wire` is asked for."""

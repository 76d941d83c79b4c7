"""An outcome template: a call that was connected, and lasted."""

from collections.abc import Mapping

from tallystick.hookspecs import ClauseSource, Param, PredicateSource, Setting, Template, scalars

__all__ = ["CALLED_BACK"]


def _build(values: Mapping[str, Setting]) -> PredicateSource:
    return PredicateSource(
        facts={},
        clauses={
            "connected": ClauseSource("status = 'connected'"),
            "long_enough": ClauseSource("seconds >= :min_seconds", says="it lasted {seconds} seconds"),
        },
        params=scalars(values, "min_seconds"),
    )


CALLED_BACK = Template(
    "called-back",
    "call",
    "A call that was connected and lasted.",
    (
        Param(
            "min_seconds",
            "integer",
            "Seconds that the call has to last at least.",
            "A ring alone is no call back.",
            30,
        ),
    ),
    _build,
)

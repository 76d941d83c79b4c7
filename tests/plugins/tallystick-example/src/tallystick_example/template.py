"""An outcome template: a call that was connected, and lasted."""

from collections.abc import Mapping

from tallystick.hookspecs import ClauseSource, Param, PredicateSource, Setting, Template, scalars

__all__ = ["CALLED_BACK"]


def _build(values: Mapping[str, Setting]) -> PredicateSource:
    return PredicateSource(
        facts={"lasted": "ended_at - started_at"},
        clauses={
            "connected": ClauseSource("status = 'connected'"),
            "long_enough": ClauseSource("lasted >= interval :min_seconds second", says="it lasted {lasted}"),
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

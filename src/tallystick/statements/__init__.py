"""Verdicts and terms give lines, lines give a statement."""

from tallystick.statements.line import Line
from tallystick.statements.notes import Restatement, restate
from tallystick.statements.rating import rate
from tallystick.statements.statement import (
    Adjustment,
    Change,
    Issued,
    LedgerHead,
    Note,
    ReasonCount,
    Statement,
    Tally,
)

__all__ = [
    "Adjustment",
    "Change",
    "Issued",
    "LedgerHead",
    "Line",
    "Note",
    "ReasonCount",
    "Restatement",
    "Statement",
    "Tally",
    "rate",
    "restate",
]

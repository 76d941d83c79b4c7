"""Verdicts and terms give lines, lines give a statement."""

from tallystick.statements.rating import rate
from tallystick.statements.statement import Adjustment, LedgerHead, Line, ReasonCount, Statement, Tally

__all__ = ["Adjustment", "LedgerHead", "Line", "ReasonCount", "Statement", "Tally", "rate"]

"""Verdicts and terms give lines, lines give a statement."""

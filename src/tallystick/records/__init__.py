"""Canonical record types and the store of evidence."""

"""Bytes that cannot change unnoticed."""

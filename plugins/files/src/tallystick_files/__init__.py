"""Exported files as a source for Tallystick."""

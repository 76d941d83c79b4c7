"""A warehouse as a source for Tallystick."""

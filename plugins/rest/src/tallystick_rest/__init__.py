"""Any JSON API as a system of record for Tallystick."""

"""HubSpot as a system of record for Tallystick."""

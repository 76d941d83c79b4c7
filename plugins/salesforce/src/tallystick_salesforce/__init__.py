"""Salesforce as a system of record for Tallystick."""

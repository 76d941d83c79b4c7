"""Stripe for Tallystick."""

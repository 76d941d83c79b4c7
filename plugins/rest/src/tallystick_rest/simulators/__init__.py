"""Simulators of the systems whose descriptions come with this distribution; each written from public documentation."""

"""Simulator harness and builders, shipped for connector authors."""

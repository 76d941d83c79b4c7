"""Connector to records: incremental, resumable, exactly once."""

"""One DuckDB for the laws about both evaluators."""

from __future__ import annotations

import duckdb
import pytest


@pytest.fixture(scope="module")
def database():
    """One DuckDB for all examples."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    yield connection
    connection.close()

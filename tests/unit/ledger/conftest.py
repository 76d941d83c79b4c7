"""A small ledger in a database of its own."""

import pytest

from tallystick.database.engine import open_database
from tallystick.ledger import Log, Signer

ORIGIN = "tallystick/test"


@pytest.fixture
def engine(tmp_path):
    """An empty project database."""
    engine = open_database(tmp_path / "tallystick.db", create=True)
    yield engine
    engine.dispose()


@pytest.fixture
def log(engine):
    """An empty ledger."""
    return Log(engine, ORIGIN)


@pytest.fixture
def signer():
    """The key of the ledger, the same on every run."""
    return Signer(ORIGIN, bytes(range(32)))

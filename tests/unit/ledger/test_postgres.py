"""The ledger on PostgreSQL gives the same bytes as on SQLite."""

import secrets

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateSchema, DropSchema

from tallystick.database.engine import open_database, transaction
from tallystick.ledger import Log, Signer, fsck

pytestmark = pytest.mark.postgres

URL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
STEPS = [1, 254, 1, 1, 2000]


@pytest.fixture
def postgres():
    """An empty project database: a schema of its own, dropped afterwards."""
    name = f"tallystick_{secrets.token_hex(6)}"
    admin = create_engine(URL, connect_args={"connect_timeout": 2})
    try:
        with admin.begin() as connection:
            connection.execute(CreateSchema(name))
    except OperationalError:
        admin.dispose()
        pytest.skip("no PostgreSQL server at 127.0.0.1:5432")
    engine = open_database(f"{URL}?options=-csearch_path%3D{name}")
    yield engine
    engine.dispose()
    with admin.begin() as connection:
        connection.execute(DropSchema(name, cascade=True))
    admin.dispose()


def _fill(engine, signer):
    log = Log(engine, "tallystick/test")
    for step in STEPS:
        with transaction(engine) as connection:
            start = log.size_in(connection)
            log.append(connection, (b"entry %d" % number for number in range(start, start + step)))
            log.checkpoint(connection, signer)
    return log


def test_both_databases_agree(postgres, engine, signer):
    """The same entries give the same root, proofs, note and fsck report on both databases."""
    there, here = _fill(postgres, signer), _fill(engine, signer)

    assert there.latest_note() == here.latest_note()
    assert list(there.entries()) == list(here.entries())
    assert there.inclusion_proof(300) == here.inclusion_proof(300)
    assert there.consistency_proof(256) == here.consistency_proof(256)
    report = fsck(postgres, there.origin, signer.verifier)
    assert report == fsck(engine, here.origin, signer.verifier)
    assert report.findings == ()


def test_tampering_is_found(postgres, signer):
    """A changed entry, a changed tile and a changed note are found where they are."""
    _fill(postgres, signer)
    with postgres.begin() as connection:
        connection.execute(text("ALTER TABLE ledger_entry DISABLE TRIGGER ALL"))
        connection.execute(text("UPDATE ledger_entry SET data = 'other' WHERE idx = 300"))
        connection.execute(text("DELETE FROM ledger_tile WHERE level = 1"))
        connection.execute(text("UPDATE ledger_checkpoint SET note = note || 'x' WHERE size = 256"))

    findings = fsck(postgres, "tallystick/test", Signer("tallystick/test", signer.secret).verifier).findings

    assert {finding.place for finding in findings} == {"entry 300", "tile 1/0", "checkpoint 256", "checkpoint 2257"}

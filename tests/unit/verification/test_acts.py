"""Acts: entries found again by contract, kind and key, and an index that is held against the ledger."""

import pytest
from sqlalchemy import insert, select, text

from tallystick.canonical import canonical
from tallystick.database.engine import open_database, transaction
from tallystick.database.schema import ledger_act
from tallystick.errors import Tampered
from tallystick.ledger import Log, load_or_create_key
from tallystick.records.catalog import RecordStore
from tallystick.verification.acts import append_acts, read_acts
from tallystick.verification.audit import fsck_decisions

AT = "2026-09-21T13:33:20Z"


def _act(key, kind="dispute", contract="acme", **more):
    return {"kind": kind, "at": AT, "contract": contract, "key": key, **more}


class _Office:
    """A ledger with its key and an empty store."""

    def __init__(self, folder):
        self.engine = open_database(folder / "t.db", create=True)
        self.log = Log(self.engine, "tallystick/test")
        self.signer = load_or_create_key(folder / "ledger.key", "tallystick/test")
        self.store = RecordStore(self.engine, folder / "records")

    def append(self, *entries, contract="acme"):
        """Add acts in a transaction of their own."""
        with transaction(self.engine) as connection:
            indexes = append_acts(connection, self.log, contract, entries)
            self.log.checkpoint(connection, self.signer)
        return indexes

    def read(self, kind="dispute", contract="acme", **more):
        """Give the acts of a kind as (index, key)."""
        return [(idx, entry["key"]) for idx, entry in read_acts(self.engine, self.log, contract, kind, **more)]

    def change(self, statement):
        """Change a table behind the program's back."""
        with transaction(self.engine) as connection:
            connection.execute(text(statement))

    def fsck(self):
        """Hold the tables against the ledger."""
        return fsck_decisions(self.engine, self.log, self.store)


@pytest.fixture
def office(tmp_path):
    """An empty ledger."""
    made = _Office(tmp_path)
    yield made
    made.engine.dispose()


def test_acts_are_found_by_contract_kind_and_key(office):
    """An act is given to whoever asks for its contract, kind and key, in the order of the ledger."""
    assert office.append(_act("b"), _act("a"), _act("b", "remark")) == range(3)
    office.append(_act("b", contract="other"), contract="other")
    office.append(_act("b", note="again"))

    assert office.read() == [(0, "b"), (1, "a"), (4, "b")]
    assert office.read(key="b") == [(0, "b"), (4, "b")]
    assert office.read("remark") == [(2, "b")]
    assert office.read(contract="other") == [(3, "b")]
    assert office.read("nothing") == []
    assert office.fsck() == []


def test_acts_are_read_as_of_a_size(office):
    """With a size of the ledger, only entries before it are given."""
    office.append(_act("a"), _act("b"))

    assert [office.read(upto=size) for size in range(3)] == [[], [(0, "a")], [(0, "a"), (1, "b")]]


def test_an_act_comes_back_as_it_was_written(office):
    """What is read is the canonical entry, key included."""
    entry = _act("a", subjects=["claim:1", "claim:2"], note=None, size=3)
    office.append(entry)

    assert read_acts(office.engine, office.log, "acme", "dispute") == [(0, entry)]
    assert office.log.read(0) == canonical(entry)


@pytest.mark.parametrize(
    "entry",
    [
        _act("a", "verdict"),
        _act("a", "claims"),
        _act("a", "contract"),
        _act("a", contract="other"),
        _act(None),
        {"kind": "dispute", "at": AT, "contract": "acme"},
    ],
)
def test_what_is_no_act_is_refused(office, entry):
    """An entry of a kind with tables of its own, under another contract or without a key is not appended."""
    with pytest.raises(ValueError, match="act"):
        office.append(_act("good"), entry)

    assert office.log.size == 0
    assert office.read() == []


def test_acts_of_a_failed_transaction_leave_nothing(office):
    """Entry and index row become durable together or not at all."""

    def fail():
        with transaction(office.engine) as connection:
            append_acts(connection, office.log, "acme", [_act("a")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert (office.log.size, office.read()) == (0, [])


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ("DELETE FROM ledger_act WHERE idx = 1", "act 1: ledger entry 1 is a remark, and the table lacks it"),
        ("UPDATE ledger_act SET key = 'c' WHERE idx = 0", "act 0: the table holds another"),
        ("UPDATE ledger_act SET kind = 'remark' WHERE idx = 0", "act 0: the table holds another"),
        ("UPDATE ledger_act SET contract = 'other' WHERE idx = 0", "act 0: the table holds another"),
        ("INSERT INTO ledger_act VALUES (2, 'acme', 'verdict', 'x')", "act 2: the table has it"),
        ("INSERT INTO ledger_act VALUES (9, 'acme', 'dispute', 'x')", "act 9: the table has it"),
    ],
)
def test_a_changed_index_is_a_finding(office, change, finding):
    """Each act that the table lacks, holds otherwise, or has without an entry is named by fsck."""
    office.append(_act("a"), _act("b", "remark"))
    with transaction(office.engine) as connection:
        office.log.append(connection, [canonical({"kind": "verdict", "at": AT, "verdict": {}})])
    office.change("INSERT INTO verdict_head VALUES ('None', 'None', 2, 'verified', '')")
    before = office.fsck()
    office.change(change)

    [said] = set(office.fsck()) - set(before)
    assert said.startswith(finding)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_act SET idx = 1 WHERE idx = 0",
        "UPDATE ledger_act SET key = 'x'",
        "UPDATE ledger_act SET kind = 'x'",
    ],
)
def test_an_index_that_leads_astray_is_tampering(office, change):
    """An index row that leads to another entry is refused when it is followed."""
    office.append(_act("a"))
    with transaction(office.engine) as connection:
        office.log.append(connection, [canonical(_act("b", "remark"))])
    office.change(change)

    with pytest.raises(Tampered, match="index of acts"):
        office.read("x" if "kind" in change else "dispute")


def test_a_project_of_the_first_revision_gets_the_index(tmp_path):
    """A database that an older version made keeps its entries and takes acts."""
    office = _Office(tmp_path)
    office.append(_act("a"))
    with transaction(office.engine) as connection:
        for later in ("ledger_act", "outbox", "sink", "dismissal"):
            connection.execute(text(f"DROP TABLE {later}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    office.engine.dispose()

    engine = open_database(tmp_path / "t.db")

    with transaction(engine) as connection:
        connection.execute(insert(ledger_act), {"idx": 0, "contract": "acme", "kind": "dispute", "key": "a"})
    with engine.connect() as connection:
        assert connection.execute(select(ledger_act.c.idx)).scalars().all() == [0]
    assert Log(engine, "tallystick/test").size == 1
    engine.dispose()

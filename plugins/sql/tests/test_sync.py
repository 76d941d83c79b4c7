"""Tables are read row by row in one state of the warehouse, and prove no more than is declared."""

from decimal import Decimal

import pytest

from tallystick.errors import ConfigurationError
from tallystick_sql import streams

DAY = 86_400_000_000
MINUTE = 60_000_000
AUG_1 = 1_785_542_400_000_000
"""2026-08-01T00:00Z."""


def test_rows_become_records_and_a_second_read_finds_nothing_new(tables):
    """All rows are read over several pages; read again, they store nothing, and a change stores one version."""
    tables.tickets(*range(1, 8))
    assert tables.sync() == 7
    assert tables.rows("id, status")[0] == ("1", "open")
    assert tables.watermark() == AUG_1
    assert tables.sync() == 0
    tables.tickets(3, day=2, status="solved")
    assert tables.sync() == 1
    assert tables.rows("id, version, status")[2] == ("3", 2, "solved")
    assert tables.watermark() == AUG_1 + DAY


def test_the_same_row_gives_the_same_bytes(tables):
    """Names in order; times in UTC whatever the session's zone is."""
    tables.tickets(7)
    tables.sync()
    (raw,) = tables.rows("raw")[0]
    assert raw.startswith('{"created_at":')
    assert '"status":"open"' in raw
    if tables.kind != "sqlite":
        assert '"updated_at":"2026-08-01T00:00:00+00:00"' in raw


def test_the_watermark_stands_behind_the_newest_row_by_the_declared_lag(tables):
    """However late it is read: a warehouse that stands still says so."""
    tables.describe(tables.description.replace("lag_minutes: 0", "lag_minutes: 90"))
    tables.tickets(1, day=3)
    tables.sync()
    assert tables.watermark() == AUG_1 + 2 * DAY - 90 * MINUTE


def test_a_row_that_was_loaded_late_is_read_within_the_overlap(tables):
    """Its cursor is older than the watermark; each read begins that much earlier."""
    tables.describe(tables.description.replace("    records:", "    overlap_minutes: 1440\n    records:"))
    tables.tickets(1, day=5)
    tables.sync()
    tables.tickets(2, day=4)
    tables.tickets(3, day=2)
    assert tables.sync() == 1
    assert tables.rows("id") == [("1",), ("2",)]


def test_ties_on_the_cursor_lose_nothing(tables):
    """More rows of one instant than a page holds are told apart by their key, cut at every page or not."""
    tables.tickets(*range(1, 11))
    [stream] = tables.connector().streams()
    [part] = stream.plan(None, AUG_1 + DAY)
    pages = list(stream.read(part))
    whole = [record for page in pages for record in page.records]
    assert [record.id for record in whole] == [str(key) for key in range(1, 11)]
    for place, page in enumerate(pages[:-1]):
        [again] = tables.connector().streams()
        rest = [
            record for later in again.read(type(part)(part.start, part.end, page.cursor)) for record in later.records
        ]
        assert [record for before in pages[: place + 1] for record in before.records] + rest == whole


def test_a_resumed_read_claims_what_its_first_page_could(tables):
    """What was loaded between cut and resume behind the position was not read, so the old claim holds."""
    tables.tickets(*range(1, 5), day=3)
    [stream] = tables.connector().streams()
    [part] = stream.plan(None, AUG_1 + 9 * DAY)
    pages = stream.read(part)
    first = next(pages)
    pages.close()
    tables.tickets(9, day=8)
    [again] = tables.connector().streams()
    last = list(again.read(type(part)(part.start, part.end, first.cursor)))[-1]
    assert last.watermark == AUG_1 + 2 * DAY


def test_a_deleted_row_is_a_tombstone(tables):
    """The flag that the mapping names deletes."""
    tables.tickets(1, 2)
    tables.describe(tables.description.replace("is: true", "in: [true, 1]"))
    tables.execute("UPDATE tickets SET gone = NOT gone WHERE id = 1")
    tables.sync()
    assert tables.rows("id, deleted, status") == [("1", True, None), ("2", False, "open")]


def test_a_table_without_a_cursor_is_read_whole(tables):
    """As complete as the loader's own table says; rows that did not change are stored once."""
    instant = "BIGINT" if tables.kind == "sqlite" else "TIMESTAMPTZ"
    form = "unix_ms" if tables.kind == "sqlite" else "iso"
    tables.execute(
        f"CREATE TABLE loads (name TEXT, done {instant})",
        f"INSERT INTO loads VALUES ('tickets', {tables.at(4)}), ('others', {tables.at(9)})",
    )
    tables.describe(f"""
        streams:
          tickets:
            table: SCHEMA.tickets
            key: [id]
            complete_until:
              table: SCHEMA.loads
              column: {{path: done, format: {form}}}
              where: {{name: tickets}}
              lag_minutes: 30
            records:
              - type: ticket
                id: id
                as_of: $complete_until
                columns: {{created_at: {{path: created_at, format: {form}}}, status: status}}
        """)
    tables.tickets(*range(1, 6))
    assert tables.sync() == 5
    assert tables.watermark() == AUG_1 + 3 * DAY - 30 * MINUTE
    tables.tickets(3, status="solved")
    assert tables.sync() == 1


def test_without_a_declaration_nothing_absent_is_known(tables):
    """The watermark stays where it began."""
    tables.describe(tables.description.replace("    complete_until: {lag_minutes: 0}\n", ""))
    tables.tickets(1)
    assert tables.sync() == 1
    assert tables.watermark() == 1_767_225_600_000_000


def test_an_empty_table_proves_nothing(tables):
    """There is no newest row."""
    assert tables.sync() == 0
    assert not tables.last.errors
    assert tables.watermark() == 1_767_225_600_000_000


def test_rows_of_the_future_are_refused(tables):
    """Such a row would be read when its time has come; it must not look as if all before it were known."""
    tables.tickets(1)
    tables.tickets(2, day=20)
    assert "a row's updated_at lies more than a day in the future" in tables.error(until=AUG_1 + 5 * DAY)


def test_no_more_is_read_than_asked_for(tables):
    """With a clock here that is behind, the next read brings the rest."""
    tables.tickets(1)
    tables.tickets(2, day=3)
    assert tables.sync(until=AUG_1 + 2 * DAY - 1) == 1
    assert tables.watermark() == AUG_1
    assert tables.sync() == 1


@pytest.mark.parametrize("column", ["id", "updated_at"])
def test_a_row_without_key_or_cursor_is_an_error(tables, column):
    """It would never be read, and nobody would know."""
    tables.tickets(1, 2)
    tables.execute(f"UPDATE tickets SET {column} = NULL WHERE id = 2")
    assert "a row has no updated_at or no id" in tables.error()


def test_a_column_that_is_gone_is_named(tables):
    """With the nearest name there is."""
    tables.tickets(1)
    tables.execute("ALTER TABLE tickets RENAME COLUMN status TO state")
    said = tables.error()
    assert "there is no column status, which is mapped" in said
    assert "Did you mean state" in said or "Did you mean" in said


def test_names_are_quoted(tables):
    """A name may be anything, a statement too."""
    name = '"odd ""name; DROP TABLE tickets"'
    tables.execute(
        f"ALTER TABLE tickets RENAME COLUMN status TO {name}", f"CREATE VIEW {name} AS SELECT * FROM tickets"
    )
    schema = f"{tables.schema}, " if tables.schema else ""
    odd = "'odd \"name; DROP TABLE tickets'"
    tables.describe(tables.description.replace("status: status", f"status: {odd}"))
    table = f"table: {tables.schema + '.' if tables.schema else ''}tickets"
    tables.describe(tables.description.replace(table, f"table: [{schema}{odd}]"))
    tables.tickets(1)
    assert tables.sync() == 1
    assert tables.rows("status") == [("open",)]


def test_a_live_look_up_finds_the_row(tables):
    """By the id of the record; one that is nowhere is an error that says so."""
    tables.tickets(1, 2)
    connector = tables.connector()
    [record] = connector.lookup(connector.ref_of("ticket", "2"))
    assert (record.type, record.id) == ("ticket", "2")
    assert [record.id for record in connector.lookup("1")] == ["1"]
    with pytest.raises(ConfigurationError, match="the warehouse holds no ticket:9"):
        connector.lookup("ticket:9")
    connector.close()


def test_a_look_up_of_an_id_that_is_made_of_columns(tables):
    """Joined as the mapping joins them; an id that no statement can find says so."""
    tables.tickets(1, 2)
    tables.describe(tables.description.replace("        id: id", "        id: {join: [status, id], with: '-'}"))
    assert [record.id for record in tables.connector().lookup("ticket:open-2")] == ["open-2"]
    tables.describe(tables.description.replace("join: [status, id], with: '-'", "first: [status, id]"))
    with pytest.raises(ConfigurationError, match="is not made of columns alone"):
        tables.connector().lookup("ticket:open")


def test_calls_are_counted(tables):
    """Every statement is."""
    tables.tickets(1)
    with_connector = tables.connector()
    assert with_connector.calls() == 0
    [stream] = with_connector.streams()
    list(stream.read(stream.plan(None, AUG_1 + DAY)[0]))
    assert with_connector.calls() >= 4
    with_connector.close()
    with_connector.close()


PAYMENTS = """
streams:
  payments:
    table: SCHEMA.payments
    key: id
    cursor: {path: paid, timezone: Europe/Berlin}
    records:
      - type: payment
        id: id
        as_of: {path: paid, timezone: Europe/Berlin}
        columns:
          created_at: {path: paid, timezone: Europe/Berlin}
          amount: amount
          currency: {constant: EUR}
          exponent: {constant: 2}
"""


@pytest.fixture(params=[pytest.param("server", marks=pytest.mark.postgres), "duck"])
def payments(request):
    """A table of payments, its times without a zone."""
    tables = request.getfixturevalue(request.param)
    tables.describe(PAYMENTS)
    return tables


def pay(tables, kind, *values, at="2026-08-01 02:00:00.000001"):
    """Make payments of amounts in a column of a type."""
    rows = ", ".join(f"({number}, TIMESTAMP '{at}', {value})" for number, value in enumerate(values))
    tables.execute(
        f"CREATE TABLE payments (id BIGINT, paid TIMESTAMP, amount {kind})", f"INSERT INTO payments VALUES {rows}"
    )


def test_amounts_are_exact_and_local_times_are_in_the_declared_zone(payments):
    """NUMERIC keeps its digits; a time without a zone is what the wall in Berlin showed."""
    pay(payments, "NUMERIC(18,4)", "0.10", "NULL", "-1234567.89")
    payments.sync()
    assert payments.rows("amount", "payment") == [(Decimal("0.1000"),), (None,), (Decimal("-1234567.8900"),)]
    [(at,)] = payments.rows("DISTINCT epoch_us(created_at)", "payment")[:1]
    assert at == AUG_1 + 1
    assert payments.sync() == 0


def test_a_local_time_without_a_declared_zone_is_refused(payments):
    """No zone is assumed."""
    payments.describe(PAYMENTS.replace(", timezone: Europe/Berlin", ""))
    pay(payments, "NUMERIC(18,4)", "1")
    assert "carries no offset from UTC, and no timezone is declared" in payments.error()


def test_a_column_of_floats_is_no_money(payments):
    """It would have been rounded before anybody saw it."""
    pay(payments, "DOUBLE PRECISION", "0.1")
    said = payments.error()
    assert "row 0: payment, column amount: a binary float is not exact" in said
    assert "CAST(... AS NUMERIC)" in said


def test_an_hour_that_comes_twice_is_not_known(payments):
    """In the night the clocks go back, a time without an offset could be either."""
    pay(payments, "NUMERIC(18,4)", "1", at="2025-10-26 02:30:00")
    assert "a time that comes twice in Europe/Berlin" in payments.error()


@pytest.mark.parametrize(
    ("kind", "values"),
    [("UUID", "'00000000-0000-0000-0000-00000000000{}'"), ("TEXT", "'k{}'"), ("DATE", "'2026-08-0{}'")],
)
def test_keys_of_other_types(server, kind, values):
    """Rows are put in the order of any type that is exact, and go on from any of its values."""
    server.execute(f"ALTER TABLE tickets ALTER id TYPE {kind} USING NULL")
    for number in range(1, 8):
        row = f"({values.format(number)}, {server.at(1)}, {server.at(1)}, 'open', FALSE)"
        server.execute(f"INSERT INTO tickets VALUES {row}")
    assert server.sync() == 7
    assert server.sync() == 0
    [stream] = server.connector().streams()
    [part] = stream.plan(None, AUG_1 + DAY)
    first = next(stream.read(part))
    assert sum(len(page.records) for page in stream.read(type(part)(part.start, part.end, first.cursor))) == 4


def test_values_of_every_kind_are_kept(server):
    """JSON, lists, bytes, UUIDs, intervals and great numbers have a form; what has none is named."""
    server.execute(
        "ALTER TABLE tickets ADD j JSONB DEFAULT '{\"a\": [1.5]}', ADD l TEXT[] DEFAULT '{a,b}',"
        " ADD b BYTEA DEFAULT 'x',"
        " ADD u UUID DEFAULT '00000000-0000-0000-0000-000000000001', ADD i INTERVAL DEFAULT '1 day', ADD n NUMERIC"
        " DEFAULT 1e20, ADD d DATE DEFAULT '2026-01-01', ADD t TIME DEFAULT '10:00', ADD f FLOAT DEFAULT 0.1"
    )
    server.execute(f"INSERT INTO tickets VALUES (1, {server.at(1)}, {server.at(1)}, 'open', FALSE)")
    server.sync()
    (raw,) = server.rows("raw")[0]
    for part in ('"l":["a","b"]', '"b":"78"', '"n":"100000000000000000000"', '"f":0.1', '"d":"2026-01-01"'):
        assert part in raw
    server.execute("ALTER TABLE tickets ADD r INT4RANGE DEFAULT '[1,5)'", "UPDATE tickets SET updated_at = now()")
    assert "row 1: Range has no form in JSON" in server.error(until=2**52)


def test_great_rows_make_several_pages_of_what_one_statement_gave(duck, monkeypatch):
    """A page stays small however long the texts in a table are; each ends where a read can go on."""
    monkeypatch.setattr(streams, "_PIECE_BYTES", 150)
    duck.page_rows = 100
    duck.tickets(*range(1, 8))
    [stream] = duck.connector().streams()
    [part] = stream.plan(None, AUG_1 + DAY)
    pages = list(stream.read(part))
    assert [len(page.records) for page in pages] == [2, 2, 2, 1, 0]
    rest = [
        record.id for page in stream.read(type(part)(part.start, part.end, pages[1].cursor)) for record in page.records
    ]
    assert rest == ["5", "6", "7"]


def test_rows_that_are_passed_over_make_no_page(duck):
    """Ten thousand pages of nothing would look like a read without an end."""
    duck.tickets(*range(1, 20))
    duck.describe(duck.description.replace("        id: id", "        when: {path: id, is: 17}\n        id: id"))
    [stream] = duck.connector().streams()
    pages = list(stream.read(stream.plan(None, AUG_1 + DAY)[0]))
    assert [len(page.records) for page in pages] == [1, 0]

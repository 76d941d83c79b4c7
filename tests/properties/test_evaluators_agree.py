"""The two evaluators are one: SQL and Python give the same answer for any predicate over any records."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.canonical import canonical
from tallystick.outcomes import (
    ClauseSource,
    Inputs,
    PredicateSource,
    compile_evidence,
    compile_predicate,
    interpret,
    predicate_from_source,
    read_row,
)
from tallystick.outcomes.library import DOLLARS_COLLECTED
from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED
from tallystick.period import DAY, zone
from tallystick.records.types import COMMON, RECORD_TYPES, LookedUp

BERLIN = zone("Europe/Berlin")
ARROW = {
    "text": pa.string(),
    "integer": pa.int64(),
    "money": pa.decimal128(18, 4),
    "rate": pa.decimal128(38, 12),
    "boolean": pa.bool_(),
    "instant": pa.int64(),
}
HOUR = 3_600_000_000
# Around the end and the start of summer time in Berlin in 2026, where calendar days are not 24 hours.
SPRING, AUTUMN = 1_774_746_000_000_000, 1_792_890_000_000_000
CUSTOM = {
    "payment": {"label": "text", "when": "instant", "fee": "money", "flag": "boolean", "units": "integer"},
    "refund": {"label": "text", "when": "instant", "fee": "money"},
    "invoice": {"placed_at": "instant", "placed_with": "text"},
    "ticket": {"topic": "text", "promised": "instant"},
}
RELATED = {
    "payment": (
        "refunds",
        "disputes",
        "invoice_payments",
        "invoices",
        "credit_notes",
        "ledger_entries",
        "refund_entries",
        "changes",
    ),
    "ticket": ("events", "events", "events", "changes", "follow_ups", "requester_tickets"),
}
TYPES = {
    "payment": ["text", "integer", "money", "instant", "boolean"],
    "ticket": ["text", "integer", "instant", "boolean"],
}

texts = st.sampled_from(
    ["a", "b", "paid", "succeeded", "pending", "failed", "Ä", "", "x'y", "manual", "issued", "platform"]
)
links = st.sampled_from(["a", "b", "c", "i"])
instants = st.one_of(
    st.builds(lambda start, hours: start + hours * HOUR, st.sampled_from([SPRING, AUTUMN]), st.integers(-80, 80)),
    st.integers(SPRING, SPRING + 10),
    st.sampled_from([0, -(2**63), 2**63 - 1, 2**62]),
)
amounts = st.one_of(
    st.sampled_from([Decimal(0), Decimal("12.5"), Decimal("0.0001"), Decimal("-3.25"), Decimal("99999999999999.9999")]),
    st.decimals(-100, 100, places=2),
)
counts = st.sampled_from([0, 1, 2, 3, -7, 2**63 - 1, -(2**63)])
rates = st.sampled_from([Decimal(1), Decimal("1.0850"), Decimal("0.000000000001"), Decimal(10**26 - 1)])
VALUES = {
    "text": texts,
    "integer": counts,
    "money": amounts,
    "rate": rates,
    "boolean": st.booleans(),
    "instant": instants,
}
LINKS = {"id", "payment_id", "payment_ref", "invoice_id", "source_id", "object_id", "intent_id"}
LINKS |= {"ticket_id", "requester_id", "follow_up_of", "actor_id", "assignee_id", "cc_ids"}


def customs(kind):
    """Give strategies for the custom fields of a record, some of them not of the type they are declared with."""
    odd = {
        "money": st.sampled_from(["12.50", "1e3", "0.00005", "7", "-1.50000", "nonsense"]),
        "integer": st.one_of(st.integers(-5, 5), st.just("x")),
        "instant": st.one_of(st.integers(SPRING, SPRING + 5), st.just("2026"), st.just(None)),
        "boolean": st.sampled_from([True, False, "true", "maybe"]),
        "text": st.one_of(texts, st.just(5)),
    }
    fields = {name: st.one_of(st.none(), odd[of]) for name, of in CUSTOM.get(kind, {}).items()}
    return st.one_of(st.none(), st.fixed_dictionaries({}, optional=fields))


def rows(kind, size):
    """Give a strategy for the rows of a record type, with unique ids where others point at them."""
    columns = {}
    for column in RECORD_TYPES[kind].columns:
        values = links if column.name in LINKS else VALUES[column.kind]
        if (kind, column.name) == ("ticket_event", "kind"):
            values = st.sampled_from(["solved", "reopened", "a"])
        if column.name == "currency":
            values = st.sampled_from(["EUR", "EUR", "EUR", "EUR", "EUR", "EUR", "EUR", "USD"])
        columns[column.name] = st.one_of(values, values, values, st.none())
    columns["currency"] = columns.get("currency", st.none())
    row = st.fixed_dictionaries({"id": links, "custom": customs(kind), **columns})
    return st.lists(row, max_size=size, unique_by=lambda row: row["id"])


@st.composite
def versions(draw):
    """Draw the versions of users over time: numbered from 1 for each, none older than the one before."""
    found = []
    for user in ("a", "b", "c"):
        held = sorted(draw(st.lists(instants, max_size=3)))
        for number, as_of in enumerate(held, start=1):
            role = draw(st.one_of(texts, st.none()))
            found.append({"id": user, "custom": None, "version": number, "as_of": as_of, "role": role})
    return found


data_sets = st.fixed_dictionaries(
    {kind: rows(kind, 4 if kind == "ticket_event" else 3) for kind in RECORD_TYPES} | {"actor_all": versions()}
)


def table(name, rows):
    """Give the rows of a record type as the view of the newest versions would, or that of all versions."""
    kind = name.removesuffix("_all")
    filled = []
    for seq, row in enumerate(rows):
        custom = None if row["custom"] is None else canonical(row["custom"]).decode()
        common = {"source": "s", "version": 1, "seq": seq, "deleted": False, "raw_sha256": f"{kind}-{row['id']}"}
        filled.append({**common, **row, "custom": custom})
    columns = {column.name: ARROW[column.kind] for column in (*COMMON, *RECORD_TYPES[kind].columns)}
    return pa.table({name: pa.array([row.get(name) for row in filled], of) for name, of in columns.items()})


def linked(data, name, base, record):
    """Follow a relation by hand: the targets it leads to, each once."""
    relation = RECORD_TYPES[record].relation[name]
    before = [base] if relation.via is None else linked(data, relation.via, base, record)
    keys = {row.get(column) for row in before for column in relation.local} - {None}
    return [row for row in data[relation.target] if row.get(relation.remote) in keys]


# --- random predicates, as text


def column_names(kind, prefix, of):
    """List the columns of a record type of one kind, custom ones included."""
    columns = [*RECORD_TYPES[kind].columns, *(RECORD_TYPES[kind].derived if prefix == "events." else ())]
    names = [f"{prefix}{column.name}" for column in columns if column.kind == of]
    names += [f"{prefix}custom.{name}" for name, declared in CUSTOM.get(kind, {}).items() if declared == of]
    return names + ([f"{prefix}id"] if of == "text" else [])


@st.composite
def expressions(draw, of, facts, relation=None, depth=3, record="payment"):  # noqa: PLR0911, PLR0917 - one case for each type
    """Draw an expression of one type as text."""
    kind = RECORD_TYPES[record].relation[relation].target if relation else record
    names = column_names(kind, f"{relation}." if relation else "", of)
    names += [name for name, declared in facts.items() if declared == of]
    leaves = [st.sampled_from(names)] * 2 if names else []
    if relation is not None:
        # The condition of an aggregate sees the record's own columns too, where they cannot be taken for the others.
        own = [name for name in column_names(record, "", of) if name not in {"id", *RECORD_TYPES[kind].column}]
        leaves += [st.sampled_from(own)] if own else []
    if relation is None or of in BARE:
        leaves.append((BARE if relation else literals(record))[of])
    if of == "instant":
        leaves.append(st.sampled_from([f"read_from({RELATED[record][0]})", f"read_to({record})"]))
    if relation is None and of in {"integer", "money", "text", "instant", "rate"}:
        leaves += [aggregates(of, facts, record)] * 2
    if depth == 0:
        return draw(st.one_of(leaves))

    def part(wanted):
        return draw(expressions(wanted, facts, relation, depth - 1, record))

    choice = draw(st.integers(0, 5))
    if choice <= 1:
        return draw(st.one_of(leaves))
    if of == "boolean":
        has_money = record == "payment" and (relation is None or bool(column_names(kind, "", "money")))
        return draw_boolean(draw, part, ["money"] * has_money + ["text", "integer", "rate", "instant", "elapsed"])
    if choice == 2:
        return f"coalesce({part(of)}, {part(of)})"
    if choice == 3:
        return f"(case when {part('boolean')} then {part(of)} else {part(of)} end)"
    if choice == 4 and of != "elapsed":
        return f"{draw(st.sampled_from(['least', 'greatest']))}({part(of)}, {part(of)})"
    match of:
        case "text":
            return f"{draw(st.sampled_from(['lower', 'upper']))}({part('text')})"
        case "integer":
            ways = ["({0} + {1})", "({0} - {1})", "({0} * {1})", "abs({0})", "length(lower(status))", "(-{0})"]
            ways = [way for way in ways if relation is None or "status" not in way]
            return draw(st.sampled_from(ways)).format(part("integer"), part("integer"))
        case "money":
            ways = ["({0} + {1})", "({0} - {1})", "({0} * 0.25)", "({0} * {2})", "abs({0})"]
            return draw(st.sampled_from(ways)).format(part("money"), part("money"), part("integer"))
        case "rate":
            return f"({part('rate')} {draw(st.sampled_from(['+', '-']))} {part('rate')})"
        case "instant":
            if relation is None and draw(st.integers(0, 3)) == 0:
                days, holidays = draw(st.sampled_from([0, 1, 2, 5, 260])), draw(st.sampled_from(["", *HOLIDAYS]))
                return f"business_deadline({part('instant')}, {days}, '{holidays}')"
            return f"({part('instant')} {draw(st.sampled_from('+-'))} {draw(INTERVALS)})"
        case _:
            ways = ["({0} - {1})", "({2} * interval '90 minutes')", "(interval '1 second' * {2})"]
            return draw(st.sampled_from(ways)).format(part("instant"), part("instant"), part("integer"))


def draw_boolean(draw, part, kinds):  # noqa: PLR0911 - one case for each kind of condition
    """Draw a condition made of parts."""
    way = draw(st.integers(0, 6))
    if way == 0:
        return f"({part('boolean')} {draw(st.sampled_from(['and', 'or']))} {part('boolean')})"
    if way == 1:
        return f"(not {part('boolean')})"
    of = draw(st.sampled_from(kinds))
    if way == 2:
        return f"({part(of)} is {draw(st.sampled_from(['null', 'not null']))})"
    if way == 3:
        return f"({part('text')} {draw(st.sampled_from(['in', 'not in']))} ('a', 'paid', 'x''y'))"
    if way == 4:
        return f"{draw(st.sampled_from(['starts_with', 'ends_with', 'listed']))}({part('text')}, {part('text')})"
    if way == 5:
        return f"({part(of)} between {part(of)} and {part(of)})"
    return f"({part(of)} {draw(st.sampled_from(['=', '<>', '<', '<=', '>', '>=']))} {part(of)})"


def literals(record):
    """Give literals that a record type can have, by type."""
    return LITERALS if record == "payment" else LITERALS | {"boolean": BARE["boolean"]}


LITERALS = {
    "text": st.sampled_from(["'a'", "'paid'", "'x''y'", "''"]),
    "integer": st.sampled_from(["0", "1", "3", "9223372036854775807"]),
    "money": st.just("(amount - amount + 12.5)"),
    "rate": st.sampled_from(["1.5", "0.000001"]),
    "boolean": st.sampled_from(["true", "false", "captured"]),
    "instant": st.sampled_from(["created_at"]),
    "elapsed": st.sampled_from(["interval '72 hours'", "interval '90 minutes'"]),
}
BARE = {
    **{of: literals for of, literals in LITERALS.items() if of not in {"money", "instant", "boolean"}},
    "boolean": st.sampled_from(["true", "false"]),
}
# Around both changes of the clocks, weekends among them.
HOLIDAYS = ("2026-03-27 2026-03-30 2026-03-29", "2026-10-23 2026-10-26 2026-10-27", "1969-12-31 2026-12-25")
INTERVALS = st.sampled_from(["interval '1 day'", "interval '30 days'", "interval '0 days'", "interval '25 hours'"])


@st.composite
def aggregates(draw, of, facts, record):
    """Draw an aggregate of one type as text."""
    relation = draw(st.sampled_from(RELATED[record]))
    target = RECORD_TYPES[record].relation[relation].target
    names = column_names(target, f"{relation}.", of)
    function = draw(
        st.sampled_from({"integer": ["count", "count", "sum"], "money": ["sum", "min", "max"]}.get(of, ["min", "max"]))
    )
    if function != "count" and not names:
        return draw(literals(record)[of])
    inside = relation if function == "count" else draw(st.sampled_from(names))
    where = draw(st.one_of(st.none(), expressions("boolean", facts, relation, 2, record)))
    return f"{function}({inside})" + (f" filter (where {where})" if where else "")


@st.composite
def sources(draw, record="payment"):
    """Draw a predicate as text."""
    facts, texts_of = {}, {}
    for index in range(draw(st.integers(0, 3))):
        of = draw(st.sampled_from(TYPES[record]))
        texts_of[f"f{index}"] = draw(expressions(of, facts, record=record))
        facts[f"f{index}"] = of
    clauses = {}
    for index in range(draw(st.integers(1, 3))):
        clauses[f"c{index}"] = ClauseSource(
            draw(expressions("boolean", facts, record=record)),
            draw(st.one_of(st.none(), expressions("instant", facts, depth=1, record=record))),
            draw(st.one_of(st.none(), expressions("boolean", facts, depth=1, record=record))),
            draw(st.booleans()),
        )
    of = "money" if record == "payment" else "integer"
    quantity = draw(st.one_of(st.none(), expressions(of, facts, depth=1, record=record)))
    return PredicateSource(texts_of, clauses, quantity)


marks = st.fixed_dictionaries({kind: st.one_of(st.just(2**63 - 1), instants, st.none()) for kind in RECORD_TYPES})


@pytest.fixture(scope="module")
def database():
    """One DuckDB for all examples."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    yield connection
    connection.close()


def assert_equal(database, predicate, data, inputs):
    """Decide in SQL, in Python over rows linked by hand, and in Python over the cited evidence; compare everything."""
    for kind, given_rows in data.items():
        database.register(kind, table(kind, given_rows))
    cursor = database.execute(compile_predicate(predicate, inputs, BERLIN))
    names = [column[0] for column in cursor.description]
    decided = {row["id"]: row for row in (dict(zip(names, values, strict=True)) for values in cursor.fetchall())}
    assert set(decided) == {row["id"] for row in data[predicate.record]}
    cited = {}
    database.register("ids", pa.table({"id": pa.array([row["id"] for row in data[predicate.record]], pa.string())}))
    cursor = database.execute(compile_evidence(predicate, "ids"))
    names = [column[0] for column in cursor.description]
    for values in cursor.fetchall():
        row = dict(zip(names, values, strict=True))
        cited.setdefault((row["base_id"], row["relation"]), []).append(row)
    kind = predicate.record
    for record in data[kind]:
        related = {name: linked(data, name, record, kind) for name in predicate.relations}
        roles = {
            f"{name}.{column.name}": data[f"{column.type}_all"]
            for name in related
            for column in RECORD_TYPES[RECORD_TYPES[kind].relation[name].target].derived
            if isinstance(column, LookedUp) and f"{column.type}_all" in data
        }
        evaluation = interpret(predicate, record, {**related, **roles}, inputs, BERLIN)
        assert answer(predicate, decided[record["id"]]) == told(predicate, evaluation)
        for name in predicate.relations:
            found = [row["raw_sha256"] for row in cited.get((record["id"], name), [])]
            target = RECORD_TYPES[kind].relation[name].target
            assert sorted(found) == sorted(f"{target}-{row['id']}" for row in related[name])
        again = {
            name: [read_row(row["type"], row["data"]) for row in rows]
            for (base_id, name), rows in cited.items()
            if base_id == record["id"]
        }
        base = read_row(kind, cited[record["id"], ""][0]["data"])
        assert told(predicate, interpret(predicate, base, again, inputs, BERLIN)) == told(predicate, evaluation)


def answer(predicate, row):
    """Give what SQL decided, in one comparable shape."""
    facts = {fact.name: row[f"fact_{fact.name}"] for fact in predicate.facts}
    clauses = [(row[f"clause_{clause.name}"], row[f"until_{clause.name}"]) for clause in predicate.clauses]
    return facts, clauses, row["status"], row["clause"], row["decided_at"], row["until"], row["quantity"]


def told(predicate, evaluation):
    """Give what Python decided, in the same shape."""
    clauses = [(int(clause.state), clause.until) for clause in evaluation.clauses]
    decided = (evaluation.status, evaluation.clause, evaluation.decided_at, evaluation.until, evaluation.quantity)
    return dict(evaluation.facts), clauses, *decided


@settings(max_examples=70, deadline=None, suppress_health_check=list(HealthCheck))
@given(sources(), data_sets, marks, marks)
def test_any_predicate_over_any_records_is_decided_alike(database, source, data, read_from, read_to):
    """Facts, states, decision, dates and quantity are equal in SQL, in Python, and over the cited evidence."""
    predicate = predicate_from_source("payment", source, custom=CUSTOM)
    assert_equal(database, predicate, data, Inputs(read_from, read_to))


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(sources("ticket"), data_sets, marks, marks)
def test_any_predicate_over_tickets_is_decided_alike(database, source, data, read_from, read_to):
    """So it is for another record type."""
    predicate = predicate_from_source("ticket", source, custom=CUSTOM)
    assert_equal(database, predicate, data, Inputs(read_from, read_to))


SOON = st.integers(0, 6).map(lambda hours: SPRING + hours * HOUR)
ACTS = st.fixed_dictionaries(
    {
        "at": st.one_of(SOON, SOON, SOON, st.none()),
        "ticket_id": st.sampled_from(["a", "a", "b"]),
        "kind": st.sampled_from(["solved", "reopened", "message"]),
        "actor_id": st.sampled_from(["a", "b", "c", None]),
        "assignee_id": st.sampled_from(["a", "b", None]),
        "public": st.sampled_from([True, False, None]),
        "custom": st.none(),
    }
)
TICKETS = st.fixed_dictionaries(
    {
        "created_at": SOON,
        "requester_id": st.sampled_from(["a", "b", None]),
        "follow_up_of": st.sampled_from(["a", None]),
        "cc_ids": st.sampled_from(["a", "b c", "", "ab", None]),
        "custom": st.none(),
    }
)
ROLES = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from(["a", "b"]), "as_of": SOON, "role": st.sampled_from(["agent", "user", None])}
    ),
    max_size=5,
)
CONDITIONS = (
    "events.kind = 'solved'",
    "events.public",
    "events.actor_role = 'agent'",
    "events.assignee_role <> 'agent'",
    "events.actor_role is null",
    "events.actor_id <> requester_id",
    "listed(events.actor_id, cc_ids)",
    "events.reopened_at is null",
    "events.reopened_at < events.at + interval '2 hours'",
)
DEPENDENT = (
    "events.at {op} first_at",
    "events.at {op} first_at + interval '1 day'",
    "events.at {op} next_at",
    "events.reopened_at {op} next_at",
    "follow_count > 0",
)


@st.composite
def stories(draw):
    """Draw tickets, what happened to them, and who did it in which role."""
    tickets = [{**draw(TICKETS), "id": name} for name in ("a", "b")[: draw(st.integers(1, 2))]]
    acts = [{**act, "id": f"e{number}"} for number, act in enumerate(draw(st.lists(ACTS, max_size=7)))]
    numbers, users = {}, []
    for user in sorted(draw(ROLES), key=lambda row: row["as_of"]):
        numbers[user["id"]] = numbers.get(user["id"], 0) + 1
        users.append({**user, "version": numbers[user["id"]], "custom": None})
    empty = {kind: [] for kind in RECORD_TYPES}
    return {**empty, "ticket": tickets, "ticket_event": acts, "actor_all": users}


@st.composite
def chained(draw):
    """Draw facts that depend on each other through the conditions of aggregates."""

    def where(*more):
        parts = draw(st.lists(st.sampled_from((*CONDITIONS, *more)), min_size=1, max_size=3))
        operator = draw(st.sampled_from([" and ", " and ", " or "]))
        return operator.join(parts).format(op=draw(st.sampled_from(["<", "<=", "=", "<>", ">=", ">"])))

    extreme = draw(st.sampled_from(["min", "max"]))
    facts = {
        "first_at": f"{extreme}(events.at) filter (where {where()})",
        "follow_count": "count(follow_ups) filter (where follow_ups.created_at > first_at)",
        "next_at": f"{extreme}(events.at) filter (where {where(*DEPENDENT[:2])})",
        "last_at": f"max(events.reopened_at) filter (where {where(*DEPENDENT)})",
        "acts": f"count(events) filter (where {where(*DEPENDENT)})",
    }
    return PredicateSource(facts, {"c": ClauseSource("acts > 1", "last_at", "next_at > first_at")}, "acts")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(chained(), stories())
def test_facts_that_depend_on_facts_are_decided_alike(database, source, data):
    """Conditions that depend on facts, roles as of an instant, and what followed mean the same in SQL and in Python."""
    predicate = predicate_from_source("ticket", source)
    read = dict.fromkeys(RECORD_TYPES, SPRING + 3 * HOUR)
    assert_equal(database, predicate, data, Inputs(dict.fromkeys(RECORD_TYPES, 0), read))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.one_of(instants, st.integers(SPRING - 20 * DAY, SPRING + 20 * DAY)), min_size=1, max_size=8),
    st.integers(0, 30),
    st.sets(st.integers(-30, 60), max_size=25),
)
def test_business_days_are_counted_alike(database, ats, days, offsets):
    """The deadline in business days is the same in SQL, where it is a formula, and in Python, which walks the days."""
    start = date(2026, 3, 29)
    holidays = " ".join(sorted((start + timedelta(days=offset)).isoformat() for offset in offsets))
    source = PredicateSource(
        {"due_at": f"business_deadline(created_at, {days}, '{holidays}')"}, {"c": "due_at is null"}
    )
    empty = {kind: [] for kind in RECORD_TYPES}
    tickets = [{"id": str(number), "custom": None, "created_at": at} for number, at in enumerate(ats)]
    read = dict.fromkeys(RECORD_TYPES, 2**63 - 1)
    assert_equal(database, predicate_from_source("ticket", source), {**empty, "ticket": tickets}, Inputs(read, read))


choices = st.fixed_dictionaries(
    {"agency": st.sampled_from(["a", "b"])},
    optional={
        param.name: st.sampled_from(param.choices)
        if param.choices
        else st.booleans()
        if param.kind == "boolean"
        else st.integers(0, 3)
        for param in DOLLARS_COLLECTED.params
        if param.name != "agency" and param.kind != "field"
    },
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(choices, data_sets, marks, marks)
def test_dollars_collected_is_decided_alike(database, values, data, read_from, read_to):
    """The built-in template is decided alike in SQL and in Python with any parameters."""
    predicate = DOLLARS_COLLECTED.predicate(values, custom=CUSTOM)
    assert_equal(database, predicate, data, Inputs(read_from, read_to))


KINDS = (
    "message",
    "message",
    "solved",
    "reopened",
    "assigned",
    "grouped",
    "tagged",
    "rated",
    "ai_agent",
    "merged",
    "call",
)
DEEDS = st.fixed_dictionaries(
    {
        "at": SOON,
        "ticket_id": st.just("a"),
        "kind": st.sampled_from(KINDS),
        "actor_id": st.sampled_from(["bot", "a", "b", "c", None]),
        "by": st.sampled_from(["user", "user", "rule"]),
        "channel": st.sampled_from(["email", "api", None]),
        "public": st.sampled_from([True, True, False]),
        "says": st.sampled_from(["other", "thanks", "greeting", None]),
        "value": st.sampled_from(["test", "escalated", "judged_resolved"]),
        "previous": st.sampled_from(["ai", "people"]),
        "assignee_id": st.sampled_from(["bot", "a", "b", None]),
        "group_id": st.sampled_from(["ai", "people", None]),
        "other_ticket_id": st.sampled_from(["b", None]),
        "score": st.sampled_from([1, 4, 5]),
        "custom": st.none(),
    }
)
CASES = st.fixed_dictionaries(
    {
        "id": st.just("a"),
        "created_at": st.just(SPRING),
        "updated_at": SOON,
        "status": st.sampled_from(["open", "closed", "deleted", None]),
        "channel": st.sampled_from(["email", "messaging", "voice", None]),
        "requester_id": st.sampled_from(["a", "c", None]),
        "cc_ids": st.sampled_from(["b", "", None]),
        "reopens_reported": st.sampled_from([0, 1, None]),
        "custom": st.none(),
    }
)
AGREED = st.fixed_dictionaries(
    {"bots": st.just(["bot"])},
    optional={
        "confirmation": st.sampled_from(["explicit", "silence", "any_of"]),
        "silence_hours": st.integers(0, 4),
        "reopen_days": st.integers(0, 1),
        "handoff_voids": st.lists(st.sampled_from(["requested", "assigned", "public_reply", "internal_note"])),
        "shared_seats": st.just(["c"]),
        "ai_groups": st.just(["ai"]),
        "escalation_tags": st.just(["escalated"]),
        "spam_and_test_exclusions": st.just(["test"]),
        **{
            param.name: st.sampled_from(param.choices) if param.choices else st.booleans()
            for param in TICKET_RESOLVED.params
            if (param.kind == "text" and param.choices and param.name not in {"confirmation", "judge", "reopen_scope"})
            or param.kind == "boolean"
        },
    },
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=AGREED, ticket=CASES, deeds=st.lists(DEEDS, max_size=9), roles=ROLES, hours=st.integers(0, 30))
def test_ticket_resolved_is_decided_alike(database, *, values, ticket, deeds, roles, hours):
    """The template for tickets is decided alike in SQL and in Python with any parameters."""
    numbers, users = {}, []
    for user in sorted(roles, key=lambda row: row["as_of"]):
        numbers[user["id"]] = numbers.get(user["id"], 0) + 1
        users.append({**user, "version": numbers[user["id"]], "custom": None})
    acts = [{**deed, "id": f"e{number}"} for number, deed in enumerate(deeds)]
    empty = {kind: [] for kind in RECORD_TYPES}
    data = {**empty, "ticket": [ticket], "ticket_event": acts, "actor_all": users}
    predicate = TICKET_RESOLVED.predicate(values)
    read = dict.fromkeys(RECORD_TYPES, SPRING + hours * HOUR)
    assert_equal(database, predicate, data, Inputs(dict.fromkeys(RECORD_TYPES, 0), read))


MINUTE = 60_000_000
NEAR = st.integers(-4, 30).map(lambda steps: SPRING + steps * 30 * MINUTE)
WHO = st.sampled_from(["ae", "ae", "bot", "sdr", "nobody", None])
APP = st.sampled_from(["bot", "other", None, None])
BOOKED = st.fixed_dictionaries(
    {
        "created_at": NEAR,
        "updated_at": NEAR,
        "starts_at": st.one_of(st.just(SPRING), NEAR, st.none()),
        "ends_at": st.one_of(st.just(SPRING + 30 * MINUTE), NEAR, st.none()),
        "all_day": st.sampled_from([False, False, True, None]),
        "status": st.sampled_from(["scheduled", "completed", "no_show", "canceled", "rescheduled", None]),
        "account_id": st.sampled_from(["a1", "a1", None]),
        "contact_id": st.sampled_from(["c1", None]),
        "deal_id": st.sampled_from(["d0", None, None]),
        "created_by": WHO,
        "app_id": APP,
        "parent_id": st.sampled_from(["m1", None, None, None]),
        "series_id": st.sampled_from(["weekly", None]),
        "rescheduled_from": st.sampled_from(["m0", "m1", None]),
        "custom": st.sampled_from([None, {"minutes": 20}, {"minutes": 5}, {"minutes": "x"}]),
    }
)
TALKS = st.fixed_dictionaries(
    {
        "started_at": NEAR,
        "ended_at": st.one_of(NEAR, st.none()),
        "seconds": st.sampled_from([60, 899, 900, 1_800, None]),
        "medium": st.sampled_from(["conference", "phone", None]),
        "status": st.sampled_from(["connected", "voicemail", None]),
        "meeting_id": st.sampled_from(["m0", "m0", "m1"]),
        "created_by": WHO,
        "app_id": APP,
        "custom": st.none(),
    }
)
GUESTS = st.fixed_dictionaries(
    {
        "at": NEAR,
        "meeting_id": st.sampled_from(["m0", "m0", None]),
        "call_id": st.sampled_from(["call0", None, None]),
        "domain": st.sampled_from(["acme.example", "gmail.com", "customer.example", "customer.example", None]),
        "internal": st.sampled_from([True, False, False, None]),
        "actor_id": WHO,
        "contact_id": st.sampled_from(["c1", None]),
        "response": st.sampled_from(["accepted", "declined", None]),
        "attended": st.sampled_from([True, False, None, None]),
        "custom": st.none(),
    }
)
WRITES = st.fixed_dictionaries(
    {
        "at": NEAR,
        "object_type": st.sampled_from(["meeting", "meeting", "deal", "contact", None]),
        "object_id": st.sampled_from(["m0", "m0", "c1", "d0", "d1"]),
        "field": st.sampled_from(["status", "stage", "accepted", "custom.accepted", "minutes"]),
        "new": st.sampled_from(['"no_show"', '"canceled"', '"Yes"', '"No"', '"Won"', "true", "null", None]),
        "actor_id": WHO,
        "app_id": APP,
        "custom": st.none(),
    }
)
DEALS = st.fixed_dictionaries(
    {
        "created_at": NEAR,
        "account_id": st.sampled_from(["a1", "a1", None]),
        "created_by": WHO,
        "app_id": APP,
        "closed": st.sampled_from([True, False, None]),
        "closed_at": st.one_of(NEAR, st.none()),
        "custom": st.none(),
    }
)


PAIRS = st.fixed_dictionaries(
    {
        "meeting_id": st.sampled_from(["m0", "m0", "m0", "m1"]),
        "candidates": st.sampled_from(["m0 m1", None, None, None]),
        "account_id": st.sampled_from(["a1", "a1", None]),
        "contact_id": st.sampled_from(["c0", None]),
        "deal_id": st.sampled_from(["d0", None, None]),
        "custom": st.none(),
    }
)


def around(some):
    """Give the meetings of a second source and what is around them."""
    targets = st.sampled_from(["m0", "m0", "c0", "d0", "d1"])
    return {
        "meeting": some(PAIRS, "m", 2),
        "change": some(st.builds(lambda row, to: {**row, "object_id": to}, WRITES, targets), "change", 4),
        "deal": some(DEALS, "d", 2),
        "contact": [{"id": "c0", "custom": None}],
    }


@st.composite
def meetings(draw):
    """Draw two meetings of one account and all around them, with roles of users and titles of contacts over time."""
    empty = {kind: [] for kind in RECORD_TYPES}

    def some(rows, prefix, most):
        return [{**row, "id": f"{prefix}{n}"} for n, row in enumerate(draw(st.lists(rows, max_size=most)))]

    def held(names, column, values):
        found = []
        for name in names:
            for number, as_of in enumerate(sorted(draw(st.lists(NEAR, max_size=2))), start=1):
                row = {"id": name, "version": number, "as_of": as_of, "custom": None, column: draw(values)}
                found.append(row)
        return found

    booked = [{**draw(BOOKED), "id": name} for name in ("m0", "m1")[: draw(st.integers(1, 2))]]
    return {
        **empty,
        "meeting": booked,
        "call": some(TALKS, "call", 3),
        "attendee": some(GUESTS, "guest", 4),
        "change": some(WRITES, "change", 6),
        "deal": some(DEALS, "d", 2),
        "contact": [{"id": "c1", "custom": None}],
        "account": [{"id": "a1", "custom": None, "merged_into": draw(st.sampled_from(["a2", None]))}],
        "actor_all": held(["ae", "bot", "sdr"], "role", st.sampled_from(["AE", "AE", "SDR", None])),
        "contact_all": held(["c1"], "title", st.sampled_from(["VP Sales", "Clerk", None])),
        **{f"acceptance_{kind}": beside for kind, beside in around(some).items()},
        "acceptance_actor_all": held(["ae", "bot", "sdr"], "role", st.sampled_from(["AE", "AE", "SDR", None])),
    }


ACCEPTED_BY = [
    {"acceptance": "none"},
    {},
    {"acceptance": "deal_stage", "accepting_stages": ["Won"], "rejection_values": ["No"]},
    *(
        {"acceptance": f"{of}_field", "acceptance_field": "accepted", **more}
        for of in ("meeting", "contact", "deal")
        for more in ({}, {"acceptance_values": ["Yes", "true"]}, {"rejection_values": ["No"]})
    ),
]
DURATIONS = [
    {},
    {"duration_sources": ["scheduled"]},
    {"duration_sources": ["call", "crm_field"], "duration_field": "minutes"},
    {"duration_sources": ["conference", "call", "crm_field", "scheduled"], "duration_field": "minutes"},
]
QUALIFIED = st.builds(
    lambda act, length, rest: {"vendor_ids": ["bot"], "account_executive_roles": ["AE"], **act, **length, **rest},
    st.sampled_from(ACCEPTED_BY),
    st.sampled_from(DURATIONS),
    st.fixed_dictionaries(
        {},
        optional={
            **{
                param.name: st.sampled_from(param.choices) if param.choices else st.booleans()
                for param in QUALIFIED_MEETING.params
                if (param.kind == "text" and param.choices and param.name != "acceptance") or param.kind == "boolean"
            },
            **{
                param.name: st.integers(param.least, 3)
                for param in QUALIFIED_MEETING.params
                if param.kind == "integer" and param.name != "min_minutes"
            },
            "account_executive_ids": st.just(["sdr"]),
            "internal_domains": st.just(["acme.example"]),
            "excluded_domains": st.just(["customer.example"]),
            "decision_maker_titles": st.just(["vp", "head of"]),
            "holidays": st.just(["2026-03-30"]),
        },
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    values=QUALIFIED,
    data=meetings(),
    hours=st.integers(-2, 130),
    behind=st.sampled_from(sorted(RECORD_TYPES)),
    beside=st.sampled_from([{}, {"acceptance": ["bot"]}]),
)
def test_qualified_meeting_is_decided_alike(database, *, values, data, hours, behind, beside):
    """The template for meetings is decided alike in SQL and in Python with any parameters, however far was read."""
    predicate = QUALIFIED_MEETING.predicate(values, custom={"meeting": {"minutes": "integer"}}, beside=beside)
    read = dict.fromkeys(RECORD_TYPES, SPRING + hours * HOUR) | {behind: SPRING + hours // 2 * HOUR}
    assert_equal(database, predicate, data, Inputs(dict.fromkeys(RECORD_TYPES, 0), read))

"""Records of any kind and predicates over them, by chance."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from tallystick.outcomes import ClauseSource, PredicateSource
from tallystick.records.types import RECORD_TYPES

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

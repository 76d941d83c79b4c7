"""What tests of the review share: a contract of which a test says only what it is about, verdicts, and its review."""

from collections import Counter
from decimal import Decimal

from tallystick.contracts import Agreement, load_contract
from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED
from tallystick.period import parse_instant, parse_period
from tallystick.records.types import COMMON, RECORD_TYPES
from tallystick.review.numbers import review_of
from tallystick.statements import restate
from tallystick.verification.verdict import Reason, Verdict

HEAD = """contract: acme
version: {version}
buyer: Acme GmbH
vendor: {{name: Uptime AI, identities: {{billing: [u-bot], crm: [u-bot, app-7], desk: [u-bot]}}}}
timezone: Europe/Berlin
currency: EUR
{effective}term: {term}
billing: {billing}
finality: {{lock_days: 0}}
outcomes:
{outcomes}
{more}
"""
PLAIN = "{{source: billing, record: payment, clauses: {{paid: \"status = 'succeeded'\"}}, price: {price}{more}}}"
BASELINE = ', baseline: {cost_per_outcome: 610.00, basis: "2 SDRs"}'


def outcome(name, price="{per_unit: 240.00}", more=""):
    """Give an outcome as a line of a contract."""
    return f"  {name}: {PLAIN.format(price=price, more=more)}"


def contract_of(folder, *outcomes, term="{start: 2026-07-01}", billing="{rounding: half_up}", version=1, **more):
    """Load a contract of these outcomes, by default one of 240.00 each against 610.00 before."""
    listed = "\n".join(outcomes) or outcome("held", more=BASELINE)
    effective = f"effective: {more.pop('effective')}\n" if "effective" in more else ""
    path = folder / f"contract-{version}.yaml"
    path.write_text(
        HEAD.format(
            version=version,
            term=term,
            billing=billing,
            outcomes=listed,
            effective=effective,
            more="\n".join(f"{key}: {value}" for key, value in more.items()),
        )
    )
    templates = {"qualified-meeting": QUALIFIED_MEETING, "ticket-resolved": TICKET_RESOLVED}
    return load_contract(path, templates=templates, custom={"billing": {}, "crm": {}, "desk": {}})


def verdict_of(contract, claim, happened, status="verified", *, clause="paid", locks=None, **more):
    """Give the verdict on a claim that happened at an instant, and locked ten days later unless another is named."""
    at = None if happened is None else parse_instant(happened)
    met = status == "verified"
    values = {
        "outcome": next(iter(contract.outcomes)),
        "record_id": f"r-{claim}",
        "occurred_at": at,
        "claimed_at": at,
        "locks_at": parse_instant(locks) if locks else (at + 10 * 86_400_000_000 if met and at is not None else None),
        "quantity": Decimal(1) if met else None,
        "reasons": () if met else (Reason(clause, "said"),),
        **more,
    }
    values["decided_at"] = values["locks_at"]
    return Verdict(
        contract=contract.name,
        contract_version=contract.version,
        contract_sha256=contract.sha256,
        subject=claim if ":" in claim else f"claim:{claim}",
        status=status,
        ref=claim,
        record_type="payment",
        **values,
    )


def review_on(contracts, verdicts, label="2026Q3", *, now="2026-12-01T00:00:00Z", issued=(), termination=None):
    """Give the review of a period from some verdicts, numbered from 10 in the ledger."""
    versions = contracts if isinstance(contracts, tuple) else (contracts,)
    agreement = Agreement.of(*versions, termination=termination)
    period = parse_period(label, versions[0].timezone)
    numbered = dict(enumerate(verdicts, start=10))
    restated = restate(agreement, numbered, [period], {})
    return review_of(agreement, numbered, restated, issued, period, now=parse_instant(now))


MEETINGS = """  held:
    source: crm
    uses: qualified-meeting
    with: {min_minutes: 15, acceptance: none, internal_domains: [acme.example], excluded_domains: [Uptime.example]}
    price: {per_unit: 240.00}"""
TICKETS = """  solved:
    source: desk
    uses: ticket-resolved
    with: {preset: buyer-strict}
    price: {per_unit: 0.99}"""
_KINDS = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "money": "DECIMAL(18,4)",
    "rate": "DECIMAL(38,12)",
    "boolean": "BOOLEAN",
    "instant": "BIGINT",
}


def records_in(database, *rows):
    """Put records into a DuckDB as a store shows them: (type, id, {column: value}) each, later ones newer versions."""
    for kind in RECORD_TYPES.values():
        columns = ", ".join(f'"{column.name}" {_KINDS[column.kind]}' for column in (*COMMON, *kind.columns))
        database.execute(f'CREATE TABLE "{kind.name}_all" ({columns})')
        latest = "version = 1" if kind.frozen else "true QUALIFY version = max(version) OVER (PARTITION BY id)"
        newest = f'SELECT * FROM "{kind.name}_all" WHERE {latest}'
        database.execute(f'CREATE VIEW "{kind.name}" AS FROM ({newest}) WHERE NOT deleted')
    versions = Counter()
    for seq, (kind, record_id, values) in enumerate(rows, 1):
        versions[kind, record_id] += 1
        row = {"source": "crm", "id": record_id, "version": versions[kind, record_id], "seq": seq, "deleted": False}
        row |= {"as_of": 0, "observed_at": 0, **values}
        names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
        database.execute(f'INSERT INTO "{kind}_all" ({names}) VALUES ({marks})', list(row.values()))
    return database

"""One record claimed under two contracts: it is paid once, through the claim that was taken in first."""

from decimal import Decimal

import msgspec
import pytest

from tallystick.contracts import load_contract
from tallystick.database.engine import open_database
from tallystick.ledger import Log, fsck, load_or_create_key
from tallystick.outcomes.ticket_resolved import TICKET_RESOLVED
from tallystick.records.catalog import Progress, RecordStore
from tallystick.records.model import Record
from tallystick.records.types import RECORD_TYPES
from tallystick.verification.audit import fsck_decisions
from tallystick.verification.intake import import_file
from tallystick.verification.recorder import ClaimedTwice, read_verdicts, verify_contract
from tallystick.verification.rivals import import_order, read_rivals
from tallystick.verification.units import Holder

DAY = 86_400_000_000
HOUR = DAY // 24
NOW = 1_790_000_000_000_000
HEAD = """\
contract: {name}
version: {version}
buyer: Acme
vendor: {{name: {name}, identities: {{desk: ["900"]}}}}
timezone: Europe/Berlin
currency: EUR
term: {{start: 2026-01-01}}
outcomes:
"""
PAID = """\
  paid:
    source: {source}
    record: payment
    clauses:
      succeeded: {{test: "status = 'succeeded'", open: "status = 'pending'"}}
    quantity: amount_captured
    price: {{percent: 10}}
"""
STRICT = PAID.format(source="billing").replace("status = 'succeeded'", "status = 'succeeded' and captured", 1)
SOLVED = """\
  solved:
    source: desk
    uses: ticket-resolved
    price: {per_unit: 1}
"""
TYPES = {
    "billing": ["payment", "refund", "invoice", "invoice_payment", "change"],
    "shop": ["payment", "refund", "invoice", "invoice_payment", "change"],
    "desk": ["ticket", "ticket_event", "actor", "change"],
}


class _Office:
    """A project with two sources of payments, a help desk, and as many contracts as a test asks for."""

    def __init__(self, folder):
        self.folder = folder
        self.engine = open_database(folder / "tallystick.db", create=True)
        self.store = RecordStore(self.engine, folder / "records")
        self.log = Log(self.engine, "tallystick/test")
        self.signer = load_or_create_key(folder / "ledger.key", "tallystick/test")
        self.contracts = {}

    def agree(self, name, *outcomes, version=1):
        """Agree a contract, over payments of `billing` unless said otherwise."""
        path = self.folder / f"{name}.yaml"
        text = "".join(outcomes) or PAID.format(source="billing")
        path.write_text(HEAD.format(name=name, version=version) + text)
        sources = {source: {} for source in TYPES}
        templates = {"ticket-resolved": TICKET_RESOLVED}
        self.contracts[name] = load_contract(path, templates=templates, custom=sources)

    def read(self, *records, source="billing"):
        """Store records as one sync would that read everything up to now."""
        self.store.plan(source, "all", TYPES[source], [(0, NOW, {})])
        progress = [Progress("all", 0, None, NOW)]
        self.store.commit(source, records, progress, connector="test 1", api_version="1", observed_at=NOW)

    def claim(self, name, *claims, outcome="paid"):
        """Import claims, each `id ref`."""
        path = self.folder / "claims.csv"
        lines = [f"{claim_id},{outcome},{ref},,," for claim_id, ref in map(str.split, claims)]
        path.write_text("claim_id,outcome,ref,claimed_at,amount,currency\n" + "\n".join(lines) + "\n")
        import_file(self.engine, self.log, self.signer, self.contracts[name], path, now=NOW)

    def verify(self, *names):
        """Verify contracts in this order; give the last report."""
        for name in names:
            report = verify_contract(self.engine, self.store, self.log, self.signer, self.contracts[name], now=NOW)
        return report

    def verdicts(self, name):
        """Give status and first reason of each subject of a contract."""
        return {
            verdict.subject: (verdict.status, verdict.reasons[0].clause if verdict.reasons else "")
            for verdict in read_verdicts(self.engine, name).values()
        }

    def text(self, name, subject):
        """Give the sentence of the first reason of a subject."""
        [verdict] = [verdict for verdict in read_verdicts(self.engine, name).values() if verdict.subject == subject]
        return verdict.reasons[0].text

    def rivals(self, name):
        """Give the claims that a contract sees under the others."""
        return dict(read_rivals(self.engine, self.log, name))


@pytest.fixture
def office(tmp_path):
    """A project with the contracts `one` and `two` over the same payments, and the payment ch_1."""
    made = _Office(tmp_path)
    made.agree("one")
    made.agree("two")
    made.read(_payment("ch_1"))
    yield made
    findings = fsck(made.engine, made.log.origin, made.signer.verifier).findings
    made.engine.dispose()
    assert [*findings, *fsck_decisions(made.engine, made.log, made.store)] == []


def _record(kind, record_id, as_of=NOW, /, **values):
    columns = [column.name for column in RECORD_TYPES[kind].columns]
    raw = msgspec.json.encode({"id": record_id, **values}, enc_hook=str)
    return Record(kind, record_id, as_of, tuple(values.get(name) for name in columns), raw)


def _payment(record_id, as_of=NOW, **changes):
    values = {
        "created_at": NOW - 10 * DAY,
        "status": "succeeded",
        "amount_captured": Decimal("80.00"),
        "currency": "EUR",
        "exponent": 2,
    }
    return _record("payment", record_id, as_of, **(values | changes))


def _ticket(number, **changes):
    """Give a ticket that the vendor's agent answered and resolved, twenty days ago, with its acts."""
    start = NOW - 20 * DAY
    values = {
        "created_at": start,
        "updated_at": start,
        "status": "closed",
        "channel": "email",
        "requester_id": "700",
        "cc_ids": "",
        "reopens_reported": 0,
    }
    acts = [
        {"kind": "message", "at": start, "actor_id": "700", "public": True, "says": "other", "by": "user"},
        {"kind": "message", "at": start + HOUR, "actor_id": "900", "public": True, "says": "other", "by": "user"},
        {"kind": "solved", "at": start + 2 * HOUR, "actor_id": "900", "value": "solved", "by": "user"},
    ]
    return [
        _record("ticket", number, **(values | changes)),
        *(_record("ticket_event", f"{number}-{place}", ticket_id=number, **act) for place, act in enumerate(acts)),
    ]


USERS = [
    _record("actor", user, 0, role=role) for user, role in (("900", "agent"), ("501", "agent"), ("700", "end-user"))
]


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
@pytest.mark.parametrize("first", ["one", "two"])
def test_the_claim_taken_in_first_keeps_the_record(office, first, order):
    """Whichever contract is verified first, the earlier claim is paid and the other names it and its contract."""
    second = {"one": "two", "two": "one"}[first]
    office.claim(first, "A ch_1")
    office.claim(second, "B ch_1")
    office.verify(*order, *order)

    assert office.verdicts(first) == {"claim:A": ("verified", "")}
    assert office.verdicts(second) == {"claim:B": ("rejected", "claimed_elsewhere")}
    assert office.text(second, "claim:B") == f"ch_1 was already claimed as A under contract {first}"


def test_verifying_again_changes_nothing(office):
    """Once both contracts are decided, no further verification of either writes to the ledger."""
    office.claim("one", "A ch_1")
    office.claim("two", "B ch_1")
    office.verify("two", "one", "two")
    size = office.log.size

    for name in ("one", "two", "two", "one"):
        assert office.verify(name).changed == 0
    assert office.log.size == size


def test_before_the_first_is_verified_the_second_waits(office):
    """A claim that no verification has looked at yet holds the record it names."""
    office.claim("one", "A ch_1")
    office.claim("two", "B ch_1")
    report = office.verify("two")

    assert office.verdicts("two") == {"claim:B": ("pending", "claimed_elsewhere")}
    text = "ch_1 was claimed before as A under contract one, which is not decided yet"
    assert report.claimed_twice == [ClaimedTwice("B", "pending", text)]
    assert report.counts["found"] == 0


def test_the_second_waits_as_long_as_the_first_does(office):
    """While the first claim is pending the second waits with it, is freed by its rejection, and is paid."""
    office.read(_payment("ch_2", status="pending"))
    office.claim("one", "A ch_2")
    office.claim("two", "B ch_2")
    office.verify("one", "two")
    assert office.verdicts("two")["claim:B"] == ("pending", "succeeded")
    # What makes it pending for both contracts is over; only the second one is verified by then.
    office.read(_payment("ch_2", NOW + 1))
    office.verify("two")
    assert office.verdicts("two")["claim:B"] == ("pending", "claimed_elsewhere")
    office.verify("one", "two")

    assert office.verdicts("one")["claim:A"] == ("verified", "")
    assert office.verdicts("two")["claim:B"] == ("rejected", "claimed_elsewhere")


@pytest.mark.parametrize(("captured", "status"), [(False, "rejected"), (None, "unverifiable")])
def test_the_record_is_free_once_the_first_claim_is_not_paid(office, captured, status):
    """A first claim that is rejected, or cannot be verified, under its contract's own clauses frees the record."""
    office.agree("strict", STRICT)
    office.read(_payment("ch_2", captured=captured))
    office.claim("strict", "A ch_2")
    office.claim("two", "B ch_2")
    office.verify("two")
    assert office.verdicts("two")["claim:B"] == ("pending", "claimed_elsewhere")
    office.verify("strict", "two")

    assert office.verdicts("strict")["claim:A"] == (status, "succeeded")
    assert office.verdicts("two")["claim:B"] == ("verified", "")


def test_a_first_claim_that_comes_back_takes_the_record_back(office):
    """Where the first claim is verified after all, the second, paid in between, is reversed."""
    office.agree("strict", STRICT)
    office.read(_payment("ch_2", captured=False))
    office.claim("strict", "A ch_2")
    office.claim("two", "B ch_2")
    office.verify("strict", "two")
    assert office.verdicts("two")["claim:B"] == ("verified", "")
    office.read(_payment("ch_2", NOW + 1, captured=True))
    office.verify("strict", "two")

    assert office.verdicts("strict")["claim:A"] == ("verified", "")
    assert office.verdicts("two")["claim:B"] == ("reversed", "claimed_elsewhere")


def test_three_contracts_stand_in_line(office):
    """Of three claims the first is paid; once it is taken back, the second is and not the third."""
    office.agree("strict", STRICT)
    office.read(_payment("ch_2", captured=True))
    line = {"strict": "A", "two": "B", "one": "C"}

    def statuses():
        return [office.verdicts(name)[f"claim:{claim}"][0] for name, claim in line.items()]

    for name, claim in line.items():
        office.claim(name, f"{claim} ch_2")
    office.verify(*line)
    assert statuses() == ["verified", "rejected", "rejected"]
    office.read(_payment("ch_2", NOW + 1, captured=False))
    office.verify(*line)

    assert statuses() == ["reversed", "verified", "rejected"]


def test_who_waits_names_the_first_in_line(office):
    """Of several earlier claims that are not decided the one taken in first is named, whatever the contracts' names."""
    office.agree("last")
    for name, claim in (("two", "B ch_1"), ("one", "A ch_1"), ("last", "C ch_1")):
        office.claim(name, claim)
    office.verify("last")

    assert office.text("last", "claim:C").startswith("ch_1 was claimed before as B under contract two")
    assert [holder.contract for _, holder in office.rivals("last")["billing", "payment", "ch_1"]] == ["two", "one"]


def test_a_record_that_is_claimed_elsewhere_is_not_found(office):
    """What nobody claimed under this contract is not found where a claim under another one holds it."""
    office.read(_payment("ch_2"))
    office.verify("two")
    assert office.verdicts("two") == {"found:paid:ch_1": ("verified", ""), "found:paid:ch_2": ("verified", "")}
    office.claim("one", "A ch_1")
    office.verify("one", "two")

    assert office.verdicts("two") == {"found:paid:ch_1": ("rejected", "not_found"), "found:paid:ch_2": ("verified", "")}


def test_equal_ids_in_two_sources_are_two_records(office):
    """A record of another source that has the same id is claimed, and found, for itself."""
    office.agree("two", PAID.format(source="shop"))
    office.read(_payment("ch_1"), _payment("ch_2"), source="shop")
    office.claim("one", "A ch_1")
    office.claim("two", "B ch_1")
    report = office.verify("one", "two")

    assert office.verdicts("one") == {"claim:A": ("verified", "")}
    assert office.verdicts("two") == {"claim:B": ("verified", ""), "found:paid:ch_2": ("verified", "")}
    assert report.claimed_twice == []


def test_another_name_of_the_record_is_the_same_record(office):
    """Once it is decided, a claim holds the record it was found to mean, whatever it calls it."""
    office.read(_payment("ch_2", intent_id="pi_2"))
    office.claim("one", "A pi_2")
    office.claim("two", "B ch_2")
    office.verify("one", "two")

    assert office.verdicts("two")["claim:B"] == ("rejected", "claimed_elsewhere")
    assert office.rivals("two") == {("billing", "payment", "ch_2"): [(1, Holder("A", "ch_2", "verified", "one"))]}


def test_a_claim_on_nothing_holds_what_it_names(office):
    """A claim pending because its record was not read yet holds the id; one that means nothing for good holds none."""
    office.claim("one", "A ch_8", "B ch_9")
    assert set(office.rivals("two")) == {("billing", "payment", "ch_8"), ("billing", "payment", "ch_9")}

    office.verify("one")

    assert office.verdicts("one") == {
        "claim:A": ("rejected", "no_such_record"),
        "claim:B": ("rejected", "no_such_record"),
        "found:paid:ch_1": ("verified", ""),
    }
    assert office.rivals("two") == {}


def test_own_claims_and_found_outcomes_are_no_rivals(office):
    """A contract sees the claims under the others alone, and what was merely found there holds nothing."""
    office.claim("one", "A ch_1")
    office.read(_payment("ch_2"))
    office.verify("one")

    assert office.rivals("one") == {}
    assert set(office.rivals("two")) == {("billing", "payment", "ch_1")}


def test_the_newest_version_says_where_an_outcome_is_decided(office):
    """Claims under a contract whose newest version names another source hold records there."""
    office.claim("one", "A ch_1")
    office.agree("one", PAID.format(source="shop"), version="2\neffective: 2026-10-01")
    office.claim("one", "B ch_2")

    assert set(office.rivals("two")) == {("shop", "payment", "ch_1"), ("shop", "payment", "ch_2")}


def test_an_outcome_that_no_version_knows_holds_nothing(office):
    """A stored claim whose outcome stands in no recorded version is left out instead of stopping the run."""
    office.claim("one", "A ch_1")
    with office.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE claim SET outcome = 'gone'")
    assert office.rivals("two") == {}
    with office.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE claim SET outcome = 'paid'")


def test_the_order_is_that_of_the_imports(office):
    """A claim counts from the ledger entry of its import, the same for all claims of a file."""
    office.claim("one", "A ch_1", "B ch_2")
    office.claim("two", "C ch_1")
    with office.engine.connect() as connection:
        one, two = import_order(connection, "one"), import_order(connection, "two")

    assert one == {"A": 1, "B": 1}
    assert two == {"C": 3}


def test_claimed_twice_lists_all_kinds(office):
    """The report lists claims on the same record under one contract and under two, and no other rejection."""
    office.read(_payment("ch_2", status="failed"))
    office.claim("one", "A ch_1")
    office.claim("two", "B ch_1", "C ch_1", "D ch_2")
    report = office.verify("one", "two")

    assert report.claimed_twice == [
        ClaimedTwice("B", "rejected", "ch_1 was already claimed as A under contract one"),
        ClaimedTwice("C", "rejected", "ch_1 was already claimed as B"),
    ]
    assert office.verdicts("two")["claim:D"] == ("rejected", "succeeded")


@pytest.fixture
def desk(office):
    """The office with two contracts over tickets, and a ticket with a follow-up that are both resolved."""
    for name in ("left", "right"):
        office.agree(name, SOLVED)
    office.read(*_ticket("1"), *_ticket("2", follow_up_of="1", created_at=NOW - 12 * DAY), *USERS, source="desk")
    return office


def test_a_ticket_under_two_contracts(desk):
    """A ticket that two vendors claim is paid once, and its follow-up is neither claimed again nor found."""
    desk.claim("left", "A 1", "B 2", outcome="solved")
    desk.claim("right", "C 1", outcome="solved")
    report = desk.verify("right", "left", "right")

    assert desk.verdicts("left") == {"claim:A": ("verified", ""), "claim:B": ("rejected", "duplicate")}
    assert desk.text("left", "claim:B") == "1, of the same unit, was already claimed as A"
    assert desk.verdicts("right")["claim:C"] == ("rejected", "claimed_elsewhere")
    assert report.claimed_twice == [ClaimedTwice("C", "rejected", "1 was already claimed as A under contract left")]


def test_a_merged_ticket_and_the_one_that_remains_are_one_unit(desk):
    """Where merging is ignored each of merged tickets is judged, and one of them is paid."""
    desk.agree("left", SOLVED.replace("    price", "    with: {merged_ticket_rule: ignored}\n    price"))
    into = {"at": NOW - 19 * DAY, "kind": "merged", "by": "user", "actor_id": "501", "other_ticket_id": "3"}
    desk.read(*_ticket("3"), *_ticket("4"), _record("ticket_event", "4-m", ticket_id="4", **into), source="desk")
    desk.claim("left", "A 4", "B 3", outcome="solved")
    desk.verify("left")

    assert desk.verdicts("left") == {
        "claim:A": ("verified", ""),
        "claim:B": ("rejected", "duplicate"),
        "found:solved:1": ("verified", ""),
    }


def test_a_follow_up_under_another_contract(desk):
    """The follow-up of a ticket that another contract is paid for is claimed elsewhere."""
    desk.claim("left", "A 1", outcome="solved")
    desk.claim("right", "C 2", outcome="solved")
    desk.verify("left", "right")

    assert desk.verdicts("right")["claim:C"] == ("rejected", "claimed_elsewhere")


def test_one_unit_under_two_outcomes(desk):
    """A ticket and its follow-up claimed under two outcomes of a contract are paid once."""
    desk.agree("left", SOLVED, SOLVED.replace("solved:", "again:"))
    desk.claim("left", "A 1", outcome="solved")
    desk.claim("left", "C 2", outcome="again")
    desk.verify("left")

    assert desk.verdicts("left") == {"claim:A": ("verified", ""), "claim:C": ("rejected", "duplicate")}

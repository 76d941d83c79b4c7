"""Samples in the ledger: when a month may be drawn, what is written, and how answers make a finding."""

from decimal import Decimal

import msgspec
import pytest
from tests.sampled import CONTRACT, MONTH, READ, Office, in_september

from tallystick.canonical import canonical, digest
from tallystick.contracts import load_contract
from tallystick.database.engine import transaction
from tallystick.errors import ConfigurationError, ContractError, InputError
from tallystick.period import parse_instant, parse_period
from tallystick.verification.acts import append_acts
from tallystick.verification.drawn import samples_of
from tallystick.verification.samples import list_lines, read_samples
from tallystick.verification.sampling import draw, seed_of
from tallystick.verification.verdict import Verdict


@pytest.fixture
def office(tmp_path):
    """Thirty verified claims that lock in September, on payments of its first days."""
    made = Office(tmp_path)
    made.read(*(in_september(1 + number % 20) for number in range(30)))
    made.claim("paid", *range(30))
    made.verify()
    yield made
    made.engine.dispose()


def _answers(office, answer, count=None, outcome="paid"):
    return [(subject, answer) for subject in office.month()[outcome].entry.drawn[:count]]


def test_a_draw_is_one_entry_that_anybody_can_do_again(office):
    """The entry holds terms, ledger, list and draw, all of which follow from the ledger before it."""
    size = office.log.size
    root = office.log.root().hex()
    [drawn] = office.draw("paid")
    entry = office.entries()[-1]
    lines = sorted(f"claim:C{number}" for number in range(30))

    assert drawn.idx == size == office.log.size - 1
    assert entry == {
        "kind": "sample",
        "at": "2026-10-20T00:00:00Z",
        "contract": "acme",
        "key": "paid/2026-09",
        "contract_sha256": office.contract.sha256,
        "outcome": "paid",
        "month": MONTH,
        "terms": {"size": 10, "tolerance": "5", "confidence": 95, "rule": "extrapolate"},
        "ledger": {"size": size, "root": root},
        "population": {"count": 30, "sha256": digest(lines)},
        "drawn": draw(lines, 10, seed_of(root, office.contract.sha256, "paid", MONTH)),
    }
    assert office.month() == {"paid": drawn}
    assert office.fsck() == []


def test_without_a_name_every_outcome_with_terms_is_drawn(office):
    """One draw takes all outcomes with a sample that were not drawn yet, also one without a line, and no other."""
    office.draw("paid")
    [big] = office.draw()

    assert (big.entry.outcome, big.entry.population.count, big.entry.drawn) == ("big", 0, ())
    assert (big.finding.status, big.finding.effect) == ("within", "none")
    assert set(office.findings()) == {("paid", MONTH), ("big", MONTH)}
    assert office.fsck() == []


def test_two_outcomes_of_one_draw_share_a_ledger_and_no_seed(office):
    """Lists that are committed together are drawn from one root, each with a seed of its own."""
    office.read(*(in_september(3) for _ in range(5)), first=30, amount=9000)
    office.claim("big", *range(30, 35))
    office.verify()
    paid, big = office.draw()

    assert paid.entry.ledger == big.entry.ledger
    assert paid.entry.seed != big.entry.seed
    assert len(big.entry.drawn) == 3
    assert office.fsck() == []


def test_only_verified_claims_that_lock_in_the_month_are_listed(office):
    """Neither a found record nor a claim of another month, of another outcome or one rejected is on the list."""
    august, october = parse_instant("2026-08-25T12:00:00Z"), parse_instant("2026-09-28T12:00:00Z")
    office.read(august, october, in_september(2), in_september(2), first=30)
    office.claim("paid", 30, 31, 99)
    office.claim("other", 32)
    office.verify()
    [drawn] = office.draw("paid")

    assert drawn.entry.population.count == 30
    assert not {"claim:C30", "claim:C31", "claim:C32", "claim:C99"} & set(drawn.entry.drawn)
    assert office.fsck() == []


_LISTED = Verdict("acme", 1, "", "paid", "claim:B", "verified", "ch_1", "payment", "ch_1", locks_at=in_september(9))


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "reversed"},
        {"status": "unverifiable"},
        {"status": "pending"},
        {"subject": "found:paid:ch_1"},
        {"outcome": "big"},
        {"locks_at": None},
        {"locks_at": parse_instant("2026-08-31T21:59:59.999999Z")},
        {"locks_at": parse_instant("2026-09-30T22:00:00Z")},
    ],
)
def test_what_is_no_line_is_not_listed(changes):
    """A list holds verified claims on one outcome that lock in the month, sorted by code point, and nothing else."""
    other = msgspec.structs.replace(_LISTED, **{"subject": "claim:C", **changes})
    last, first = (msgspec.structs.replace(_LISTED, subject=f"claim:{name}") for name in ("\U0001f600", "A"))
    month = parse_period(MONTH, "Europe/Berlin")

    assert list_lines([last, other, _LISTED, first], "paid", month) == ["claim:A", "claim:B", "claim:\U0001f600"]


def test_a_month_begins_and_ends_at_midnight_of_the_zone(tmp_path):
    """A claim that locks one microsecond before September in Berlin is not on its list; one at midnight is."""
    office = Office(tmp_path)
    midnight = parse_instant("2026-08-31T22:00:00Z") - 5 * 86_400_000_000
    office.read(midnight - 1, midnight)
    office.claim("paid", 0, 1)
    office.verify()
    [drawn] = office.draw("paid")

    assert drawn.entry.drawn == ("claim:C1",)
    office.engine.dispose()


def test_a_month_that_is_not_over_is_not_drawn(tmp_path):
    """Up to the last microsecond of the month in the contract's zone nothing is drawn; at its end it is."""
    end = parse_instant("2026-09-30T22:00:00Z")
    office = Office(tmp_path)
    office.now = end - 1
    office.verify()
    size = office.log.size

    with pytest.raises(ConfigurationError, match="not over before 2026-09-30T22:00:00Z"):
        office.draw()
    assert office.log.size == size
    assert len(office.draw(now=end)) == 2
    office.engine.dispose()


@pytest.mark.parametrize(
    ("outcomes", "month", "message"),
    [
        (("paid",), "2026Q3", "2026Q3 is not a month"),
        (("paid",), "2026-13", "is not a period"),
        (("piad",), MONTH, "outcome 'piad' of acme version 1 is not known"),
        (("paid", "other"), MONTH, "outcome 'other' of acme version 1 has no sample in its terms"),
    ],
)
def test_what_cannot_be_drawn_is_refused(office, outcomes, month, message):
    """A quarter, no month, an unknown outcome and one without terms are named, and nothing is written."""
    size = office.log.size
    with pytest.raises(ConfigurationError, match=message):
        office.draw(*outcomes, month=month)

    assert office.log.size == size


def test_the_terms_are_those_in_force_when_the_month_begins(tmp_path):
    """A version that takes effect in October changes nothing about the sample of September."""
    office = Office(tmp_path)
    office.now = parse_instant("2026-09-20T00:00:00Z")
    office.verify()
    first = office.contract
    later = CONTRACT.replace("version: 1", "version: 2\neffective: 2026-10-01").replace("size: 10", "size: 2")
    (tmp_path / "acme.yaml").write_text(later)
    office.contract = load_contract(tmp_path / "acme.yaml", templates={}, custom={"billing": {}})
    office.verify()
    office.now = READ
    october = parse_instant("2026-10-05T12:00:00Z")
    office.read(*(in_september(1 + number) for number in range(12)), october, october, october)
    office.claim("paid", *range(15))
    office.verify()
    [drawn] = office.draw("paid")

    assert (drawn.entry.contract_sha256, drawn.entry.terms.size) == (first.sha256, 10)
    assert drawn.entry.population.count == 12
    [of_october] = office.draw("paid", month="2026-10", now=parse_instant("2026-11-01T00:00:00Z"))
    assert (of_october.entry.contract_sha256, len(of_october.entry.drawn)) == (office.contract.sha256, 2)
    assert office.fsck() == []
    office.engine.dispose()


def test_a_month_is_drawn_once(office):
    """A second draw is refused, by name or without one, and the first stays."""
    [first, _] = office.draw()
    size = office.log.size

    for outcomes in ((), ("paid",), ("big", "paid")):
        with pytest.raises(ConfigurationError, match="drawn already"):
            office.draw(*outcomes)
    assert office.log.size == size
    assert office.month()["paid"] == first


def test_a_contract_without_samples_says_so(tmp_path):
    """Where no outcome has terms for a sample there is nothing to draw."""
    lines = [line for line in CONTRACT.splitlines(keepends=True) if "sample:" not in line]
    office = Office(tmp_path, "".join(lines))
    office.claim("paid", 1)
    office.verify()

    with pytest.raises(ConfigurationError, match="no outcome of acme version 1, which is in force in 2026-09"):
        office.draw()
    office.engine.dispose()


def test_a_contract_that_decided_nothing_is_not_drawn(tmp_path):
    """Before the first verification, or under another text, there is no list."""
    office = Office(tmp_path)
    with pytest.raises(ContractError, match="used for nothing yet"):
        office.draw()
    office.verify()
    (tmp_path / "acme.yaml").write_text(CONTRACT.replace("size: 10", "size: 1"))
    other = Office(tmp_path, CONTRACT.replace("size: 10", "size: 1"))

    with pytest.raises(ContractError, match="used with another text"):
        other.draw()
    other.engine.dispose()
    office.engine.dispose()


def test_a_claim_that_may_still_join_keeps_the_list_open(office):
    """With a claim that nobody verified yet, or pending past what it waits for, the month is not drawn."""
    office.claim("paid", 50)
    with pytest.raises(ConfigurationError, match=r"1 claim on paid may still lock in 2026-09.*claim:C50"):
        office.draw("paid")
    office.verify()

    office.draw("paid")


def test_a_pending_claim_of_the_month_keeps_the_list_open(tmp_path):
    """A claim whose windows ended in the month, in a source not read so far, is waited for; one of October is not."""
    office = Office(tmp_path)
    office.read(in_september(3), parse_instant("2026-10-01T00:00:00Z"), watermark=in_september(4))
    office.claim("paid", 0, 1)
    office.verify()
    with pytest.raises(ConfigurationError, match="such as claim:C0"):
        office.draw("paid")
    assert office.log.size == len(office.entries())
    office.read(watermark=parse_instant("2026-10-02T00:00:00Z"))
    office.verify()

    [drawn] = office.draw("paid")
    assert drawn.entry.drawn == ("claim:C0",)
    office.engine.dispose()


def test_nothing_is_written_before_the_newest_entry(office):
    """Neither a draw nor an answer may be dated before what the ledger holds."""
    office.draw()
    office.now = READ - 1

    with pytest.raises(ConfigurationError, match="last written as of 2026-10-20T00:00:00Z"):
        office.draw()
    with pytest.raises(ConfigurationError, match="last written as of"):
        office.answer(*_answers(office, "right"))


def test_answers_become_a_finding(office):
    """The finding is open until the last line was looked at; then so many wrong ones exceed the tolerance."""
    office.draw()
    right, wrong = _answers(office, "right", 7), _answers(office, "wrong")[7:]

    assert office.findings()["paid", MONTH].status == "open"
    assert office.answer(*right, *wrong[:2]) == msgspec.convert(
        {"recorded": 9, "known": 0, "waiting": 1}, type(office.answer())
    )
    assert office.findings()["paid", MONTH].status == "open"
    office.answer(wrong[2])

    finding = office.findings()["paid", MONTH]
    assert (finding.status, finding.effect, finding.share) == ("exceeded", "extrapolate", Decimal("0.300000"))
    assert (finding.right, finding.wrong, finding.unclear, finding.waiting) == (7, 3, 0, 0)
    assert office.fsck() == []


def test_findings_are_read_as_of_a_size(office):
    """With a size of the ledger, samples and answers behind it are not there."""
    office.draw("paid")
    size = office.log.size
    office.answer(*_answers(office, "right"))

    assert office.findings(upto=size - 1) == {}
    assert office.findings(upto=size)["paid", MONTH].waiting == 10
    assert office.findings(upto=size + 3)["paid", MONTH].waiting == 7
    assert office.findings()["paid", MONTH].status == "within"


def test_an_answer_is_an_entry_with_who_said_it(office):
    """The entry holds the line, the answer, the person, the note, the sample and what it replaces, if anything."""
    [drawn] = office.draw("paid")
    subject = drawn.entry.drawn[0]
    office.answer((subject.removeprefix("claim:"), "unclear", "Ann", "no recording"))
    office.answer((subject, "wrong", "Bob", ""), correct=True)
    first, second = office.entries()[-2:]

    assert first == {
        "kind": "sample_verdict",
        "at": "2026-10-20T00:00:00Z",
        "contract": "acme",
        "key": "paid/2026-09",
        "sample": drawn.idx,
        "subject": subject,
        "answer": "unclear",
        "by": "Ann",
        "note": "no recording",
        "replaces": None,
    }
    assert second == {**first, "answer": "wrong", "by": "Bob", "note": "", "replaces": drawn.idx + 1}
    assert office.findings()["paid", MONTH].wrong == 1
    assert office.fsck() == []


def test_the_same_answer_again_changes_nothing(office):
    """Answers that stand there already are counted and not written."""
    office.draw("paid")
    office.answer(*_answers(office, "right", 2))
    size = office.log.size
    report = office.answer(*_answers(office, "right", 3))

    assert (report.recorded, report.known, report.waiting) == (1, 2, 7)
    assert office.log.size == size + 1
    assert office.answer(*_answers(office, "right", 3), correct=True).recorded == 0


def test_another_answer_is_refused_unless_it_corrects(office):
    """A second answer that differs, in what, by whom or in its note, names the one that stands."""
    office.draw("paid")
    subject = office.month()["paid"].entry.drawn[0]
    office.answer((subject, "right", "Ann", "heard it"))
    size = office.log.size

    for other in ("wrong", "Ann", "heard it"), ("right", "Bob", "heard it"), ("right", "Ann", ""):
        with pytest.raises(InputError, match="was found right by Ann at 2026-10-20T00:00:00Z"):
            office.answer((subject, *other))
    assert office.log.size == size


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (("C77777", "right"), "'C77777' is not in the sample"),
        (("claim:", "right"), "'claim:' is not in the sample"),
        (("{drawn}", "maybe"), "'maybe' is no answer"),
        (("{drawn}", ""), "'' is no answer"),
        (("{drawn}", "right", ""), "nobody is named"),
        (("{drawn}", "right", "  "), "nobody is named"),
        (("{drawn}", "right", "x" * 256), "by: it has more than 255 characters"),
        (("{drawn}", "right", "Ann", "x" * 2001), "note: it has more than 2000 characters"),
        (("{drawn}", "right", "Ann", "a\nb"), "note: it holds a line end"),
        (("{first}", "wrong"), "is answered twice"),
    ],
)
def test_one_bad_answer_keeps_all_from_being_recorded(office, answer, message):
    """A line that was not drawn, no answer, nobody, or a line twice: refused whole, and nothing is written."""
    office.draw("paid")
    first, drawn, *_ = office.month()["paid"].entry.drawn
    size = office.log.size
    subject = answer[0].format(first=first, drawn=drawn)

    with pytest.raises(InputError, match=message):
        office.answer((first, "right"), (subject, *answer[1:]))
    assert office.log.size == size


def test_every_bad_answer_is_named(office):
    """All that is wrong with a set of answers is told at once."""
    office.draw("paid")

    with pytest.raises(InputError) as caught:
        office.answer(("X1", "right"), ("X2", "right"))
    assert "'X1'" in caught.value.diagnostics()
    assert "'X2'" in caught.value.diagnostics()


def test_answers_before_a_draw_are_refused(office):
    """Without a sample there is nothing to answer, and the message says what to run."""
    with pytest.raises(ConfigurationError, match="no sample was drawn for 2026-09") as caught:
        office.answer(("C1", "right"))
    assert "tallystick sample draw acme 2026-09" in caught.value.hint


def test_acts_alone_give_the_samples(office):
    """Whoever holds the entries and no database reads the same samples, in whatever order they come."""
    office.draw()
    office.answer(*_answers(office, "right", 4))
    acts = [(idx, entry) for idx, entry in enumerate(office.entries()) if entry["kind"].startswith("sample")]

    assert samples_of(reversed(acts)) == read_samples(office.engine, office.log, "acme")


def test_a_later_verdict_leaves_the_draw_as_it_is(office):
    """A claim reversed after the draw stays drawn, and the ledger still gives the same list."""
    [drawn] = office.draw("paid")
    office.claim("paid", 60)
    office.verify()

    assert office.month() == {"paid": drawn}
    assert office.fsck() == []


# --- fsck


def _forge(office, **changes):
    """Append the newest entry once more with other content; the index of acts is kept right."""
    entry = {**office.entries()[-1], **changes}
    with transaction(office.engine) as connection:
        append_acts(connection, office.log, "acme", [entry])
        office.log.checkpoint(connection, office.signer)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"drawn": ["claim:C1"]}, "its seed draws other lines"),
        ({"population": {"count": 29, "sha256": "00"}}, "its list has 29 lines"),
        ({"terms": {"size": 10, "tolerance": "6", "confidence": 95, "rule": "extrapolate"}}, "its terms are not those"),
        ({"ledger": {"size": 1, "root": "00"}}, "its list is not that of the verdicts before it"),
        ({"ledger": {"size": 32, "root": "00"}}, "the ledger has another root at size 32"),
        ({"contract_sha256": "00"}, "it cannot be checked"),
        ({"month": "2026"}, "it cannot be checked"),
        ({"drawn": None}, "it cannot be checked"),
        ({"ledger": {"size": 99, "root": "00"}}, "its list is not that of the verdicts before it"),
    ],
)
def test_a_forged_sample_is_a_finding(office, change, finding):
    """Fsck draws every sample again from the ledger before it and names what differs."""
    assert office.log.size == 32
    office.draw("paid")
    _forge(office, **change)

    said = office.fsck()
    assert any(text.startswith("ledger entry 33, a sample: ") and finding in text for text in said)


def test_a_second_draw_is_a_finding(office):
    """A sample that was drawn twice is named with the entry of the first."""
    office.draw("paid")
    _forge(office)

    assert office.fsck() == ["ledger entry 33, a sample: the sample of paid/2026-09 was drawn in entry 32 already"]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"subject": "claim:C999"}, "claim:C999 was not drawn in entry 32"),
        ({"sample": 31}, "was not drawn in entry 31"),
        ({"key": "big/2026-09"}, "was not drawn in entry 32"),
        ({"replaces": None}, "it replaces None, and what stands is 33"),
        ({"answer": "perhaps"}, "it cannot be checked"),
    ],
)
def test_a_forged_answer_is_a_finding(office, change, finding):
    """Fsck names an answer on what was not drawn, and one that passes over the answer that stands."""
    office.draw("paid")
    office.answer(*_answers(office, "right", 1))
    _forge(office, **{"replaces": 33, **change})

    [said] = office.fsck()
    assert said.startswith("ledger entry 34, a sample_verdict: ")
    assert finding in said


def test_an_entry_is_canonical(office):
    """What is written are canonical bytes, so that an import elsewhere gives the same root."""
    office.draw()
    office.answer(*_answers(office, "unclear"))

    assert [canonical(entry) for entry in office.entries()] == list(office.log.entries())

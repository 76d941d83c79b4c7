"""A bundle that somebody changed: each change is found, and the place is named, whatever the manifest says."""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.bundles import CONTRACT, BundleProject, again, members, payment, rebuild, refund

from tallystick.canonical import canonical
from tallystick.errors import LedgerError, Tampered
from tallystick.ledger import Keyring, KnownKey, Signer
from tallystick.ledger.merkle import hash_leaf
from tallystick.ledger.private_file import create_private
from tallystick.ledger.pruned import Shown, read_piece, write_piece
from tallystick.period import parse_instant
from tallystick.statements.archive import open_archive
from tallystick.statements.recompute import recompute
from tallystick.statements.signatures import check_signatures

STRANGER = Signer("stranger/key", b"\7" * 32)
OTHER = Signer("other/key", b"\11" * 32)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project of five claims, one of them paid."""
    project = BundleProject(tmp_path_factory.mktemp("bundle"))
    project.read(
        payment("ch_1"), payment("ch_2"), payment("ch_3", status="failed"), payment("ch_4"), refund("re_1", "ch_4")
    )
    project.claim(
        "C1,paid,ch_1,2026-09-10T00:00:00Z,100.00,EUR", "C2,paid,ch_1,,,", "C3,paid,ch_3,,,", "C4,paid,ch_4,,,",
        "C5,paid,nope,,,",
    )  # fmt: skip
    project.verify()
    project.bundle("whole.tally")
    return project


@pytest.fixture(scope="module")
def content(project):
    """The content of its bundle, by member."""
    return members(project.folder / "whole.tally")


@pytest.fixture
def changed(project, content, tmp_path):
    """Give a function that recomputes the bundle with other content, sealed with a right manifest by a stranger."""

    def build(**others):
        names = {name.replace(".", "_"): name for name in content}
        more = {names[name]: data for name, data in others.items()}
        return again(rebuild(tmp_path / "changed.tally", {**content, **more}, STRANGER))

    return build


def _edit(data, old, new):
    assert data.count(old) >= 1
    return data.replace(old, new, 1)


def _lines(data):
    return data.splitlines(keepends=True)


def test_an_untouched_copy_agrees(changed):
    """The same content sealed by a stranger recomputes: whose seal it is, is another question."""
    assert changed().differences == []


@pytest.mark.parametrize(
    ("old", "new", "where", "field"),
    [
        (b'"amount":"10.00"', b'"amount":"11.00"', "statement.json", "amount"),
        (b'"total":"10.00"', b'"total":"10.01"', "statement.json", "total"),
        (b'"buyer":"Acme"', b'"buyer":"Acne"', "statement.json", "buyer"),
        (b'"ledger_entry":', b'"ledger_entry":1', "statement.json", "ledger_entry"),
    ],
)
def test_a_statement_that_says_something_else_is_told_by_its_field(changed, content, *, old, new, where, field):
    """One changed value of the statement is named by its path, with what it says and what it should say."""
    done = changed(statement_json=_edit(content["statement.json"], old, new))

    assert any(one.where == where and field in one.field for one in done.differences)


def test_a_line_of_the_statement_is_named_by_its_claim(changed, content):
    """A price changed in a line is told with the subject of the line."""
    data = json.loads(content["statement.json"])
    data["lines"][0]["amount"] = "99.00"
    done = changed(statement_json=canonical(data))

    [difference] = done.differences
    assert difference.field == "lines[claim:C1].amount"
    assert (difference.said, difference.found) == ('"99.00"', '"10.00"')


def test_an_evidence_row_that_says_something_else_changes_a_verdict(changed, content):
    """A payment that failed and is shown as succeeded is told by its clause, its verdict and its ledger entry."""
    done = changed(evidence_jsonl=_edit(content["evidence.jsonl"], b'"status":"failed"', b'"status":"succeeded"'))

    assert ("evidence.jsonl:6", "payment ch_3: clause succeeded", "false", "true") in [
        (one.where, one.field, one.said, one.found) for one in done.differences
    ]
    [entry] = [one for one in done.differences if one.field == "claim:C3: status"]
    assert entry.where.startswith("ledger entry ")
    assert (entry.said, entry.found) == ('"rejected"', '"verified"')


def test_a_clause_that_the_trace_tells_wrong_is_named(changed, content):
    """A clause state in the bundle that the evidence does not give is told with record and clause."""
    done = changed(evidence_jsonl=_edit(content["evidence.jsonl"], b'"unrefunded":"true"', b'"unrefunded":"false"'))

    [difference] = done.differences
    assert difference.field == "payment ch_1: clause unrefunded"


def test_evidence_left_out_is_missed_in_the_verdict(changed, content):
    """A refund that is left out changes the verdict that cites it."""
    lines = _lines(content["evidence.jsonl"])
    [refund_line] = [line for line in lines if b"re_1" in line]
    lines.remove(refund_line)
    data = b"".join(lines).replace(b',"related":{"refunds":[4]}', b"")
    done = changed(evidence_jsonl=data)

    assert any(one.field == "claim:C4: evidence" for one in done.differences)


@pytest.mark.parametrize(
    ("member", "change", "message"),
    [
        ("ledger.jsonl", lambda lines: lines[:-1], r"entry \d+ is missing at the end of the tree"),
        ("ledger.jsonl", lambda lines: [lines[0], *lines[2:]], r"entry 1 is missing from the tree"),
        ("ledger.jsonl", lambda lines: [*lines[:2], lines[1], *lines[2:]], r"entry 1 stands in the tree twice"),
        ("ledger.jsonl", lambda lines: [lines[1], lines[0], *lines[2:]], r"entry 0 is missing from the tree"),
        ("claims.jsonl", lambda lines: lines[:-1], r"the 4 claims of ledger entry 1 are not the 5"),
        ("claims.jsonl", lambda lines: [*lines, lines[-1]], r"claim C5 stands here twice"),
        ("claims.jsonl", lambda lines: [lines[1], lines[0], *lines[2:]], r"claim C1 stands before one that counts"),
        ("evidence.jsonl", lambda lines: [*lines[2:], *lines[:2]], r"record"),
        ("evidence.jsonl", lambda lines: [*lines, lines[0]], r"rows at the end belong to no record"),
        ("references.jsonl", lambda _: [], r"the bundle says of no record that 'nope' means it"),
    ],
)
def test_lines_dropped_doubled_or_moved_are_told(changed, content, member, change, message):
    """A member that lacks a line, has one twice or in another place is refused, with the entry or claim."""
    data = b"".join(change(_lines(content[member])))

    with pytest.raises(Tampered, match=message):
        changed(**{member.replace(".", "_"): data})


@pytest.mark.parametrize(
    ("member", "old", "new", "message"),
    [
        ("ledger.jsonl", b'"status":"rejected"', b'"status":"verified"', r"entry \d+ was changed"),
        ("claims.jsonl", b'"amount":"100.00"', b'"amount":"900.00"', r"one is missing, added or changed"),
        ("claims.jsonl", b'"amount":"100.00"', b'"amount":100.00', r"point or an exponent"),
        ("claims.jsonl", b'"ref":"ch_1"', b'"ref":"ch_1","ref":"ch_1"', r"a key stands in it twice"),
        ("claims.jsonl", b'{"amount"', b'{ "amount"', r"not the canonical spelling"),
        ("evidence.jsonl", b'"amount_captured":"100.0000"', b'"amount_captured":100.5', r"point or an exponent"),
        ("evidence.jsonl", b'"amount_captured":"100.0000"', b'"amount_captured":"x"', r"which is no money"),
        ("evidence.jsonl", b'"exponent":2', b'"exponent":true', r"which is no integer"),
        ("evidence.jsonl", b'"id":"ch_3","status"', b'"id":"ch_9","status"', r"row \d is not the one of record ch_3"),
        ("inputs.json", b'"period":"2026-09"', b'"period":"2026-13"', r"is not a period"),
        ("inputs.json", b'"ledger_size":8', b'"ledger_size":9', r"rests on more"),
        ("inputs.json", b'"outcome":"paid"', b'"outcome":"pa"', r"not those of the contract"),
        ("checkpoint.txt", b"\n8\n", b"\n9\n", r"does not fit"),
        ("statement.json", b'"total":"10.00"', b'"total":10.00', r"point or an exponent"),
        ("keys.json", b'"links":[]', b'"links":["x"]', r"signed note|no chain"),
    ],
)
def test_what_no_tallystick_writes_is_refused_by_its_place(changed, content, *, member, old, new, message):
    """A changed signed byte, a float, a doubled key or a wrong type is refused; the error names what it is in."""
    with pytest.raises(Tampered, match=message):
        changed(**{member.replace(".", "_"): _edit(content[member], old, new)})


def test_an_entry_whose_hash_was_changed_with_it_does_not_give_the_root(changed, content):
    """Who changes an entry and the hash beside it is found by the root that was signed."""
    lines = content["ledger.jsonl"].splitlines()
    piece = read_piece(lines[3], "x")
    entry = piece.entry.replace(b'"status":"verified"', b'"status":"pending"').replace(b"rejected", b"pending")
    lines[3] = write_piece(Shown(piece.index, hash_leaf(entry), entry))

    with pytest.raises(Tampered, match=r"give the root .* signed was"):
        changed(ledger_jsonl=b"\n".join(lines) + b"\n")


def test_a_verdict_its_maker_recorded_wrongly_is_found(tmp_path):
    """A false verdict in a ledger that is in order, signed and all, is not what the evidence gives."""
    project = BundleProject(tmp_path)
    project.read(payment("ch_1"))
    project.claim("C1,paid,ch_1,,,")
    project.verify()
    project.bundle("honest.tally")
    content = members(tmp_path / "honest.tally")
    lines = _lines(content["evidence.jsonl"])
    # The buyer hides that the payment was made, in evidence and trace alike; the ledger it kept says otherwise.
    content["evidence.jsonl"] = b"".join(lines).replace(b'"status":"succeeded"', b'"status":"failed"').replace(
        b'"succeeded":"true"', b'"succeeded":"false"'
    ).replace(b'"status":"meets"', b'"status":"rejected"').replace(b'{"clauses"', b'{"clause":0,"clauses"')  # fmt: skip
    done = again(rebuild(tmp_path / "false.tally", content, STRANGER))

    assert [one.field for one in done.differences][:2] == ["claim:C1: status", "claim:C1: reasons"]


def _names():
    return st.sampled_from(
        ["inputs.json", "keys.json", "checkpoint.txt", "ledger.jsonl", "claims.jsonl", "references.jsonl",
         "evidence.jsonl", "statement.json"]
    )  # fmt: skip


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=_names(), place=st.floats(0, 0.999), how=st.sampled_from(["flip", "drop", "double", "swap", "cut", "line"]),
       bit=st.integers(0, 7))  # fmt: skip
@example(name="evidence.jsonl", place=0.5, how="line", bit=0)
def test_any_change_of_any_member_is_found(project, content, tmp_path, *, name, place, how, bit):
    """Whatever is flipped, dropped, doubled or moved is found, at the latest by the signature that is gone."""
    data = _mutated(content[name], place, how, bit)
    if data == content[name]:
        return
    path = rebuild(tmp_path / "fuzzed.tally", {**content, name: data}, STRANGER)
    ring = Keyring([KnownKey("buyer", project.signer.verifier)])
    with open_archive(path) as archive:
        try:
            done = recompute(archive)
        except LedgerError:
            return
        signatures = check_signatures(
            archive.note, done.keys, done.agreement.newest, ring=ring, at=parse_instant("2026-10-05T08:00:00Z")
        )
    assert done.differences or signatures.findings


def _mutated(data, place, how, bit):  # noqa: PLR0911 - one line for each way
    if not data:
        return data
    at = int(place * len(data))
    if how == "flip":
        return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
    if how == "drop":
        return data[:at] + data[at + 1 :]
    if how == "double":
        return data[: at + 1] + data[at:]
    if how == "cut":
        return data[:at]
    lines = data.splitlines(keepends=True)
    one = int(place * len(lines))
    if how == "line":
        return b"".join(lines[:one] + lines[one + 1 :])
    other = (one + 1 + bit) % len(lines)
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def test_a_signature_by_an_unknown_key_is_told(project, content, tmp_path):
    """A bundle sealed by a stranger has findings that name the stranger's key; the ledger's own key counts if known."""
    path = rebuild(tmp_path / "b.tally", content, STRANGER)
    with open_archive(path) as archive:
        done = recompute(archive)
        known = [project.signer.verifier]
        found = check_signatures(
            archive.note, done.keys, done.agreement.newest, ring=Keyring(), trusted=known, at=done.now
        )

    assert [one.whose for one in found.signed] == ["unknown"]
    [finding] = found.findings
    assert finding.startswith(f"the key stranger/key+{STRANGER.verifier.key_hash.hex()} is unknown")


def test_a_key_that_ended_before_the_bundle_was_made_does_not_count(project):
    """A signature by a key of the keyring that was over by then is refused, with the day."""
    key = KnownKey("buyer", project.signer.verifier, None, parse_instant("2026-10-01T00:00:00Z"))
    with open_archive(project.folder / "whole.tally") as archive:
        done = recompute(archive)
        with pytest.raises(Tampered, match="no longer valid: it ended on 2026-10-01"):
            check_signatures(archive.note, done.keys, done.agreement.newest, ring=Keyring([key]), at=done.now)


def test_nobody_known_is_a_finding(project):
    """A bundle signed by its ledger alone is nobody's word, until its key is known or was seen before."""
    with open_archive(project.folder / "whole.tally") as archive:
        done = recompute(archive)
        asked = {"ring": Keyring(), "at": done.now}
        nobody = check_signatures(archive.note, done.keys, done.agreement.newest, **asked)
        seen = check_signatures(archive.note, done.keys, done.agreement.newest, remembered=True, **asked)

    assert "no signature is by a key that you know" in nobody.findings[0]
    assert seen.findings == []


def test_a_contract_in_a_bundle_does_not_vouch_for_its_maker(tmp_path):
    """Keys that a contract names count only in a ledger that is known: a forger would name those of his own."""
    forger = Signer("tallystick/test", b"\7" * 32)
    (tmp_path / "p").mkdir()
    create_private(tmp_path / "p" / "ledger.key", forger.encode())
    text = f"{CONTRACT}keys: {{buyer: [{forger.verifier.vkey}], vendor: [{OTHER.verifier.vkey}]}}\n"
    forged = BundleProject(tmp_path / "p", text)
    forged.verify()
    with open_archive(forged.bundle()) as archive:
        done = recompute(archive)
        asked = {"ring": Keyring(), "at": done.now}
        nobody = check_signatures(archive.note, done.keys, done.agreement.newest, **asked)
        told = check_signatures(
            archive.note, done.keys, done.agreement.newest, trusted=[forged.signer.verifier], **asked
        )
    forged.engine.dispose()

    assert forged.signer.verifier == forger.verifier
    assert [one.known for one in nobody.signed] == [False]
    assert "no signature is by a key that you know" in nobody.findings[0]
    assert told.findings == []


@pytest.mark.parametrize(
    "amount", ["1E+99999999999999999", "1E-99999999999999999", "1E+2", "+1", " 1", "1_0", "NaN", "٣"]
)
def test_an_amount_in_another_notation_is_refused(changed, content, amount):
    """An amount of a claim stands in plain digits; one that would be gigabytes of them is refused as it stands."""
    with pytest.raises(Tampered, match="the amount of claim C1 is"):
        changed(claims_jsonl=_edit(content["claims.jsonl"], b'"amount":"100.00"', f'"amount":"{amount}"'.encode()))


def test_inputs_that_cannot_be_are_told(changed, content):
    """A zone that is not the contract's, or an instant before what was written or read by it, is a difference."""
    inputs = json.loads(content["inputs.json"])
    told = changed(inputs_json=canonical({**inputs, "timezone": "Asia/Tokyo", "now": 10**15})).differences
    fields = {one.field for one in told if one.where == "inputs.json"}

    assert fields == {"timezone", "now", *(f"paid: read_to of {kind}" for kind in inputs["decisions"][0]["read_to"])}

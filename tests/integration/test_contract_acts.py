"""`tallystick contract sign`, `signatures` and `terminate`, typed by both parties; what a turn tells about disputes."""

import json

import pytest

from tallystick.period import format_instant, parse_instant

DAY = 86_400_000_000


def _contract(company):
    return next(
        line.split(":")[1].strip() for line in company.story.contract.splitlines() if line.startswith("contract:")
    )


def _keys(company, **names):
    """Make signing keys and give their published forms."""
    return {
        party: json.loads(company.run("keys", "new", name, "--out", f"{party}.key", "--json").stdout)["vkey"]
        for party, name in names.items()
    }


def _refused(company, words, code, *arguments):
    done = company.run(*arguments, check=False)
    said = " ".join((done.stderr + done.stdout).split())
    assert (done.returncode, words in said, "Traceback" in said) == (code, True, False), said


@pytest.fixture
def keyed(company):
    """A company whose contract names a key of each party; `file` is its contract."""
    vkeys = _keys(company, buyer="acme/contracts", vendor="uptime/contracts", other="other/contracts")
    company.vkeys = vkeys
    company.file = company.folder / "contracts/contract.yaml"
    text = company.file.read_text()
    company.file.write_text(f"{text}keys:\n  buyer: ['{vkeys['buyer']}']\n  vendor: ['{vkeys['vendor']}']\n")
    return company


def test_both_parties_sign(keyed):
    """Each party signs beside the contract and in the ledger, is shown, and signs again without effect."""
    name = _contract(keyed)
    sign = ["contract", "sign", "contracts/contract.yaml", "--now", keyed.now, "--key"]
    first = keyed.json(*sign, "buyer.key", "--as", "buyer")
    assert [(item["party"], item["key"]) for item in first["signatures"]] == [("buyer", keyed.vkeys["buyer"])]
    assert first["recorded"] == 1
    file = keyed.folder / "contracts/contract.yaml.signatures"
    before = file.read_text()
    assert keyed.json(*sign, "buyer.key", "--as", "buyer")["recorded"] == 0
    assert file.read_text() == before

    keyed.run(*sign, "vendor.key", "--as", "vendor")
    told = keyed.json("contract", "signatures", name, "--now", keyed.now)
    assert [item["party"] for item in told["signatures"]] == ["buyer", "vendor"]
    assert keyed.vkeys["vendor"] in keyed.run("contract", "signatures", name, "--now", keyed.now).stdout
    ledger = keyed.json("ledger", "fsck")
    assert (ledger["fsck"], ledger["entries"]) == ("ok", 3)


def test_what_is_not_signed(keyed):
    """A key that is not the party's, changed terms, a damaged file and no contract are refused; nothing is written."""
    sign = ["contract", "sign", "contracts/contract.yaml", "--key"]
    _refused(keyed, "no key of the buyer", 4, *sign, "other.key", "--as", "buyer")
    _refused(keyed, "no key of the vendor", 4, *sign, "buyer.key", "--as", "vendor")
    _refused(keyed, "cannot be read", 2, *sign, "none.key", "--as", "buyer")
    _refused(keyed, "is neither a file nor a contract", 2, "contract", "signatures", "nothing")
    file = keyed.folder / "contracts/contract.yaml.signatures"
    assert not file.exists()
    assert keyed.json("ledger", "fsck")["entries"] == 0

    keyed.run(*sign, "buyer.key", "--as", "buyer", "--now", keyed.now)
    signed = file.read_text()
    text = keyed.file.read_text()
    keyed.file.write_text(text.replace("percent: 12.5", "percent: 13"))
    _refused(keyed, "are not under", 4, *sign, "vendor.key", "--as", "vendor", "--now", keyed.now)
    keyed.file.write_text(text)
    file.write_text(signed.replace("acme/contracts ", "acme/contracts A"))
    _refused(keyed, "is not a signature", 4, "contract", "signatures", _contract(keyed))
    file.write_bytes(b"\xff")
    _refused(keyed, "cannot be read", 2, "contract", "signatures", _contract(keyed))


def test_the_other_sides_signature_is_taken_in(keyed):
    """A signature that the other party sent in the file is put into the ledger with --record."""
    sign = ["contract", "sign", "contracts/contract.yaml", "--now", keyed.now, "--as", "vendor", "--key", "vendor.key"]
    keyed.run(*sign)
    theirs = keyed.folder / "contracts/contract.yaml.signatures"
    (keyed.folder / ".tallystick/tallystick.db").unlink()
    (keyed.folder / ".tallystick/ledger.key").unlink()
    assert theirs.exists()

    shown = keyed.json("contract", "signatures", _contract(keyed), "--now", keyed.now)
    taken = keyed.json("contract", "signatures", _contract(keyed), "--record", "--now", keyed.now)
    assert (shown["recorded"], taken["recorded"]) == (0, 1)
    assert keyed.json("ledger", "fsck")["entries"] == 2


def test_a_contract_is_ended(company):
    """Notice is given once, no sooner than the terms allow, on a day, and says until when what happens counts."""
    name, early = _contract(company), format_instant(parse_instant(company.now) + 3 * DAY)[:10]
    end = ["contract", "terminate", name, "--by", "buyer", "--reason", "It does not pay.", "--now", company.now, "--on"]
    _refused(company, "at the earliest", 2, *end, early)
    _refused(company, "is not a day", 2, *end, "soon")
    _refused(company, "has no contract 'none'", 2, "contract", "terminate", "none", *end[3:], "2028-01-01")

    told = company.json(*end, "2028-01-01")
    assert (told["last_day"], told["by"], told["counts_until"][:4]) == ("2027-12-31", "buyer", told["counts_until"][:4])
    _refused(company, "ended already", 2, *end, "2028-02-01")
    assert company.json("ledger", "fsck")["fsck"] == "ok"


def test_a_turn_tells_what_is_due(company):
    """A turn says how much locked since the one before it, and which disputes have a deadline within three days."""
    name = _contract(company)
    company.run("claims", "import", company.write_claims(), "--contract", name, "--now", company.now)
    turn = company.json("run", "--now", company.now)
    [first] = turn["notices"]
    assert first["contract"] == name
    assert first["locked"] > 0
    assert first["disputes_due"] == []

    claim = next(
        claim["claim_id"]
        for claim in company.story.claims
        if company.json("explain", claim["claim_id"], "--now", company.now)["status"] == "rejected"
    )
    words = ["--by", "vendor", "--reason", "other", "--text", "We do not agree.", "--no-lookup", "--now", company.now]
    opened = company.json("dispute", "open", claim, *words)
    soon = format_instant(parse_instant(opened["answer_until"]) - 2 * DAY)
    [later] = company.json("run", "--now", soon)["notices"]
    assert later["locked"] < first["locked"]
    assert later["disputes_due"] == [{"id": opened["id"], "state": "open", "until": opened["answer_until"]}]
    assert "is due at" in company.run("run", "--last").stdout

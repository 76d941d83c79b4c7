"""Signatures under contracts: by known keys, under this very text, once each, and in the ledger."""

from dataclasses import replace

import pytest
from tests.disputed import DAY, NOW, Office

from tallystick.errors import ConfigurationError, Tampered
from tallystick.ledger import Keyring, KnownKey, Signer
from tallystick.verification.acts import read_acts
from tallystick.verification.signatures import (
    ContractSignature,
    contract_keys,
    contract_text,
    read_signatures,
    record_signatures,
    recorded_signatures,
    sign_contract,
)

BUYER, VENDOR, OTHER = (Signer(f"{name}/contracts", bytes([number]) * 32) for number, name in enumerate("bvx"))
KEYS = {"buyer": (BUYER.verifier.vkey,), "vendor": (VENDOR.verifier.vkey,)}


@pytest.fixture
def office(tmp_path):
    """An office."""
    made = Office(tmp_path)
    yield made
    made.engine.dispose()


def _signed(contract, *pairs, keys=None, now=NOW):
    note = None
    for signer, party in pairs:
        note = sign_contract(contract, note, signer, party, keys=keys or contract_keys(contract), now=now)
    return note


def test_both_parties_sign_the_same_text(office):
    """Each signature stands under name, version and hash, is verified, and named with its party and key."""
    contract = replace(office.contract, keys=KEYS)
    note = _signed(contract, (BUYER, "buyer"), (VENDOR, "vendor"))

    assert note.startswith(f"tallystick-contract/1\nacme\n1\n{contract.sha256}\n\n")
    assert contract_text(contract) in note
    assert read_signatures(contract, note, contract_keys(contract), NOW) == [
        ContractSignature("buyer", BUYER.verifier.vkey),
        ContractSignature("vendor", VENDOR.verifier.vkey),
    ]


def test_signing_twice_changes_nothing(office):
    """A second signature by the same key leaves the note as it is."""
    contract = replace(office.contract, keys=KEYS)
    once = _signed(contract, (BUYER, "buyer"))

    assert _signed(contract, (BUYER, "buyer"), (BUYER, "buyer")) == once


@pytest.mark.parametrize(
    ("signer", "party"), [(OTHER, "buyer"), (VENDOR, "buyer"), (BUYER, "vendor")], ids=["unknown", "other", "both"]
)
def test_a_key_that_is_not_the_partys(office, signer, party):
    """Where the contract names keys, a party signs with its own, and with no other."""
    contract = replace(office.contract, keys=KEYS)

    with pytest.raises(Tampered, match=f"no key of the {party}") as refused:
        _signed(contract, (signer, party))
    assert refused.value.exit_code == 4


def test_an_unknown_signature_is_refused_once_both_have_keys(office):
    """A note that a stranger signed too is refused where both parties have keys, and tells what is known otherwise."""
    contract = replace(office.contract, keys=KEYS)
    note = _signed(office.contract, (BUYER, "buyer"), (OTHER, "vendor"))

    with pytest.raises(Tampered, match="unknown"):
        read_signatures(contract, note, contract_keys(contract), NOW)
    one = contract_keys(replace(contract, keys={"buyer": KEYS["buyer"]}))
    assert read_signatures(contract, note, one, NOW) == [
        ContractSignature("buyer", BUYER.verifier.vkey),
        ContractSignature(None, f"x/contracts+{OTHER.verifier.key_hash.hex()}"),
    ]


def test_signatures_of_another_text(office):
    """Signatures under another version, name or hash are refused, and nothing is added to them."""
    note = _signed(office.contract, (BUYER, "buyer"))
    for changed in ({"version": 2}, {"name": "acme2"}, {"sha256": "0" * 64}):
        other = replace(office.contract, **changed)
        with pytest.raises(Tampered, match="not under"):
            read_signatures(other, note, contract_keys(other), NOW)
        with pytest.raises(Tampered, match="not under"):
            sign_contract(other, note, BUYER, "buyer", keys=contract_keys(other), now=NOW)


@pytest.mark.parametrize("at", range(5, 400, 23))
def test_a_changed_byte_is_noticed(office, at):
    """A note of two known keys with any byte changed says nothing of a signature."""
    contract = replace(office.contract, keys=KEYS)
    note = _signed(contract, (BUYER, "buyer"), (VENDOR, "vendor"))
    at %= len(note)
    changed = note[:at] + ("x" if note[at] != "x" else "y") + note[at + 1 :]

    with pytest.raises(Tampered):
        read_signatures(contract, changed, contract_keys(contract), NOW)


def test_keys_have_days(office):
    """A key that is not yet, or no longer, valid does not sign; one that was when its signature was recorded, did."""
    keyring = Keyring([KnownKey("buyer", BUYER.verifier, NOW - DAY, NOW + DAY)])
    contract = replace(office.contract, keys=KEYS)
    keys = contract_keys(contract, keyring)
    note = _signed(contract, (BUYER, "buyer"), keys=keys)
    for now, words in ((NOW - 2 * DAY, "not yet valid"), (NOW + DAY, "no longer valid")):
        with pytest.raises(Tampered, match=words):
            _signed(contract, (BUYER, "buyer"), keys=keys, now=now)
        with pytest.raises(Tampered, match=words):
            read_signatures(contract, note, keys, now)

    office.contract = contract
    record_signatures(
        office.engine, office.log, office.signer, contract, read_signatures(contract, note, keys, NOW), now=NOW
    )
    recorded = recorded_signatures(office.engine, office.log, contract)
    assert len(read_signatures(contract, note, keys, NOW + 9 * DAY, recorded=recorded)) == 1


def test_the_contracts_keys_come_first(office):
    """A key that only the keyring knows does not sign for a party whose keys the contract names."""
    keyring = Keyring([KnownKey("buyer", OTHER.verifier)])
    assert [key.verifier for key in contract_keys(office.contract, keyring).keys] == [OTHER.verifier]

    named = replace(office.contract, keys={"buyer": KEYS["buyer"]})
    assert [key.verifier for key in contract_keys(named, keyring).keys] == [BUYER.verifier]
    both = replace(office.contract, keys={"buyer": KEYS["buyer"], "vendor": KEYS["buyer"]})
    with pytest.raises(ConfigurationError):
        contract_keys(both)


def test_signatures_are_recorded_once(office):
    """Each verified signature is one act in the ledger, however often it is recorded, and the ledger is in order."""
    signatures = [ContractSignature("buyer", BUYER.verifier.vkey), ContractSignature("vendor", VENDOR.verifier.vkey)]
    recorded = [
        record_signatures(office.engine, office.log, office.signer, office.contract, some, now=NOW)
        for some in (signatures[:1], signatures, signatures)
    ]

    assert recorded == [1, 1, 0]
    acts = [entry for _, entry in read_acts(office.engine, office.log, "acme", "signature")]
    assert [(entry["by"], entry["key"], entry["sha256"]) for entry in acts] == [
        ("buyer", "1", office.contract.sha256),
        ("vendor", "1", office.contract.sha256),
    ]
    assert office.fsck() == []

"""Ids of 15 signs, as reports and addresses show them, mean the records whose ids have 18."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tallystick.cli.app import app as cli
from tallystick.errors import ContractError
from tallystick_salesforce import SalesforceConnector

SIGNS = string.ascii_letters + string.digits
PROJECT = """\
project: test
sources:
  crm: {connector: salesforce, base_url: "https://acme.example", client_id: reader, client_secret: "env:SF_SECRET",
        start: 2026-08-01}
contracts: [contract.yaml]
"""
CONTRACT = """\
contract: acme
version: 1
buyer: Nordwind
vendor: {name: Uptime AI, identities: {crm: ["0055g00000ABcDe"]}}
timezone: Europe/Berlin
currency: USD
term: {start: 2026-08-15}
people: {account_executive: {crm: {ids: ["0055g00000aAaAaAAC", "0055g00000aaaaa"]}}}
outcomes:
  resolved:
    {source: crm, uses: ticket-resolved, with: {bots: ["0055g00000BBBBB"]}, price: {per_unit: 1}}
  met:
    {source: crm, uses: qualified-meeting, with: {account_executive_ids: ["0055g00000CcCcC"]}, price: {per_unit: 1}}
"""


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("001A0000006Vm9u", "001A0000006Vm9uIAC"),
        ("00U000000000000", "00U000000000000EAA"),
        ("500AAAAAAAAAAAA", "500AAAAAAAAAAAAY55"),
        ("005aaaaaaaaaaaZ", "005aaaaaaaaaaaZAAQ"),
    ],
)
def test_the_last_three_signs_tell_the_capitals(short, whole):
    """The first of five signs counts one, the last sixteen, if they are capitals; A to Z and 0 to 5 are 0 to 31."""
    assert SalesforceConnector.whole_id(short) == whole


@given(st.text(SIGNS, min_size=12, max_size=12))
def test_ids_that_differ_in_case_alone_stay_apart(rest):
    """Whole ids begin with the short ones, stay what they are, and differ even where case is not told apart."""
    whole = SalesforceConnector.whole_id("500" + rest)

    assert (whole[:15], len(whole)) == ("500" + rest, 18)
    assert SalesforceConnector.whole_id(whole) == whole
    other = SalesforceConnector.whole_id("500" + rest.swapcase())
    assert (whole.lower() == other.lower()) == (rest == rest.swapcase())


@pytest.mark.parametrize("text", ["", "500", "CASE-2026-00017", "abcdefghijklmno", "500AAAAAAAAAAA\u00c4", "app:77123"])
def test_what_is_no_such_id_stays(text):
    """A number of the buyer's own, an application or a word is taken as it is, though it may have 15 signs."""
    assert SalesforceConnector.whole_id(text) == text


def test_a_contract_is_written_with_whole_ids(tmp_path):
    """Short ids of the vendor and of people are refused, each with its place and the whole id: they would be nobody."""
    (tmp_path / "tallystick.yaml").write_text(PROJECT)
    (tmp_path / "contract.yaml").write_text(CONTRACT)

    done = CliRunner().invoke(cli, ["contract", "lint", "acme", "--project", str(tmp_path / "tallystick.yaml")])

    assert isinstance(done.exception, ContractError)
    said = f"{done.exception.where}: {done.exception} {done.exception.hint}"
    for line, whole in (
        (4, "0055g00000ABcDeAAL"),
        (8, "0055g00000aaaaaAAA"),
        (11, "0055g00000BBBBBAA5"),
        (13, "0055g00000CcCcCAAV"),
    ):
        assert f"contract.yaml:{line}:" in said
        assert f"Write it in full: {whole}." in said
    assert said.count("no record of crm carries") == 4

"""`qualified-meeting`: who was there, on whose side, and with which address and title."""

import pytest

from tallystick.errors import ContractError
from tallystick.outcomes.meeting_qualified import QUALIFIED_MEETING

BOOKER, VENDOR = "sdr", "bot"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "meets"),
        ({"response": "none"}, "meets"),
        ({"response": None}, "meets"),
        ({"response": "declined"}, "rejected"),
        ({"response": "declined", "attended": True}, "meets"),
        ({"attended": False}, "rejected"),
        ({"domain": "gmail.com"}, "rejected"),
        ({"domain": "sub.gmail.com"}, "meets"),
        ({"domain": "acme.example"}, "rejected"),
        ({"domain": "vendor.example"}, "rejected"),
        ({"domain": None}, "unverifiable"),
        ({"internal": None}, "unverifiable"),
        ({"internal": True}, "rejected"),
        ({"internal": True, "domain": None}, "rejected"),
        ({"internal": None, "domain": "acme.example"}, "rejected"),
    ],
)
def test_a_prospect_has_a_business_address(held, changes, status):
    """Somebody from outside with an address not anybody can get; who declined or stayed away was not there."""
    held.prospect |= changes
    domains = {"internal_domains": ["ACME.example"], "excluded_domains": ["vendor.example"]}

    assert held.verdict(**domains) == (status, "" if status == "meets" else "prospect_present")


def test_an_address_need_not_be_a_business_one(held):
    """Where the contract does not ask for it, any address will do, and none."""
    for domain in ("gmail.com", None):
        held.prospect["domain"] = domain
        assert held.verdict(business_email=False) == ("meets", "")


def test_further_free_mail_domains_are_agreed(held):
    """The list that ships is extended by the contract, and all of it is part of what is pinned."""
    assert held.verdict(free_mail_domains=["Customer.example"]) == ("rejected", "prospect_present")

    source = QUALIFIED_MEETING.source({"vendor_ids": ["v"], "acceptance": "none", "free_mail_domains": ["x.example"]})
    known = source.params["free_mail_domains"].split()
    assert known[-1] == "x.example"
    assert len(known) == len(set(known)) > 150
    assert not [domain for domain in known if domain != domain.lower() or "." not in domain]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "meets"),
        ({"internal": False, "domain": "acme.example"}, "meets"),
        ({"internal": False}, "rejected"),
        ({"actor_id": VENDOR}, "rejected"),
        ({"actor_id": None}, "meets"),
        ({"response": "declined"}, "rejected"),
        ({"internal": None, "domain": "x.example"}, "unverifiable"),
    ],
)
def test_the_buyer_has_to_be_there(held, changes, status):
    """One of the buyer's own users or domains has to be there, who is not the vendor."""
    held.buyer |= {"domain": "elsewhere.example", **changes}
    # One more from outside, so that only the buyer's side decides.
    held.invite(internal=False, domain="other.example")

    found = held.verdict(internal_domains=["acme.example"])
    assert found == (status, "" if status == "meets" else "buyer_present")


@pytest.mark.parametrize(
    ("buyers", "prospects", "clause"),
    [(1, 1, ""), (2, 1, "buyer_present"), (1, 2, "prospect_present"), (0, 0, "")],
)
def test_how_many_are_agreed(held, buyers, prospects, clause):
    """Each side needs as many as the contract says; none asked for, none needed."""
    assert held.verdict(buyer_attendees=buyers, prospect_attendees=prospects)[1] == clause
    if buyers == 0:
        held.world.rows["attendee"].clear()
        assert held.verdict(buyer_attendees=0, prospect_attendees=0) == ("meets", "")
        assert held.verdict() == ("rejected", "buyer_present")


def test_who_is_unclear_fills_no_seat(held):
    """Somebody of whom it is not known on which side they are makes it unverifiable where that seat is missing."""
    held.invite(internal=False, domain=None)

    assert held.verdict() == ("meets", "")
    assert held.verdict(prospect_attendees=2) == ("unverifiable", "prospect_present")
    assert held.verdict(prospect_attendees=3) == ("rejected", "prospect_present")


def test_invited_is_not_attended(held):
    """Where only those who took part count, an invitation is none; who is not known to have, is unclear."""
    assert held.verdict(attendance="attended") == ("unverifiable", "buyer_present")
    held.buyer["attended"] = True
    assert held.verdict(attendance="attended") == ("unverifiable", "prospect_present")
    held.prospect["attended"] = False
    assert held.verdict(attendance="attended") == ("rejected", "prospect_present")
    held.prospect["attended"] = True
    assert held.verdict(attendance="attended") == ("meets", "")


def test_who_was_in_the_call_took_part(held):
    """People named in the call itself were there, unless the vendor logged it."""
    call = held.world.rows["call"][0]["id"]
    held.invite(call_id=call, internal=True, actor_id="ae")
    held.invite(call_id=call, internal=False, domain="customer.example")
    assert held.verdict(attendance="attended") == ("meets", "")

    held.talk(30, created_by=VENDOR)
    assert held.verdict(attendance="attended") == ("unverifiable", "buyer_present")
    assert held.verdict(attendance="attended", accept_self_attested=True) == ("meets", "")


@pytest.mark.parametrize(
    ("titles", "status"),
    [
        (["vp"], "meets"),
        (["VP Sales,"], "meets"),
        (["head of", "emea"], "meets"),
        (["v"], "rejected"),
        (["sales"], "rejected"),
        (["chief"], "rejected"),
    ],
)
def test_a_decision_maker_has_an_agreed_title(held, titles, status):
    """The title of a prospect has one of the agreed ones as whole words, in capitals or not."""
    assert held.verdict(decision_maker_titles=titles) == (status, "" if status == "meets" else "decision_maker_present")


def test_a_title_that_is_not_known_decides_nothing(held):
    """A prospect without a title, or whom nobody knows, makes it unverifiable."""
    asked = {"decision_maker_titles": ["vp"]}
    held.world.rows["contact"][0]["title"] = None
    assert held.verdict(**asked) == ("unverifiable", "decision_maker_present")
    held.prospect["contact_id"] = "unknown"
    assert held.verdict(**asked) == ("unverifiable", "decision_maker_present")
    held.prospect["domain"] = "gmail.com"
    assert held.verdict(**asked) == ("rejected", "prospect_present")


def test_the_title_at_the_time_counts(held):
    """Who was promoted after the invitation was no decision-maker then."""
    held.world.add("contact", id="c1", title="Chief", as_of=held.start)

    assert held.verdict(decision_maker_titles=["vp"]) == ("meets", "")
    assert held.verdict(decision_maker_titles=["chief"]) == ("rejected", "decision_maker_present")


def test_attendees_may_still_come(held):
    """While attendees were not read past the hours for evidence, a missing one decides nothing."""
    held.world.rows["attendee"].remove(held.prospect)
    held.read(60, "attendee")

    assert held.verdict() == ("pending", "prospect_present")


def test_too_many_titles_are_refused(held):
    """More titles than an expression can hold are refused with how many are possible."""
    held.verdict(decision_maker_titles=[f"vice president {number}" for number in range(20)])
    with pytest.raises(ContractError, match="decision_maker_titles has more than 20 entries"):
        held.verdict(decision_maker_titles=[str(number) for number in range(21)])

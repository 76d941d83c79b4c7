"""Leads, contacts, accounts, users and queues as records."""

import pytest

from tallystick.records.types import RECORD_TYPES


@pytest.fixture
def made(org, connect, read):
    """Give the records of one stream for some rows of its object."""

    def make(stream, entity, *rows):
        org.rows[entity] = list(rows)
        return read({found.name: found for found in connect().streams()}[stream])[1]

    return make


def _columns(record):
    return dict(zip(RECORD_TYPES[record.type].column, record.values, strict=True))


def test_a_lead_is_a_contact_and_an_actor(made, row):
    """What it was converted into is told, and what it does is a customer's doing."""
    contact, actor = made(
        "leads",
        "Lead",
        row(
            "00Q",
            1,
            Name="Bo",
            Email="Bo@X.Test",
            Status="Sales Accepted",
            ConvertedOpportunityId="006000000000001AAA",
            ConvertedContactId="003000000000001AAA",
        ),
    )
    columns = _columns(contact)

    assert (columns["kind"], columns["status"], columns["domain"]) == ("lead", "Sales Accepted", "x.test")
    assert columns["converted_deal_id"] == "006000000000001AAA"
    assert columns["converted_contact_id"] == "003000000000001AAA"
    assert (actor.type, actor.id, actor.values[4]) == ("actor", contact.id, "end-user")


@pytest.mark.parametrize(
    ("stream", "entity", "prefix"),
    [("leads", "Lead", "00Q"), ("contacts", "Contact", "003"), ("accounts", "Account", "001")],
)
def test_merged_is_not_deleted(made, row, stream, entity, prefix):
    """A loser of a merge stays and says into which; what was only deleted is gone."""
    master = f"{prefix}000000000009AAA"
    found = made(
        stream,
        entity,
        row(prefix, 1, IsDeleted=True, MasterRecordId=master),
        row(prefix, 2, IsDeleted=True),
        row(prefix, 3),
    )
    kept = [record for record in found if record.type != "actor"]

    assert [record.deleted for record in kept] == [False, True, False]
    assert [_columns(record)["merged_into"] for record in kept] == [master, None, None]


@pytest.mark.parametrize(
    ("website", "domain"),
    [
        ("https://www.Acme.com/x", "acme.com"),
        ("acme.com", "acme.com"),
        ("www.acme.com:8080", "acme.com"),
        ("http://[bad", None),
        (" ", None),
        (None, None),
    ],
)
def test_an_accounts_domain_is_that_of_its_website(made, row, website, domain):
    """However the address is written, its host without www is the domain."""
    [account] = made("accounts", "Account", row("001", 1, Website=website, Type="Customer"))

    assert (_columns(account)["domain"], _columns(account)["status"]) == (domain, "Customer")


@pytest.mark.parametrize(
    ("user_type", "named", "expected"),
    [
        ("Standard", ("AE", "Sales"), ("unknown", "AE")),
        ("Standard", (None, "Sales"), ("unknown", "Sales")),
        ("AutomatedProcess", (None, None), ("rule", "AutomatedProcess")),
        ("CloudIntegrationUser", (None, None), ("application", "CloudIntegrationUser")),
        ("CspLitePortal", (None, "Portal"), ("person", "end-user")),
        (None, (None, None), ("unknown", None)),
    ],
)
def test_a_user_is_an_actor_with_a_role(made, row, user_type, named, expected):
    """The role is that of the hierarchy, else the profile; who is a bot is never guessed."""
    role, profile = named
    fields = {
        "UserType": user_type,
        "UserRole": {"Name": role} if role else None,
        "Profile": {"Name": profile} if profile else None,
    }
    [actor] = made("users", "User", row("005", 1, Name="Ada", Email="Ada@acme.test", IsActive=True, **fields))
    columns = _columns(actor)

    assert (columns["kind"], columns["role"]) == expected
    assert (columns["email"], columns["active"]) == ("ada@acme.test", True)
    assert actor.custom == {"profile": profile, "user_type": user_type}


def test_a_queue_is_an_actor(made, row):
    """So that an owner that is no person can be told from one."""
    [queue] = made("groups", "Group", row("00G", 1, Name="Tier 1", Type="Queue"))

    assert (queue.id, _columns(queue)["role"], _columns(queue)["kind"]) == ("00G000000000001AAA", "queue", "unknown")

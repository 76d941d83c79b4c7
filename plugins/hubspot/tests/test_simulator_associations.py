"""Associations of the simulator: batches, pages of one input, labels, and what moves no stamp."""

from contextlib import ExitStack

import httpx
import pytest

from tallystick_hubspot.simulator import Plan, serve
from tallystick_hubspot.simulator.deeds import PRIMARY, Associate, Create, Disassociate, Erase, Label, Merge
from tallystick_hubspot.simulator.instants import iso
from tallystick_hubspot.simulator.sample import CALL, DEAL, END, GONE, HANDED_OVER, LOSER, MEETING, START, WINNER

BEARER = {"Authorization": "Bearer pat-eu1-sample"}


@pytest.fixture(scope="module")
def client():
    """A client of the sample account when all of it has happened; no test changes it."""
    with serve(now=iso(END)) as origin, httpx.Client(base_url=origin, headers=BEARER, trust_env=False) as made:
        yield made


@pytest.fixture
def connect():
    """Serve a plan of one's own and give a client."""
    with ExitStack() as opened:

        def make(*deeds, **options):
            origin = opened.enter_context(serve(plan=Plan(deeds=deeds), **options))
            return opened.enter_context(httpx.Client(base_url=origin, headers=BEARER, trust_env=False))

        yield make


def _read(client, source, target, *inputs):
    asked = [one if isinstance(one, dict) else {"id": one} for one in inputs]
    return client.post(f"/crm/associations/2026-09/{source}/{target}/batch/read", json={"inputs": asked})


def test_a_batch_tells_types_and_labels_from_both_ends(client):
    """Each end sees its own type number; a label stands beside the plain type, and reads differently from each end."""
    there = _read(client, "contacts", "companies", "100001").json()["results"]
    back = _read(client, "companies", "contacts", "200001").json()["results"]
    plain = {"category": "HUBSPOT_DEFINED", "label": None}
    assert there[0]["to"] == [
        {
            "toObjectId": 200_001,
            "associationTypes": [
                {**plain, "typeId": 279},
                {"category": "USER_DEFINED", "typeId": 7, "label": "Decision maker"},
            ],
        }
    ]
    assert back[0]["to"][0]["associationTypes"] == [
        {**plain, "typeId": 280},
        {"category": "USER_DEFINED", "typeId": 8, "label": "Decided by"},
    ]


def test_both_spellings_and_all_names_answer_alike(client):
    """The numbered and the dated path, plural, singular and numbered kinds give the same."""
    body = {"inputs": [{"id": MEETING[1]}]}
    dated = client.post("/crm/associations/2026-09/meetings/contacts/batch/read", json=body)
    for path in ("/crm/v4/associations/meetings/contacts", "/crm/v4/associations/meeting/contact"):
        assert client.post(f"{path}/batch/read", json=body).content == dated.content
    assert client.post("/crm/v4/associations/0-47/0-1/batch/read", json=body).content == dated.content


def test_an_object_without_associations_makes_a_207(client):
    """What has none, is archived, or is not there at all is an error of its own; the others are there."""
    answer = _read(client, "tickets", "contacts", HANDED_OVER[1], GONE[1], WINNER[1], "5")
    found = answer.json()
    assert (answer.status_code, found["numErrors"]) == (207, 3)
    assert [row["from"]["id"] for row in found["results"]] == [WINNER[1]]
    assert [error["context"]["fromObjectId"] for error in found["errors"]] == [[HANDED_OVER[1]], [GONE[1]], ["5"]]
    assert {error["subCategory"] for error in found["errors"]} == {"crm.associations.NO_ASSOCIATIONS_FOUND"}
    assert _read(client, "tickets", "contacts", WINNER[1]).status_code == 200


def test_archived_ends_are_not_told(client):
    """A contact is not told of its archived ticket, nor of one that was merged."""
    ends = [end["toObjectId"] for end in _read(client, "contacts", "tickets", "100001").json()["results"][0]["to"]]
    assert int(WINNER[1]) in ends
    assert not {int(GONE[1]), int(LOSER[1])} & set(ends)


def test_a_thousand_inputs_are_the_most(client):
    """A thousand inputs are taken, one more is refused."""
    inputs = [str(number) for number in range(1_001)]
    assert _read(client, "deals", "contacts", *inputs).status_code == 400
    assert len(_read(client, "deals", "contacts", *inputs[1:]).json()["errors"]) == 1_000


def test_one_input_has_pages_of_its_own(connect):
    """An input with more ends than a page has leads on by a place of its own, and each end comes once."""
    contacts = [("contacts", str(number)) for number in range(1, 8)]
    company = ("companies", "9")
    client = connect(
        Create(START, company),
        *(Create(START, ref) for ref in contacts),
        *(Associate(START, company, ref) for ref in contacts),
        association_page=3,
    )
    found, asked = [], {"id": "9"}
    for _ in range(3):
        row = _read(client, "companies", "contacts", asked).json()["results"][0]
        found += [end["toObjectId"] for end in row["to"]]
        asked = {"id": "9", "after": row["paging"]["next"]["after"]} if "paging" in row else None
    assert (found, asked) == (list(range(1, 8)), None)


def test_a_changed_association_moves_no_stamp(connect):
    """Connecting and parting leave `hs_lastmodifieddate` of both ends where it was."""
    deal, contact = ("deals", "1"), ("contacts", "2")
    client = connect(
        Create(START, deal),
        Create(START, contact),
        Associate(START + 60_000, deal, contact),
        Disassociate(START + 120_000, contact, deal),
        now=iso(START + 60_000),
    )
    path = "/crm/v3/objects/deals/1"
    assert len(_read(client, "deals", "contacts", "1").json()["results"]) == 1
    assert client.get(path).json()["updatedAt"] == iso(START)
    client.post("/_simulator/clock", json={"advance_seconds": 60})
    assert _read(client, "deals", "contacts", "1").status_code == 207
    assert client.get(path).json()["updatedAt"] == iso(START)


def test_a_merge_moves_associations_and_an_erasure_ends_them(connect):
    """The winner has the loser's ends, once; of an erased object nobody is told."""
    one, two, contact, other = ("tickets", "1"), ("tickets", "2"), ("contacts", "3"), ("contacts", "4")
    client = connect(
        *(Create(START, ref) for ref in (one, two, contact, other)),
        *(Associate(START, ticket, contact) for ticket in (one, two)),
        Associate(START, two, other),
        Associate(START, one, two, Label(77, "Twin of")),
        Merge(START + 1, one, two, redirects=True),
        Erase(START + 2, other),
    )
    (row,) = _read(client, "tickets", "contacts", "1").json()["results"]
    assert [end["toObjectId"] for end in row["to"]] == [3]
    assert [end["toObjectId"] for end in _read(client, "contacts", "tickets", "3").json()["results"][0]["to"]] == [1]
    assert _read(client, "tickets", "tickets", "1").status_code == 207
    assert client.get("/crm/v3/objects/tickets/2").json()["id"] == "1"


def test_a_company_may_be_the_primary_one(connect):
    """The primary company has HubSpot's own label from both ends, and stands on the contact until they part."""
    contact, company = ("contacts", "1"), ("companies", "2")
    client = connect(
        *(Create(START, ref) for ref in (contact, company)),
        Associate(START, contact, company, PRIMARY["contacts"]),
        Disassociate(START + 1_000, company, contact),
        now=iso(START),
    )
    for ends, number in ((("contacts", "companies", "1"), 1), (("companies", "contacts", "2"), 2)):
        types = _read(client, *ends).json()["results"][0]["to"][0]["associationTypes"]
        assert types[1] == {"category": "HUBSPOT_DEFINED", "typeId": number, "label": "Primary"}
    path = "/crm/v3/objects/contacts/1?properties=associatedcompanyid"
    before = client.get(path).json()
    client.post("/_simulator/clock", json={"advance_seconds": 1})
    after = client.get(path).json()
    assert [row["properties"]["associatedcompanyid"] for row in (before, after)] == ["2", None]
    assert before["updatedAt"] == after["updatedAt"]


def test_kinds_without_a_plain_type_need_a_label():
    """Between meetings and calls HubSpot defines nothing: to connect them without a label is not possible."""
    refs = ("meetings", "3"), ("calls", "4")
    plan = Plan(deeds=(*(Create(START, ref) for ref in refs), Associate(START, *refs)))
    with pytest.raises(ValueError, match="need a label"), serve(plan=plan):
        pass


def test_one_object_at_a_time_is_numbered_only(client):
    """The ends of one object are read by the numbered path; the dated one does not exist."""
    query = {"limit": 1}
    row = client.get(f"/crm/v4/objects/deals/{DEAL[1]}/associations/companies", params=query).json()
    assert row["results"][0]["toObjectId"] == 200_001
    first = client.get("/crm/v4/objects/contacts/100001/associations/tickets", params=query).json()
    second = client.get(first["paging"]["next"]["link"]).json()
    assert first["results"] != second["results"]
    assert client.get(f"/crm/objects/2026-09/deals/{DEAL[1]}/associations/companies").status_code == 404
    assert client.get("/crm/v4/objects/deals/5/associations/companies").status_code == 404


def test_labels_of_a_pair_are_listed(client):
    """A pair of kinds has the plain type and the labels that are in use; some pairs have only labels."""
    labels = client.get("/crm/v4/associations/contacts/companies/labels").json()["results"]
    assert [(one["typeId"], one["label"]) for one in labels] == [(7, "Decision maker"), (279, None)]
    labels = client.get("/crm/associations/2026-09/meetings/calls/labels").json()["results"]
    assert [one["label"] for one in labels] == ["Recording of"]
    assert _read(client, "calls", "deals", CALL[1]).status_code == 207


def test_many_inline_associations_lead_on(connect):
    """Beside a row stand a hundred associations, and a link to the others."""
    tickets = [("tickets", str(number)) for number in range(1, 103)]
    contact = ("contacts", "500")
    client = connect(
        Create(START, contact),
        *(Create(START, ref) for ref in tickets),
        *(Associate(START, contact, ref) for ref in tickets),
    )
    shown = client.get("/crm/v3/objects/contacts/500", params={"associations": "tickets"}).json()["associations"]
    assert len(shown["tickets"]["results"]) == 100
    rest = client.get(shown["tickets"]["paging"]["next"]["link"]).json()["results"]
    assert [end["toObjectId"] for end in rest] == [101, 102]

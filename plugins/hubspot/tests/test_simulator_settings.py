"""What the simulated account is set up with: owners, pipelines, properties, and the account itself."""

import httpx
import pytest

from tallystick_hubspot.simulator import serve
from tallystick_hubspot.simulator.instants import iso
from tallystick_hubspot.simulator.sample import END, FORMER, START

BEARER = {"Authorization": "Bearer pat-eu1-sample"}


@pytest.fixture(scope="module")
def client():
    """A client of the sample account when all of it has happened; no test changes it."""
    with serve(now=iso(END)) as origin, httpx.Client(base_url=origin, headers=BEARER, trust_env=False) as made:
        yield made


def test_an_archived_owner_is_listed_apart_and_keeps_the_user_under_another_name(client):
    """The list has no archived owner unless asked for; then `userId` is null and the other name has the number."""
    living = client.get("/crm/owners/2026-09").json()["results"]
    assert [(row["id"], row["userId"]) for row in living] == [("31", 9001), ("32", 9002), ("33", 9003), ("35", None)]
    (gone,) = client.get("/crm/owners/2026-09", params={"archived": "true"}).json()["results"]
    assert (gone["id"], gone["userId"], gone["userIdIncludingInactive"]) == ("34", None, FORMER)
    assert living[0]["teams"] == [{"id": "901", "name": "Sales", "primary": True}]
    assert [row["type"] for row in living] == ["PERSON"] * 3 + ["QUEUE"]


def test_an_owner_is_archived_at_an_instant():
    """Before that instant the same owner is on the ordinary list."""
    with serve(now=iso(START)) as origin, httpx.Client(base_url=origin, headers=BEARER, trust_env=False) as client:
        assert len(client.get("/crm/v3/owners/").json()["results"]) == 5
        assert client.get("/crm/v3/owners/34").json()["userId"] == FORMER


def test_owners_are_read_by_id_by_user_and_by_address(client):
    """An owner is found by the owner id, by the user id when that is said, and by address; in pages too."""
    assert client.get("/crm/v3/owners/31").json()["email"] == "ada@nordwind.example"
    assert client.get("/crm/v3/owners/9001", params={"idProperty": "userId"}).json()["id"] == "31"
    assert client.get("/crm/v3/owners/9001").status_code == 404
    found = client.get("/crm/v3/owners", params={"email": "bea@nordwind.example"}).json()["results"]
    assert [row["id"] for row in found] == ["32"]
    first = client.get("/crm/v3/owners", params={"limit": 3}).json()
    second = client.get(first["paging"]["next"]["link"]).json()
    assert [row["id"] for page in (first, second) for row in page["results"]] == ["31", "32", "33", "35"]


def test_stages_tell_what_is_closed(client):
    """A ticket's stage says so by `ticketState`, a deal's by `isClosed` and `probability`, all as texts."""
    tickets = client.get("/crm/pipelines/2026-09/tickets").json()["results"]
    states = {stage["id"]: stage["metadata"] for pipeline in tickets for stage in pipeline["stages"]}
    assert [key for key, metadata in states.items() if metadata == {"ticketState": "CLOSED"}] == ["4", "22"]
    assert states["1"] == {"ticketState": "OPEN"}
    won = client.get("/crm/v3/pipelines/deals/default/stages/closedwon").json()["metadata"]
    assert won == {"isClosed": "true", "probability": "1.0"}
    assert len(client.get("/crm/v3/pipelines/deals/default/stages").json()["results"]) == 4
    assert client.get("/crm/v3/pipelines/deals/default").json()["label"] == "Sales"
    for path in ("deals/nothing", "deals/default/stages/nothing", "deals/default/nothing"):
        assert client.get(f"/crm/v3/pipelines/{path}").status_code == 404


def test_every_property_that_a_record_has_is_defined(client):
    """Definitions name the account's own properties and all that HubSpot computes, with the options of enumerations."""
    for kind in ("contacts", "companies", "deals", "tickets", "meetings", "calls"):
        known = {row["name"]: row for row in client.get(f"/crm/properties/2026-09/{kind}").json()["results"]}
        asked = {"properties": ",".join(known), "limit": 100}
        for row in client.get(f"/crm/v3/objects/{kind}", params=asked).json()["results"]:
            assert set(row["properties"]) == set(known)
    outcome = client.get("/crm/v3/properties/meetings/hs_meeting_outcome").json()
    assert [one["value"] for one in outcome["options"]][:2] == ["SCHEDULED", "COMPLETED"]
    own = client.get("/crm/v3/properties/meetings/accepted_by_ae").json()
    assert (own["hubspotDefined"], own["type"]) == (False, "bool")
    assert [one["value"] for one in own["options"]] == ["true", "false"]
    stages = client.get("/crm/v3/properties/tickets/hs_pipeline_stage").json()["options"]
    assert [one["value"] for one in stages] == ["1", "2", "3", "4", "21", "22"]
    assert client.get("/crm/v3/properties/meetings/accepted").status_code == 404


def test_the_account_tells_zone_currencies_and_use(client):
    """Portal, zone, currencies, and how much of the day's calls is used until midnight in that zone."""
    details = client.get("/account-info/2026-09/details").json()
    assert (details["portalId"], details["timeZone"], details["utcOffset"]) == (4_400_001, "Europe/Berlin", "+02:00")
    assert (details["companyCurrency"], details["additionalCurrencies"]) == ("EUR", ["USD"])
    assert client.get("/account-info/v3/details").json() == details
    path = "/account-info/v3/api-usage/daily/private-apps"
    first, second = (client.get(path).json()["results"][0] for _ in range(2))
    assert second["currentUsage"] == first["currentUsage"] + 1
    assert first["resetsAt"] == "2026-09-25T22:00:00Z"
    assert client.get("/account-info/v3/nothing").status_code == 404
    assert client.post("/account-info/v3/details").status_code == 404

"""The simulator satisfies HubSpot's own client over a socket: each answer is accepted by its models."""

import json
from contextlib import ExitStack

import hubspot
import pytest
import urllib3
from hubspot.crm.associations.v4 import BatchInputPublicFetchAssociationsBatchRequest
from hubspot.crm.contacts.exceptions import ForbiddenException
from hubspot.crm.objects.exceptions import NotFoundException, UnauthorizedException
from hubspot.crm.tickets import BatchReadInputSimplePublicObjectId, PublicObjectSearchRequest
from hubspot.crm.tickets.exceptions import ApiException, ServiceException

from tallystick.testing.serving import running
from tallystick_hubspot.simulator import create_app, serve
from tallystick_hubspot.simulator.instants import iso
from tallystick_hubspot.simulator.sample import BOT_ONLY, DEAL, END, GONE, MEETING, VENDOR_APP, WINNER

TOKEN = "pat-eu1-sample"
TIMES = {"_request_timeout": (5, 60)}


@pytest.fixture(scope="module")
def origin():
    """Where the sample account is served when all of it has happened; no test changes it."""
    with serve(now=iso(END)) as made:
        yield made


@pytest.fixture
def client(origin):
    """HubSpot's client of the sample account."""
    return hubspot.HubSpot(access_token=TOKEN, host=origin, retry=False)


@pytest.fixture
def steered():
    """A simulator to steer from within, and HubSpot's client of it."""
    with ExitStack() as opened:
        app = create_app(now=iso(END))
        made = hubspot.HubSpot(access_token=TOKEN, host=opened.enter_context(running(app)), retry=False)
        yield app, made


def test_get_page_and_get_all(client):
    """A page has what was asked for, and all pages together give each ticket once."""
    page = client.crm.tickets.basic_api.get_page(limit=3, properties=["subject"], associations=["contacts"], **TIMES)
    assert len(page.results) == 3
    assert page.results[0].properties["subject"] == "Parcel"
    assert page.results[2].associations["contacts"].results[0].type == "ticket_to_contact"
    assert page.paging.next.after
    rows = client.crm.tickets.get_all(properties=["subject"])
    assert len({row.id for row in rows}) == 58
    archived = client.crm.tickets.get_all(archived=True)
    assert [(row.id, row.archived) for row in archived] == [(GONE[1], True)]
    assert archived[0].archived_at.isoformat() == "2026-09-08T08:00:00+00:00"


def test_get_all_with_histories(client):
    """Histories come in pages of fifty, with who wrote each value."""
    rows = client.crm.objects.meetings.basic_api.get_page(
        limit=50, properties_with_history=["hs_meeting_outcome"], properties=["hs_meeting_outcome"], **TIMES
    ).results
    first = {row.id: row for row in rows}[MEETING[1]].properties_with_history["hs_meeting_outcome"]
    assert [(one.value, one.source_type) for one in first] == [
        ("COMPLETED", "AUTOMATION_PLATFORM"),
        ("SCHEDULED", "INTEGRATION"),
    ]
    assert (first[1].source_id, first[1].source_label, first[1].updated_by_user_id) == (VENDOR_APP, "Uptime AI", None)


def test_get_by_id(client):
    """One object by its id and by a unique property; an archived one only when asked for."""
    deal = client.crm.deals.basic_api.get_by_id(DEAL[1], properties=["amount", "dealstage"], **TIMES)
    assert deal.properties == {"amount": "12000.50", "dealstage": "closedwon"}
    contact = client.crm.contacts.basic_api.get_by_id("carl@clay.example", id_property="email", **TIMES)
    assert contact.id == "100001"
    with pytest.raises(ApiException) as caught:
        client.crm.tickets.basic_api.get_by_id(GONE[1], **TIMES)
    assert (caught.value.status, json.loads(caught.value.body)["category"]) == (404, "OBJECT_NOT_FOUND")
    assert client.crm.tickets.basic_api.get_by_id(GONE[1], archived=True, **TIMES).archived


def test_bytes_instead_of_models(client):
    """Without preloading the same call gives status, headers and the bytes."""
    api = client.crm.tickets.basic_api
    raw = api.get_by_id(WINNER[1], properties=["hs_merged_object_ids"], _preload_content=False, **TIMES)
    assert isinstance(raw, urllib3.HTTPResponse)
    assert (raw.status, raw.headers["Content-Type"]) == (200, "application/json;charset=utf-8")
    assert raw.headers["X-HubSpot-Correlation-Id"]
    found = json.loads(raw.data)
    assert found["properties"] == {"hs_merged_object_ids": "400004"}
    assert found["url"].endswith(WINNER[1])
    for call in (
        lambda: api.get_page(limit=1, _preload_content=False, **TIMES),
        lambda: client.crm.tickets.search_api.do_search({"limit": 1}, _preload_content=False, **TIMES),
        lambda: client.crm.owners.owners_api.get_page(_preload_content=False, **TIMES),
    ):
        assert len(json.loads(call().data)["results"]) >= 1


def test_search(client):
    """A search by window and keyset, with sorts as dictionaries, gives rows, a total and a place to go on."""
    filters = [
        {"propertyName": "hs_lastmodifieddate", "operator": "LT", "value": str(END)},
        {"propertyName": "hs_object_id", "operator": "GT", "value": BOT_ONLY[1]},
    ]
    sorts = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    asked = PublicObjectSearchRequest(
        filter_groups=[{"filters": filters}], sorts=sorts, properties=["subject"], limit=5
    )
    page = client.crm.tickets.search_api.do_search(asked, **TIMES)
    assert (page.total, len(page.results), page.paging.next.after) == (57, 5, "5")
    assert page.results[0].id > BOT_ONLY[1]
    with pytest.raises(ApiException) as caught:
        client.crm.tickets.search_api.do_search({"limit": 500}, **TIMES)
    assert caught.value.status == 400


def test_batch_read_with_a_207(client):
    """A batch with a missing id raises nothing: the answer has what is there and an error that names the id."""
    asked = BatchReadInputSimplePublicObjectId(
        inputs=[{"id": WINNER[1]}, {"id": "1"}], properties=["subject"], properties_with_history=[]
    )
    found = client.crm.tickets.batch_api.read(asked, **TIMES)
    assert type(found).__name__ == "BatchResponseSimplePublicObjectWithErrors"
    assert (found.num_errors, [row.id for row in found.results]) == (1, [WINNER[1]])
    assert found.errors[0].context == {"ids": ["1"]}
    asked.inputs.pop()
    assert type(client.crm.tickets.batch_api.read(asked, **TIMES)).__name__ == "BatchResponseSimplePublicObject"


def test_associations_v4(client):
    """A batch of associations with and without errors, and the associations of one object."""
    asked = BatchInputPublicFetchAssociationsBatchRequest(inputs=[{"id": MEETING[1]}])
    batch = client.crm.associations.v4.batch_api.get_page("meetings", "calls", asked, **TIMES)
    (link,) = batch.results[0].to[0].association_types
    assert (link.category, link.type_id, link.label) == ("USER_DEFINED", 301, "Recording of")
    asked.inputs.append({"id": "5"})
    broken = client.crm.associations.v4.batch_api.get_page("meetings", "calls", asked, **TIMES)
    assert (broken.num_errors, broken.errors[0].category) == (1, "OBJECT_NOT_FOUND")
    one = client.crm.associations.v4.basic_api.get_page("deals", DEAL[1], "companies", **TIMES)
    assert one.results[0].to_object_id == "200001"
    labels = client.crm.associations.v4.schema.definitions_api.get_all("contacts", "companies", **TIMES)
    assert {row.label for row in labels.results} == {None, "Decision maker"}


def test_owners(client):
    """Owners in pages, all of them, one, and the archived ones."""
    rows = client.crm.owners.get_all()
    assert [(row.id, row.type) for row in rows][-1] == ("35", "QUEUE")
    page = client.crm.owners.owners_api.get_page(limit=2, **TIMES)
    assert (len(page.results), page.results[0].teams[0].name) == (2, "Sales")
    gone = client.crm.owners.owners_api.get_page(archived=True, **TIMES).results[0]
    assert (gone.user_id, gone.user_id_including_inactive) == (None, 9004)
    assert client.crm.owners.owners_api.get_by_id(9002, id_property="userId", **TIMES).id == "32"


def test_pipelines_and_properties(client):
    """Stages with their metadata, and definitions with their options."""
    pipelines = client.crm.pipelines.pipelines_api.get_all("tickets", **TIMES).results
    assert pipelines[1].stages[1].metadata == {"ticketState": "CLOSED"}
    assert client.crm.pipelines.pipeline_stages_api.get_by_id("deals", "default", "closedwon", **TIMES).label == "Won"
    defined = client.crm.properties.core_api.get_all("meetings", **TIMES).results
    assert {"hs_meeting_outcome", "accepted_by_ae"} <= {row.name for row in defined}
    outcome = client.crm.properties.core_api.get_by_name("meetings", "hs_meeting_outcome", **TIMES)
    assert outcome.options[0].value == "SCHEDULED"


def test_a_token_by_refresh_token(client, origin):
    """The token endpoint gives a token that the account takes."""
    found = client.oauth.tokens_api.create(
        grant_type="refresh_token", client_id="us", client_secret="s", refresh_token="refresh", **TIMES
    )
    assert (found.token_type, found.expires_in) == ("bearer", 1800)
    signed_in = hubspot.HubSpot(access_token=found.access_token, host=origin, retry=False)
    assert signed_in.crm.deals.basic_api.get_page(limit=1, **TIMES).results


def test_errors_become_its_exceptions(steered):
    """Statuses come as the exceptions that the client has for them, with body and headers."""
    app, client = steered
    app.access.grant(TOKEN, ["tickets"])
    with pytest.raises(ForbiddenException) as forbidden:
        client.crm.contacts.basic_api.get_page(**TIMES)
    assert json.loads(forbidden.value.body)["category"] == "MISSING_SCOPES"
    client.access_token = "wrong-token"
    with pytest.raises(UnauthorizedException):
        client.crm.objects.basic_api.get_page("deals", **TIMES)
    client.access_token = "pat-eu1-other"
    with pytest.raises(NotFoundException):
        client.crm.objects.basic_api.get_by_id("deals", "5", **TIMES)
    app.faults.load([{"kind": "429", "policy": "DAILY", "retry_after": None}, {"kind": "524", "after": 1}])
    with pytest.raises(ApiException) as limited:
        client.crm.tickets.basic_api.get_page(**TIMES)
    assert (limited.value.status, json.loads(limited.value.body)["policyName"]) == (429, "DAILY")
    with pytest.raises(ServiceException) as edge:
        client.crm.tickets.basic_api.get_page(**TIMES)
    assert edge.value.status == 524


def test_new_fields_do_not_trouble_it(steered):
    """The client drops what it does not know, as it does with the real API."""
    app, client = steered
    app.faults.load([{"kind": "new_field"}])
    assert client.crm.tickets.basic_api.get_page(limit=2, **TIMES).results[0].id == BOT_ONLY[1]

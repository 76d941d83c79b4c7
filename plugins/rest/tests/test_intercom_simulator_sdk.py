"""Intercom's own SDK works against the simulator, and reads from it what is there."""

from itertools import pairwise

import httpx
import pytest
from intercom import Intercom
from intercom.errors import NotFoundError, UnauthorizedError
from intercom.types import (
    MultipleFilterSearchRequest,
    SingleFilterSearchRequest,
    StartingAfterPaging,
)

from tallystick_rest.simulators.intercom import cases, serve


@pytest.fixture
def origin():
    """Where a workspace is served."""
    with serve() as made:
        yield made


@pytest.fixture
def sdk(origin):
    """The SDK, with a good token."""
    with httpx.Client(trust_env=False) as client:
        yield Intercom(token="secret", base_url=origin, httpx_client=client)


@pytest.fixture
def ids():
    """The ids of the labelled conversations by the names of their cases."""
    return {case.name: case.subject for case in cases(1)}


def test_the_sdk_pages_through_a_search(sdk):
    """The cursors that the SDK reads lead over all pages, to each conversation once."""
    query = SingleFilterSearchRequest(field="updated_at", operator=">", value=0)
    rows, after = [], None
    while True:
        # Page by page: the pager of release 5.0.1 asks for the same page of a search again and again.
        paging = StartingAfterPaging(per_page=10, starting_after=after)
        found = sdk.conversations.search(query=query, pagination=paging)
        rows += found.items
        if not found.has_next:
            break
        after = found.response.pages.next.starting_after
    assert len({row.id for row in rows}) == len(rows) == 30 + sum(not case.gone for case in cases(1))
    assert all(before.created_at >= after.created_at for before, after in pairwise(rows))


def test_the_sdk_searches_by_the_state_of_the_ai_agent(sdk, ids):
    """A group of filters finds what Fin resolved with the customer's word, typed as the SDK has it."""
    parts = [
        SingleFilterSearchRequest(field="ai_agent_participated", operator="=", value="true"),
        SingleFilterSearchRequest(field="ai_agent.resolution_state", operator="=", value="confirmed_resolution"),
    ]
    found = list(sdk.conversations.search(query=MultipleFilterSearchRequest(operator="AND", value=parts)))
    assert {row.id for row in found} == {ids["confirmed"], ids["redacted"]}
    assert {row.ai_agent.source_type for row in found} == {"workflow"}


def test_the_sdk_reads_a_conversation(sdk, ids):
    """Parts, authors, assignments, statistics and the AI agent arrive in the SDK's own types."""
    found = sdk.conversations.find(ids["handed_off_by_assignment"])
    parts = found.conversation_parts.conversation_parts
    assert found.conversation_parts.total_count == len(parts) == 6
    assert (parts[0].author.type, parts[0].author.from_ai_agent) == ("bot", True)
    assert (parts[2].part_type, parts[2].assigned_to.type) == ("assignment", "team")
    assert (found.state, found.open, found.admin_assignee_id) == ("closed", False, 800_011)
    assert found.statistics.last_close_at == parts[-1].created_at
    assert found.contacts.contacts[0].type == "contact"
    assert found.ai_agent.content_sources.total_count == 0


def test_the_sdk_lists_conversations_contacts_and_people(sdk):
    """Lists of all kinds come in the SDK's own types."""
    assert len(list(sdk.conversations.list(per_page=7))) == 30 + sum(not case.gone for case in cases(1))
    assert {contact.role for contact in sdk.contacts.list(per_page=50)} <= {"user", "lead"}
    assert [admin.name for admin in sdk.admins.list().admins] == ["Ada Berg", "Ben Costa", "Cleo Dahl"]
    assert [team.name for team in sdk.teams.list().teams] == ["Support", "Billing"]
    assert sdk.admins.identify().app.id_code == "nordwind1"


def test_the_sdk_understands_the_errors(sdk, origin):
    """A refused token and what is not there are the SDK's own errors, with the code of the API."""
    with pytest.raises(NotFoundError):
        sdk.conversations.find("1")
    with httpx.Client(trust_env=False) as client, pytest.raises(UnauthorizedError) as raised:
        Intercom(token="wrong", base_url=origin, httpx_client=client).admins.list()
    assert raised.value.body.errors[0].code == "unauthorized"

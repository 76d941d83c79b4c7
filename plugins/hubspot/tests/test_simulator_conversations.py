"""Conversations of the simulator: threads of tickets, and who did what in them."""

from contextlib import ExitStack

import httpx
import pytest

from tallystick_hubspot.simulator import Plan, serve
from tallystick_hubspot.simulator.deeds import Create, Erase, Merge, OpenThread, Say, SetStatus
from tallystick_hubspot.simulator.instants import instant, iso
from tallystick_hubspot.simulator.sample import BOT_ONLY, END, HANDED_OVER, START, VENDOR_APP

BEARER = {"Authorization": "Bearer pat-eu1-sample"}
THREADS = "/conversations/conversations/2026-09/threads"


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


def _entries(client, thread, **query):
    return client.get(f"{THREADS}/{thread}/messages", params=query).raise_for_status().json()["results"]


def test_a_ticket_may_have_several_threads(client):
    """Threads are found by their ticket, all of them; the ticket itself names only the originating one."""
    asked = {"associatedTicketId": BOT_ONLY[1], "association": "TICKET"}
    rows = client.get(THREADS, params=asked).json()["results"]
    assert [(row["id"], row["status"]) for row in rows] == [("700001", "CLOSED"), ("700002", "OPEN")]
    assert {row["threadAssociations"]["associatedTicketId"] for row in rows} == {BOT_ONLY[1]}
    asked = {"properties": "hs_conversations_originating_thread_id,hs_num_associated_conversations"}
    ticket = client.get("/crm/v3/objects/{}/{}".format(*BOT_ONLY), params=asked).json()["properties"]
    assert ticket == {"hs_conversations_originating_thread_id": "700001", "hs_num_associated_conversations": "2"}
    assert client.get(THREADS, params={"associatedTicketId": "1"}).json() == {"results": []}


def test_the_ticket_of_a_thread_is_told_only_when_asked_for(client):
    """Without `association=TICKET` a thread does not say which ticket it belongs to, in a list and alone."""
    for path in (THREADS, f"{THREADS}/700001"):
        told = client.get(path, params={"association": "TICKET"}).json()
        untold = client.get(path).json()
        rows = told.get("results", [told]), untold.get("results", [untold])
        assert rows[0][0]["threadAssociations"] == {"associatedTicketId": BOT_ONLY[1]}
        assert "threadAssociations" not in rows[1][0]


def test_both_spellings_answer_alike(client):
    """The older path gives the same threads and messages."""
    old = "/conversations/v3/conversations/threads"
    for rest in ("?associatedTicketId=400002", "/700003", "/700003/messages"):
        assert client.get(f"{old}{rest}").content == client.get(f"{THREADS}{rest}").content
    assert client.get(f"{old}/1").status_code == 404


def test_entries_tell_who_handed_over(client):
    """A handoff shows as an assignment to a person; each kind of entry has what belongs to it and no more."""
    entries = _entries(client, "700003", sort="createdAt")
    told = [(one["type"], one["createdBy"]) for one in entries]
    assert told[:4] == [
        ("MESSAGE", "V-42"),
        ("ASSIGNMENT", "B-7"),
        ("THREAD_INBOX_CHANGE", "S-hubspot"),
        ("COMMENT", "A-9003"),
    ]
    first, last = [one for one in entries if one["type"] == "ASSIGNMENT"]
    assert (first["assignedTo"], "assignedFrom" in first) == ("A-9003", False)
    assert (last["assignedFrom"], "assignedTo" in last) == ("A-9003", False)
    assert [one["newStatus"] for one in entries if one["type"] == "THREAD_STATUS_CHANGE"] == ["CLOSED", "OPEN"]
    assert all({"createdAt", "client", "senders", "recipients"} <= set(one) for one in entries)
    assert "direction" not in next(one for one in entries if one["type"] == "COMMENT")


def test_an_app_may_speak_with_the_token_of_a_person(client):
    """An entry of an agent that an app posted names the app, and the same agent's own one does not."""
    said = [one for one in _entries(client, "700003", sort="createdAt") if one["createdBy"] == "A-9003"]
    clients = [one["client"] for one in said if one["type"] == "MESSAGE"]
    assert clients == [{"clientType": "INTEGRATION", "integrationAppId": int(VENDOR_APP)}, {"clientType": "HUBSPOT"}]


def test_all_kinds_of_actors_appear(client):
    """Visitors and addresses come in; agents, bots, LLM agents and integrations go out; the system does the rest."""
    entries = [one for thread in ("700001", "700002", "700003") for one in _entries(client, thread)]
    ways = {(one["createdBy"][0], one.get("direction")) for one in entries}
    assert ways == {
        *(("V", "INCOMING"), ("E", "INCOMING"), ("B", "OUTGOING"), ("L", "OUTGOING"), ("I", "OUTGOING")),
        *(("A", "OUTGOING"), ("A", None), ("B", None), ("S", None)),
    }
    mail = next(one for one in entries if one["createdBy"].startswith("E-"))
    assert mail["senders"][0]["deliveryIdentifier"]["value"] == "carl@clay.example"


def test_messages_come_newest_first_in_pages(client):
    """Without a sort the newest is first; pages lead through all entries once, and each can be read alone."""
    newest = _entries(client, "700003")
    assert newest == _entries(client, "700003", sort="createdAt")[::-1]
    found, url, query = [], f"{THREADS}/700003/messages", {"limit": 4}
    while url:
        page = client.get(url, params=query).json()
        found += page["results"]
        url, query = page.get("paging", {}).get("next", {}).get("link"), None
    assert found == newest
    one = newest[0]["id"]
    assert client.get(f"{THREADS}/700003/messages/{one}").json() == newest[0]
    assert client.get(f"{THREADS}/700003/messages/nothing").status_code == 404


def test_threads_are_listed_in_pages_and_filtered(client):
    """All threads come in pages; inbox, status and contact narrow the list."""
    first = client.get(THREADS, params={"limit": 2}).json()
    second = client.get(first["paging"]["next"]["link"]).json()
    assert [row["id"] for page in (first, second) for row in page["results"]] == ["700001", "700002", "700003"]
    for query in ({"inboxId": "70002"}, {"threadStatus": "OPEN", "associatedContactId": "100001"}):
        assert [row["id"] for row in client.get(THREADS, params=query).json()["results"]] == ["700003"]


def test_threads_of_a_contact_need_a_status(client):
    """A contact without a status, or beside an inbox, is refused."""
    for more in ({}, {"threadStatus": "OPEN", "inboxId": "70002"}):
        assert client.get(THREADS, params={"associatedContactId": "100001", **more}).status_code == 400
    assert client.post(THREADS).status_code == 404


def test_a_conversation_of_a_bot_may_never_become_a_ticket(connect):
    """A thread without a ticket is found on the list only, and says nothing of one."""
    client = connect(OpenThread(START, "1"), Say(START, "1", "V-1", "Hi"), Say(START + 1, "1", "B-1", "Hello"))
    (row,) = client.get(THREADS, params={"association": "TICKET"}).json()["results"]
    assert "threadAssociations" not in row
    assert client.get(THREADS, params={"associatedTicketId": "1"}).json()["results"] == []


def test_what_a_ticket_learns_from_its_thread(client):
    """The ticket has the first answer in the name of a person, even if an app posted it, and who spoke last."""
    asked = "first_agent_reply_date,time_to_first_agent_reply,hs_last_message_from_visitor,hs_num_times_contacted"
    path = "/crm/v3/objects/{}/{}"
    human = client.get(path.format(*HANDED_OVER), params={"properties": asked}).json()["properties"]
    assert human == {
        "first_agent_reply_date": "2026-09-01T14:45:00Z",
        "time_to_first_agent_reply": "180000",
        "hs_last_message_from_visitor": "false",
        "hs_num_times_contacted": "2",
    }
    bot = client.get(path.format(*BOT_ONLY), params={"properties": asked}).json()["properties"]
    assert (bot["first_agent_reply_date"], bot["hs_num_times_contacted"]) == (None, "2")


def test_a_message_moves_the_stamp_of_its_ticket_and_a_status_does_not(connect):
    """A message changes properties of the ticket and so its stamp; closing the thread changes only the thread."""
    ticket = ("tickets", "1")
    client = connect(
        Create(START, ticket),
        OpenThread(START, "7", ticket="1"),
        Say(START + 60_000, "7", "V-1", "Hi"),
        SetStatus(START + 120_000, "7", "CLOSED"),
        now=iso(START),
    )
    stamps = []
    for _ in range(3):
        stamps.append(client.get("/crm/v3/objects/tickets/1").json()["updatedAt"])
        client.post("/_simulator/clock", json={"advance_seconds": 60})
    assert [instant(stamp) - START for stamp in stamps] == [0, 60_000, 60_000]


def test_threads_follow_a_merge_and_lose_an_erased_ticket(connect):
    """Threads of the loser belong to the winner; when that is erased they belong to none."""
    client = connect(
        Create(START, ("tickets", "1")),
        Create(START, ("tickets", "2")),
        OpenThread(START, "7", ticket="2"),
        Merge(START + 60_000, ("tickets", "1"), ("tickets", "2")),
        Erase(START + 120_000, ("tickets", "1")),
        now=iso(START + 60_000),
    )
    assert [row["id"] for row in client.get(THREADS, params={"associatedTicketId": "1"}).json()["results"]] == ["7"]
    client.post("/_simulator/clock", json={"advance_seconds": 60})
    assert "threadAssociations" not in client.get(f"{THREADS}/7", params={"association": "TICKET"}).json()


def test_an_actor_must_be_one():
    """An entry by somebody without a known first letter is not possible."""
    plan = Plan(deeds=(OpenThread(START, "1"), Say(START, "1", "X-1", "Hi")))
    with pytest.raises(ValueError, match="no actor"), serve(plan=plan):
        pass

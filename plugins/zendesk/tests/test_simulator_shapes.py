"""What the simulator writes: children of events, audits, rows, merges, changed history, and signed webhooks."""

import base64
import hashlib
import hmac
from dataclasses import replace

import httpx
import msgspec
import pytest

from tallystick.testing.instants import iso
from tallystick_zendesk.simulator import serve
from tallystick_zendesk.simulator.draft import Draft
from tallystick_zendesk.simulator.plan import Act, Opening
from tallystick_zendesk.simulator.sample import ADMIN, AGENT, BOT, CUSTOMER, END, START, sample_plan
from tallystick_zendesk.simulator.vias import display
from tallystick_zendesk.simulator.webhooks import deliveries, sign
from tallystick_zendesk.simulator.world import World

GRANT = {"grant_type": "client_credentials", "client_id": "reader", "client_secret": "s", "scope": "read"}


@pytest.fixture(scope="module")
def client():
    """A signed-in client of the sample account when all of it has happened."""
    with (
        serve(plan=sample_plan(), now=iso(END), expires_in=10**8) as origin,
        httpx.Client(base_url=origin, trust_env=False) as made,
    ):
        token = made.post("/oauth/tokens", json=GRANT).json()["access_token"]
        made.headers["Authorization"] = f"Bearer {token}"
        yield made


def _events(client, ticket, include="comment_events"):
    query = {"start_time": 1, "include": include, "support_type_scope": "all"}
    rows = client.get("/api/v2/incremental/ticket_events.json", params=query).json()["ticket_events"]
    return [row for row in rows if row["ticket_id"] == ticket]


def _children(client, ticket, place):
    return _events(client, ticket)[place]["child_events"]


def _change(children, field):
    return next(child for child in children if field in child and child["event_type"] == "Change")


def _comment(children):
    return next(child for child in children if child.get("type") in {"Comment", "VoiceComment"})


def _row(client, ticket):
    return client.get(f"/api/v2/tickets/{ticket}.json").json()["ticket"]


def test_an_event_has_the_members_of_the_export(client):
    """An event says when, who, through what, and what happened; ids grow with time."""
    events = _events(client, 101)
    names = ["child_events", "id", "ticket_id", "timestamp", "created_at", "updater_id", "via", "system", "metadata"]
    names.append("event_type")
    assert set(events[0]) == set(names)
    assert (events[0]["timestamp"], events[0]["created_at"]) == (START, iso(START))
    assert (events[0]["via"], events[1]["via"], events[0]["event_type"]) == ("Mail", "Web service", "Audit")
    assert (events[1]["updater_id"], events[5]["updater_id"]) == (BOT, -1)
    assert events[5]["system"] == {}
    assert [event["id"] for event in events] == sorted(event["id"] for event in events)


def test_a_ticket_is_created_field_by_field(client):
    """A creation has one child per field, with the name of the field as key; tags and custom fields are among them."""
    made = {}
    for child in _children(client, 101, 0):
        if child["event_type"] == "Create":
            field = set(child) - {"id", "via", "via_reference_id", "event_type"}
            assert len(field) == 1
            made |= {name: child[name] for name in field}
    assert made["status"] == "new"
    assert made["tags"] == ["billing", "vip"]
    assert made["custom_ticket_fields"] == {"4711": "basic"}
    assert made["group_id"] == 360_001
    assert made["requester_id"] == CUSTOMER
    assert "assignee_id" not in made


def test_a_change_names_its_field_by_key(client):
    """A change has the field's name as key, its old value, and a text as via; custom fields stand in an object."""
    solved = _change(_children(client, 101, 1), "status")
    assert (solved["status"], solved["previous_value"], solved["via"]) == ("solved", "new", "Web service")
    assert solved["via_reference_id"] is None
    fields = _children(client, 112, 4)
    assert [_change(fields, "priority")[name] for name in ("priority", "previous_value")] == ["high", None]
    assert _change(fields, "custom_ticket_fields")["custom_ticket_fields"] == {"4711": "pro"}
    assert _change(fields, "subject")["previous_value"] == "Help"
    assert (_row(client, 112)["priority"], _row(client, 112)["subject"]) == ("high", "Card")
    unassigned = _change(_children(client, 113, 1), "assignee_id")
    assert (unassigned["assignee_id"], unassigned["previous_value"]) == (None, AGENT)


def test_changed_tags_are_sometimes_listed(client):
    """Changed tags give new and old lists, and in three events of four also what was added and removed."""
    tags = [
        child for t in range(101, 115) for e in _events(client, t) for child in e["child_events"] if "tags" in child
    ]
    changed = [child for child in tags if child["event_type"] == "Change"]
    assert all(isinstance(child["previous_value"], list) for child in changed)
    first = _change(_children(client, 101, 1), "tags")
    assert (first["tags"], first["previous_value"]) == (["ai", "billing", "vip"], ["billing", "vip"])
    for child in changed:
        if "added_tags" in child:
            assert child["added_tags"] == [tag for tag in child["tags"] if tag not in child["previous_value"]]
            assert child["removed_tags"] == [tag for tag in child["previous_value"] if tag not in child["tags"]]


def test_one_event_in_four_leaves_the_tag_lists_out():
    """What was added and removed is left out of every fourth event, so that a reader must compare."""
    drafts = [Draft(400 + 100 * n, Act(START, 1, 2)) for n in range(4)]
    for draft in drafts:
        draft.tags(["a", "b"], ["a"])
        draft.tags(["a"], ["a"])
    assert ["added_tags" in draft.children[0] for draft in drafts] == [True, True, True, False]
    assert all(len(draft.children) == 1 for draft in drafts)


def test_a_comment_comes_whole_or_as_a_mark(client):
    """With the sideload a comment has its words and an object as via; without it only that it is there and public."""
    whole = _comment(_children(client, 101, 0))
    assert (whole["author_id"], whole["body"], whole["plain_body"]) == (CUSTOMER, *["My invoice is <wrong>."] * 2)
    assert "&lt;wrong&gt;" in whole["html_body"]
    assert whole["via"]["channel"] == "email"
    assert whole["audit_id"] == _events(client, 101)[0]["id"]
    bare = _events(client, 101, include="")[0]["child_events"][0]
    assert (bare["comment_present"], bare["comment_public"], bare["via"]) == (True, True, "Mail")
    assert "body" not in bare
    assert bare["id"] == whole["id"]


def test_the_via_of_a_comment_is_not_always_an_object(client):
    """A comment may have a text as via in the export; per ticket it is an object."""
    assert _comment(_children(client, 112, 1))["via"] == "Web form"
    rows = client.get("/api/v2/tickets/112/comments.json").json()["comments"]
    assert [row["via"]["channel"] for row in rows] == ["api", "web"]
    turned = client.get("/api/v2/tickets/112/comments.json", params={"sort_order": "desc"}).json()["comments"]
    assert turned == rows[::-1]


def test_what_a_rule_did_has_its_own_via(client):
    """Children of triggers and automations carry the rule's number, beside a text or also inside an object."""
    handed = _children(client, 103, 2)
    assert {child["via"] for child in handed if child["event_type"] == "Change"} == {"Rule"}
    assert _change(handed, "assignee_id")["via_reference_id"] == 601
    assert _comment(handed)["via_reference_id"] is None
    assert _change(_children(client, 101, 7), "status")["via_reference_id"] == 501
    tagged = _change(_children(client, 101, 5), "tags")
    assert tagged["via"]["channel"] == "rule"
    assert tagged["via"]["source"]["rel"] == "automation"
    assert tagged["via"]["source"]["from"]["id"] == tagged["via_reference_id"] == 502


def test_unknown_children_are_delivered_as_they_are(client):
    """A child of a type that no reference has is in the export and in the audits."""
    odd = {"id": 1, "event_type": "KnowledgeCaptured", "article": 5}
    assert odd in _children(client, 112, 0)
    audit = client.get("/api/v2/tickets/112/audits.json").json()["audits"][0]
    assert "KnowledgeCaptured" in [event["type"] for event in audit["events"]]


def test_ids_in_audits_are_text(client):
    """Audits name the field and give ids as text; an event has a via of its own only if a rule made it."""
    audits = client.get("/api/v2/tickets/101/audits.json", params={"page[size]": 100}).json()["audits"]
    changes = {(n, e["field_name"]): e for n, a in enumerate(audits) for e in a["events"] if "field_name" in e}
    assert (changes[1, "assignee_id"]["value"], changes[1, "assignee_id"]["previous_value"]) == (str(BOT), None)
    assert changes[3, "assignee_id"]["previous_value"] == str(BOT)
    assert changes[3, "group_id"]["value"] == "360002"
    assert changes[0, "4711"]["value"] == "basic"
    assert changes[0, "requester_id"]["type"] == "Create"
    assert "via" not in changes[1, "status"]
    assert changes[7, "status"]["via"]["channel"] == "rule"
    assert audits[1]["via"]["channel"] == "api"
    assert [audit["author_id"] for audit in audits[:2]] == [CUSTOMER, BOT]


def test_a_follow_up_points_at_its_parent(client):
    """A follow-up names the closed ticket in via and in its own field; the parent lists it without an event."""
    row, parent = _row(client, 102), _row(client, 101)
    assert row["via"]["source"] == {"from": {"ticket_id": 101}, "to": {}, "rel": "follow_up"}
    assert row["via_followup_source_id"] == 101
    assert (parent["status"], parent["followup_ids"]) == ("closed", [102])
    assert parent["generated_timestamp"] == START + 5 * 86_400
    assert parent["updated_at"] == iso(START + 4 * 86_400 + 2_400)


def test_a_merge_shows_on_both_sides(client):
    """The source is closed and tagged with a comment that names the target; the target gets an event of its own."""
    source = _children(client, 105, 1)
    assert _comment(source)["via"]["source"] == {"from": {}, "to": {"ticket_id": 106}, "rel": "merge"}
    assert _change(source, "status")["status"] == "closed"
    assert _row(client, 105)["tags"] == ["closed_by_merge"]
    target = _events(client, 106)[1]
    assert _comment(target["child_events"])["via"]["source"]["from"] == {"ticket_id": 105}
    assert _comment(target["child_events"])["via"]["channel"] == "merge"
    assert not _comment(target["child_events"])["public"]
    assert (target["timestamp"], target["updater_id"]) == (_events(client, 105)[1]["timestamp"], AGENT)
    assert target["id"] > _events(client, 105)[1]["id"]


def test_spam_deletion_and_return_are_status_changes(client):
    """Spam marks and deletes, deleting gives the old status, and coming back gives it again."""
    spam = _children(client, 107, 1)
    assert _change(spam, "mark_as_spam")["mark_as_spam"] is True
    assert (_change(spam, "status")["status"], _change(spam, "status")["previous_value"]) == ("deleted", "new")
    back = _change(_children(client, 108, 2), "status")
    assert (back["status"], back["previous_value"]) == ("open", "deleted")
    assert client.get(f"/api/v2/users/{CUSTOMER + 2}.json").json()["user"]["suspended"] is True


def test_calls_notes_macros_and_chats_have_types_of_their_own(client):
    """Voice comments, ended chats, macros and side conversations are children of their own types."""
    call = _children(client, 110, 0)
    assert (_comment(call)["type"], _comment(call)["via"]["channel"]) == ("VoiceComment", "phone_call_inbound")
    assert _comment(call)["data"]["call_duration"] == 180
    kinds = {child["event_type"]: child for child in _children(client, 110, 1)}
    assert kinds["AgentMacroReference"]["macro_id"] == "77"
    assert "CollaborationThreadCreated" in kinds
    assert kinds["Comment"]["public"] is False
    (ended,) = [child for child in _children(client, 111, 1) if child["event_type"] == "ChatEnded"]
    assert ended["author_id"] == AGENT


def test_ratings_are_events_and_stand_on_the_ticket(client):
    """A rating is a change of `satisfaction_score`, a survey has a type of its own, and the ticket shows the score."""
    offered, given = (_change(_children(client, 101, n), "satisfaction_score") for n in (5, 6))
    assert (offered["satisfaction_score"], offered["previous_value"]) == ("offered", "unoffered")
    assert (given["satisfaction_score"], given["previous_value"]) == ("good", "offered")
    assert _row(client, 101)["satisfaction_rating"]["score"] == "good"
    assert _row(client, 113)["satisfaction_rating"]["comment"] == "Nobody answered"
    assert _row(client, 102)["satisfaction_rating"] == {"score": "unoffered"}
    assert _row(client, 103)["satisfaction_rating"] is None
    (survey,) = [child for child in _children(client, 113, 3) if child["event_type"] == "SurveyResponseSubmitted"]
    assert survey["rating"] == 4


def test_redaction_and_privacy_change_what_the_original_event_shows():
    """Before the redaction a read gives the words, afterwards the first event gives none; privacy flips likewise."""
    world = World(sample_plan(), START + 700)
    first, second = world.tickets[112].events
    before = first.render(comments=True), second.render(comments=True), second.render(comments=False)
    assert b"4111" in before[0]
    assert b"4111" in world.tickets[112].render(())
    world.move(START + 3_000)
    assert b"4111" not in first.render(comments=True)
    assert b"4111" not in world.tickets[112].render(())
    assert msgspec.json.decode(before[1])["child_events"][0]["public"] is True
    assert msgspec.json.decode(second.render(comments=True))["child_events"][0]["public"] is False
    assert msgspec.json.decode(second.render(comments=False))["child_events"][0]["comment_public"] is False
    kinds = [child for event in world.tickets[112].events[2:4] for child in event.children]
    assert [child["event_type"] for child in kinds] == ["CommentRedactionEvent", "CommentPrivacyChange"]
    assert [child["comment_id"] for child in kinds] == [first.children[0]["id"], second.children[0]["id"]]


def test_metric_sets_tell_how_things_are_now():
    """A reopened ticket has no `solved_at` and no resolution time until it is solved again."""
    world = World(sample_plan(), START + 1_300)
    ticket = world.tickets[101]
    open_again = msgspec.json.decode(ticket.metric_set())
    assert (open_again["reopens"], open_again["full_resolution_time_in_minutes"]["calendar"]) == (1, None)
    assert "solved_at" not in open_again
    world.move(END)
    solved = msgspec.json.decode(ticket.metric_set())
    assert (solved["solved_at"], solved["replies"], solved["reopens"]) == (iso(START + 2_400), 3, 1)
    assert (solved["assignee_stations"], solved["group_stations"]) == (2, 2)
    assert solved["full_resolution_time_in_minutes"] == {"calendar": 40, "business": 13}
    assert msgspec.json.decode(world.tickets[104].metric_set())["reopens"] == 0


@pytest.mark.parametrize("status", ["solved", "closed"])
def test_a_ticket_may_be_made_solved(status):
    """A ticket made solved or closed says so at its creation, has a `solved_at`, and no change of status."""
    plan = replace(sample_plan(), acts=(Act(START, 1, AGENT, opening=Opening(CUSTOMER, status=status)),))
    ticket = World(plan, START + 60).tickets[1]
    kinds = [(child["event_type"], child["status"]) for child in ticket.events[0].children if "status" in child]
    assert kinds == [("Create", status)]
    assert msgspec.json.decode(ticket.metric_set())["solved_at"] == iso(START)
    assert ticket.archived(START + 10**8, 86_400) == (status == "closed")


def test_a_ticket_has_the_members_of_the_export(client):
    """A row has its channel, people, tags, fields and messaging flag; copies and submitter included."""
    row = _row(client, 101)
    assert (row["via"]["channel"], row["from_messaging_channel"]) == ("email", False)
    assert row["email_cc_ids"] == [CUSTOMER + 1]
    assert row["tags"] == ["billing", "csat", "vip"]
    assert row["custom_fields"] == row["fields"] == [{"id": 4_711, "value": "basic"}]
    assert (_row(client, 103)["from_messaging_channel"], _row(client, 110)["submitter_id"]) == (True, AGENT)
    assert row["description"] == "My invoice is <wrong>."
    assert not [name for name in row if "support_type" in name]


def test_people_and_groups_by_number(client):
    """Users and groups are found by number, several users at once, and unknown ones are missing."""
    assert client.get("/api/v2/users/me.json").json()["user"]["id"] == ADMIN
    assert client.get(f"/api/v2/users/{BOT}.json").json()["user"]["role"] == "agent"
    many = client.get("/api/v2/users/show_many.json", params={"ids": f"{BOT},{AGENT},5"}).json()
    assert [user["id"] for user in many["users"]] == [BOT, AGENT]
    crowd = client.get("/api/v2/users/show_many.json", params={"ids": ",".join(map(str, range(101)))})
    assert (crowd.status_code, crowd.json()["error"], crowd.json()["max_count"]) == (400, "TooManyValues", 100)
    assert client.get("/api/v2/groups.json").json()["count"] == 2
    assert client.get("/api/v2/groups/360001.json").json()["group"]["id"] == 360_001
    for path in ("users/5", "users/x", "tickets/5", "tickets/x/audits", "tickets/5/comments", "groups/5"):
        assert client.get(f"/api/v2/{path}.json").json()["error"] == "RecordNotFound"
    for path in ("views", "users/1/x", "tickets/101/x", "incremental/organizations"):
        assert client.get(f"/api/v2/{path}.json").json()["error"]["title"] == "No such endpoint"


def test_channels_have_names_for_people():
    """A channel without a name of its own is written as words."""
    assert (display("web"), display("mobile_sdk"), display("some_thing")) == ("Web form", "Mobile SDK", "Some thing")


def test_the_signature_follows_the_vector():
    """The signature is base64 of HMAC-SHA256 over timestamp and body, as in the known vector."""
    found = sign("secret", "2026-11-22T10:00:00Z", b'{"type":"zen:event-type:ticket.created"}')
    assert found == "/N1K/aFXvXxh+il4vcap0NAcxpMTd8YMpM7W6t0oWnM="


def test_webhooks_are_signed_repeated_and_out_of_order():
    """Every post is signed; some come twice, some before earlier ones; the same seed gives the same sequence."""
    posts = deliveries(sample_plan(), secret="s3")
    for post in posts:
        text = post.headers["X-Zendesk-Webhook-Signature-Timestamp"]
        digest = hmac.new(b"s3", text.encode() + post.body, hashlib.sha256).digest()
        assert base64.b64decode(post.headers["X-Zendesk-Webhook-Signature"]) == digest
    bodies = [msgspec.json.decode(post.body) for post in posts]
    assert len({body["id"] for body in bodies}) < len(bodies)
    times = [body["time"] for body in bodies]
    assert times != sorted(times)
    assert posts == deliveries(sample_plan(), secret="s3")
    assert posts != deliveries(sample_plan(), secret="s3", seed=2)
    assert len(deliveries(sample_plan(), secret="s3", until=START)) < len(posts)


def test_webhooks_tell_what_happened():
    """Each kind of act has the event that Zendesk names for it, with its target, tags or values."""
    bodies = [msgspec.json.decode(post.body) for post in deliveries(sample_plan(), secret="s")]
    told = {}
    for body in bodies:
        told.setdefault(body["type"].removeprefix("zen:event-type:ticket."), []).append(body)
    assert set(told) >= {
        "agent_assignment_changed",
        "comment_added",
        "comment_made_private",
        "created",
        "csat_received",
        "csat_requested",
        "custom_field_changed",
        "group_assignment_changed",
        "marked_as_spam",
        "merged",
        "priority_changed",
        "soft_deleted",
        "status_changed",
        "tags_changed",
        "undeleted",
    }
    assert told["merged"][0]["event"]["target_ticket_id"] == "106"
    assert told["merged"][0]["detail"]["id"] == "105"
    assert {tag for body in told["tags_changed"] for tag in body["event"]["tags_removed"]} == {"ai"}
    assert {body["event"]["current"] for body in told["csat_received"]} == {"good", "bad", "4"}
    assert all(body["event"]["meta"]["sequence"]["position"] >= 1 for body in bodies)

"""Events become acts: who, what, and in which order."""

import pytest

AT = 1_788_220_800
NOW = AT * 1_000_000


def _change(**fields):
    return {"id": 1, "via": "Web form", "via_reference_id": None, "event_type": "Change", **fields}


def _comment(**fields):
    via = {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}}
    return {
        "id": 2,
        "type": "Comment",
        "event_type": "Comment",
        "author_id": 5,
        "public": True,
        "body": "x",
        "via": via,
        **fields,
    }


@pytest.mark.parametrize(
    ("child", "event", "expected"),
    [
        ({"via": "Web form"}, {}, ("user", "5", None, "web")),
        ({"via": None}, {"via": "Mail"}, ("user", "5", None, "email")),
        ({"via": []}, {"via": {"channel": "api"}}, ("user", "5", None, "api")),
        ({"via": "Rule", "via_reference_id": 77}, {}, ("rule", None, "77", "rule")),
        ({"via": 8, "via_reference_id": 77}, {}, ("rule", None, "77", "rule")),
        (
            {"via": {"channel": "rule", "source": {"from": {"id": 78}, "rel": "trigger"}}},
            {},
            ("rule", None, "78", "rule"),
        ),
        (
            {"via": {"channel": "x", "source": {"from": {"id": "78"}, "rel": "automation"}}},
            {},
            ("rule", None, "78", "rule"),
        ),
        (
            {"via": None},
            {"via": {"channel": "rule", "source": {"from": {"id": 79}, "rel": "automation"}}, "updater_id": -1},
            ("rule", None, "79", "rule"),
        ),
        ({"via": "Web form"}, {"via": "Rule"}, ("user", "5", None, "web")),
        ({"via": "Web form"}, {"updater_id": -1}, ("system", None, None, "web")),
        ({"via": "Web form"}, {"updater_id": None}, ("system", None, None, "web")),
        ({"via": "Web form"}, {"updater_id": "6"}, ("user", "6", None, "web")),
        ({"via": None}, {"via": None}, ("user", "5", None, None)),
    ],
)
def test_who_did_it(read_act, child, event, expected):
    """The child's own via decides, then the event's; a rule is nobody, and -1 is the system."""
    act = read_act(_change(status="pending", previous_value="open", **child), **event)

    assert (act["by"], act["actor_id"], act["rule_id"], act["channel"]) == expected


def test_a_message_is_its_authors(read_act):
    """Who wrote a message is its author, whoever's update it stands in; the system's update does not hide a person."""
    message = read_act(_comment(author_id="77"), updater_id=-1)

    assert (message["by"], message["actor_id"]) == ("user", "77")
    assert read_act(_comment(author_id=-1), updater_id=5)["by"] == "system"
    assert read_act(_comment(author_id=None))["actor_id"] == "5"
    rule = read_act(_comment(via={"channel": "rule", "source": {"from": {"id": 1}, "rel": "trigger"}}))
    assert (rule["by"], rule["actor_id"], rule["rule_id"]) == ("rule", None, "1")


# --- events: what


def test_a_creation_is_one_act(columns_of, read_records):
    """Fields at creation are one act, and one per tag; an assignee given then is not assigned by anybody."""
    records = read_records(
        {"event_type": "Create", "via": "Mail", "subject": "Help"},
        {"event_type": "Create", "via": "Mail", "status": "new"},
        {"event_type": "Create", "via": "Mail", "assignee_id": 8},
        {"event_type": "Create", "via": "Mail", "group_id": 9},
        {"event_type": "Create", "via": "Rule", "via_reference_id": 1, "tags": ["b", "a"]},
        _comment(body="Hi"),
        via="Mail",
    )
    acts = {record.id: columns_of(record) for record in records}

    assert list(acts) == ["700.cr", "700.04.a", "700.04.b", "700.05"]
    created = acts["700.cr"]
    assert (created["kind"], created["value"], created["assignee_id"], created["group_id"]) == (
        "created",
        "new",
        "8",
        "9",
    )
    assert (created["by"], created["actor_id"], created["channel"]) == ("user", "5", "email")
    assert [(acts[key]["kind"], acts[key]["value"], acts[key]["by"]) for key in ("700.04.a", "700.04.b")] == [
        ("tagged", "a", "rule"),
        ("tagged", "b", "rule"),
    ]
    assert acts["700.05"]["says"] == "greeting"


def test_a_ticket_created_solved_is_solved_too(read_records):
    """A ticket that is solved from the start has both acts."""
    records = read_records({"event_type": "Create", "status": "solved", "tags": ["x"]}, via=None)

    assert [(record.id, record.values[2]) for record in records] == [
        ("700.cr", "created"),
        ("700.cs", "solved"),
        ("700.00.a", "tagged"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("open", "solved", "solved"),
        ("deleted", "solved", "undeleted"),
        ("solved", "open", "reopened"),
        ("solved", "new", "reopened"),
        ("solved", "pending", "reopened"),
        ("solved", "hold", "reopened"),
        ("solved", "closed", "closed"),
        ("open", "closed", "closed"),
        ("open", "deleted", "deleted"),
        ("deleted", "open", "undeleted"),
        ("open", "pending", "status"),
        ("solved", "solved", "status"),
        (None, "open", "status"),
        ("Solved", "Open", "reopened"),
    ],
)
def test_each_change_of_status(read_act, old, new, kind):
    """What a change of status means depends on both ends."""
    act = read_act(_change(status=new, previous_value=old))

    assert (act["kind"], act["value"], act["previous"]) == (kind, new.lower(), old and old.lower())


@pytest.mark.parametrize(
    ("comment", "says"),
    [
        ({"plain_body": "Thanks!"}, "thanks"),
        ({"plain_body": "It broke again"}, "other"),
        ({"plain_body": "Thanks!", "public": False}, None),
        ({"plain_body": "Thanks!", "author_id": 6}, None),
        ({"plain_body": "Thanks!", "via": "Rule"}, None),
    ],
)
def test_a_reopening_carries_what_was_said(read_acts, comment, says):
    """What the one who reopened said in public in the same event stands with the reopening; nobody else's words do."""
    acts = read_acts(_change(status="open", previous_value="solved"), _comment(**comment))

    assert [act["says"] for act in acts if act["kind"] == "reopened"] == [says]


def test_a_reopening_by_the_system_says_nothing(read_acts):
    """Where nobody's update it was, nobody said anything."""
    acts = read_acts(_change(status="open", previous_value="solved"), _comment(body="Thanks"), updater_id=-1)

    assert next(act for act in acts if act["kind"] == "reopened")["says"] is None


def test_assigned_and_grouped(read_act):
    """New and old assignee and group are told as text; to nobody is null."""
    assigned = read_act(_change(assignee_id=8, previous_value="7"))
    grouped = read_act(_change(group_id="9", previous_value=None))

    assert (assigned["kind"], assigned["assignee_id"], assigned["previous"]) == ("assigned", "8", "7")
    assert (grouped["kind"], grouped["group_id"], grouped["previous"]) == ("grouped", "9", None)
    assert read_act(_change(assignee_id=None, previous_value=8))["assignee_id"] is None


@pytest.mark.parametrize(
    "lists",
    [
        {"added_tags": ["n", "m"], "removed_tags": ["a"]},
        {"added_tags": "m n", "removed_tags": "a"},
        {"previous_value": ["a", "b"]},
        {"previous_value": "a b"},
    ],
)
def test_tags_that_came_and_went(read_records, lists):
    """Each tag is an act of its own, from the lists or from the difference."""
    records = read_records(_change(tags=["b", "m", "n"], **lists))

    assert [(record.id, record.values[2], record.values[9]) for record in records] == [
        ("700.00.a", "tagged", "m"),
        ("700.00.b", "tagged", "n"),
        ("700.00.c", "untagged", "a"),
    ]


def test_tags_without_what_was_before_are_a_change(read_records):
    """Where it is not told which tags were there, none counts as added by this person."""
    [record] = read_records(_change(tags=["a"]))

    assert (record.type, record.values[4:7]) == ("change", ("tags", None, '["a"]'))


def test_many_acts_of_one_child_stay_in_order(read_records):
    """Ids of more acts than letters still sort in their order."""
    records = read_records(_change(tags=[f"t{n:03d}" for n in range(80)], previous_value=[]))
    ids = [record.id for record in records]

    assert len(set(ids)) == 80
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("child", "kind", "value", "score"),
    [
        (_change(satisfaction_score="good", previous_value="offered"), "rated", "good", 5),
        (_change(satisfaction_score="bad_with_comment", previous_value="good"), "rated", "bad_with_comment", 1),
        ({"event_type": "SatisfactionRating", "score": "good"}, "rated", "good", 5),
        ({"event_type": "SurveyResponseSubmitted", "rating": 4}, "rated", "4", 4),
        ({"event_type": "SurveyResponseSubmitted", "survey_response": {"answers": [{"rating": "2"}]}}, "rated", "2", 2),
        ({"type": "AgentMacroReference", "macro_id": "12"}, "macro", "12", None),
        ({"event_type": "CollaborationThreadCreated"}, "side_conversation", None, None),
        ({"event_type": "TicketSharingEvent"}, "shared", None, None),
        ({"event_type": "CommentRedactionEvent", "comment_id": 3}, "redacted", "3", None),
        ({"event_type": "AttachmentRedactionEvent"}, "redacted", None, None),
        ({"event_type": "CommentPrivacyChange", "public": False}, "privacy", "private", None),
        ({"event_type": "CommentPrivacyChange", "public": True}, "privacy", "public", None),
        ({"event_type": "mark_as_spam"}, "spam", None, None),
        (_change(mark_as_spam=True), "spam", None, None),
        ({"event_type": "ChatEnded", "author_id": 9}, "call", None, None),
        ({"event_type": "VoiceComment", "author_id": 9}, "call", None, None),
        (_comment(type="VoiceComment"), "call", None, None),
        (_comment(via="Phone call (incoming)"), "call", None, None),
        (_comment(public=False, via={"channel": "side_conversation"}), "side_conversation", None, None),
    ],
)
def test_each_kind_of_child(read_act, child, kind, value, score):
    """Every documented child becomes its act."""
    act = read_act(child)

    assert (act["kind"], act["value"], act["score"]) == (kind, value, score)


@pytest.mark.parametrize(
    "child",
    [
        {"event_type": "SatisfactionRating", "score": "offered"},
        {"event_type": "SurveyResponseSubmitted", "rating": 9},
        {"event_type": "SurveyResponseSubmitted"},
        {"event_type": "SurveyOffered"},
        {"event_type": "Notification", "body": "x"},
        {"event_type": "FutureThing", "status": "solved"},
        {"event_type": "Create"} | {"event_type": "created"},
        {},
        None,
        7,
        "x",
        [],
    ],
)
def test_what_we_do_not_know_is_left_out(read_records, child):
    """Undocumented children, and children that are no objects, make no record and no error."""
    assert read_records(child) == []


def test_a_spam_ticket_that_is_deleted_is_both(read_acts):
    """A deletion that came in as spam is told twice."""
    acts = read_acts(_change(status="deleted", previous_value="open", via="Marked as spam"))

    assert [act["kind"] for act in acts] == ["deleted", "spam"]

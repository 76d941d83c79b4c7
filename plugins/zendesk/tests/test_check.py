"""What check says about an account."""

import pytest

ORIGIN = "https://acme.zendesk.test"
API = f"{ORIGIN}/api/v2"
COMMENT = {"event_type": "Comment", "type": "Comment", "author_id": 5, "public": True, "body": "x"}
HIDDEN = {"event_type": "Comment", "comment_present": True, "comment_public": True}
ROWS = {
    "users/me.json": {"user": {"id": 7, "name": "Ada", "role": "admin"}},
    "oauth/tokens/current.json": {"token": {"id": 1, "scopes": ["read"]}},
    "incremental/users/cursor.json": {"users": [{"id": 1}], "end_of_stream": True, "after_cursor": "x"},
    "incremental/tickets/cursor.json": {"tickets": [{"id": 1}], "end_of_stream": True, "after_cursor": "x"},
    "incremental/ticket_events.json": {"ticket_events": [{"id": 1, "child_events": [COMMENT]}], "end_of_stream": True},
    "satisfaction_ratings.json": {"satisfaction_ratings": [], "meta": {"has_more": False}},
    "users/21.json": {"user": {"id": 21, "role": "agent", "active": True}},
    "users/22.json": {"user": {"id": 22, "role": "end-user", "active": False}},
}


@pytest.fixture
def zendesk(web, answer):
    """Every call of check is answered; a replacement is a body, an answer or a function."""

    def routes(**replaced):
        given = {**ROWS, **{path.replace("__", "/") + ".json": body for path, body in replaced.items()}}
        for path, body in given.items():
            if callable(body):
                web.get(f"{API}/{path}").mock(side_effect=body)
            else:
                reply = body if hasattr(body, "status_code") else answer(body, **{"X-Rate-Limit": "700"})
                web.get(f"{API}/{path}").mock(side_effect=lambda _, reply=reply: reply)
        return web

    return routes


@pytest.fixture
def rows(connect):
    """The rows of check by name, for a connector with one vendor user and one bot."""

    def check(**settings):
        people = {"vendor_user_ids": ["21"], "bot_user_ids": ["22"], "requests_per_minute": 200}
        return {row.name: row for row in connect(**{**people, **settings}).check()}

    return check


def test_a_good_account(zendesk, rows, connect):
    """Every row is ok, and no write is tried."""
    web = zendesk()
    found = rows()

    assert [row for row in found.values() if row.status != "ok"] == []
    assert list(found) == [
        "sign-in",
        "role",
        "scope",
        "stream users",
        "stream tickets",
        "stream ticket_events",
        "comments",
        "stream ai_agent_tickets",
        "stream satisfaction_ratings",
        "reader",
        "vendor user 21",
        "bot user 22",
        "limits",
        "clock",
    ]
    assert found["bot user 22"].detail == "end-user, deleted"
    assert "700 calls a minute, we use at most 200" in found["limits"].detail
    assert "2026-09-01T00:00:00Z" in found["clock"].detail
    assert {call.request.method for call in web.calls if call.request.url.path != "/oauth/tokens"} == {"GET"}


@pytest.mark.parametrize(
    "me", [{"user": {"id": None, "name": "Anonymous user", "role": "end-user"}}, {"user": {"role": "admin"}}]
)
def test_nobody_known_is_not_signed_in(zendesk, rows, me):
    """Zendesk answers strangers as an anonymous user; the check ends there."""
    zendesk(users__me=me)

    assert [(name, row.status) for name, row in rows().items()] == [("sign-in", "failed")]


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_refused_sign_in_ends_the_check(zendesk, rows, answer, status):
    """Where the reader is not let in, one row says so, with what to do and no secret."""
    zendesk(users__me=answer({"error": "Couldn't authenticate you"}, status))
    [row] = rows().values()

    assert (row.name, row.status) == ("sign-in", "failed")
    assert row.action
    assert "VerySecret" not in row.detail + row.action


def test_a_secret_that_is_not_there_ends_the_check(zendesk, rows, monkeypatch):
    """Without the secret no call is made."""
    web = zendesk()

    def gone(_self):
        from tallystick.errors import ConfigurationError

        raise ConfigurationError("not set", hint="Set it.")

    monkeypatch.setattr("tallystick_zendesk.tokens.TokenProvider.ready", gone)

    assert [row.status for row in rows().values()] == ["failed"]
    assert len(web.calls) == 0


@pytest.mark.parametrize("role", ["agent", "end-user", None])
def test_who_is_no_admin_fails(zendesk, rows, role):
    """Exports are for admins, so any other role, or none, fails."""
    zendesk(users__me={"user": {"id": 7, "role": role}})

    assert rows()["role"].status == "failed"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"token": {"scopes": ["read"]}}, "ok"),
        ({"token": {"scopes": ["read", "write"]}}, "failed"),
        ({"token": {"scopes": ["impersonate"]}}, "failed"),
        ({"token": {"scopes": ["tickets:read"]}}, "failed"),
        ({"token": {"scopes": []}}, "failed"),
        ({"token": {}}, "warning"),
    ],
)
def test_the_scope_must_be_read_alone(zendesk, rows, body, status):
    """Any right to write fails, and so does less than read; what cannot be told is a warning."""
    zendesk(oauth__tokens__current=body)

    assert rows()["scope"].status == status


def test_a_scope_that_cannot_be_told_is_a_warning(zendesk, rows, answer):
    """Where the token's own page is refused, the rest is checked."""
    zendesk(oauth__tokens__current=answer({"error": "x"}, 404))
    found = rows()

    assert found["scope"].status == "warning"
    assert found["stream tickets"].status == "ok"


def test_the_legacy_sign_in_is_a_warning_with_its_dates(zendesk, rows):
    """An API token is named with the dates of its retirement, and its scope is not asked for."""
    web = zendesk()
    row = rows(legacy=True)["scope"]

    assert row.status == "warning"
    assert all(text in row.detail for text in ("2026-10-27", "30 days", "2027-04-30"))
    assert "client_id" in row.action
    assert not [call for call in web.calls if "current" in call.request.url.path]


@pytest.mark.parametrize("path", ["incremental__users__cursor", "incremental__ticket_events", "satisfaction_ratings"])
def test_a_stream_that_is_refused_is_named_and_the_rest_is_checked(zendesk, rows, answer, path):
    """Each stream has a row of its own."""
    zendesk(**{path: answer({"error": {"title": "Forbidden", "message": "no"}}, 403)})
    found = rows()

    assert [name for name, row in found.items() if row.status == "failed"] == [
        f"stream {path.split('__')[-1]}".replace("cursor", "users")
    ]
    assert "clock" in found


def test_a_scope_of_support_that_is_refused_fails(zendesk, rows, answer):
    """Where support_type_scope is not accepted, the row says what would be hidden."""

    def tickets(request):
        if request.url.params["support_type_scope"] == "ai_agent":
            return answer({"error": "InvalidValue", "description": "support_type_scope"}, 400)
        return answer(ROWS["incremental/tickets/cursor.json"])

    zendesk(incremental__tickets__cursor=tickets)
    found = rows()

    assert found["stream tickets"].status == "ok"
    assert found["stream ai_agent_tickets"].status == "failed"
    assert "AI agent" in found["stream ai_agent_tickets"].action


def test_a_young_account_is_readable(zendesk, rows, answer):
    """That there is nothing yet is no fault."""
    zendesk(
        incremental__users__cursor=answer({"error": "StartTimeTooRecent", "description": "Too recent start_time"}, 400)
    )

    assert rows()["stream users"].status == "ok"


def test_an_event_in_another_shape_is_passed_over(zendesk, rows):
    """An event that cannot be read does not hide the comments of the others."""
    events = [{"child_events": 7}, {"child_events": [COMMENT]}]
    zendesk(incremental__ticket_events={"ticket_events": events, "end_of_stream": True})

    assert rows()["comments"].detail.startswith("1 in the sample")


def test_people_who_may_not_be_seen_fail(zendesk, rows, answer):
    """Where a user cannot be read, the row says why."""
    zendesk(users__22=answer({"error": {"title": "Forbidden", "message": "no"}}, 403))

    assert "403" in rows()["bot user 22"].detail


@pytest.mark.parametrize(
    ("children", "status"),
    [
        ([COMMENT], "ok"),
        ([COMMENT, HIDDEN], "failed"),
        ([{**COMMENT, "public": None}], "failed"),
        ([{"event_type": "Comment"}], "failed"),
        ([HIDDEN], "failed"),
        ([{"event_type": "Change", "comment_present": True}], "failed"),
        ([{"event_type": "Change", "status": "open"}], "warning"),
        ([], "warning"),
        (None, "warning"),
        ([{"event_type": ["odd"]}], "warning"),
    ],
)
def test_comments_must_show_their_authors(zendesk, rows, children, status):
    """Booleans instead of comments fail, because no handoff would be seen; no comment at all is a warning."""
    zendesk(incremental__ticket_events={"ticket_events": [{"child_events": children}], "end_of_stream": True})

    assert rows()["comments"].status == status


def test_a_quiet_hour_is_looked_beyond(zendesk, rows, answer):
    """Without a comment in the last hour, the last week is looked at, with one call more."""
    asked = []

    def events(request):
        asked.append(int(request.url.params["start_time"]))
        found = [{"child_events": [COMMENT]}] if len(asked) > 1 else []
        return answer({"ticket_events": found, "end_of_stream": True})

    zendesk(incremental__ticket_events=events)

    assert rows()["comments"].status == "ok"
    assert asked == [1_788_220_800 - 3600, 1_788_220_800 - 7 * 86_400]


def test_the_reader_must_not_be_the_vendor(zendesk, rows):
    """A reader that is one of the vendor's users, or a bot, fails; without a list it cannot be told."""
    zendesk(users__7=ROWS["users/me.json"])

    assert rows(vendor_user_ids=["7"])["reader"].status == "failed"
    assert rows(vendor_user_ids=["21"], bot_user_ids=["7"])["reader"].status == "failed"
    assert rows(vendor_user_ids=[], bot_user_ids=[])["reader"].status == "warning"


def test_people_who_do_not_exist_fail(zendesk, rows, answer):
    """An id of a vendor or a bot that is nobody's fails, by name."""
    zendesk(users__21=answer({"error": "RecordNotFound"}, 404))
    found = rows(vendor_user_ids=["21", "21"])

    assert found["vendor user 21"].status == "failed"
    assert found["bot user 22"].status == "ok"


@pytest.mark.parametrize(
    ("headers", "ours", "status"),
    [({"RateLimit-Limit": "400"}, 200, "ok"), ({"RateLimit-Limit": "200"}, 400, "warning"), ({}, 200, "warning")],
)
def test_the_plan_limit(zendesk, rows, answer, headers, ours, status):  # noqa: PLR0917 - fixtures and one case
    """A pace above the plan's limit, or a limit that is not told, is a warning."""
    zendesk(**{path.removesuffix(".json").replace("/", "__"): answer(body, **headers) for path, body in ROWS.items()})

    assert rows(requests_per_minute=ours)["limits"].status == status


def test_debug_log_is_named(zendesk, rows, monkeypatch):
    """The variable that makes zenpy log is named, whatever it is set to, and its value is not."""
    monkeypatch.setenv("DEBUG_LOG", "VerySecretValue")
    zendesk()
    row = rows()["DEBUG_LOG"]

    assert row.status == "warning"
    assert "VerySecretValue" not in row.detail + row.action


def test_ratings_that_are_not_read_are_not_checked(zendesk, rows):
    """Where the list of ratings is switched off, it has no row."""
    zendesk()

    assert "stream satisfaction_ratings" not in rows(satisfaction_ratings=False)

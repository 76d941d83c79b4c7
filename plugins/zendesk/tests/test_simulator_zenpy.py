"""The real client against the simulator, over a real socket: exports, single tickets, errors and waiting.

Instants lie in 2025, because the client compares `end_time` with the clock of the machine.
"""

import itertools
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import requests
from zenpy import Zenpy
from zenpy.lib.exception import (
    APIException,
    RatelimitBudgetExceeded,
    RecordNotFoundException,
    TooManyValuesException,
    ZenpyException,
)

from tallystick.testing.instants import instant, iso
from tallystick.testing.serving import running
from tallystick_zendesk.simulator import create_app
from tallystick_zendesk.simulator.plan import Act
from tallystick_zendesk.simulator.sample import ADMIN, AGENT, BOT, CUSTOMER, END, START, sample_plan

GRANT = {"grant_type": "client_credentials", "client_id": "reader", "client_secret": "s", "scope": "read"}


@pytest.fixture(scope="module")
def app():
    """The sample account when all of it has happened."""
    return create_app(plan=sample_plan(), now=iso(END))


@pytest.fixture(scope="module")
def origin(app):
    """Where it is served."""
    with running(app) as where:
        yield where


@pytest.fixture
def steer(origin):
    """Set the fault plan; it is cleared afterwards."""

    def load(*faults):
        requests.post(f"{origin}/_simulator/faults", json=list(faults), timeout=5).raise_for_status()

    yield load
    load()


@pytest.fixture
def zendesk(origin):
    """The client, signed in with a minted token and pointed at loopback, as `lookup` does it."""
    with requests.Session() as session:
        session.trust_env = False
        yield _client(origin, session)


def _client(origin, session, **options):
    token = requests.post(f"{origin}/oauth/tokens", json=GRANT, timeout=5).json()["access_token"]
    port = origin.rpartition(":")[2]
    made = Zenpy(
        domain=f"1:{port}",
        subdomain="127.0.0",
        oauth_token=token,
        session=session,
        timeout=5,
        disable_cache=True,
        **options,
    )
    for api in (made.tickets, made.users, made.satisfaction_ratings, made.groups):
        api.protocol = "http"
    return made


def _paths(app):
    return {path.rpartition("/api/v2/")[2]: count for path, count in app.calls.items()}


def test_the_cursor_export_of_tickets(app, zendesk):
    """The client walks the cursor export to its end and sees every ticket of the default scope once."""
    found = list(zendesk.tickets.incremental(start_time=1, per_page=4))
    world = app.world
    assert [ticket.id for ticket in found] == [key for _, key in world.ticket_order if not world.tickets[key].ai_agent]
    assert found[-1].generated_timestamp == world.ticket_order[-1][0]


def test_a_cursor_of_one_client_resumes_in_another(origin, zendesk):
    """A walk that is left after a page goes on from its cursor and misses nothing."""
    walk = zendesk.tickets.incremental(start_time=1, per_page=5)
    first = [ticket.id for ticket in itertools.islice(walk, 5)]
    with requests.Session() as session:
        rest = [ticket.id for ticket in _client(origin, session).tickets.incremental(cursor=walk.after_cursor)]
    assert first + rest == [ticket.id for ticket in zendesk.tickets.incremental(start_time=1)]


def test_the_time_based_export_of_tickets(app, zendesk):
    """The client walks the time-based export; rows of boundary seconds come twice, and none is missing."""
    found = [ticket.id for ticket in zendesk.tickets.incremental(start_time=1, paginate_by_time=True, per_page=6)]
    assert set(found) == {key for key, ticket in app.world.tickets.items() if not ticket.ai_agent}
    assert len(found) > len(set(found))


def test_sideloaded_exports_are_understood(zendesk):
    """Metric sets, users and groups beside the tickets do not disturb the client."""
    found = list(zendesk.tickets.incremental(start_time=1, include=["metric_sets", "users", "groups"], per_page=4))
    assert len(found) == 13


def test_the_export_of_ticket_events(app, zendesk):
    """The client gives the events with their children, and the children their comments."""
    found = {event.id: event for event in zendesk.tickets.events(START, include="comment_events", per_page=25)}
    hidden = {ticket.id for ticket in app.world.tickets.values() if ticket.ai_agent}
    assert set(found) == {event.id for event in app.world.events if event.ticket not in hidden}
    first = next(event for event in found.values() if event.ticket_id == 101)
    assert first.child_events[0]["body"] == "My invoice is <wrong>."
    assert first.updater_id == CUSTOMER


def test_a_full_second_is_a_loop_without_an_end(zendesk):
    """When more rows than fit a page share the second it starts with, the client asks for the same page for ever."""
    walk = zendesk.tickets.events(START, per_page=2)
    found = [event.timestamp for event in itertools.islice(walk, 100)]
    assert set(found) == {START}


def test_the_exports_of_users(app, zendesk):
    """Both exports of users are walked to their end."""
    everybody = [key for _, key in app.world.user_order]
    assert [user.id for user in zendesk.users.incremental(start_time=1, per_page=3)] == everybody
    timed = [user.id for user in zendesk.users.incremental(start_time=1, paginate_by_time=True)]
    assert timed == everybody


def test_metric_events_are_understood(zendesk):
    """The export of metric events is walked to its end."""
    found = list(zendesk.tickets.metrics_incremental(START))
    assert {row.metric for row in found} == {"reply_time", "resolution_time"}


def test_one_ticket_with_all_there_is_to_it(app, zendesk):
    """Ticket, comments, metrics and audits of one ticket come in four calls, as a dispute needs them."""
    app.calls.clear()
    ticket = zendesk.tickets(id=101)
    comments = list(zendesk.tickets.comments(101))
    metrics = zendesk.tickets.metrics(101)
    audits = list(zendesk.tickets.audits(101))
    assert _paths(app) == {
        "tickets/101.json": 1,
        "tickets/101/comments.json": 1,
        "tickets/101/metrics.json": 1,
        "tickets/101/audits.json": 1,
    }
    assert (ticket.status, ticket.requester_id, ticket.via.channel) == ("closed", CUSTOMER, "email")
    assert [comment.author_id for comment in comments] == [CUSTOMER, BOT, CUSTOMER, AGENT, AGENT]
    assert (metrics.reopens, metrics.replies) == (1, 3)
    assert [audit.id for audit in audits] == [event.id for event in app.world.tickets[101].events]
    solved = next(event for event in audits[1].events if event.get("field_name") == "status")
    assert (solved["value"], solved["previous_value"]) == ("solved", "new")


def test_audits_are_followed_over_pages():
    """The client follows `links.next` of audits, and of an archived ticket it gets the first page only."""
    plan = sample_plan()
    many = tuple(Act(END - 900 + n, key, AGENT, public=False, comment=str(n)) for n in range(150) for key in (101, 114))
    with requests.Session() as session:
        app = create_app(plan=replace(plan, acts=plan.acts + many), now=iso(END))
        with running(app) as origin:
            client = _client(origin, session)
            assert len(list(client.tickets.audits(101))) == 158
            assert app.calls["/api/v2/tickets/101/audits.json"] == 2
            assert len(list(client.tickets.audits(114))) == 100


def test_ratings_by_time(zendesk):
    """The client reads ratings and passes the bounds on."""
    assert [rating.score for rating in zendesk.satisfaction_ratings()] == ["bad", "good"]
    late = zendesk.satisfaction_ratings(start_time=START + 3600, end_time=END)
    assert [rating.ticket_id for rating in late] == [101]


def test_lists_of_users_and_tickets(app, zendesk):
    """The lists page by cursor and leave out what is deleted, archived or of an AI agent."""
    assert [user.id for user in zendesk.users()] == sorted(k for k, p in app.world.people.items() if p.row["active"])
    assert zendesk.users.me().id == ADMIN
    assert [user.id for user in zendesk.users(ids=[BOT, AGENT])] == [BOT, AGENT]
    assert {ticket.id for ticket in zendesk.tickets()} == {101, 102, 103, 106, 108, 110, 111, 112, 113}
    assert [group.id for group in zendesk.groups()] == [360_001, 360_002]


def test_an_api_token_works_too(origin):
    """The old way of signing in is let in."""
    port = origin.rpartition(":")[2]
    with requests.Session() as session:
        session.trust_env = False
        who = {"email": "ada@nordwind.example", "token": "t"}
        made = Zenpy(domain=f"1:{port}", subdomain="127.0.0", session=session, **who)
        made.users.protocol = "http"
        assert made.users.me().email == "ada@nordwind.example"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("400", TooManyValuesException),
        ("401", APIException),
        ("403", APIException),
        ("404", RecordNotFoundException),
        ("409", APIException),
        ("422", APIException),
        ("500", APIException),
        ("503", APIException),
        ("502_html", requests.HTTPError),
        ("expired_cursor", APIException),
    ],
)
def test_errors_become_what_the_client_makes_of_them(steer, zendesk, kind, error):
    """Each error of the wire is the exception that was measured for it, after one call."""
    steer({"kind": kind})
    with pytest.raises(error):
        next(
            zendesk.tickets.incremental(
                **({"cursor": "MS4wfHwxfA=="} if kind == "expired_cursor" else {"start_time": 1})
            )
        )


def test_what_is_missing_or_forbidden_without_faults(origin, zendesk):
    """Deleted and unknown tickets are missing, a start that is too recent is refused, and so is an agent's export."""
    for key in (109, 5):
        with pytest.raises(RecordNotFoundException):
            zendesk.tickets(id=key)
    with pytest.raises(APIException, match="StartTimeTooRecent"):
        zendesk.tickets.incremental(start_time=END)
    token = requests.post(f"{origin}/oauth/tokens", json={**GRANT, "client_id": "agent"}, timeout=5).json()
    zendesk.tickets.session.headers["Authorization"] = f"Bearer {token['access_token']}"
    with pytest.raises(APIException, match="Forbidden"):
        zendesk.tickets.incremental(start_time=1)


def test_a_page_of_html_is_returned_as_a_success(steer, zendesk):
    """A maintenance page with status 200 comes back as a bare response, without an error."""
    steer({"kind": "200_html"})
    assert isinstance(zendesk.tickets(id=101), requests.Response)


def test_a_429_is_slept_through(app, steer, zendesk):
    """With whole seconds the client sleeps and asks again until it is let in."""
    steer({"kind": "429", "times": 2, "retry_after": "1", "path": "/api/v2/tickets/101.json"})
    app.calls.clear()
    begun = time.monotonic()
    assert zendesk.tickets(id=101).id == 101
    assert time.monotonic() - begun >= 2
    assert app.calls["/api/v2/tickets/101.json"] == 3


@pytest.mark.parametrize(
    ("retry_after", "error"),
    [(None, APIException), ("0", APIException), ("1.5", ValueError), ("Sat, 15 Mar 2025 09:00:05 GMT", ValueError)],
)
def test_a_429_of_another_form_is_an_error_at_once(app, steer, zendesk, retry_after, error):
    """Without whole seconds the client does not wait: it fails, with a stray error for dates and fractions."""
    steer({"kind": "429", "retry_after": retry_after})
    app.calls.clear()
    with pytest.raises(error):
        zendesk.tickets(id=101)
    assert app.calls.total() == 1


def test_a_budget_of_waiting_ends(origin, steer):
    """A client with a budget for waiting gives up when it is spent."""
    with requests.Session() as session:
        made = _client(origin, session, ratelimit_budget=2)
        steer({"kind": "429", "times": None, "retry_after": "1"})
        with pytest.raises(RatelimitBudgetExceeded):
            made.tickets(id=101)


def test_the_client_follows_links_to_any_host(steer, zendesk):
    """A foreign host in a link is where the client goes next; there is nobody, so it cannot connect."""
    steer({"kind": "foreign_host"})
    with pytest.raises(requests.ConnectionError):
        list(zendesk.tickets.incremental(start_time=1, per_page=2))


def test_cut_and_reset_connections(steer, zendesk):
    """A body that ends early and a reset reach the caller as errors of the transport."""
    for kind in ("truncated", "reset"):
        steer({"kind": kind})
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            zendesk.tickets(id=101)
        assert zendesk.tickets(id=101).id == 101


def test_an_unknown_answer_is_refused_by_the_client(zendesk):
    """What the client has no class for is an error of the client, not of the simulator."""
    with pytest.raises(ZenpyException):
        zendesk.tickets._get(zendesk.tickets._build_url(_Plain("oauth/tokens/current.json")))


class _Plain:
    """An endpoint with one fixed address."""

    def __init__(self, path):
        self.path = path

    def prefix_path(self, prefix):
        """Put the prefix of the API in front."""
        self.path = f"{prefix}/{self.path}"

    def build(self):
        """Give the whole address."""
        return f"{self.scheme}://{self.netloc}/{self.path.lstrip('/')}"


def test_the_environment_points_the_client_here(origin):
    """With both variables set the client needs no other change, in a process of its own."""
    token = requests.post(f"{origin}/oauth/tokens", json=GRANT, timeout=5).json()["access_token"]
    program = (
        "from zenpy import Zenpy; import sys; "
        f"z = Zenpy(subdomain='x', oauth_token={token!r}); "
        "print(z.users.me().id, len(list(z.tickets.incremental(start_time=1, per_page=5))))"
    )
    where = {"ZENPY_FORCE_SCHEME": "http", "ZENPY_FORCE_NETLOC": origin.removeprefix("http://"), "NO_PROXY": "*"}
    done = subprocess.run([sys.executable, "-c", program], env=where, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(ADMIN), "13"]


def test_the_dates_of_this_file_are_past():
    """The client stops time-based walks near the clock of the machine, so the account must lie well before it."""
    assert instant("2025-12-31T00:00:00Z") > END

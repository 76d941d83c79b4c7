"""What `check` says: one row each about what decides whether HubSpot can be read and believed."""

import pytest

from tallystick_hubspot.simulator import Limits
from tallystick_hubspot.simulator.instants import instant
from tallystick_hubspot.simulator.plan import Pipeline, Stage
from tallystick_hubspot.simulator.sample import AGENT, EXECUTIVE, VENDOR_APP, sample_plan

END = instant("2026-09-26T08:00:00Z")
KEY = "pat-na1-VerySecretKey"
ORIGIN = "https://api.hubspot.test"
SCOPES = f"{ORIGIN}/oauth/v2/private-apps/get/access-token-info"
NEEDED = ["crm.objects.deals.read", "crm.objects.owners.read"]


def _rows(connector):
    return {row.name: row for row in connector.check()}


@pytest.fixture
def checked(simulate):
    """Check the sample with some settings; give the rows by name and the simulator."""

    def run(faults=(), limits=None, **settings):
        simulator, make = simulate(sample_plan(), now=END)
        if limits is not None:
            simulator.limit(limits)
        simulator.faults.load(list(faults))
        return _rows(make(**settings)), simulator

    return run


def test_a_good_account(checked):
    """Everything that can be told of the sample is well; what cannot be told says so."""
    settings = {"vendor_app_ids": [VENDOR_APP], "vendor_user_ids": [str(AGENT)], "account_executive_ids": [EXECUTIVE]}
    rows, simulator = checked(**settings)

    assert {row.status for row in rows.values()} <= {"ok", "warning"}
    assert {name for name, row in rows.items() if row.status == "warning"} <= {
        *("scopes", "properties contacts", "history contacts"),
    }
    assert rows["history meetings"].status == "ok"
    assert "20" in rows["history meetings"].detail
    assert rows["stages tickets"].detail.startswith("2 pipelines")
    assert rows[f"vendor app {VENDOR_APP}"].status == rows[f"account executive {EXECUTIVE}"].status == "ok"
    assert rows["owners"].detail.startswith("5, of whom 1 left")
    assert simulator.stats()["calls"] <= 26


def test_conversations_that_are_not_read_are_told(checked):
    """What that costs is said before a contract depends on it."""
    rows, _ = checked(threads=False)

    assert rows["conversations"].status == "warning"
    assert "handoff" in rows["conversations"].detail


def test_without_a_sign_in_one_row_says_so(checked):
    """When the key is not accepted no further row is told."""
    rows, simulator = checked([{"kind": "401", "times": None}])

    assert list(rows) == ["urllib3", "sign-in"]
    assert rows["sign-in"].status == "failed"
    assert simulator.stats()["calls"] == 1
    assert KEY not in str(rows)


def test_a_property_that_is_declared_and_not_there(checked):
    """A misspelt property fails the row of its kind, and names it."""
    rows, _ = checked(custom={"meeting": {"accepted": {"path": "properties.acepted"}}})

    assert rows["properties meetings"].status == "failed"
    assert "acepted" in rows["properties meetings"].detail
    assert "stream meetings" not in rows


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("/crm/objects/2026-09/deals/search", "stream deals"),
        ("/crm/objects/2026-09/tickets/batch/read", "stream tickets"),
        ("/conversations/conversations/2026-09/threads", "conversations"),
        ("/crm/owners/2026-09", "owners"),
        ("/crm/properties/2026-09/calls", "properties calls"),
    ],
)
def test_what_may_not_be_read_fails_its_row(checked, path, row):
    """A missing scope fails the row of what it hides, names the scope, and lets the others be told."""
    rows, _ = checked([{"kind": "403", "path": path, "times": None, "scopes": ["the.missing.scope"]}])

    assert rows[row].status == "failed"
    assert "the.missing.scope" in rows[row].detail
    assert rows["clock"].status == "ok"


def test_people_who_are_not_there(checked):
    """An unknown user fails; one who is the vendor's and an account executive fails louder."""
    rows, _ = checked(vendor_user_ids=["9001", "77"], account_executive_ids=["9001"], vendor_app_ids=["5"])

    assert rows["vendor user 77"].status == "failed"
    assert rows["roster"].status == "failed"
    assert "9001" in rows["roster"].detail
    assert rows["vendor app 5"].status == "warning"


def test_limits_are_compared(checked):
    """Fewer calls allowed than we make is a warning, and so is a day that is nearly spent."""
    rows, _ = checked(limits=Limits(daily=100, burst=100), requests_per_second=18, searches_per_second=5)

    assert rows["pace"].status == "warning"
    assert "requests_per_second is 18" in rows["pace"].detail
    assert rows["calls of the day"].status in {"ok", "warning"}


def test_pipelines_without_a_closed_stage_fail(simulate, plan):
    """Where no stage closes, nothing would ever be resolved or won."""
    pipelines = (Pipeline("tickets", "0", "Support", (Stage("1", "New"),)),)
    _, make = simulate(plan(pipelines=pipelines))
    rows = _rows(make())

    assert rows["stages tickets"].status == "failed"
    assert rows["stages deals"].status == "failed"


# --- scopes, against answers of our own


@pytest.fixture
def scoped(web, answer, connect):
    """Check only what can be said of a key with some scopes; give its row."""

    def run(scopes, status=200, **settings):
        web.get(f"{ORIGIN}/account-info/2026-09/details").mock(return_value=answer({"portalId": 1}))
        route = web.post(SCOPES).mock(return_value=answer({"scopes": scopes}, status))
        web.route().mock(return_value=answer({"results": []}))
        rows = _rows(connect(objects=["deals"], **settings))
        return rows["scopes"], route

    return run


@pytest.mark.parametrize(
    ("scopes", "status", "word"),
    [
        (NEEDED, "ok", "nothing that writes"),
        ([*NEEDED, "oauth", "tickets"], "ok", "nothing that writes"),
        (NEEDED[:1], "failed", "crm.objects.owners.read"),
        ([*NEEDED, "crm.objects.deals.write"], "failed", "crm.objects.deals.write"),
    ],
)
def test_scopes(scoped, scopes, status, word):
    """What is needed must be there, and nothing that writes."""
    row, route = scoped(scopes)

    assert (row.status, word in row.detail) == (status, True)
    assert route.call_count == 1


@pytest.mark.parametrize("status", [403, 404, 400])
def test_scopes_that_are_not_told(scoped, status):
    """Where HubSpot does not tell the scopes the row says which to look for."""
    row, _ = scoped([], status)

    assert row.status == "warning"
    assert "crm.objects.deals.read" in row.action
    assert KEY not in row.detail


def test_scopes_of_a_minted_bearer_are_not_asked_for(scoped):
    """A minted bearer is not sent where only keys are known."""
    row, route = scoped(NEEDED, oauth=True)

    assert row.status == "warning"
    assert route.call_count == 0


def test_a_urllib3_that_breaks_the_sdk_is_told(checked, monkeypatch):
    """The one version that breaks every look-up fails its row."""
    monkeypatch.setattr("tallystick_hubspot.check.version", lambda name: "2.6.0")
    rows, _ = checked()

    assert rows["urllib3"].status == "failed"

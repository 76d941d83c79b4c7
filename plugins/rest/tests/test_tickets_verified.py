"""From a simulator to verdicts: `ticket-resolved` decides the cases of Intercom and Freshdesk as it should."""

import json
from contextlib import contextmanager
from datetime import datetime

import pytest
from typer.testing import CliRunner

from tallystick.cli.app import app as cli
from tallystick.testing.serving import running
from tallystick_rest.simulators import freshdesk, intercom
from tallystick_rest.simulators.freshdesk.people import People
from tallystick_rest.simulators.intercom.people import OPERATOR
from tallystick_rest.simulators.intercom.people import People as Workspace

KEY = "tok_VerySecret_0123456789"
NOW = "2026-09-20T00:00:00Z"
PROJECT = """\
project: test
sources:
  support: {{connector: {name}, base_url: "{origin}", key: "env:HELPDESK_KEY", start: 2026-08-01}}
contracts: [contract.yaml]
"""
CONTRACT = """\
contract: acme
version: 1
buyer: Nordwind
vendor: {{name: AI, identities: {{support: ["{bot}"]}}}}
timezone: Europe/Berlin
currency: USD
term: {{start: 2026-08-01}}
outcomes:
  resolved:
    source: support
    uses: ticket-resolved
    with: {{preset: buyer-strict, spam_and_test_exclusions: [spam], {more}}}
    price: {{per_unit: 1}}
"""
INTERCOM = {
    "confirmed": ("verified", ""),
    "assumed": ("verified", ""),
    "admin_noted": ("verified", ""),
    "handed_off_by_assignment": ("rejected", "no_assignment"),
    "handed_off_old_word": ("rejected", "no_human_reply"),
    "admin_replied": ("rejected", "no_human_reply"),
    "admin_closed_with_words": ("rejected", "no_human_reply"),
    "came_back": ("rejected", "not_returned"),
    "came_back_open": ("rejected", "not_returned"),
    "closed_by_automation": ("rejected", "answered"),
    "low_rating": ("rejected", "satisfied"),
    "human_alone": ("rejected", "answered"),
    "spam": ("rejected", "genuine"),
    "escalated": ("pending", ""),
    "negative_feedback": ("pending", ""),
    "procedure_handoff": ("pending", ""),
    "snoozed": ("pending", ""),
    "deleted": ("verified", ""),
    "redacted": ("unverifiable", "actors_known"),  # it was redacted before it was first read
}
FRESHDESK = {
    "confirmed": ("verified", ""),
    "assumed": ("verified", ""),
    "agent_noted": ("verified", ""),
    "handed_off_by_assignment": ("rejected", "no_assignment"),
    "agent_replied": ("rejected", "no_human_reply"),
    "agent_wrote_public_note": ("rejected", "no_human_reply"),
    "came_back": ("rejected", "not_returned"),
    "came_back_open": ("rejected", "not_returned"),
    "closed_by_automation": ("rejected", "answered"),
    "low_rating": ("rejected", "satisfied"),
    "human_alone": ("rejected", "answered"),
    "spam": ("rejected", "genuine"),
    "merged_into": ("rejected", "confirmed"),  # what came in with the other ticket got no answer
    "merged": ("rejected", "answered"),
    "escalated": ("pending", ""),
    "waiting": ("pending", ""),
    "deleted": ("unverifiable", "not_deleted"),
    "destroyed": ("unverifiable", ""),
}
DAYS = [f"2026-08-{day:02d}T08:00:00Z" for day in range(5, 13)] + [NOW]
"""All that the cases tell happens from 3 to 12 August."""


@contextmanager
def _verified(folder, name, app, bot, more):
    """Sync once a day, as a scheduler would, then verify; gives what the verb `explain` says of a case."""
    cases = (intercom if name == "intercom" else freshdesk).cases(1)
    lines = [f"{case.name},resolved,{case.subject},2026-08-31T00:00:00Z" for case in cases]
    lines += [f"{name},resolved,{subject},2026-08-31T00:00:00Z" for name, subject in app.extra]
    with running(app) as origin:
        (folder / "tallystick.yaml").write_text(PROJECT.format(name=name, origin=origin))
        (folder / "contract.yaml").write_text(CONTRACT.format(bot=bot, more=more))
        (folder / "claims.csv").write_text("\n".join(["claim_id,outcome,ref,claimed_at", *lines]))
        for day in DAYS:
            app.move(int(datetime.fromisoformat(day).timestamp()))
            _run(folder, day, "sync")
        again = _run(folder, NOW, "sync")
        assert sum(stream["stored"] for source in again["sources"] for stream in source["streams"]) == 0
        _run(folder, NOW, "claims", "import", str(folder / "claims.csv"), "--contract", "acme")
        _run(folder, NOW, "verify")
    yield lambda case: _run(folder, NOW, "explain", case)


def _run(folder, now, *words):
    options = ["--now", now, "--json", "--project", str(folder / "tallystick.yaml")]
    done = CliRunner().invoke(cli, [*words, *options], env={"HELPDESK_KEY": KEY})
    assert done.exit_code == 0, done.output
    assert KEY not in done.output
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Intercom, read day by day; also a conversation that Fin gave to a team, which never answered."""
    app = intercom.create_app(1, now=DAYS[0], conversations=5)
    subject, contact, start = "215400199999999", "66b000010000000000999999", 1_785_800_000
    team = next(iter(Workspace(1).teams))
    steps = [
        ("contact", 0, {"contact": contact, "name": "Left alone"}),
        ("open", 0, {"contact": contact, "body": "I cannot sign in."}),
        ("comment", 20, {"by": "fin", "body": "You can reset it under Settings."}),
        ("resolution", 60, {"state": "escalated"}),
        ("assign", 61, {"by": OPERATOR, "to": team}),
        ("close", 400_000, {"by": OPERATOR}),
    ]
    app.steer("do", [{"do": do, "at": start + after, "conversation": subject, **more} for do, after, more in steps])
    app.extra = [("left_to_a_team", subject)]
    with _verified(tmp_path_factory.mktemp("intercom"), "intercom", app, "fin", "platform_ai: true") as explain:
        yield explain


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """Freshdesk, read day by day."""
    app = freshdesk.create_app(1, now=DAYS[0], tickets=5)
    app.extra = []
    more = "assignment_counts: when_followed, handoff_voids: [assigned, public_reply]"
    bot = str(People(1).ai)
    with _verified(tmp_path_factory.mktemp("freshdesk"), "freshdesk", app, bot, more) as explain:
        yield explain


def _holds(found, status, clause):
    false = [one["clause"] for one in found["clauses"] if one["state"] == "false"]
    assert found["status"] == status, false
    assert clause in false if clause else status != "rejected"


@pytest.mark.parametrize("case", INTERCOM)
def test_cases_of_intercom(workspace, case):
    """Fin's resolutions, handoffs, returns, ratings and spam are told apart as each case's story says."""
    _holds(workspace(case), *INTERCOM[case])


def test_what_fin_gave_to_a_team_is_no_resolution(workspace):
    """A conversation that Fin escalated is no outcome of Fin's, even if nobody answered and a workflow closed it."""
    _holds(workspace("left_to_a_team"), "rejected", "no_request")


@pytest.mark.parametrize("case", FRESHDESK)
def test_cases_of_freshdesk(account, case):
    """Replies of agents and of the AI agent, returns, ratings, spam and deletions are told apart."""
    _holds(account(case), *FRESHDESK[case])


def test_every_case_has_its_verdict():
    """No labelled case of the simulators is left out here."""
    assert INTERCOM.keys() == {case.name for case in intercom.cases(1)}
    assert FRESHDESK.keys() == {case.name for case in freshdesk.cases(1)}

"""Cases of Salesforce under `ticket-resolved`: the template written for help desks decides them as it should."""

import json

import pytest
from typer.testing import CliRunner

from tallystick.cli.app import app as cli
from tallystick.testing.instants import instant, iso
from tallystick.testing.serving import running
from tallystick_salesforce.simulator import Plan, create_app

MINUTE, DAY = 60, 86_400
T0 = instant("2026-09-01T08:00:00Z")
NOW = "2026-10-01T08:00:00Z"
SECRET = "VerySecretOfTheApp"
CONTRACT = """\
contract: acme
version: 1
buyer: Nordwind
vendor: {{name: Uptime AI, identities: {{crm: ["{bot}"]}}}}
timezone: Europe/Berlin
currency: USD
term: {{start: 2026-08-15}}
outcomes:
  resolved: {{source: crm, uses: ticket-resolved, with: {{preset: buyer-strict}}, price: {{per_unit: 1}}}}
"""
PROJECT = """\
project: test
sources:
  crm:
    {{connector: salesforce, base_url: "{origin}", client_id: reader, client_secret: "env:SF_SECRET", currency: EUR,
     start: 2026-08-01, requests_per_minute: 60000,
     without: [ActivityFieldHistory, VideoCall, VideoCallParticipant, VoiceCall]}}
contracts: [contract.yaml]
"""


def _mail(minute, by, text, **more):
    def write(plan, case):
        fields = {"Incoming": False, "TextBody": text, "FromAddress": "help@nordwind.example", **more}
        plan.create(T0 + minute * MINUTE, "EmailMessage", f"{case}.{minute}", by=by, ParentId=case, **fields)

    return write


def _set(minute, by, **fields):
    return lambda plan, case: plan.update(T0 + minute * MINUTE, case, by=by, **fields)


BY_BOT = _mail(2, "bot", "Please switch it on, it is off.")
CLOSED = _set(10, "bot", Status="Closed")
ASKS = {"Incoming": True, "FromAddress": "carl@clay.example"}

CASES = {
    "resolved by the vendor's user": ("verified", "", [BY_BOT, CLOSED]),
    "a person answers": ("rejected", "no_human_reply", [BY_BOT, _mail(5, "ada", "Let me look into it."), CLOSED]),
    "a person closes it": ("rejected", "no_human_solve", [BY_BOT, _set(10, "ada", Status="Closed")]),
    "it is given to a person": ("rejected", "no_assignment", [BY_BOT, _set(5, "bot", OwnerId="ada"), CLOSED]),
    "it is opened again": ("rejected", "not_returned", [BY_BOT, CLOSED, _set(2_880, "ada", Status="New")]),
    "the customer asks again": (
        *("rejected", "confirmed"),
        [BY_BOT, CLOSED, _mail(20, "robot", "It still does not print.", **ASKS)],
    ),
    "nobody answers": ("rejected", "answered", [CLOSED]),
    "somebody unknown writes in": (
        *("unverifiable", "actors_known"),
        [BY_BOT, _mail(5, "robot", "And mine?", Incoming=True, FromAddress="eve@elsewhere.example"), CLOSED],
    ),
    "deleted afterwards": (
        *("unverifiable", "not_deleted"),
        [BY_BOT, CLOSED, lambda plan, case: plan.delete(T0 + 3 * DAY, case, by="ada")],
    ),
    "merged away": (
        *("rejected", "not_merged"),
        [BY_BOT, CLOSED, lambda plan, case: plan.merge(T0 + 2 * DAY, "other", case, by="ada")],
    ),
}


def _plan():
    plan = Plan(tracked={"Case": {"Status", "OwnerId"}})
    for key, role in (("ada", "Support"), ("bot", "Agents"), ("robot", "Automation")):
        plan.user(key, T0 - 30 * DAY, key.title(), "Example", role=role)
    plan.create(T0 - DAY, "Contact", "carl", by="ada", LastName="Clay", Email="carl@clay.example")
    for number, case in enumerate(["other", *map(str, range(len(CASES)))]):
        plan.create(T0 + number, "Case", case, by="bot", ContactId="carl", Origin="Email", Subject="Printer")
    for number, (_, _, then) in enumerate(CASES.values()):
        for write in then:
            write(plan, str(number))
    return plan


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """The verdicts on a claim for each case, after three syncs of a simulated org and a verification."""
    folder = tmp_path_factory.mktemp("project")
    plan = _plan()
    simulator = create_app(plan=plan, now=iso(T0 + DAY))
    with running(simulator) as origin, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SF_SECRET", SECRET)
        ids = plan.ids()
        (folder / "tallystick.yaml").write_text(PROJECT.format(origin=origin))
        (folder / "contract.yaml").write_text(CONTRACT.format(bot=ids["bot"]))
        # Every other one as reports show it, with 15 signs.
        refs = [ids[str(number)][: 15 if number % 2 else 18] for number in range(len(CASES))]
        lines = [f"c{number},resolved,{ref},2026-09-20T08:00:00Z" for number, ref in enumerate(refs)]
        (folder / "claims.csv").write_text("\n".join(["claim_id,outcome,ref,claimed_at", *lines]))
        # Deleted cases are shown for 15 days, so a sync has to fall into them.
        for now in (iso(T0 + DAY), iso(T0 + 5 * DAY), NOW):
            simulator.move(instant(now))
            _run(folder, now, "sync")
        _run(folder, NOW, "claims", "import", str(folder / "claims.csv"), "--contract", "acme")
        _run(folder, NOW, "verify")
        return {name: _run(folder, NOW, "explain", f"c{number}") for number, name in enumerate(CASES)}


def _run(folder, now, *words):
    options = ["--now", now, "--json", "--project", str(folder / "tallystick.yaml")]
    done = CliRunner().invoke(cli, [*words, *options])
    assert done.exit_code == 0, (words, done.output)
    assert SECRET not in done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_decided_as_it_should_be(verdicts, name):
    """Robots, people, automations, mails, reopened, deleted and merged cases get the verdict that their story has."""
    status, clause, _ = CASES[name]
    found = verdicts[name]
    false = [one["clause"] for one in found["clauses"] if one["state"] == "false"]
    assert found["status"] == status, (false, found["reasons"])
    assert (clause in false) if clause else not false

"""Tickets of HubSpot under `ticket-resolved`: the template written for help desks decides them as it should."""

import json
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from tallystick.cli.app import app as cli
from tallystick.testing.serving import running
from tallystick_hubspot.simulator import Plan, create_app
from tallystick_hubspot.simulator.deeds import (
    Archive,
    Assign,
    Associate,
    Create,
    Merge,
    OpenThread,
    Say,
    Set,
    app,
    person,
    workflow,
)
from tallystick_hubspot.simulator.instants import instant
from tallystick_hubspot.simulator.plan import Owner, Pipeline, Stage

MINUTE, DAY = 60_000, 86_400_000
T0 = instant("2026-09-01T08:00:00Z")
NOW = "2026-10-01T08:00:00Z"
BOT, KEY = app("77123", "Uptime AI"), "pat-na1-VerySecretKey"
OPEN, CLOSED = {"hs_pipeline_stage": "1"}, {"hs_pipeline_stage": "4"}
CONTRACT = """\
contract: acme
version: 1
buyer: Nordwind
vendor: {name: Uptime AI, identities: {crm: ["app:77123", "L-8", "B-7"]}}
timezone: Europe/Berlin
currency: USD
term: {start: 2026-08-15}
outcomes:
  resolved: {source: crm, uses: ticket-resolved, with: {preset: buyer-strict}, price: {per_unit: 1}}
"""
PROJECT = """\
project: test
sources:
  crm:
    {{connector: hubspot, base_url: "{origin}", token: "env:HUBSPOT_TOKEN", start: 2026-08-01,
     searches_per_second: 1000, requests_per_second: 1000{more}}}
contracts: [contract.yaml]
"""


def _set(values, minute, by):
    return lambda ref, _: Set(T0 + minute * MINUTE, ref, values, by)


def _says(actor, minute, text="Please switch it on, it is off.", **more):
    return lambda _, thread: Say(T0 + minute * MINUTE, thread, actor, text, **more)


BY_BOT = _set(CLOSED, 10, BOT)
BY_AGENT = _says("L-8", 2)

CASES = {
    "resolved by HubSpot's agent": ("verified", "", [BY_AGENT, BY_BOT]),
    "the vendor writes through a person's seat": ("verified", "", [_says("A-9001", 2, app_id=77123), BY_BOT]),
    "closed by a workflow": ("verified", "", [_says("B-7", 2), _set(CLOSED, 10, workflow("5"))]),
    "a person answers": ("rejected", "no_human_reply", [BY_AGENT, _says("A-9001", 5), BY_BOT]),
    "a person answers by mail": ("rejected", "no_human_reply", [BY_AGENT, _says("E-ada@nordwind.example", 5), BY_BOT]),
    "a person closes it": ("rejected", "no_human_solve", [BY_AGENT, _set(CLOSED, 10, person(9_002))]),
    "it is given to a person": (
        *("rejected", "no_assignment"),
        [BY_AGENT, lambda _, thread: Assign(T0 + 3 * MINUTE, thread, "A-9002", "B-7"), BY_BOT],
    ),
    "its owner becomes a person": (
        *("rejected", "no_assignment"),
        [BY_AGENT, _set({"hubspot_owner_id": "32"}, 5, BOT), BY_BOT],
    ),
    "it is opened again": ("rejected", "not_returned", [BY_AGENT, BY_BOT, _set(OPEN, 2_880, person(9_001))]),
    "the customer asks again": ("rejected", "confirmed", [BY_AGENT, BY_BOT, _says("V-99", 20, "It still does not.")]),
    "nobody answers": ("rejected", "answered", [BY_BOT]),
    "an application nobody named answers": (
        *("unverifiable", "actors_known"),
        [BY_AGENT, _says("A-9002", 5, app_id=555), BY_BOT],
    ),
    "closed by somebody who is not told": (
        *("unverifiable", "actors_known"),
        [BY_AGENT, lambda ref, _: Set(T0 + 10 * MINUTE, ref, CLOSED)],
    ),
    "deleted afterwards": (
        *("unverifiable", "not_deleted"),
        [BY_AGENT, BY_BOT, lambda ref, _: Archive(T0 + 3 * DAY, ref)],
    ),
    "merged away": (
        *("rejected", "not_merged"),
        [BY_AGENT, BY_BOT, lambda ref, _: Merge(T0 + 2 * DAY, ("tickets", "999"), ref, person(9_001))],
    ),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with a claim for each case, synced twice and verified; gives a function that runs the command line."""
    with _verified(tmp_path_factory.mktemp("project")) as folder:
        yield folder


@contextmanager
def _verified(folder, more=""):
    owners, pipelines = _people()
    deeds = [Create(T0, ("contacts", "99"), {"email": "carl@clay.example"}), _ticket("999")]
    for number, (_, _, then) in enumerate(CASES.values(), 1001):
        ref, thread = ("tickets", str(number)), str(6_000 + number)
        deeds += [_ticket(str(number)), Associate(T0, ref, ("contacts", "99")), OpenThread(T0, thread, str(number))]
        deeds += [Say(T0 + MINUTE, thread, "V-99", "My printer does not print. Why?")]
        deeds += [make(ref, thread) for make in then]
    simulator = create_app(1, plan=Plan(owners=owners, pipelines=pipelines, deeds=tuple(deeds)))
    with running(simulator) as origin:
        (folder / "tallystick.yaml").write_text(PROJECT.format(origin=origin, more=more))
        (folder / "contract.yaml").write_text(CONTRACT)
        lines = [f"c{number},resolved,{number},2026-09-20T08:00:00Z" for number in range(1001, 1001 + len(CASES))]
        (folder / "claims.csv").write_text("\n".join(["claim_id,outcome,ref,claimed_at", *lines]))
        for day, now in ((1, "2026-09-02T08:00:00Z"), (30, NOW)):
            simulator.move((T0 + day * DAY) // 1000)
            _run(folder, now, "sync")
        _run(folder, NOW, "claims", "import", str(folder / "claims.csv"), "--contract", "acme")
        _run(folder, NOW, "verify")
        yield folder


def _people():
    owners = (Owner("31", 9_001, "ada@nordwind.example", "Ada"), Owner("32", 9_002, "bea@nordwind.example", "Bea"))
    return owners, (Pipeline("tickets", "0", "Support", (Stage("1", "New"), Stage("4", "Closed", closed=True))),)


def _ticket(key):
    return Create(T0, ("tickets", key), {"hs_pipeline": "0", **OPEN, "source_type": "CHAT"}, BOT)


def _run(folder, now, *words):
    options = ["--now", now, "--json", "--project", str(folder / "tallystick.yaml")]
    done = CliRunner().invoke(cli, [*words, *options], env={"HUBSPOT_TOKEN": KEY})
    assert done.exit_code == 0, done.output
    assert KEY not in done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize("case", CASES)
def test_each_case_gets_its_verdict(project, case):
    """Bots, people behind applications, applications behind people, mails, merges and deletions are told apart."""
    status, clause, _ = CASES[case]
    number = 1001 + list(CASES).index(case)
    found = _run(project, NOW, "explain", f"c{number}")
    false = [one["clause"] for one in found["clauses"] if one["state"] == "false"]

    assert (found["status"], found["record_id"]) == (status, str(number)), false
    assert (clause in false) if clause else not false


def test_without_conversations_nothing_is_made_of_their_silence(tmp_path):
    """Where they are not read, no answer of a person is ruled out and none of the bot's is missed: it stays open."""
    with _verified(tmp_path, ", threads: false") as folder:
        found = {case: _run(folder, NOW, "explain", f"c{number}") for number, case in enumerate(CASES, 1001)}

    assert "verified" not in {one["status"] for one in found.values()}
    assert found["resolved by HubSpot's agent"]["status"] in {"pending", "unverifiable"}

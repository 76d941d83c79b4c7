"""Outcomes leave a project: named in its file, delivered at the end of a turn, seen by the verb `sinks`."""

import csv
import json
import sqlite3

import pytest
from tests.exports import Alone, take_in, take_out
from tests.ledgers import TERMS, Ledger, at, payment
from tests.receiver import receiving

from tallystick.cli.dead_letters import dead_letters
from tallystick.cli.project import open_project
from tallystick.errors import Error

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PROJECT = """\
project: test
sources: {{billing: {{connector: stripe, base_url: "http://127.0.0.1:9", key: env:KEY, start: 2026-01-01}}}}
contracts: [contract.yaml]
sinks:
  vendor:
    kind: webhook
    url: {origin}/hook
    secret: env:HOOK
  invoices:
    kind: csv
    folder: invoices
"""
DECIDED, LOCKED = "2026-09-03T12:00:00Z", "2026-09-06T12:00:00Z"


@pytest.fixture
def receiver():
    """The vendor's receiver."""
    with receiving() as found:
        yield found


@pytest.fixture
def sending(receiver, monkeypatch, tmp_path):
    """A project with two claims, whose records are stored, and two sinks; no turn was taken yet."""
    monkeypatch.setenv("HOOK", SECRET)
    folder = tmp_path / "project"
    (folder / ".tallystick").mkdir(parents=True)
    ledger = Ledger(folder / ".tallystick")
    ledger.claim("A,paid,p_1,,,", "B,paid,p_2,,,", now=at("09-01"))
    ledger.read(payment("p_1", at("09-01")), payment("p_2", at("09-01")), upto=at("09-30"))
    ledger.engine.dispose()
    (folder / "contract.yaml").write_text(TERMS)
    (folder / "tallystick.yaml").write_text(PROJECT.format(origin=receiver.origin))
    return Alone(folder)


def _turn(project, now=DECIDED, *, code=0):
    """Verify and deliver, as `run` does after it has read the sources."""
    project.run("verify", "--now", now)
    done = project.run("sinks", "deliver", "--json", "--now", now, code=code, out=True)
    return {sink["sink"]: sink for sink in json.loads(done)["sinks"]}


def _listed(project):
    return {row["sink"]: row for row in json.loads(project.run("sinks", "list", "--json"))["sinks"]}


def _types(receiver):
    return [json.loads(body)["type"].split(".")[3] for _, _, body in receiver.got]


def test_a_turn_delivers(sending, receiver):
    """A turn tells the vendor each verified claim once; the next one nothing again; once they lock, both sinks hear."""
    assert _turn(sending)["vendor"]["delivered"] == 2
    assert _turn(sending)["vendor"]["delivered"] == 0
    assert _types(receiver) == ["verified"] * 2
    listed = _listed(sending)
    assert (listed["vendor"]["kind"], listed["vendor"]["scheduled"]) == ("webhook", 2)
    assert listed["vendor"]["events"] == ["verified", "locked", "corrected", "reversed"]
    assert listed["invoices"]["events"] == ["locked", "corrected", "reversed"]

    assert {name: sink["delivered"] for name, sink in _turn(sending, LOCKED).items()} == {"vendor": 2, "invoices": 2}
    assert _types(receiver) == ["verified"] * 2 + ["locked"] * 2
    with (sending.folder / "invoices" / "acme-2026-09.csv").open(newline="") as file:
        assert [row["claim"] for row in csv.DictReader(file)] == ["A", "B"]


def test_a_receiver_that_is_down(sending, receiver):
    """A delivery that could not reach a sink exits 3 with the others served; a later one delivers all of it."""
    receiver.on_request = lambda *_: (500, {})
    turn = _turn(sending, LOCKED, code=3)
    assert (turn["vendor"]["delivered"], turn["vendor"]["waiting"], turn["invoices"]["delivered"]) == (0, 4, 2)
    assert "answered 500" in turn["vendor"]["errors"][0]

    receiver.on_request = lambda *_: None
    receiver.got.clear()
    done = json.loads(sending.run("sinks", "deliver", "--json", "--now", "2026-09-07T12:00:00Z"))
    assert done["sinks"][0]["delivered"] == len(receiver.got) == 4


def test_dead_letters(sending, receiver):
    """An event that the receiver calls gone is a dead letter with its reason; it goes out again if a person says so."""
    receiver.answers.append((410, {}))
    assert _turn(sending, code=3)["vendor"]["dead"] == 1
    [dead] = _dead(sending)
    assert "answered 410" in dead["why"]

    sending.run("sinks", "retry", code=2)
    sending.run("sinks", "retry", "oe_none", code=2)
    assert sending.run("sinks", "retry", dead["key"], "--now", DECIDED) == "1 will be tried again.\n"
    assert "vendor: 1 delivered, 0 waiting" in sending.run("sinks", "deliver", "vendor", "--now", DECIDED)
    assert receiver.got[-1][1]["webhook-id"] == receiver.got[0][1]["webhook-id"] == dead["key"]
    assert "No dead letters" in sending.run("sinks", "dead")


def test_a_dead_letter_that_is_dismissed(sending, receiver, tmp_path):
    """A dead letter is dismissed for a reason only, is shown no more unless asked for, and is kept in an export."""
    receiver.answers.append((410, {}))
    _turn(sending, code=3)
    [dead] = _dead(sending)
    dismiss = "sinks", "dismiss", "vendor"
    sending.run(*dismiss, dead["key"], code=2)
    assert "up to 500 characters" in sending.run(*dismiss, dead["key"], "--reason", " ", code=2)
    assert "or give --all" in sending.run(*dismiss, "--reason", "billed by hand", code=2)
    assert "no dead letter" in sending.run("sinks", "dismiss", "invoices", dead["key"], "--reason", "x", code=2)
    done = sending.run(*dismiss, dead["key"], "--reason", "billed by hand", "--now", LOCKED, "--json")
    assert json.loads(done) == {"dismissed": 1}

    assert "No dead letters" in sending.run("sinks", "dead")
    assert f"dismissed {LOCKED}: billed by hand" in sending.run("sinks", "dead", "--all")
    [row] = json.loads(sending.run("sinks", "dead", "vendor", "--all", "--json"))["dead"]
    assert row == {**dead, "dismissed_at": LOCKED, "reason": "billed by hand"}
    listed = _listed(sending)["vendor"]
    assert (listed["dead"], listed["dismissed"]) == (0, 1)

    take_out(sending.folder, tmp_path / "export")
    (tmp_path / "copy").mkdir()
    take_in(tmp_path / "copy", tmp_path / "export")
    assert "billed by hand" in Alone(tmp_path / "copy").run("sinks", "dead", "--all")


def test_a_sink_that_is_renamed(sending, receiver):
    """Before and after it is taken up, `sinks list` says what a renamed sink would hear again; its old name heals."""
    _turn(sending, LOCKED)
    path = sending.folder / "tallystick.yaml"
    text = path.read_text()
    other = text.replace("  vendor:\n", "  buyer:\n    from: 2026-09-01\n")
    path.write_text(other)
    said = "buyer is new, and from 2026-09-01T00:00:00Z on may be told what vendor was told: if it is the same"
    assert said in sending.run("sinks", "list")
    sending.run("verify", "--now", LOCKED)
    assert "buyer is still to be told 4 events that vendor was told: if" in sending.run("sinks", "list")
    assert {name: sink["repeated"] for name, sink in _listed(sending).items()} == {
        "buyer": 4,
        "vendor": 0,
        "invoices": 0,
    }

    receiver.got.clear()
    path.write_text(text)
    turn = _turn(sending, LOCKED)
    assert (turn["vendor"]["delivered"], receiver.got) == (0, [])
    assert "told what" not in sending.run("sinks", "list")


def test_a_secret_that_is_missing(sending, receiver, monkeypatch):
    """Without its secret a sink cannot be used: exit 3, the place of the secret is named, and nothing is sent."""
    monkeypatch.delenv("HOOK")
    turn = _turn(sending, code=3)

    assert "the environment variable HOOK is not set" in turn["vendor"]["errors"][0]
    assert receiver.got == []


def test_another_day(sending):
    """A day that is changed is taken up by the next `verify`, or refused by it with its place; `sinks list` says so."""
    _turn(sending, LOCKED)
    path = sending.folder / "tallystick.yaml"
    text = path.read_text()
    path.write_text(text.replace("folder:", "from: 2026-09-05\n    folder:"))
    assert "invoices is told from 2026-09-06T12:00:00Z on, and `from` says 2026-09-05" in sending.run("sinks", "list")
    sending.run("verify", "--now", "2026-09-01T00:00:00Z", code=2)
    assert _listed(sending)["invoices"]["since"] == LOCKED
    sending.run("verify", "--now", LOCKED)
    assert _listed(sending)["invoices"]["since"] == _listed(sending)["invoices"]["from"] == "2026-09-05T00:00:00Z"
    assert "told from" not in sending.run("sinks", "list")

    path.write_text(text.replace("folder:", "from: 2026-09-06\n    folder:"))
    assert "tallystick.yaml:11:11: the sink invoices is told from 2026-09-05" in sending.run(
        "verify", "--now", LOCKED, code=2
    )


def test_a_sink_that_is_removed(sending):
    """The events of a sink that the project file names no more stay, and are shown."""
    _turn(sending)
    path = sending.folder / "tallystick.yaml"
    path.write_text(path.read_text().partition("sinks:")[0])
    _turn(sending, LOCKED)

    assert _listed(sending)["vendor"]["delivered"] == 2
    assert "not in tallystick.yaml" in sending.run("sinks", "list")
    sending.run("sinks", "deliver", "vendor", code=2)


@pytest.mark.parametrize(
    ("old", "new", "where", "said"),
    [
        ("kind: csv", "kind: fax", "", "no installed plugin offers a sink 'fax'; offered: csv, "),
        ("folder: invoices", "folders: invoices", ":11:", "folder"),
        ("secret: env:HOOK", "secret: whsec_abc", ":8:13", "a secret does not belong in a file"),
        ("folder: invoices", "folder: invoices\n    events: [verified]", ":12:14", "no events 'verified' to take"),
        ("folder: invoices", "folder: invoices\n    events: [paid]", ":12:14", "'verified', 'locked'"),
        ("folder: invoices", "folder: invoices\n    contracts: [other]", ":12:17", "no contracts 'other' to take"),
        ("url: http://", "url: http://example.com/#", ":7:10", "address"),
    ],
)
def test_settings_that_are_wrong(tmp_path, old, new, where, said):
    """What is wrong with a sink is said with file, line and column, and without the value of a secret."""
    text = PROJECT.format(origin="http://127.0.0.1:1")
    assert old in text
    (tmp_path / "contract.yaml").write_text(TERMS)
    (tmp_path / "tallystick.yaml").write_text(text.replace(old, new))
    with pytest.raises(Error) as caught, open_project(tmp_path / "tallystick.yaml") as project:
        _ = project.sinks

    assert said in caught.value.diagnostics()
    assert f"tallystick.yaml{where}" in str(caught.value) or not where
    assert "whsec_abc" not in caught.value.diagnostics()


def test_the_outbox_is_held_against_the_ledger(sending):
    """`ledger fsck` says how many events it held against the ledger, and exits 4 naming one of another entry."""
    _turn(sending, LOCKED)
    said = sending.run("ledger", "fsck")
    assert said.endswith(": ok\n6 events of the outbox, held against the ledger\n")
    with sqlite3.connect(sending.folder / ".tallystick" / "tallystick.db") as database:
        database.execute("UPDATE outbox SET idx = idx + 1 WHERE sink = 'invoices' AND subject = 'claim:A'")
    database.close()

    said = sending.run("ledger", "fsck", code=4, out=True)
    assert ": altered\n6 events of the outbox" in said
    assert "sink invoices: event oe_" in said
    assert json.loads(sending.run("ledger", "fsck", "--json", code=4, out=True))["outbox"] == 6


def test_an_import_sends_nothing_again(sending, receiver, tmp_path):
    """An imported project repeats nothing, holds what waits until a person says so, and keeps the keys."""
    receiver.answers.append((410, {}))
    _turn(sending, code=3)
    take_out(sending.folder, tmp_path / "export")
    (tmp_path / "copy").mkdir()
    take_in(tmp_path / "copy", tmp_path / "export", key=sending.folder / ".tallystick" / "ledger.key")
    take_out(tmp_path / "copy", tmp_path / "again")
    outbox = "tables/outbox.jsonl"
    assert (tmp_path / "export" / outbox).read_bytes() == (tmp_path / "again" / outbox).read_bytes()

    copy = Alone(tmp_path / "copy")
    [dead] = _dead(copy)
    copy.run("sinks", "retry", "--all", "--now", DECIDED)
    receiver.got.clear()
    assert _turn(copy, LOCKED, code=3)["vendor"]["errors"][0].startswith("held:")
    assert receiver.got == []
    assert "vendor is held" in copy.run("sinks", "list")

    assert "vendor, invoices" in copy.run("sinks", "resume")
    copy.run("sinks", "deliver", "--now", LOCKED)
    assert _types(receiver) == ["verified", "locked", "locked"]
    assert receiver.got[0][1]["webhook-id"] == dead["key"]


def test_an_import_without_the_key(sending, tmp_path):
    """A project that was imported without the key of its ledger delivers nothing."""
    _turn(sending)
    take_out(sending.folder, tmp_path / "export")
    (tmp_path / "copy").mkdir()
    take_in(tmp_path / "copy", tmp_path / "export")

    assert "without the key" in Alone(tmp_path / "copy").run("sinks", "deliver", code=2)


def _dead(project):
    """Give the dead letters; the verb exits 1 because there are some."""
    done = project.run("sinks", "dead", code=1, out=True)
    assert "given up" in done
    with open_project(project.folder / "tallystick.yaml") as opened:
        return dead_letters(opened, [])

"""`tallystick sample`, run as a command: from the draw to the finding, and every input that is refused."""

import json
import sys

import pytest
from tests.sampled import CONTRACT, MONTH, Office, in_september

from tallystick.cli.app import main

NOW = "2026-10-20T00:00:00Z"
PROJECT = """\
project: test
sources: {billing: {connector: stripe, key: env:STRIPE_KEY, start: "2026-01-01T00:00:00Z"}}
contracts: [acme.yaml]
"""


class _Project:
    """A project with 40 verified claims in September, and the command line run in it."""

    def __init__(self, folder, monkeypatch, capsys):
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.capsys = capsys
        monkeypatch.chdir(folder)
        inside = folder / ".tallystick"
        inside.mkdir(mode=0o700)
        office = Office(inside)
        office.read(*(in_september(1 + number % 20) for number in range(40)))
        office.claim("paid", *range(40))
        office.verify()
        office.engine.dispose()
        (folder / "acme.yaml").write_text(CONTRACT)
        (folder / "tallystick.yaml").write_text(PROJECT)

    def tallystick(self, *arguments):
        """Run a verb as the command line does; give exit code, output and messages."""
        self.monkeypatch.setattr(sys, "argv", ["tallystick", *arguments])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code or 0, *self.capsys.readouterr()

    def run(self, *arguments):
        """Run a verb of `sample` as of the 20th of October; `show` needs no clock."""
        return self.tallystick("sample", *arguments, *(() if arguments[0] == "show" else ("--now", NOW)))

    def json(self, *arguments):
        """Run a verb of `sample` and give the object it printed."""
        code, output, messages = self.run(*arguments, "--json")
        assert code == 0, messages
        return json.loads(output)

    def ledger(self):
        """Give what fsck says."""
        return json.loads(self.tallystick("ledger", "fsck", "--json")[1])


@pytest.fixture
def project(tmp_path, monkeypatch, capsys):
    """A project whose September is over and verified."""
    return _Project(tmp_path, monkeypatch, capsys)


def test_from_the_draw_to_the_finding(project):
    """A draw, answers one by one and as a file, a correction, and what the contract does then."""
    drawn = project.json("draw", "acme", MONTH)
    [paid, big] = drawn["samples"]
    claims = [line["subject"].removeprefix("claim:") for line in paid["lines"]]
    assert (paid["outcome"], paid["status"], paid["counts"]["waiting"], paid["list"]["count"]) == (
        "paid",
        "open",
        10,
        40,
    )
    assert (big["outcome"], big["status"], big["lines"]) == ("big", "within", [])
    assert paid["lines"][0]["record"]["type"] == "payment"
    assert project.json("show", "acme", MONTH) == drawn

    assert project.json("record", "acme", MONTH, claims[0], "unclear", "--by", "Ann", "--note", "no recording") == {
        "recorded": 1,
        "known": 0,
        "waiting": 9,
    }
    (project.folder / "answers.csv").write_text(
        "subject,answer,note,by\n" + "".join(f"{claim},right,,\n" for claim in claims[1:6])
    )
    (project.folder / "more.jsonl").write_text(
        "".join(
            json.dumps({"subject": f"claim:{claim}", "answer": "wrong", "by": "Bob"}) + "\n" for claim in claims[6:]
        )
    )
    assert project.json("record", "acme", MONTH, "--file", "answers.csv", "--by", "Ann")["recorded"] == 5
    assert "4 answers recorded" in project.run("record", "acme", MONTH, "--file", "more.jsonl")[1]
    assert project.json("record", "acme", MONTH, "--file", "more.jsonl") == {"recorded": 0, "known": 4, "waiting": 0}
    assert project.run("record", "acme", MONTH, claims[6], "right", "--by", "Ann", "--correct")[0] == 0

    [shown] = project.json("show", "acme", MONTH, "--outcome", "paid")["samples"]
    assert (shown["status"], shown["effect"]) == ("exceeded", "extrapolate")
    assert shown["counts"] == {"drawn": 10, "right": 6, "wrong": 3, "unclear": 1, "waiting": 0}
    assert shown["shares"]["share"] == "0.300000"
    said = shown["lines"][6]["said"]
    assert (said["answer"], said["by"], said["at"], said["replaces"]) == ("right", "Ann", NOW, said["entry"] - 4)
    printed = project.run("show", "acme", MONTH)[1]
    assert "More than the tolerance of 5 %: the share that was found is taken off all lines." in printed
    assert "no recording" in printed
    assert project.ledger()["findings"] == []


REFUSED = {
    "no such contract": (("draw", "acm", MONTH), "acme"),
    "no month": (("draw", "acme", "2026-13"), "2026-13"),
    "a quarter": (("draw", "acme", "2026Q3"), "month by month"),
    "not over": (("draw", "acme", "2026-10"), "not over before 2026-10-31T23:00:00Z"),
    "no such outcome": (("draw", "acme", "2026-08", "--outcome", "piad"), "Outcomes with a sample: paid, big"),
    "no terms": (("draw", "acme", "2026-08", "--outcome", "other"), "no sample in its terms"),
    "drawn already": (("draw", "acme", MONTH), "drawn already"),
    "show: not drawn": (("show", "acme", "2026-08"), "tallystick sample draw acme 2026-08"),
    "show: no such outcome": (("show", "acme", MONTH, "--outcome", "other"), "no sample of other"),
    "record: not drawn": (("record", "acme", "2026-08", "C1", "right", "--by", "Ann"), "no sample was drawn"),
    "record: no such line": (("record", "acme", MONTH, "C99", "right", "--by", "Ann"), "'C99' is not in the sample"),
    "record: nobody": (("record", "acme", MONTH, "{drawn}", "right"), "--by"),
    "record: no answer": (("record", "acme", MONTH, "C1"), "CLAIM right|wrong|unclear"),
    "record: line and file": (("record", "acme", MONTH, "C1", "right", "--file", "good.csv"), "--file FILE"),
    "record: no file": (("record", "acme", MONTH, "--file", "none.csv"), "there is no file none.csv"),
    "record: a folder": (("record", "acme", MONTH, "--file", "."), "cannot be read"),
    "record: differs": (("record", "acme", MONTH, "{answered}", "wrong", "--by", "Ann"), "--correct"),
}
FILES = {
    "a line that was not drawn": ("subject,answer\n{drawn},right\nC99,right\n", "answers.csv:3:1"),
    "no answer": ("subject,answer\n{drawn},right\n{other},maybe\n", "answers.csv:3:1"),
    "twice": ("subject,answer\n{drawn},right\n{drawn},right\n", "answers.csv:3:1"),
    "an unknown column": ("subject,answer,who\n{drawn},right,Bob\n", "unknown column 'who'"),
    "a missing column": ("subject,by\n{drawn},Bob\n", "missing column: answer"),
    "too many cells": ("subject,answer\n{drawn},right,\n", "answers.csv:2:1: 3 cells"),
    "empty": ("", "The first line names the columns: subject,answer,by,note"),
    "another encoding": ("subject,answer,by\n{drawn},right,J\u00fcrgen\n", "is not UTF-8"),
    "a JSON list": ('[{{"subject": "{drawn}"}}]', "JSON Lines"),
    "a JSON object without an answer": ('{{"subject": "{drawn}"}}\n', "An answer needs subject and answer."),
    "a line end in a note": ('subject,answer,note\n{drawn},right,"a\nb"\n', "answers.csv:2:1: note"),
}


def test_bad_input_is_refused_and_changes_nothing(project):
    """Each wrong argument and each wrong file gives one message, exit 2 and no traceback; the ledger stays as it is."""
    [paid] = project.json("draw", "acme", MONTH, "--outcome", "paid")["samples"]
    project.json("draw", "acme", MONTH)
    answered, drawn, other, *_ = (line["subject"].removeprefix("claim:") for line in paid["lines"])
    project.json("record", "acme", MONTH, answered, "right", "--by", "Ann")
    root = project.ledger()["root"]

    for name, (arguments, message) in REFUSED.items():
        done = project.run(*(argument.format(drawn=drawn, answered=answered) for argument in arguments))
        _check(done, name, message)
    for name, (text, message) in FILES.items():
        content = text.format(drawn=drawn, other=other)
        (project.folder / "answers.csv").write_bytes(content.encode("latin-1"))
        _check(project.run("record", "acme", MONTH, "--file", "answers.csv", "--by", "Ann"), name, message)

    assert project.ledger()["root"] == root


def _check(done, name, message):
    code, output, messages = done
    assert code == 2, f"{name}: exit {code}\n{output}{messages}"
    assert messages.startswith("error: "), name
    assert message in messages, f"{name}: {messages}"


def test_a_draw_before_the_verification_says_what_to_run(project):
    """With a claim that is not verified yet the month is not drawn, and with --json the error is an object."""
    (project.folder / "claims.csv").write_text("claim_id,outcome,ref\nX1,paid,ch_99\n")
    imported = project.tallystick("claims", "import", "claims.csv", "--contract", "acme", "--now", NOW)
    assert imported[0] == 0

    code, output, _ = project.run("draw", "acme", MONTH, "--json")
    assert code == 2
    assert "claim:X1" in json.loads(output)["error"]["message"]
    assert "tallystick verify" in json.loads(output)["error"]["hint"]

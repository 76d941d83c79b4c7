"""`tallystick init`: asks a person at a terminal, takes flags from nobody, and never writes a secret."""

import json
import sys

import pytest
from tests.conftest import Company
from tests.terminal import Terminal

from tallystick.cli.init_text import Draft, write
from tallystick.testing.simulation import start_story

SECRET = "rk_live_51HxSecretSecret"
INIT = [sys.executable, "-m", "tallystick", "init"]


@pytest.fixture(scope="module")
def company(small_story, tmp_path_factory):
    """A running simulator, and what the environment of its reader holds."""
    with start_story(small_story, now=small_story.stages[-1]) as simulators:
        yield Company(small_story, simulators, tmp_path_factory.mktemp("nothing"))


@pytest.fixture
def folder(tmp_path):
    """An empty folder."""
    return tmp_path


def _terminal(company, folder, *arguments, **environment):
    return Terminal([*INIT, *arguments], cwd=folder, env={**company.env(), **environment})


def _choose_stripe(terminal):
    terminal.answer("Systems", "stripe")
    terminal.answer("Name of this source")


def _to_the_end(terminal, answer="yes"):
    terminal.answer("Name of both", "first")
    terminal.answer("Time zone")
    terminal.answer("Currency")
    terminal.answer("Outcome template")
    terminal.answer("Write these two files?", answer)


def _files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_person_is_led_to_a_project_that_can_be_read(company, folder):
    """What a person answers becomes two files, tested against the system before, and `check` and `sync` take them."""
    with _terminal(company, folder) as terminal:
        _choose_stripe(terminal)
        terminal.expect("Name the place, never the secret itself")
        terminal.answer("base_url [", company.simulator.origin)
        terminal.answer("key [env:STRIPE_KEY]")
        terminal.expect("env:STRIPE_KEY: found")
        terminal.answer("start [", "2026-03-01")
        terminal.answer("Test it now?")
        terminal.expect("Source billing")
        _to_the_end(terminal)
        assert terminal.end() == 0

    assert _files(folder) == ["contracts/first.yaml", "tallystick.yaml"]
    assert "key: env:STRIPE_KEY" in (folder / "tallystick.yaml").read_text()
    assert "uses: dollars-collected" in (folder / "contracts/first.yaml").read_text()
    by_hand = Company(company.story, company.simulators, folder)
    assert by_hand.json("check")["sources"]["billing"]
    by_hand.run("sync", "--now", company.now)
    by_hand.run("verify", "--now", company.now)


def test_wrong_answers_are_asked_again(company, folder):
    """A system that is not there, an address that is none and a day that is none are named and asked for again."""
    with _terminal(company, folder) as terminal:
        terminal.answer("Systems", "nowhere")
        terminal.expect("choose from the list")
        terminal.answer("Systems", "")
        terminal.expect("this needs an answer")
        _choose_stripe(terminal)
        terminal.answer("base_url [", "ftp://example.com")
        terminal.expect("write an address like https://api.example.com")
        terminal.answer("base_url [", company.simulator.origin)
        terminal.answer("key [")
        terminal.answer("start [", "yesterday")
        terminal.expect("valid date")
        terminal.answer("start [", "2026-03-01")
        terminal.answer("Test it now?", "perhaps")
        terminal.expect("answer yes or no")
        terminal.answer("Test it now?", "no")
        terminal.answer("Name of both", "../first")
        terminal.expect("letters, digits")
        terminal.answer("Name of both", "first")
        terminal.answer("Time zone", "Atlantis")
        terminal.answer("Time zone", "Europe/Vienna")
        terminal.answer("Currency", "euro")
        terminal.expect("three capitals")
        terminal.answer("Currency", "EUR")
        terminal.answer("Outcome template", "1,2")
        terminal.expect("choose 1 only")
        terminal.answer("Outcome template")
        terminal.answer("Write these two files?", "yes")
        assert terminal.end() == 0

    assert "timezone: Europe/Vienna" in (folder / "contracts/first.yaml").read_text()


@pytest.mark.parametrize("pasted", [SECRET, f"env:{SECRET}", f"file:{SECRET}"])
def test_a_pasted_secret_is_refused_and_never_shown(company, folder, pasted):
    """A secret in the place of its reference is neither shown by the terminal nor taken nor written."""
    with _terminal(company, folder) as terminal:
        _choose_stripe(terminal)
        terminal.answer("base_url [", company.simulator.origin)
        terminal.answer("key [", pasted)
        terminal.answer("key [")
        terminal.answer("start [")
        terminal.answer("Test it now?", "no")
        _to_the_end(terminal)
        assert terminal.end() == 0
        assert SECRET not in terminal.screen

    assert all(SECRET not in path.read_text() for path in folder.rglob("*") if path.is_file())


def test_a_system_that_cannot_be_reached_is_told_and_its_answers_can_be_changed(company, folder):
    """When nobody listens at the address the failure is shown, and another address can be given."""
    with _terminal(company, folder) as terminal:
        _choose_stripe(terminal)
        terminal.answer("base_url [", "http://127.0.0.1:9")
        terminal.answer("key [")
        terminal.answer("start [", "2026-03-01")
        terminal.answer("Test it now?", "yes")
        terminal.answer("And now", "change")
        terminal.answer("base_url [http://127.0.0.1:9]", company.simulator.origin)
        terminal.answer("key [")
        terminal.answer("start [2026-03-01]")
        terminal.answer("Test it now?", "yes")
        _to_the_end(terminal)
        assert terminal.end() == 0

    assert company.simulator.origin in (folder / "tallystick.yaml").read_text()


@pytest.mark.parametrize("keys", ["\x03", "\x04"], ids=["Ctrl-C", "end of input"])
@pytest.mark.parametrize("question", ["Systems", "key [", "Write these two files?"])
def test_stopping_writes_nothing(company, folder, question, keys):
    """Ctrl-C or the end of the input, at the first, a hidden or the last question, leaves the folder empty."""
    with _terminal(company, folder) as terminal:
        if question != "Systems":
            _choose_stripe(terminal)
            terminal.answer("base_url [", company.simulator.origin)
        if question.startswith("Write"):
            terminal.answer("key [")
            terminal.answer("start [")
            terminal.answer("Test it now?", "no")
            terminal.answer("Name of both")
            terminal.answer("Time zone")
            terminal.answer("Currency")
            terminal.answer("Outcome template")
        terminal.expect(question)
        terminal.expect(": ")
        assert terminal.leave(keys) == 130
        assert "Nothing was written." in terminal.screen

    assert list(folder.iterdir()) == []


def test_saying_no_writes_nothing(company, folder):
    """Whoever does not like what would be written says no, and nothing is."""
    with _terminal(company, folder) as terminal:
        _choose_stripe(terminal)
        terminal.answer("base_url [", company.simulator.origin)
        terminal.answer("key [")
        terminal.answer("start [")
        terminal.answer("Test it now?", "no")
        _to_the_end(terminal, "no")
        assert terminal.end() == 130

    assert list(folder.iterdir()) == []


def test_two_systems_and_a_template_that_neither_proposes(company, folder):
    """Two systems become two sources, and an outcome that none of them proposes is asked for parameter by parameter."""
    with _terminal(company, folder) as terminal:
        terminal.answer("Systems", "stripe, zendesk")
        terminal.answer("Name of this source in contracts [billing]")
        terminal.answer("base_url [", company.simulator.origin)
        terminal.answer("key [")
        terminal.answer("start [")
        terminal.answer("Test it now?", "no")
        terminal.answer("Name of this source in contracts [support]", "billing")
        terminal.expect("another source has that name")
        terminal.answer("Name of this source in contracts [support]", "desk")
        terminal.answer("zendesk.com`.\nbase_url", "https://acme.zendesk.com")
        terminal.answer("client_id (- leaves it out) [", "tallystick")
        terminal.answer("client_secret (- leaves it out) [env:ZENDESK_CLIENT_SECRET]")
        terminal.expect("not yet there")
        terminal.answer("start [")
        terminal.answer("Test it now?", "no")
        terminal.answer("Name of both", "first")
        terminal.answer("Time zone")
        terminal.answer("Currency")
        terminal.answer("Outcome template", "qualified-meeting")
        terminal.answer("Decided in", "desk")
        terminal.answer("vendor_ids (with commas)", "u1, app:2")
        terminal.answer("Write these two files?", "yes")
        assert terminal.end() == 0

    contract = (folder / "contracts/first.yaml").read_text()
    assert (
        'qualified_meeting:\n    source: desk\n    uses: qualified-meeting\n    with: {vendor_ids: ["u1", "app:2"]}\n'
        in contract
    )
    assert "To be edited before it can be used: contracts/first.yaml:" in terminal.screen  # who may accept, nobody said


def test_what_is_optional_can_be_left_out_for_something_else(company, folder):
    """A way to sign in that is not the usual one: what the starter shows is left out, and the others are asked for."""
    with _terminal(company, folder) as terminal:
        terminal.answer("Systems", "zendesk")
        terminal.answer("Name of this source")
        terminal.answer("`https://acme.zendesk.com`.\nbase_url", "https://acme.zendesk.com")
        terminal.answer("client_id (- leaves it out) [tallystick]", "-")
        terminal.answer("client_secret (- leaves it out) [env:ZENDESK_CLIENT_SECRET]", "-")
        terminal.answer("start [", "2026-09-01")
        terminal.answer("email (- leaves it out) [-]", "admin@acme.example")
        terminal.answer("api_token (- leaves it out) [-]", "env:ZENDESK_TOKEN")
        terminal.answer("Test it now?", "no")
        _to_the_end(terminal)
        assert terminal.end() == 0

    project = (folder / "tallystick.yaml").read_text()
    assert 'email: "admin@acme.example"' in project or "email: admin@acme.example" in project
    assert "api_token: env:ZENDESK_TOKEN" in project
    assert "client_id: " not in project


def test_exports_beside_the_project_can_be_chosen_and_tested(company, folder):
    """A source that is files has no address and no secret: its folder and description are asked for and looked at."""
    (folder / "exports").mkdir()
    with _terminal(company, folder) as terminal:
        terminal.answer("Systems", "files")
        terminal.answer("Name of this source in contracts [exports]")
        terminal.answer("folder", "exports")
        terminal.answer("mapping", "exports.yaml")
        terminal.answer("start [", "2026-09-01")
        terminal.answer("Test it now?", "yes")
        terminal.expect("exports.yaml")
        terminal.answer("And now", "keep")
        _to_the_end(terminal)
        assert terminal.end() == 0
        assert "tallystick-init-" not in terminal.screen

    assert _files(folder) == ["contracts/first.yaml", "tallystick.yaml"]
    assert "folder: exports\n" in (folder / "tallystick.yaml").read_text()


def test_in_json_the_answer_is_what_was_written(company, folder):
    """With --json standard output holds one object, even in a terminal, and the questions stand beside it."""
    with _terminal(company, folder, "--json") as terminal:
        _choose_stripe(terminal)
        terminal.answer("base_url [", company.simulator.origin)
        terminal.answer("key [")
        terminal.answer("start [")
        terminal.answer("Test it now?", "no")
        _to_the_end(terminal)
        assert terminal.end() == 0
        told = json.loads(terminal.screen[terminal.screen.rindex('{\n  "project"') :])

    assert told == {"project": "tallystick.yaml", "contract": "contracts/first.yaml", "sources": {"billing": "stripe"}}


def test_without_anybody_and_without_flags_the_usage_is_told(company, folder):
    """A script that names no source gets the usage and exit code 2, and nothing waits for an answer."""
    by_hand = Company(company.story, company.simulators, folder)
    done = by_hand.run("init", check=False)

    assert done.returncode == 2
    assert "Usage:" in done.stderr
    assert "--source" in done.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "flags",
    [
        ("--key", SECRET),
        ("--key", f"env:{SECRET}"),
        ("--set", f"key={SECRET}"),
        ("--start", "yesterday"),
        ("--set", "no_such_setting=1"),
        ("--name", "../../elsewhere"),
        ("--name", "x\nsources: {}"),
        ("--name", f"its {SECRET}"),
        ("--timezone", SECRET),
        ("--currency", SECRET),
    ],
)
def test_flags_that_cannot_be_used_write_nothing(company, folder, flags):
    """A secret, a day or name that is none, or an unknown setting leaves with 2, without the secret in any message."""
    by_hand = Company(company.story, company.simulators, folder)
    done = by_hand.run("init", "--source", "stripe", *flags, check=False)

    assert done.returncode == 2
    assert SECRET not in done.stdout + done.stderr
    assert list(folder.iterdir()) == []


def test_flags_in_json_tell_what_was_written(company, folder):
    """A script learns the paths and the source from one object."""
    by_hand = Company(company.story, company.simulators, folder)

    assert by_hand.json("init", "--source", "stripe", "--set", "account=acct_1", "--name", "first") == {
        "project": "tallystick.yaml",
        "contract": "contracts/first.yaml",
        "sources": {"billing": "stripe"},
    }


def test_nothing_is_written_over_and_a_half_is_taken_back(company, folder):
    """What exists stays, and where the project file cannot be written no contract is left behind."""
    by_hand = Company(company.story, company.simulators, folder)
    (folder / "contracts").mkdir()
    (folder / "contracts/first.yaml").write_text("mine\n")
    assert by_hand.run("init", "--source", "stripe", "--name", "first", check=False).returncode == 2
    assert (folder / "contracts/first.yaml").read_text() == "mine\n"

    (folder / "tallystick.yaml").symlink_to("nowhere/else.yaml")
    done = by_hand.run("init", "--source", "stripe", "--name", "second", check=False)
    assert done.returncode == 2
    assert "tallystick.yaml cannot be written" in done.stderr
    assert _files(folder) == ["contracts/first.yaml"]


def test_stopped_between_the_two_files_none_is_left(folder, monkeypatch):
    """Ctrl-C while the project file is written takes the contract back, so that `init` can be run again."""

    def stopped(path, text):
        if path.name == "tallystick.yaml":
            raise KeyboardInterrupt
        path.write_text(text)

    monkeypatch.setattr("tallystick.cli.init_text._write_new", stopped)
    draft = Draft("first", (), "{}\n", "UTC", "EUR", "2026-01-01")

    with pytest.raises(KeyboardInterrupt):
        write(draft, folder / "tallystick.yaml")

    assert _files(folder) == []

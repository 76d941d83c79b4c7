"""The page about sinks: its receiver takes real webhooks, its tables are those of the code, its plugin works."""

import json
import re
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest
from tests.receiver import receiving
from tests.sinking import LOCKED, event

from tallystick.plugins import Plugin, PluginHost
from tallystick.sinks import EVENTS, Attempt, Previous
from tallystick.sinks.cloudevents import cloud_event
from tallystick.sinks.csv_file import COLUMNS, CsvConfig
from tallystick.sinks.webhook import WebhookConfig, WebhookSink
from tallystick.yamlfile import load_yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sinks.md").read_text(encoding="utf-8")
NEW, OLD = ("whsec_" + text * 8 for text in ("bmV3", "b2xk"))


def _block(language, holding):
    [found] = [code for code in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if holding in code]
    return found


@pytest.fixture
def receive(monkeypatch):
    """The receiver of the page, whose clock shows the instant of sending."""
    scope = {}
    exec(_block("python", "def receive"), scope)  # noqa: S102 - the page's own code
    monkeypatch.setattr(scope["time"], "time", lambda: LOCKED / 1_000_000)
    return scope["receive"]


@pytest.fixture
def posted(monkeypatch, tmp_path):
    """What a real webhook posts during a change of secrets."""
    monkeypatch.setenv("NEW", NEW)
    monkeypatch.setenv("OLD", OLD)
    with receiving() as receiver:
        config = WebhookConfig(url=f"{receiver.origin}/hook", secret="env:NEW", previous_secret="env:OLD")
        sink = WebhookSink(config, root=tmp_path, clock=lambda: LOCKED)
        sink.deliver(event(), Attempt(LOCKED))
        sink.close()
        [(_, headers, body)] = receiver.got
    return headers, body


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_the_receiver_of_the_page(receive, posted, secret):
    """The receiver takes a real webhook, with the new secret as with the old one."""
    headers, body = posted

    assert receive(secret, headers, body) == json.loads(cloud_event(event()))


def test_what_the_receiver_refuses(receive, posted):
    """The receiver refuses another secret, a changed body, another key, and what is more than five minutes old."""
    headers, body = posted
    wrong = [
        ("whsec_" + "eHh4" * 8, headers, body),
        (NEW, headers, body.replace(b"100.00", b"900.00")),
        (NEW, {**headers, "webhook-id": "oe_other"}, body),
        (NEW, {**headers, "webhook-timestamp": str(LOCKED // 1_000_000 - 301)}, body),
    ]
    for given in wrong:
        with pytest.raises(ValueError, match=r"secret|ago"):
            receive(*given)


def test_the_receiver_is_short():
    """The receiver has at most ten lines below its head."""
    code = _block("python", "def receive").partition("def receive")[2]

    assert len(code.strip().splitlines()) - 1 <= 10


def test_the_fields_are_those_of_the_page():
    """The table names every field of an event, and nothing else."""
    table = re.search(r"<!-- fields -->\n(.*?)<!-- /fields -->", PAGE, re.DOTALL).group(1)
    previous = Previous(5, "verified", Decimal("100.00"), "EUR")
    told = json.loads(cloud_event(event(event="corrected", previous=previous)))
    data = told.pop("data")

    assert re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE) == _order(told, data, table)
    for name in ("previous", "contract", "ledger"):
        [row] = re.findall(rf"^\| `data\.{name}` \| (.*) \|$", table, re.MULTILINE)
        assert set(data[name]) == set(re.findall("`(\\w+)`", row))


def _order(told, data, table):
    names = {*told, *(f"data.{name}" for name in data)}
    return sorted(names, key=lambda name: table.index(f"| `{name}` |"))


def test_the_other_tables():
    """The events, the columns of the CSV files and the settings of the example are those of the code."""
    section = PAGE.partition("\n## Events\n")[2].partition("\n### ")[0]
    columns = re.search(r"The columns are\s+(.*?)\. A cell", PAGE, re.DOTALL).group(1)

    assert tuple(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == EVENTS
    assert tuple(re.findall("`(\\w+)`", columns)) == COLUMNS


def test_the_settings_of_the_page(tmp_path):
    """The example is a section of a project file whose sinks their kinds accept."""
    (tmp_path / "tallystick.yaml").write_text(_block("yaml", "sinks:"))
    host = PluginHost()
    for settings in load_yaml(tmp_path / "tallystick.yaml").data["sinks"].values():
        kind = host.sink(settings["kind"])
        own = {name: value for name, value in settings.items() if name not in {"kind", "events", "contracts", "from"}}
        assert kind.config_model.model_validate(own)
        assert set(settings.get("events", [])) <= set(kind.events)
    assert CsvConfig(folder="x")


def test_the_kind_of_ones_own(capsys, tmp_path):
    """The plugin of the page loads, and its sink is handed events."""
    module = ModuleType("printing")
    exec(_block("python", "class PrintSink"), module.__dict__)  # noqa: S102 - the page's own code
    host = PluginHost([])
    host._load(Plugin("printing", "printing", "1"), module)
    kind = host.sink("print")
    sink = kind(kind.config_model(), root=tmp_path, clock=lambda: LOCKED)
    sink.deliver(event(unit="unit", quantity=Decimal(1)), Attempt(LOCKED))
    sink.close()

    assert capsys.readouterr().out == f"outcome {event().key}: A locked, counts 1\n"

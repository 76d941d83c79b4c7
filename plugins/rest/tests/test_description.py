"""A description that cannot be used is refused with every problem, its file, line and column."""

import re
from itertools import pairwise

import pytest

from tallystick.errors import ConfigurationError
from tallystick_rest.description import load_description
from tallystick_rest.systems import FreshdeskConnector, IntercomConnector


@pytest.fixture
def problems(tmp_path):
    """Give what is wrong with a description: `line:column: message` and hints."""

    def say(text):
        path = tmp_path / "system.yaml"
        path.write_text(text)
        with pytest.raises(ConfigurationError) as error:
            load_description(str(path))
        return error.value.diagnostics().replace(f"{path}:", "")

    return say


@pytest.mark.parametrize("connector", [IntercomConnector, FreshdeskConnector])
def test_those_that_come_with_it_load(connector):
    """The descriptions of Intercom and Freshdesk have no problem, and say what their systems cannot show."""
    _, found = load_description(connector.config_model.described_by)

    assert found.system == connector.name
    assert found.lookup is not None
    assert found.cannot_show


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title: Desk", "values: {ways: {a: b}}\ntitle: Desk", r"2:10: values.ways: no column uses this table"),
        ("title: Desk", "titel: Desk", r"2:1: unknown field titel\n  Did you mean title\?"),
        ("kind: bearer", "kind: beerer", r"4:7: auth: one of 'bearer', .*'client_credentials' is expected as 'kind'"),
        ("auth: {kind: bearer}", "auth: {kind: basic, key_is: user}", r"4:29: auth.key_is: the password is missing"),
        ("items: tickets", "item: tickets", r"10:5: unknown field streams.tickets.item\n  Did you mean items\?"),
        ("path: /tickets", "path: https://evil.example/x", r"9:18: .*a path below the base URL is expected"),
        ("path: /tickets", "path: /../secrets", r"9:18: .*a path below the base URL is expected"),
        ("'{start}'", "'{begin}'", r"9:35: .*nothing is known for \{begin\}\n  There are: \{start\}, \{end\}"),
        ("'{start}'", "'x'", r"9:11: .*\{start\} is missing, so every sync would read everything"),
        ("{kind: none}", "{kind: token, path: next}", r"11:11: .*does not say where \{token\} goes"),
        (
            "{kind: none}",
            "{kind: pages}",
            r"11:11: streams.tickets.page: one of 'none', 'token', .* is expected as 'kind'",
        ),
        ("order: oldest_first", "order: none, keyset: true", r"12:65: .*keyset needs the oldest objects first"),
        ("format: unix, order", "format: epoch, order", r"12:38: .*one of 'iso', 'unix', 'unix_ms' or 'date'"),
        ("order: oldest_first", "slices: 2", r"12:\d+: .*slices without \{end\} would each read to the end"),
        ("type: ticket", "type: tickets", r"14:15: .*there is no such record type\n  Did you mean ticket\?"),
        ("status:", "state:", r"20:18: .*ticket has no column state\n  Did you mean status\?"),
        ("created_at: {path: created, format: unix}", "csat: c", r"\d+:\d+: .*created_at is missing"),
        ("title: Desk", "title: &a Desk", r"2:8: an anchor is not possible in this file"),
        ("title: Desk", "title: *a", r"2:8: "),
        ("title: Desk", "title: Desk\ntitle: Desk", r"3:1: title is set twice"),
        ("streams:", "lookup: others\nstreams:", r"7:9: lookup: there is no such stream\n  There are: tickets"),
        ("streams:", "lookup: tickets\nstreams:", r"7:9: lookup: that stream has no `object`"),
        ("streams:", "base_url: http://api.example.com\nstreams:", r"7:11: base_url: plain http is for this machine"),
        ("streams:", "errors: [{status: 200, means: retry}]\nstreams:", r"7:10: .*a good status needs a word"),
        ("streams:", "errors: [{status: 400, path: a, means: retry}]\nstreams:", r"7:10: .*path and in go together"),
        ("    records:", "    follows: [others]\n    records:", r"13:15: .*there is no such other stream"),
        ("    records:", "    object: {path: /tickets}\n    records:", r"13:20: .*\{id\} is missing in the path"),
        (
            "    records:",
            "    children: {notes: {call: {path: /notes}}}\n    records:",
            r"13:30: .*\{id\} is missing",
        ),
    ],
)
def test_each_mistake_is_told_at_its_place(desk, problems, old, new, message):
    """Unknown keys, misspelt columns, paths elsewhere, placeholders of nothing, anchors: each at line and column."""
    text = desk.describe()
    assert old in text

    assert re.search(message, problems(text.replace(old, new, 1)))


def test_an_instant_that_no_connector_gives(desk, connect):
    """A name with a dollar that stands for nothing is told at its place once the streams are made."""
    text = desk.describe().replace("$read_at", "$now")

    with pytest.raises(ConfigurationError, match=r"desk.yaml:16:16: as_of: \$now is not known here"):
        connect(text).streams()


def test_all_mistakes_are_told_at_once(desk, problems):
    """All mistakes of a file are told in its order: an unknown key, the one it stands for, and two further down."""
    text = desk.describe().replace("title:", "titel:").replace("items:", "item:").replace("status:", "stattus:")

    said = problems(text)

    assert said.count("Did you mean") == 3
    assert [int(line) for line in re.findall(r"^(\d+):", said, re.MULTILINE)] == [1, 2, 10, 20]


def test_a_bomb_of_anchors_does_not_go_off(problems):
    """A file whose anchors would unfold to gigabytes is refused at the first of them."""
    rows = ["a: &a [x, x, x, x, x, x, x, x, x]"] + [f"{b}: &{b} [*{a}, *{a}, *{a}]" for a, b in pairwise("abcdefgh")]

    assert "1:4: an anchor is not possible" in problems("\n".join(rows))


def test_a_file_that_is_none(connect):
    """A description that is not there is named, and no call is made."""
    connector = connect(description="/nowhere/system.yaml")

    with pytest.raises(ConfigurationError, match=r"there is no file /nowhere/system\.yaml"):
        connector.streams()

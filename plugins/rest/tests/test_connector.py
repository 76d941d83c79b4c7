"""The connectors: settings, check, look-ups of single objects, and closing."""

import httpx
import pytest
from pydantic import ValidationError

from tallystick.errors import ConfigurationError, PermanentError, RetryableError
from tallystick.plugins import PluginHost
from tallystick_rest.config import RestConfig
from tallystick_rest.connector import RestConnector
from tallystick_rest.faults import MissingError
from tallystick_rest.systems import FreshdeskConnector, IntercomConnector

KEY = "key_VerySecret_0123456789"
PEOPLE = """
  people:
    call: /people
    object: {path: "/people/{id}"}
    records:
      - type: actor
        id: id
        as_of: $read_at
        columns: {created_at: created, name: name, email: mail}
"""
LOOKED_UP = "object: {path: '/tickets/{id}'}"


def _two(desk):
    return desk.describe(stream=LOOKED_UP, more="lookup: tickets") + PEOPLE.lstrip("\n")


def test_the_plugin_offers_three_connectors():
    """`rest`, and one for each description that comes with it."""
    connectors = PluginHost().connectors

    assert (connectors["rest"], connectors["intercom"]) == (RestConnector, IntercomConnector)
    assert connectors["freshdesk"] is FreshdeskConnector


def test_constructing_reads_no_file(connect, tmp_path):
    """A project is begun before its files are there: what is missing is told when it is used."""
    connector = connect(description=str(tmp_path / "later.yaml"))

    assert connector.calls() == 0
    with pytest.raises(ConfigurationError, match="there is no file"):
        connector.streams()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("base_url", "http://api.example.com"),
        ("key", KEY),
        ("start", "yesterday"),
        ("user", "a:b"),
        ("page_size", 0),
        ("requests_per_second", 0),
        ("description", "~/x.yaml"),
        ("surprise", 1),
        ("custom", {"ticket": {"mapping": {"path": "x"}}}),
    ],
)
def test_settings_that_cannot_be(setting, value):
    """Each setting that cannot be used is named, and a key that was typed in place of its reference is not repeated."""
    good = {"description": "x.yaml", "base_url": "https://a.example", "key": "env:X", "start": "2026-09-01"}
    with pytest.raises(ValidationError) as error:
        RestConfig(**{**good, setting: value})

    assert setting in str(error.value)
    assert KEY not in str(error.value)


def test_an_address_of_the_description(desk, connect):
    """Where every account has the same address, the description has it; else the source must."""
    connect(desk.describe(more="base_url: https://same.example/v1"), base_url="").streams()

    with pytest.raises(ConfigurationError, match="base_url is missing: every account of Desk has an address"):
        connect(base_url="").streams()


def test_records_say_which_version_was_read(connect):
    """Once the description was read, the connector's API version is the description's."""
    connector = connect()
    connector.streams()

    assert connector.api_version == "v1"


def test_one_object_is_read_live(desk, connect):
    """A look-up by id reads the stream that `lookup` names; one with a type reads the stream of that type."""
    desk.routes["/tickets/7"] = lambda _: httpx.Response(200, json=desk.ticket(7))
    desk.routes["/people/9"] = lambda _: httpx.Response(200, json={"id": 9, "name": "Ada"})
    connector = connect(_two(desk))

    assert [(record.type, record.id) for record in connector.lookup("7")] == [("ticket", "7")]
    assert [(record.type, record.id) for record in connector.lookup("actor:9")] == [("actor", "9")]
    assert (connector.ref_of("ticket", "7"), connector.ref_of("actor", "9")) == ("7", "actor:9")
    assert connector.ref_of("deal", "1") == "1"


def test_a_look_up_of_nothing(desk, connect):
    """An object that is not there, a type that is not read alone, a description without look-ups: each says so."""
    with pytest.raises(MissingError, match=r"refused \(404\): nothing there"):
        connect(_two(desk)).lookup("8")
    for ref in ("deal:8", "ticket:"):
        with pytest.raises(ConfigurationError, match="does not say how that is read alone"):
            connect(_two(desk)).lookup(ref)
    with pytest.raises(ConfigurationError, match="does not say how that is read alone"):
        connect().lookup("8")


def _rows(connector):
    return {row.name: (row.status, row.detail) for row in connector.check()}


def test_check_of_a_good_account(desk, connect):
    """Sign-in, streams, clock and mapped fields are told, and what the system cannot show."""
    desk.rows = [desk.ticket(1), desk.ticket(2)]
    desk.routes["/people"] = lambda _: httpx.Response(200, json=[{"id": 9, "name": "Ada"}])
    text = _two(desk) + 'cannot_show: ["Who did it is not told."]\n'

    rows = _rows(connect(text))

    assert rows["description"] == ("ok", "Desk, API version v1")
    assert rows["stream tickets"] == ("ok", "readable; 2 in the sample")
    assert rows["fields tickets"] == ("ok", "every mapped column has something in the sample")
    assert rows["fields people"] == ("warning", "unknown in all of the sample: actor.created_at, actor.email")
    assert rows["clock"][0] == "ok"
    assert rows["provenance"][1].startswith("this source does not tell who wrote a field and when")
    assert rows["not shown"] == ("warning", "Who did it is not told.")
    assert rows["deletions"][1].startswith("not described for tickets, people")


def test_check_of_a_word_that_the_mapping_does_not_know(desk, connect):
    """A column whose words none of the mapping's values fit is told as unknown."""
    desk.rows = [desk.ticket(1, state="novel")]

    assert _rows(connect())["fields tickets"] == ("warning", "unknown in all of the sample: ticket.status")


def test_check_ends_where_there_is_no_way_in(desk, connect, monkeypatch):
    """Without a description, a key or a sign-in, one row says so and no further stream is tried."""
    assert _rows(connect(description="/nowhere.yaml"))["description"][0] == "failed"

    desk.before = lambda _: httpx.Response(401, json={"message": "who?"})
    rows = _rows(connect(_two(desk)))
    assert rows["stream tickets"] == ("failed", "Desk refused (401): who?")
    assert "stream people" not in rows

    monkeypatch.delenv("TALLYSTICK_TEST_REST")
    assert _rows(connect())["key"][0] == "failed"


def test_check_goes_on_after_one_stream(desk, connect):
    """A stream that may not be read does not hide how the others are."""
    desk.routes["/people"] = lambda _: httpx.Response(200, json=[])
    del desk.routes["/tickets"]

    rows = _rows(connect(_two(desk)))

    assert rows["stream tickets"][0] == "failed"
    assert rows["stream people"] == ("ok", "readable; 0 in the sample")


def test_closing_ends_a_read(desk, stream, connect):
    """A closed connector makes no further call, and closing twice is safe."""
    connector = connect()
    (found,) = connector.streams()
    connector.close()
    connector.close()

    with pytest.raises(RetryableError, match="was closed while it was reading"):
        desk.read(found)
    assert desk.asked == []


def test_a_private_address_is_refused(tmp_path, monkeypatch, timer, desk):
    """A base URL inside a network is not connected to unless that is allowed."""
    monkeypatch.undo()
    monkeypatch.setenv("TALLYSTICK_TEST_REST", KEY)
    path = tmp_path / "desk.yaml"
    path.write_text(desk.describe())
    settings = {"description": str(path), "base_url": "https://10.1.2.3", "key": "env:TALLYSTICK_TEST_REST"}
    connector = RestConnector(RestConfig(**settings, start="2026-09-01"), timer=timer)

    with pytest.raises(PermanentError, match="leads into a private network"):
        desk.read(connector.streams()[0])
    connector.close()


def test_nothing_shows_the_key(desk, connect):
    """Neither the connector nor what it holds shows the key when it is printed."""
    connector = connect()
    connector.streams()
    opened = connector._opened()

    assert KEY not in f"{connector!r} {opened.sign_in!r} {connector._config!r} {vars(connector)!r}"

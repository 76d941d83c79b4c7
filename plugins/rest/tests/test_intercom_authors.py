"""Who acted in a conversation of Intercom, as its description tells it."""

import httpx
import pytest

from tallystick.records.types import RECORD_TYPES
from tallystick_rest.systems import IntercomConnector

T0 = 1_788_220_800


@pytest.fixture
def looked_up(desk, timer, monkeypatch):
    """Give the events of a conversation that has one part, beside its beginning."""
    monkeypatch.setenv("TALLYSTICK_TEST_REST", "key_VerySecret_0123456789")
    config = {"base_url": "https://api.desk.example", "key": "env:TALLYSTICK_TEST_REST", "start": "2026-09-01"}
    connector = IntercomConnector(IntercomConnector.config_model(**config), timer=timer)

    def events(**part):
        said = {"id": "7", "created_at": T0 + 60, "part_type": "comment", "body": "<p>Reset it here.</p>", **part}
        whole = {"conversation_parts": [said], "total_count": 1}
        asked = {"id": "1", "created_at": T0, "updated_at": T0, "state": "open", "conversation_parts": whole}
        desk.routes["/conversations/1"] = lambda _: httpx.Response(200, json=asked)
        found = (record for record in connector.lookup("1") if record.type == "ticket_event")
        names = [column.name for column in RECORD_TYPES["ticket_event"].columns]
        return [dict(zip(names, record.values, strict=True)) for record in found if record.id.startswith("1.7")]

    yield events
    connector.close()


@pytest.mark.parametrize(
    ("kind", "by"),
    [("admin", "user"), ("user", "user"), ("lead", "user"), ("bot", "rule"), ("team", "user"), ("new_kind", None)],
)
@pytest.mark.parametrize("part", ["comment", "close"])
def test_who_spoke_and_who_closed(looked_up, kind, by, part):
    """What a team says or closes is an act of a person nobody names, not of the system; a bot's is a rule's."""
    acts = looked_up(part_type=part, author={"id": "900", "type": kind, "from_ai_agent": False})

    assert {act["kind"] for act in acts} == ({"message"} if part == "comment" else {"message", "solved"})
    assert {(act["by"], act["actor_id"]) for act in acts} == {(by, "900")}

"""Stories: one simulator each, or several that tell one together."""

import pytest

from tallystick.errors import PluginError
from tallystick.testing import simulation
from tallystick.testing.simulation import load_stories, story_of

CONTRACT = """\
contract: both
vendor:
  name: Vendor
  identities: {{{name}: ["{name}-1"]}}
outcomes:
  met_in_{name}:
    source: {name}
    price: {{per_unit: 240.00}}
billing:
  cap: {{monthly: {cap}}}
"""


def _told(name, *, stages=("2026-10-12T06:00:00Z",), cap="900.00", claim=None):
    return {
        "name": "met",
        "source": name,
        "source_name": name,
        "connector": name,
        "source_config": {"start": "2026-09-01"},
        "environment": {name.upper(): "secret"},
        "contract": CONTRACT.format(name=name, cap=cap),
        "claims": [{"claim_id": claim or name, "ref": "1"}],
        "labels": {f"claim:{claim or name}": {"status": "verified", "clause": "", "trap": "x"}},
        "stages": list(stages),
        "period": "2026-10",
        "seed": 1,
        "size": 300,
    }


class _Simulator:
    SIZE = ("meetings", 3_000, 300)

    def __init__(self, **told):
        self._told = told

    def story(self, seed, meetings):
        """Give what was set, with how it was asked for."""
        return {**_told(**self._told), "seed": seed, "size": meetings}


class _Point:
    def __init__(self, name, **told):
        self.name, self.value, self._told = name, f"{name}.simulator", told

    def load(self):
        """Give the simulator."""
        return _Simulator(name=self.name, **self._told)


@pytest.fixture
def install(monkeypatch):
    """Install simulators, each given by a name and by what its story differs in."""

    def make(**told):
        points = [_Point(name, **more) for name, more in told.items()]
        monkeypatch.setattr(simulation, "entry_points", lambda group: points if group == simulation.GROUP else [])

    return make


def test_stories_of_one_name_are_one_story(install):
    """The sources, claims, labels and the contracts' outcomes and identities of both are in it, by their order."""
    install(b={}, a={})
    [story] = load_stories(5, fast=True)

    assert [source.module for source in story.sources] == ["a.simulator", "b.simulator"]
    assert {(source.seed, source.options) for source in story.sources} == {(5, ("--meetings", "300"))}
    assert story.source == "a and b"
    assert story.environment == {"A": "secret", "B": "secret"}
    assert set(story.labels) == {"claim:a", "claim:b"}
    assert [claim["claim_id"] for claim in story.claims] == ["a", "b"]
    assert story.contract.count("per_unit: 240.00") == 2
    assert story.contract.count("monthly: 900.00") == 1
    assert "a: [a-1]" in story.contract.replace('"', "")
    assert "b: [b-1]" in story.contract.replace('"', "")


def test_one_simulator_tells_its_story_alone(install):
    """Where the other one is not installed, the story has one source and its own contract."""
    install(a={})
    [story] = load_stories(1, sizes={"meetings": 400})

    assert story.sources[0].options == ("--meetings", "400")
    assert story.contract == CONTRACT.format(name="a", cap="900.00")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"stages": ("2026-10-13T06:00:00Z",)}, "tell met, and not the same story: a, b"),
        ({"claim": "a"}, "tell met, and not the same story: a, b"),
        ({"cap": "800.00"}, "differ in monthly: 900.0 and 800.0"),
    ],
)
def test_stories_that_do_not_fit_together_are_refused(install, more, message):
    """Other stages, one claim in both, or contracts that contradict each other are an error."""
    install(a={}, b=more)

    with pytest.raises(PluginError, match=message):
        load_stories(1)


def test_a_story_of_one_simulator():
    """What a simulator tells becomes a story with one source."""
    story = story_of(_told("a"), module="a.simulator", seed=3, options=["--meetings", "300"])

    assert (story.name, story.source, story.period) == ("met", "a", "2026-10")
    assert story.sources[0].source_config == {"start": "2026-09-01"}

"""The fault plan of simulators: which call of which path goes wrong."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.testing.faultplan import COMMON_KINDS, Fault, FaultPlan


@pytest.fixture
def plan():
    """A plan that knows one kind beside the common ones."""
    return FaultPlan({"storm": "the sky falls"}, Fault)


@given(st.integers(0, 5), st.none() | st.integers(0, 5))
def test_a_fault_strikes_so_often_after_so_many_calls(after, times):
    """Of the calls to its path, the first `after` are spared, the next `times` struck, and the rest spared again."""
    plan = FaultPlan({}, Fault)
    plan.load([{"path": "/a", "kind": "reset", "after": after, "times": times}])

    struck = [plan.strike("/a") is not None for _ in range(12)]

    assert struck == [after <= place < after + (12 if times is None else times) for place in range(12)]


@pytest.mark.parametrize(
    ("path", "struck"), [("/a/b", {"/a/b"}), ("/a/*", {"/a/b", "/a/c"}), ("*", {"/a/b", "/a/c", "/d"})]
)
def test_a_path_may_end_in_a_star(plan, path, struck):
    """A path means itself, or with a star at its end all that begin so."""
    plan.load([{"path": path, "kind": "storm", "times": None}])

    assert {called for called in ("/a/b", "/a/c", "/d") if plan.strike(called)} == struck


def test_no_path_means_all(plan):
    """A line without a path strikes any call."""
    plan.load([{"kind": "storm"}])

    assert plan.strike("/anything").kind == "storm"


def test_only_the_calls_of_a_word_are_counted(plan):
    """A line with `only` neither strikes nor counts a call of which that word is not said."""
    plan.load([{"kind": "storm", "only": "Task", "after": 1}])

    struck = [plan.strike("/query", traits) is not None for traits in [{"Task"}, {"Case"}, (), {"Task", "Case"}]]

    assert struck == [False, False, False, True]


def test_the_first_line_that_strikes_wins_and_all_count(plan):
    """Two lines of one path count the same calls, and the first of them that strikes is given."""
    plan.load([{"kind": "storm", "after": 1}, {"kind": "reset", "times": 2}])

    assert [plan.strike("/a").kind for _ in range(2)] == ["reset", "storm"]
    assert plan.strike("/a") is None


@pytest.mark.parametrize(
    "line", [{"kind": "gremlins"}, {"kind": "storm", "often": 2}, {"kind": "storm", "seen": 1}, {}]
)
def test_a_line_that_is_no_fault_is_refused_and_the_plan_stands(plan, line):
    """An unknown kind or key is told with all the kinds there are, and the plan before it stays in force."""
    plan.load([{"kind": "storm", "times": None}])

    with pytest.raises(ValueError) as told:
        plan.load([{"kind": "reset"}, line])

    assert all(kind in str(told.value) for kind in [*COMMON_KINDS, "storm"])
    assert plan.strike("/a").kind == "storm"


def test_a_simulator_has_keys_and_paths_of_its_own():
    """A class of lines adds a key, and may read paths in its own way."""

    @dataclass
    class Loud(Fault):
        volume: int = 1

        def covers(self, path):
            return super().covers(path.lower())

    plan = FaultPlan({"storm": "the sky falls"}, Loud)
    plan.load([{"kind": "storm", "path": "/a", "volume": 11}])

    assert plan.strike("/A").volume == 11

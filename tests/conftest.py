"""Fixtures for tests that run the command line against a simulator in a process of its own."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings

from tallystick.cli.telling import write_project
from tallystick.testing.simulation import load_stories, start_story

settings.register_profile("calm", deadline=None)
settings.load_profile("calm")

SEED = 1
SIZES = {"invoices": 200, "tickets": 400, "meetings": 300}


@dataclass
class Company:
    """A project folder, the simulators it reads, and the command line run in it."""

    story: object
    simulators: tuple
    folder: Path
    environment: dict = field(default_factory=dict)

    @property
    def simulator(self):
        """The simulator of the first source."""
        return self.simulators[0]

    @property
    def now(self):
        """The last instant of the story, at which its labels hold."""
        return self.story.stages[-1]

    def command(self, *arguments):
        """Give the command line that runs a verb in this project."""
        return [sys.executable, "-m", "tallystick", *arguments]

    def run(self, *arguments, check=True, **more):
        """Run a verb to its end and give what it printed; fails the test on an exit code other than 0."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.env(),
            capture_output=True,
            text=True,
            check=False,
            **more,
        )
        assert not check or done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments):
        """Run a verb with --json and give the object it printed."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def start(self, *arguments):
        """Start a verb and give the process."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.env(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def env(self):
        """Give the environment of the verbs: the machine's, and what the story needs."""
        return {**os.environ, **self.story.environment, **self.environment}

    def write_claims(self):
        """Write the story's claims as a CSV file and give its name."""
        with (self.folder / "claims.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["claim_id", "outcome", "ref", "claimed_at", "amount", "currency"])
            writer.writeheader()
            writer.writerows(self.story.claims)
        return "claims.csv"


@pytest.fixture(scope="session")
def small_story():
    """The demo's story with little in it."""
    return _story("stripe")


def _story(system):
    [story] = [story for story in load_stories(SEED, sizes=SIZES) if story.sources[0].source == system]
    return story


@pytest.fixture
def company(small_story, tmp_path):
    """A project written from the story, and its simulator with the clock at the last stage."""
    with start_story(small_story, now=small_story.stages[-1]) as simulators:
        # The history of changes begins 30 days before a first read, and few payments are that young: with the buyer's
        # word for its tags instead, one read is enough for verdicts of all kinds.
        attested = small_story.contract.replace("tag_provenance: proven", "tag_provenance: attested")
        assert attested != small_story.contract
        story = msgspec.structs.replace(small_story, contract=attested)
        yield _company(story, simulators, tmp_path)


def _company(story, simulators, folder):
    write_project(folder / "project", story, *(simulator.origin for simulator in simulators))
    return Company(story, simulators, folder / "project")


@pytest.fixture
def desk_company(tmp_path):
    """A project written from the story about tickets, and its simulator with the clock at the last stage."""
    story = _story("zendesk")
    with start_story(story, now=story.stages[-1]) as simulators:
        yield _company(story, simulators, tmp_path)


@pytest.fixture
def sales_company(tmp_path):
    """A project written from the story about meetings, in two sources, and their simulators at the last stage."""
    story = _story("hubspot")
    with start_story(story, now=story.stages[-1]) as simulators:
        yield _company(story, simulators, tmp_path)


@pytest.fixture(scope="session")
def exported(small_story, tmp_path_factory):
    """A project that was filled from the story and exported: the folder of the project, and that of the export."""
    from tests.exports import fill, take_out

    folder = tmp_path_factory.mktemp("exported")
    attested = small_story.contract.replace("tag_provenance: proven", "tag_provenance: attested")
    story = msgspec.structs.replace(small_story, contract=attested)
    with start_story(small_story, now=small_story.stages[-1]) as simulators:
        fill(_company(story, simulators, folder))
    take_out(folder / "project", folder / "export")
    return folder / "project", folder / "export"

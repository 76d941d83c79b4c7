"""The demo itself: the stories of all simulators, told side by side, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tallystick.cli.hand_over import print_hand_over
from tallystick.cli.output import print_table, say
from tallystick.cli.telling import Wrong, tell_story
from tallystick.errors import Error
from tallystick.processes import follow_the_first, uninterrupted
from tallystick.testing.simulation import begin_story, load_stories

__all__ = ["Shown", "print_show", "run_show"]


@dataclass
class Shown:
    """What the demo found: the object `--json` prints, and every verdict that differs from its label."""

    report: dict[str, Any]
    wrong: list[Wrong]


def run_show(*, seed: int, fast: bool, quiet: bool) -> Shown:
    """Run every installed story and check its verdicts against its labels.

    Raises:
        Error: A simulator or a source failed; the demo has no result then.
    """
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="tallystick-demo-"))
    stories = load_stories(seed, fast=fast)
    if not stories:
        raise Error("no simulator is installed", hint="Install a plugin with its extra `simulator`.")
    if not quiet:
        say(f"{len(stories)} companies are simulated, and read and decided side by side ...")
    shown = Shown({"stories": [], "hand_over": {}, "seconds": 0.0}, [])
    smallest = min(stories, key=lambda story: len(story.labels))
    with ExitStack() as running:
        with uninterrupted():
            begun = [running.enter_context(begin_story(story)) for story in stories]
        tellers = running.enter_context(_tellers(len(stories)))
        tellings = {}
        # The longest first, so that all end at about the same time.
        for story, listening in sorted(zip(stories, begun, strict=True), key=lambda pair: -len(pair[0].labels)):
            origins = [simulator.origin for simulator in listening()]
            place = folder / story.sources[0].source
            with uninterrupted():
                telling = tellers.submit(tell_story, story, place, origins, with_hand_over=story is smallest)
            tellings[story.name] = telling
        for story in stories:
            told = tellings[story.name].result()
            if not quiet:
                for stage in story.stages:
                    say(f"{stage}  {story.source}: read and decided")
            shown.report["stories"].append(told.report)
            shown.report["hand_over"] = told.hand_over or shown.report["hand_over"]
            shown.wrong += told.wrong
    shown.report["seconds"] = round(time.monotonic() - began, 1)
    return shown


@contextmanager
def _tellers(stories: int) -> Iterator[ProcessPoolExecutor]:
    """Give processes that tell stories; whatever ends this one early ends them too."""
    workers = min(stories, os.cpu_count() or 1)
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), follow_the_first)
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        yield pool
    except BrokenProcessPool as error:
        raise Error(
            "one of the processes of the demo was ended from outside", hint="Free memory, or take --fast."
        ) from error
    except BaseException:
        for process in multiprocessing.active_children():
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def print_show(shown: Shown) -> None:
    """Print what a founder understands in ten seconds."""
    for story in shown.report["stories"]:
        print_table(
            f"{story['name']}, verified in {story['source']}",
            ["Claimed", "Verified", "Rejected", "Pending", "Unverifiable", "Reversed", "Met, never claimed"],
            [
                [
                    story[name]
                    for name in ("claimed", "verified", "rejected", "pending", "unverifiable", "reversed", "found")
                ]
            ],
            right=range(7),
        )
        money = [story["claimed_amount"], story["owed_amount"]]
        print_table(
            "",
            ["All claims, paid as made", f"Owed for {story['period']}", "Saved by its cap"],
            [[*(f"{amount} {story['currency']}" for amount in money), story["saved_by_cap"]]],
            right=range(3),
        )
        print_table("Rejected because", ["Clause", "Claims"], story["reasons"][:5], right=[1])
        say(f"Claimed twice: {story['claimed_twice']} claims on what another claim holds.")
        say(f"{story['right']} of {story['labelled']} labelled verdicts are right.")
        ledger = story["ledger"]
        say(f"Ledger: {ledger['entries']} entries, root {ledger['root'][:16]}..., fsck {ledger['fsck']}.")
        say(f"Statement: {story['statement']}")
    for wrong in shown.wrong[:20]:
        say(f"WRONG {wrong.subject} ({wrong.trap}): expected {wrong.expected}, got {wrong.got}")
    print_hand_over(shown.report["hand_over"])
    say(f"Done in {shown.report['seconds']} s.")

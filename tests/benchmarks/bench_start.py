"""How long `tallystick --help` takes, beside an interpreter that does nothing."""

import statistics
import subprocess
import sys
import time


def _seconds(command, runs=9):
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def run():
    """Give the median seconds of `--help` and its ratio to an empty program."""
    shown = _seconds([sys.executable, "-m", "tallystick", "--help"])
    empty = _seconds([sys.executable, "-c", "pass"])
    return {
        "tallystick --help, s (target 0.2)": f"{shown:.3f}",
        "ratio to an empty interpreter": f"{shown / empty:.1f}",
    }

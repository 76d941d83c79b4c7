"""`tallystick sync` of one source in a process of its own, as the benchmarks measure it."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import orjson

_EVERY_SECONDS = 0.05


def sync_of(folder, source, *, environment, now=None):
    """Run `tallystick sync` in a folder; give records stored, its seconds, its peak memory in MB and its calls.

    `source` is the YAML of the source, its lines indented by four. The memory is that of all its processes together,
    what they share counted once.
    """
    (folder / "tallystick.yaml").write_text(f"project: bench\nsources:\n  bench:\n{source}")
    command = [sys.executable, "-m", "tallystick", "sync", "--json", *(["--now", now] if now else [])]
    with (folder / "out").open("w+b") as out:
        process = subprocess.Popen(command, cwd=folder, env={**os.environ, **environment}, stdout=out)
        peak = _peak(process)
        out.seek(0)
        report = orjson.loads(out.read())
    assert process.returncode == 0, report
    [found] = report["sources"]
    return found["stored"], found["seconds"], peak / 1024, found["calls"]


def _peak(process):
    """Wait for a process, and give the most memory that it and those it started took at one moment, in kB."""
    peak = 0
    while process.poll() is None:
        with suppress(OSError):
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            peak = max(peak, sum(map(_memory, [process.pid, *children])))
        time.sleep(_EVERY_SECONDS)
    return peak


def _memory(pid):
    """Give a process's part of the memory that it shares with others, and all of its own, in kB."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return 0

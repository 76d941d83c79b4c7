"""`tallystick sync` of one source in a process of its own, as the benchmarks measure it."""

import os
import subprocess
import sys

import orjson


def sync_of(folder, source, *, environment, now=None):
    """Run `tallystick sync` in a folder; give records stored, its seconds, its peak memory in MB and its calls.

    `source` is the YAML of the source, its lines indented by four.
    """
    (folder / "tallystick.yaml").write_text(f"project: bench\nsources:\n  bench:\n{source}")
    command = [sys.executable, "-m", "tallystick", "sync", "--json", *(["--now", now] if now else [])]
    with (folder / "out").open("w+b") as out:
        process = subprocess.Popen(command, cwd=folder, env={**os.environ, **environment}, stdout=out)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        report = orjson.loads(out.read())
    assert process.returncode == 0, report
    [found] = report["sources"]
    return found["stored"], found["seconds"], used.ru_maxrss / 1024, found["calls"]

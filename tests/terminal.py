"""A command at a real pseudo-terminal: what a person would see, and what a person would type."""

import os
import re
import select
import subprocess
import sys
from contextlib import suppress

# A session of its own whose first opened terminal becomes its controlling one, so that Ctrl-C is a signal; what runs
# in the background of a shell was started with that signal ignored.
_INSIDE = """\
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.setsid()
terminal = os.open(sys.argv[1], os.O_RDWR)
for stream in (0, 1, 2):
    os.dup2(terminal, stream)
os.execv(sys.argv[2], sys.argv[2:])
"""
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PATIENCE = 60


class Terminal:
    """A running command; `screen` is all that it and the terminal have shown, without colours."""

    def __init__(self, command, *, cwd, env):
        self._ours, theirs = os.openpty()
        self.screen = ""
        self._seen = 0
        self._process = subprocess.Popen(
            [sys.executable, "-c", _INSIDE, os.ttyname(theirs), *command],
            cwd=cwd,
            env={**env, "TERM": "xterm", "COLUMNS": "160"},
            stdin=subprocess.DEVNULL,
        )
        # Kept open until the end, so that what the command said last is not lost with its last open end.
        self._theirs = theirs

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def expect(self, text):
        """Read until a text was shown after all that was expected before."""
        while text not in self.screen[self._seen :]:
            assert select.select([self._ours], [], [], _PATIENCE)[0], f"{text!r} does not come:\n{self.screen}"
            self._read()
        self._seen = self.screen.index(text, self._seen) + len(text)

    def answer(self, question, text=""):
        """Wait for a question and type an answer."""
        self.expect(question)
        self.expect(": ")
        self.type(f"{text}\n")

    def type(self, keys):
        """Type some keys."""
        os.write(self._ours, keys.encode())

    def leave(self, keys):
        """Type keys until the command ends, as a person would, and give its exit code.

        A signal that comes in the very moment in which Python begins to read is seen with the next key only.
        """
        for _ in range(_PATIENCE // 5):
            self.type(keys)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
                break
        return self.end()

    def end(self):
        """Read to the end and give the exit code."""
        code = self._process.wait(timeout=_PATIENCE)
        while select.select([self._ours], [], [], 0)[0]:
            self._read()
        return code

    def _read(self):
        shown = os.read(self._ours, 65_536).decode(errors="replace")
        self.screen += _STYLE.sub("", shown).replace("\r\n", "\n")

"""A Python environment of its own in which the suite installs plugins, offline, beside all that it has itself."""

import os
import site
import subprocess
import sys
import venv


class Installed:
    """An environment in a folder; `run` runs its interpreter."""

    def __init__(self, folder):
        self.folder = folder
        venv.create(folder, with_pip=False)
        self.python = folder / "bin" / "python"
        [place] = folder.glob("lib/python*/site-packages")
        # What the suite runs with, its editable installs included, which only `addsitedir` finds.
        lines = [f"import site; site.addsitedir({path!r})\n" for path in site.getsitepackages()]
        (place / "suite.pth").write_text("".join(lines))

    def install(self, *projects, editable=False):
        """Install distributions from their folders."""
        arguments = [argument for project in projects for argument in (*(["-e"] if editable else []), str(project))]
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
        command = [sys.executable, "-m", "pip", "--python", self.python, "install", *options, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, *arguments, cwd, check=True, **environment):
        """Run `python ARGUMENTS` to its end; fails the test on an exit code other than 0."""
        done = subprocess.run(
            [self.python, *arguments],
            cwd=cwd,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

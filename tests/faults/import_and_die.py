"""An import, or an export, that kills itself: `import_and_die.py VERB FOLDER EXPORT STEP`."""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.exports import HOST

from tallystick.cli.project import open_project
from tallystick.cli.transfer import export_project, import_project


def main():
    """Run the verb up to the step of that number, and die there as if the power had gone."""
    verb, folder, export, step = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    left = [step]

    def tick(_name, _done):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if verb == "import":
        import_project(folder / "tallystick.yaml", export, key=None, verifier=None, tick=tick, host=HOST)
    else:
        with open_project(folder / "tallystick.yaml", HOST) as project:
            export_project(project, export, tick)


main()

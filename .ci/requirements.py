"""Print every requirement of the core, its extras, the plugins and the tools; input of `make constraints`."""

import sys
import tomllib
from pathlib import Path

root = Path(__file__).parent.parent
wanted: set[str] = set()
for path in [root / "pyproject.toml", *sorted(root.glob("plugins/*/pyproject.toml"))]:
    document = tomllib.loads(path.read_text())
    project = document["project"]
    wanted.update(project["dependencies"], *project.get("optional-dependencies", {}).values())
    wanted.update(*document.get("dependency-groups", {}).values(), document["build-system"]["requires"])
sys.stdout.write("\n".join(sorted(line for line in wanted if not line.startswith("tallystick"))) + "\n")

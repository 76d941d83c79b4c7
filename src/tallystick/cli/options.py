"""Options that every verb shares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

__all__ = ["AsJson", "Now", "ProjectFile"]

ProjectFile: TypeAlias = Annotated[Path, typer.Option("--project", help="Project file.", show_default=True)]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
Now: TypeAlias = Annotated[
    str | None, typer.Option("--now", metavar="INSTANT", help="Work as of this instant (ISO 8601) instead of now.")
]

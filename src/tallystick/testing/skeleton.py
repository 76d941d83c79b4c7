"""The skeleton of a plugin that `tallystick connectors new` writes: a connector, its simulator, its kit and its test.

The templates are the files of the folder beside this module, each with `.txt` behind its name.
"""

from __future__ import annotations

import keyword
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path
from string import Template

from tallystick.errors import ConfigurationError

__all__ = ["write_skeleton"]

_NAME = re.compile(r"(?=.{1,24}$)[a-z][a-z0-9]*(_[a-z0-9]+)*", re.ASCII)


def write_skeleton(name: str, folder: Path, *, taken: Collection[str]) -> tuple[Path, list[str]]:
    """Write a plugin for a connector as `tallystick-NAME` in a folder, whole or not at all.

    Args:
        name: The connector's name: a Python identifier in lower case.
        folder: Where the plugin's folder is made.
        taken: Names of connectors that exist.

    Returns:
        The plugin's folder, and its files as seen from there, in order.

    Raises:
        ConfigurationError: The name is none, or taken, or the plugin's folder exists or cannot be written.
    """
    package = f"tallystick_{name}"
    _check_name(name, package, taken)
    distribution = f"tallystick-{name.replace('_', '-')}"
    words = {
        "name": name,
        "package": package,
        "distribution": distribution,
        "host": name.replace("_", "-"),
        "title": name.replace("_", " ").title(),
        "type": name.title().replace("_", ""),
        "variable": name.upper(),
    }
    target = folder / distribution
    if target.exists() or target.is_symlink():
        raise ConfigurationError(
            f"{target} exists and is not overwritten", hint="Move it away, or choose another name."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{distribution}-", dir=folder))
        try:
            written = _write(draft, words)
            draft.chmod(0o755)
            os.rename(draft, target)  # noqa: PTH104 - fails where the target came to be meanwhile and is not empty
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as cause:
        raise ConfigurationError(f"{target} cannot be written: {cause.strerror}") from None
    return target, written


def _check_name(name: str, package: str, taken: Collection[str]) -> None:
    # `connector: null` in a project file would be no name.
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or name in {"true", "false", "null"}:
        raise ConfigurationError(
            "a connector is named in lower case, by up to 24 letters, digits, and single _ between them",
            hint="As in: tallystick connectors new helpdesk",
        )
    if name in taken or find_spec(package) is not None:
        raise ConfigurationError(
            f"a connector {name!r} is installed already", hint="Choose another name; `connectors list` shows them."
        )


def _write(draft: Path, words: dict[str, str]) -> list[str]:
    written = []
    for path, template in sorted(_templates(files("tallystick.testing").joinpath("skeleton"))):
        place = path.replace("package/", f"src/{words['package']}/", 1).removesuffix(".txt")
        (draft / place).parent.mkdir(parents=True, exist_ok=True)
        (draft / place).write_text(Template(template).substitute(words), encoding="utf-8")
        written.append(place)
    return written


def _templates(folder: Traversable, path: str = "") -> Iterator[tuple[str, str]]:
    """Give the templates below a folder: where each lies, and its text."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _templates(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(".txt"):
            yield f"{path}{entry.name}", entry.read_text(encoding="utf-8")

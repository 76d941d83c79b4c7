"""A whole project as a folder of open formats, and back: see `docs/export-format.md`."""

from tallystick.export.folder import ExportFolder, open_export
from tallystick.export.keys import read_keys
from tallystick.export.loading import Loaded, load_export
from tallystick.export.manifest import FORMAT, Listed, Manifest
from tallystick.export.writing import write_export

__all__ = [
    "FORMAT",
    "ExportFolder",
    "Listed",
    "Loaded",
    "Manifest",
    "load_export",
    "open_export",
    "read_keys",
    "write_export",
]

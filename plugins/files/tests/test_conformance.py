"""The conformance kit, run on the connector for files."""

from tallystick_files.kit import FilesKit


class TestFiles(FilesKit):
    """The connector for files passes the kit."""

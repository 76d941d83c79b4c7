"""Private files: whole or not there, and readable by their owner only."""

import os

import pytest

from tallystick.errors import StorageError
from tallystick.ledger.private_file import create_private, replace_private


def _names(folder):
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("write", [create_private, replace_private])
def test_a_private_file(tmp_path, write):
    """A file is written with mode 0600 whatever the mask, and nothing is left beside it."""
    before = os.umask(0)
    try:
        write(tmp_path / "a", b"content")
    finally:
        os.umask(before)

    assert (tmp_path / "a").read_bytes() == b"content"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert _names(tmp_path) == ["a"]


def test_creating_twice(tmp_path):
    """A file that exists is not written over by creating it."""
    create_private(tmp_path / "a", b"1")
    with pytest.raises(FileExistsError):
        create_private(tmp_path / "a", b"2")

    assert (tmp_path / "a").read_bytes() == b"1"
    assert _names(tmp_path) == ["a"]


def test_replacing(tmp_path):
    """Replacing gives the new content, and mode 0600 even if the older file was open to others."""
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "a").chmod(0o644)
    replace_private(tmp_path / "a", b"2")

    assert (tmp_path / "a").read_bytes() == b"2"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("write", [create_private, replace_private])
def test_where_it_cannot_be_written(tmp_path, write):
    """A folder that is missing, and a folder in place of the file, are storage errors and leave nothing."""
    with pytest.raises(StorageError, match="cannot be written"):
        write(tmp_path / "missing" / "a", b"")
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises((StorageError, FileExistsError)):
        write(tmp_path / "folder", b"")

    assert _names(tmp_path) == ["folder"]

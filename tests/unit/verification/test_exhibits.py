"""Exhibits: what a party hands in is kept byte by byte under its hash, and what is missing or altered is named."""

import hashlib
import stat

import pytest

from tallystick.errors import InputError, StorageError
from tallystick.verification import exhibits
from tallystick.verification.exhibits import Exhibit, ExhibitFolder, read_exhibits


def _sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_files_are_read_whole(tmp_path):
    """A file is known by its name, its hash and its size."""
    (tmp_path / "mail.eml").write_bytes(b"It went back.\r\n")

    [(exhibit, data)] = read_exhibits([tmp_path / "mail.eml"])

    assert (exhibit, data) == (Exhibit("mail.eml", _sha256(data), 15), b"It went back.\r\n")
    assert read_exhibits([]) == []


@pytest.mark.parametrize("case", ["missing", "folder", "empty", "too large", "bad name", "too many"])
def test_files_that_cannot_be_handed_in(tmp_path, monkeypatch, case):
    """A file that is not there, no file, empty, too large, badly named or one too many is refused, and so are all."""
    monkeypatch.setattr(exhibits, "MOST_BYTES", 10)
    good, bad = tmp_path / "good", tmp_path / ("a\nb" if case == "bad name" else "bad")
    good.write_bytes(b"x" * 10)
    if case == "folder":
        bad.mkdir()
    elif case != "missing":
        bad.write_bytes(b"" if case == "empty" else b"x" * 11 if case == "too large" else b"x")
    paths = [good] * 21 if case == "too many" else [good, bad]

    with pytest.raises(InputError) as refused:
        read_exhibits(paths)
    assert refused.value.exit_code == 2


def test_exhibits_are_kept_once_and_for_their_owner(tmp_path):
    """Bytes are kept under their hash, readable by the owner alone, and once however often they are handed in."""
    folder = ExhibitFolder(tmp_path / "project/evidence")
    folder.keep([b"one", b"two", b"one"])
    folder.keep([b"two"])

    kept = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    assert kept == {_sha256(data): data for data in (b"one", b"two")}
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder.path, *folder.path.iterdir())]
    assert modes == [0o700, 0o600, 0o600]


def test_what_is_gone_or_altered_is_named(tmp_path):
    """Each exhibit that the ledger names and that is missing, or not what it was, is named with its dispute."""
    folder = ExhibitFolder(tmp_path / "evidence")
    folder.keep([b"one", b"two"])
    named = [("acme-D1", _sha256(data)) for data in (b"one", b"two", b"three")]
    assert folder.findings(named[:2]) == []

    (folder.path / named[1][1]).write_bytes(b"twice")
    assert folder.findings(named) == [
        f"acme-D1: the exhibit {named[1][1]} is altered",
        f"acme-D1: the exhibit {named[2][1]} is missing",
    ]


def test_a_disk_that_takes_no_more(tmp_path):
    """Where the folder cannot be written, that is said, as something to mend."""
    (tmp_path / "evidence").write_bytes(b"a file in its place")

    with pytest.raises(StorageError, match="cannot be kept"):
        ExhibitFolder(tmp_path / "evidence").keep([b"one"])

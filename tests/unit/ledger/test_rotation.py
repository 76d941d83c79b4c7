"""From one ledger key to the next, on disk, wherever it is interrupted."""

import os

import pytest

from tallystick.errors import ConfigurationError, StorageError, Tampered
from tallystick.ledger import KeyChain, load_key, open_ledger_key, rotate_ledger_key
from tallystick.ledger import rotation as rotation_module
from tallystick.ledger.keys import generate_key

NAME = "tallystick/test"


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def path(tmp_path):
    """The key file of a ledger that has one."""
    generate_key(tmp_path / "ledger.key", NAME)
    return tmp_path / "ledger.key"


def _names(path):
    return sorted(file.name for file in path.parent.iterdir())


def test_a_ledger_that_never_rotated(path):
    """Without a rotation there is one key, a chain of it alone, and no other file."""
    signer, chain = open_ledger_key(path, NAME)

    assert chain.epochs == KeyChain(signer.verifier).epochs
    assert _names(path) == ["ledger.key"]


def test_the_first_use_makes_the_key(tmp_path):
    """Where there is no key yet, opening makes it."""
    signer, _ = open_ledger_key(tmp_path / "ledger.key", NAME)

    assert load_key(tmp_path / "ledger.key") == signer


def test_a_rotation(path):
    """After a rotation the new key signs from the next size on, introduced by the old one, which is kept beside it."""
    old, _ = open_ledger_key(path, NAME)
    made = rotate_ledger_key(path, NAME, 7)
    new, chain = open_ledger_key(path, NAME)

    assert made.epochs == chain.epochs
    assert [epoch.from_size for epoch in chain.epochs] == [0, 8]
    assert [chain.at(7), chain.at(8)] == [old.verifier, new.verifier]
    kept = f"ledger.key.{old.verifier.key_hash.hex()}"
    assert _names(path) == sorted(["ledger.key", kept, "ledger.keys"])
    assert load_key(path.with_name(kept)) == old
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


def test_two_rotations(path):
    """A ledger rotates as often as it likes, even twice at one size."""
    rotate_ledger_key(path, NAME, 7)
    rotate_ledger_key(path, NAME, 7)
    signer, chain = open_ledger_key(path, NAME)

    assert [epoch.from_size for epoch in chain.epochs] == [0, 8, 8]
    assert chain.at(8) == signer.verifier


def test_nothing_to_rotate(tmp_path):
    """Where there is no key yet, there is nothing to rotate, and none is made."""
    with pytest.raises(ConfigurationError, match="to rotate"):
        rotate_ledger_key(tmp_path / "ledger.key", NAME, 0)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("step", "takes_effect"),
    [("generate_key", False), ("replace_private", False), ("_put_in_place", True)],
)
def test_killed_on_the_way(path, monkeypatch, step, takes_effect):
    """Killed before any step, the old key signs on or the new one does; the next rotation works either way."""
    old, _ = open_ledger_key(path, NAME)

    def die(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(rotation_module, step, die)
        with pytest.raises(Killed):
            rotate_ledger_key(path, NAME, 7)
    signer, chain = open_ledger_key(path, NAME)

    assert (signer != old) == takes_effect
    assert chain.newest == signer.verifier
    assert chain.at(7) == old.verifier
    again = rotate_ledger_key(path, NAME, 9)
    assert again.at(7) == old.verifier
    assert again.extends(chain)
    assert open_ledger_key(path, NAME)[0].verifier == again.newest


def test_an_old_key_brought_back(path):
    """A key that is not the newest of the chain signs nothing."""
    old = path.read_bytes()
    rotate_ledger_key(path, NAME, 7)
    path.unlink()
    path.write_bytes(old)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="not the newest key"):
        open_ledger_key(path, NAME)


def test_a_changed_chain(path):
    """A chain that was changed is refused, and so is a folder in its place."""
    rotate_ledger_key(path, NAME, 7)
    chain = path.with_suffix(".keys")
    chain.write_bytes(chain.read_bytes().replace(b"\\n8\\n", b"\\n7\\n"))
    with pytest.raises(Tampered, match="does not fit"):
        open_ledger_key(path, NAME)
    chain.unlink()
    chain.mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        open_ledger_key(path, NAME)


@pytest.mark.parametrize("name", ["link", "fsync"])
def test_no_room_for_the_new_key(path, monkeypatch, name):
    """Where a file cannot be linked or renamed, the error says so and the old key signs on."""
    old, _ = open_ledger_key(path, NAME)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(rotation_module.os, name, full)
        with pytest.raises(StorageError, match="No space left"):
            rotate_ledger_key(path, NAME, 7)
    assert open_ledger_key(path, NAME)[0] == old


def test_no_room_for_the_old_key(path, monkeypatch):
    """Where the old key cannot be kept under another name, the error says so and it signs on."""
    old, _ = open_ledger_key(path, NAME)
    link = os.link

    def full(source, target):
        if source == path:
            raise OSError(28, "No space left on device")
        link(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(rotation_module.os, "link", full)
        with pytest.raises(StorageError, match="cannot be kept under another name: No space left"):
            rotate_ledger_key(path, NAME, 7)
    assert open_ledger_key(path, NAME)[0] == old


def test_a_folder_that_cannot_be_synced(path, monkeypatch):
    """Where the last step fails, the error says so; the rotation has happened and the next use finds it."""
    old, _ = open_ledger_key(path, NAME)

    def fail(_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(rotation_module, "sync_folder", fail)
        with pytest.raises(StorageError, match="cannot be replaced by the new key: Input/output error"):
            rotate_ledger_key(path, NAME, 7)
    signer, chain = open_ledger_key(path, NAME)

    assert signer != old
    assert chain.newest == signer.verifier

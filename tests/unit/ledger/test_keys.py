"""Signing keys: their file, their published form, their silence."""

import traceback

import pytest

from tallystick.errors import ConfigurationError, StorageError, Tampered
from tallystick.ledger.keys import (
    Signer,
    Verifier,
    check_key_name,
    decode_base64,
    generate_key,
    load_key,
    load_or_create_key,
)

NAME = "tallystick/test"
# Published keys of Go's module notary: a verifier, and the signing key of its documentation's example.
NOTARY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
EXAMPLE = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
EXAMPLE_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n"


@pytest.fixture
def path(tmp_path):
    """Where the key file goes."""
    return tmp_path / "ledger.key"


def _write(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)


@pytest.mark.parametrize("text", [NOTARY, EXAMPLE])
def test_published_verifiers(text):
    """A published verifier key is read, its hash recomputed, and it is written as it was."""
    assert Verifier.parse(text).vkey == text


def test_published_signing_key(path):
    """A published signing key is read, and its public half is the published verifier."""
    _write(path, EXAMPLE_SECRET)

    assert load_key(path).verifier.vkey == EXAMPLE


@pytest.mark.parametrize("place", range(len(NOTARY)))
def test_a_verifier_with_a_wrong_letter(place):
    """A verifier key with any one letter changed is refused."""
    letter = "A" if NOTARY[place] != "A" else "B"
    with pytest.raises(ConfigurationError):
        Verifier.parse(NOTARY[:place] + letter + NOTARY[place + 1 :])


@pytest.mark.parametrize(
    "text", ["", "a", "a+b", "a+033de0ae+", NOTARY + "A", NOTARY + "=", NOTARY + "\n", NOTARY.lower()]
)
def test_no_verifier(text):
    """A text of another form is no verifier key."""
    with pytest.raises(ConfigurationError):
        Verifier.parse(text)


def test_public_key_has_32_bytes():
    """A public key of another length is refused."""
    with pytest.raises(ConfigurationError, match="31 bytes"):
        Verifier(NAME, bytes(31))


def test_a_new_key_is_private_and_lasts(path):
    """A new key file can be read by its owner only, and gives the same key again."""
    made = generate_key(path, NAME)

    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(path, NAME) == made
    assert [file.name for file in path.parent.iterdir()] == ["ledger.key"]


def test_two_keys_differ(path):
    """Two new keys of one name are two keys."""
    assert generate_key(path, NAME) != generate_key(path.with_name("second"), NAME)


def test_a_key_is_never_written_over(path):
    """Making a key where a file exists is refused, and the file stays."""
    _write(path, "something")
    with pytest.raises(ConfigurationError, match="never written over"):
        generate_key(path, NAME)

    assert path.read_text() == "something"
    assert [file.name for file in path.parent.iterdir()] == ["ledger.key"]


def test_no_room_for_a_key(path):
    """Where the file cannot be written the error says so."""
    with pytest.raises(StorageError, match="cannot be written"):
        generate_key(path / "missing" / "ledger.key", NAME)


def test_load_or_create(path):
    """The first use makes the key, later uses read it."""
    assert load_or_create_key(path, NAME) == load_or_create_key(path, NAME)


def test_load_or_create_checks_the_name(path):
    """A name that cannot stand on a signature line makes no key."""
    with pytest.raises(ConfigurationError, match="cannot name a key"):
        load_or_create_key(path, "two words")

    assert not path.exists()


def test_load_or_create_loses_a_race(path, monkeypatch):
    """Where another process makes the key at the same moment, its key is used."""
    winner = generate_key(path, NAME)
    answers = iter([False, True])
    monkeypatch.setattr(type(path), "exists", lambda _: next(answers))

    assert load_or_create_key(path, NAME) == winner


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o777])
def test_a_shared_key_is_refused(path, mode):
    """A key file that group or world has any access to is refused, with the command that mends it."""
    generate_key(path, NAME)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"mode {mode:04o}") as caught:
        load_key(path)

    assert f"chmod 600 {path}" in caught.value.hint


def test_a_missing_key(path):
    """A key file that is not there is named."""
    with pytest.raises(ConfigurationError, match=r"ledger\.key: the signing key cannot be read"):
        load_key(path)


def test_the_key_of_another_ledger(path):
    """A key of another name is refused, naming both."""
    generate_key(path, NAME)
    with pytest.raises(ConfigurationError, match="of tallystick/test, not of other"):
        load_key(path, "other")


@pytest.mark.parametrize("place", range(len(EXAMPLE_SECRET)))
def test_a_damaged_key(path, place):
    """A key file with any one letter changed is refused, and no part of it is shown."""
    letter = "A" if EXAMPLE_SECRET[place] != "A" else "B"
    _write(path, EXAMPLE_SECRET[:place] + letter + EXAMPLE_SECRET[place + 1 :])
    with pytest.raises(ConfigurationError) as caught:
        load_key(path, "PeterNeumann")

    assert "FALVFGyNhPJEMzD1QIDr" not in caught.value.diagnostics()


@pytest.mark.parametrize("text", ["", "\n", EXAMPLE_SECRET[:-1], EXAMPLE_SECRET[:40], EXAMPLE_SECRET * 2, "\xff\xfe"])
def test_no_key(path, text):
    """A file that is empty, cut, doubled or something else is no key."""
    _write(path, text)
    with pytest.raises(ConfigurationError, match="is not a signing key"):
        load_key(path)


def test_a_secret_is_never_shown(path):
    """Neither repr, str nor the traceback of an error shows the secret."""
    signer = generate_key(path, NAME)
    shown = [repr(signer), str(signer), f"{[signer]}", repr(signer.verifier)]
    try:
        load_key(path, "other")
    except ConfigurationError:
        shown.append(traceback.format_exc())

    secret = path.read_text().split("+", 4)[4].strip()
    for text in shown:
        assert secret not in text
        assert signer.secret.hex() not in text
        assert repr(signer.secret)[2:-1] not in text


def test_signatures():
    """A signature verifies for its message and key, and for no other."""
    signer = Signer(NAME, bytes(range(32)))
    signature = signer.sign(b"message")

    signer.verifier.verify(signature, b"message")
    assert signer.sign(b"message") == signature
    others = [
        (signature, b"massage"),
        (signature[:-1], b"message"),
        (b"", b"message"),
        (signature + b"\x00", b"message"),
    ]
    for wrong, message in others:
        with pytest.raises(Tampered):
            signer.verifier.verify(wrong, message)
    with pytest.raises(Tampered):
        Signer(NAME, bytes(32)).verifier.verify(signature, b"message")


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\tb", "a\u2028b", "a\x00b", "a\u00a0b"])
def test_names_that_cannot_stand_on_a_line(name):
    """A name with white space, a control character or a plus sign is refused."""
    with pytest.raises(ConfigurationError, match="cannot name a key"):
        check_key_name(name)


@pytest.mark.parametrize(
    ("text", "data"), [("AQ==", b"\x01"), ("", b""), ("AQ", None), ("AR==", None), ("A Q==", None), ("é", None)]
)
def test_base64_has_one_spelling(text, data):
    """A base64 text is read only when it is exactly what its bytes are written as."""
    assert decode_base64(text) == data

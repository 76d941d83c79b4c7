"""A keyring: whose key signed, and whether it was allowed to on that day."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.canonical import canonical
from tallystick.errors import ConfigurationError, Tampered
from tallystick.ledger import KeyChain, Keyring, KnownKey, Signed, Signer
from tallystick.ledger.checkpoint import cosign_note, sign_note
from tallystick.ledger.keyring import read_day
from tallystick.period import parse_instant

BUYER = Signer("acme/statements", bytes(range(32)))
VENDOR = Signer("uptime-ai/billing", bytes(range(1, 33)))
OTHER = Signer("acme/statements", bytes(range(2, 34)))
TEXT = "tallystick-bundle/1\n" + "0" * 64 + "\n"
OCTOBER, NOVEMBER = read_day("2026-10-01"), read_day("2026-11-01")
NOTE = cosign_note(sign_note(TEXT, BUYER), VENDOR)


@pytest.fixture
def ring():
    """Both parties' keys; the vendor's is valid in October."""
    return (
        Keyring().trust(KnownKey("buyer", BUYER.verifier)).trust(KnownKey("vendor", VENDOR.verifier, OCTOBER, NOVEMBER))
    )


def test_who_signed(ring):
    """Every signature under a note is verified, and the parties come in the order in which they signed."""
    assert ring.open(NOTE, OCTOBER) == [Signed("buyer", BUYER.verifier), Signed("vendor", VENDOR.verifier)]
    assert ring.open(sign_note(TEXT, BUYER), 0) == [Signed("buyer", BUYER.verifier)]


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (
            OCTOBER - 1,
            r"uptime-ai/billing\+[0-9a-f]{8} is not yet valid: it begins on 2026-10-01, this is 2026-09-30T23",
        ),
        (NOVEMBER, r"uptime-ai/billing\+[0-9a-f]{8} is no longer valid: it ended on 2026-11-01, this is 2026-11-01T00"),
    ],
)
def test_the_days_of_a_key(ring, at, message):
    """A key counts from the first instant of its first day up to, excluding, the first instant of its last."""
    assert len(ring.open(NOTE, OCTOBER)) == len(ring.open(NOTE, NOVEMBER - 1)) == 2
    with pytest.raises(Tampered, match=message) as caught:
        ring.open(NOTE, at)

    assert caught.value.exit_code == 4


def test_an_unknown_key(ring):
    """A signature of a key that is not known is refused, with the key named and what to do."""
    stranger = Signer("mallory", bytes(32))
    with pytest.raises(Tampered, match=r"the key mallory\+[0-9a-f]{8} is unknown$") as caught:
        ring.open(cosign_note(NOTE, stranger), OCTOBER)

    assert "tallystick keys trust" in caught.value.hint


def test_a_known_name_with_another_key(ring):
    """A key that only bears a known name is unknown, and the keys known under that name are named."""
    with pytest.raises(
        Tampered, match=rf"is unknown; known under this name: acme/statements\+{BUYER.verifier.key_hash.hex()}"
    ):
        ring.open(sign_note(TEXT, OTHER), OCTOBER)


def test_a_signature_that_does_not_fit(ring):
    """A signature of a known key under another text is refused."""
    with pytest.raises(Tampered, match="acme/statements does not fit"):
        ring.open(NOTE.replace("0" * 64, "1" * 64), OCTOBER)


def test_a_signature_twice(ring):
    """One key signs once; the same line again is refused."""
    note = sign_note(TEXT, BUYER)
    with pytest.raises(Tampered, match="two signatures of acme"):
        ring.open(note + note.splitlines(keepends=True)[-1], OCTOBER)


def test_every_byte_of_a_note(ring):
    """Whichever byte of a signed note is changed, it is refused."""
    for place, letter in enumerate(NOTE):
        changed = NOTE[:place] + chr(ord(letter) ^ 1) + NOTE[place + 1 :]
        with pytest.raises(Tampered):
            ring.open(changed, OCTOBER)


@given(st.text(max_size=60))
def test_any_text_as_a_note(text):
    """Any text at all is refused as a note without another error."""
    with pytest.raises(Tampered):
        Keyring().open(text, 0)


def test_days_can_be_changed(ring):
    """Trusting a known key again gives it other days, and does not make it two."""
    ring = ring.trust(KnownKey("vendor", VENDOR.verifier, OCTOBER))

    assert len(ring.keys) == 2
    assert len(ring.open(NOTE, NOVEMBER)) == 2


def test_a_key_for_both_parties(ring):
    """A key that is one party's cannot become the other's."""
    with pytest.raises(ConfigurationError, match=r"is the buyer's in this keyring"):
        ring.trust(KnownKey("vendor", BUYER.verifier))


@pytest.mark.parametrize("end", [OCTOBER, OCTOBER - 1])
def test_a_key_for_no_day(ring, end):
    """A key whose end is not after its start is refused."""
    with pytest.raises(ConfigurationError, match="valid on no day"):
        ring.trust(KnownKey("vendor", OTHER.verifier, OCTOBER, end))


def test_the_file(ring, tmp_path):
    """A keyring comes back from its file, which only its owner reads and which has one form."""
    ring.save(tmp_path / "keyring.json")
    again = Keyring.load(tmp_path / "keyring.json")
    again.save(tmp_path / "again.json")

    assert again.keys == ring.keys
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "keyring.json").read_bytes()
    assert (tmp_path / "keyring.json").stat().st_mode & 0o777 == 0o600
    assert b'"from":"2026-10-01","party":"vendor","until":"2026-11-01"' in (tmp_path / "keyring.json").read_bytes()


def test_no_file_is_no_keys(tmp_path):
    """A keyring that does not exist yet is empty."""
    assert Keyring.load(tmp_path / "keyring.json").keys == ()


def _file(*keys, form="tallystick-keyring/1"):
    return canonical({"format": form, "keys": list(keys)})


ROW = {"from": None, "party": "buyer", "until": None, "vkey": BUYER.verifier.vkey}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"\xff",
        _file(form="tallystick-keyring/2"),
        _file(ROW, ROW),
        _file({**ROW, "party": "seller"}),
        _file({**ROW, "vkey": "x"}),
        _file({**ROW, "from": "2026-13-01"}),
        _file({**ROW, "from": "01.10.2026"}),
        _file({**ROW, "more": 1}),
        _file(ROW).replace(b'"keys"', b' "keys"'),
    ],
)
def test_files_that_are_no_keyring(tmp_path, data):
    """A file of another form is refused by its name, with what to do."""
    (tmp_path / "keyring.json").write_bytes(data)
    with pytest.raises(ConfigurationError, match="keyring") as caught:
        Keyring.load(tmp_path / "keyring.json")

    assert caught.value.where == str(tmp_path / "keyring.json")
    assert caught.value.hint


def test_a_folder_is_no_keyring(tmp_path):
    """What cannot be read says so."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Keyring.load(tmp_path)


@pytest.mark.parametrize("text", ["2026-10-1", "2026-10-01T00:00:00Z", "", "tomorrow", "2026-02-30"])
def test_what_is_no_day(text):
    """A day is year, month and day of the calendar, and nothing else."""
    with pytest.raises(ConfigurationError, match="is not a day"):
        read_day(text)


def test_a_day_begins_in_utc():
    """A day begins at midnight UTC."""
    assert read_day("2026-10-01") == parse_instant("2026-10-01T00:00:00Z")


class TestVouching:
    """The key of a ledger is known by itself, or by a key that introduced it or was introduced by it."""

    FIRST, SECOND, THIRD = (Signer("tallystick/acme", bytes([number] * 32)) for number in range(1, 4))

    @pytest.fixture
    def chain(self):
        """A ledger that rotated twice."""
        first = KeyChain(self.FIRST.verifier)
        return first.introduce(self.FIRST, self.SECOND, 5).introduce(self.SECOND, self.THIRD, 9)

    @pytest.mark.parametrize("known", [FIRST, SECOND, THIRD])
    def test_one_known_key(self, chain, known):
        """One key of the chain in the keyring tells whose ledger it is."""
        assert Keyring([KnownKey("buyer", known.verifier)]).vouch(chain, 0) == "buyer"

    def test_none_known(self, chain, ring):
        """A chain of strangers is refused, with the key to ask for."""
        with pytest.raises(Tampered, match=r"the key tallystick/acme\+[0-9a-f]{8} is unknown") as caught:
            ring.vouch(chain, OCTOBER)
        assert self.THIRD.verifier.vkey in caught.value.hint

    def test_keys_of_both_parties(self, chain):
        """A chain that would be both parties' is refused."""
        ring = Keyring([KnownKey("buyer", self.FIRST.verifier), KnownKey("vendor", self.SECOND.verifier)])
        with pytest.raises(Tampered, match="of both parties"):
            ring.vouch(chain, 0)

    def test_days(self, chain):
        """The newest known key must be valid; those before it may have ended."""
        ring = Keyring([KnownKey("buyer", self.FIRST.verifier, None, OCTOBER), KnownKey("buyer", self.SECOND.verifier)])
        assert ring.vouch(chain, NOVEMBER) == "buyer"
        with pytest.raises(Tampered, match="no longer valid"):
            Keyring([KnownKey("buyer", self.SECOND.verifier, None, OCTOBER)]).vouch(chain, NOVEMBER)

"""Checkpoints as signed notes, and what a holder of one accepts next."""

import base64

import pytest

from tallystick.errors import ConfigurationError, Inconsistent, Tampered
from tallystick.ledger.checkpoint import (
    Checkpoint,
    check_extends,
    open_checkpoint,
    open_note,
    sign_checkpoint,
    sign_note,
    split_note,
)
from tallystick.ledger.keys import Signer, Verifier
from tallystick.ledger.merkle import EMPTY_ROOT, CompactRange, consistency_path, hash_leaf

ORIGIN = "tallystick/test"
SIGNER = Signer(ORIGIN, bytes(range(32)))
OTHER = Signer("witness", bytes(32))
ROOT = bytes(range(100, 132))
CHECKPOINT = Checkpoint(ORIGIN, 1042, ROOT)
NOTE = sign_checkpoint(CHECKPOINT, SIGNER)
# The example of the documentation of Go's note package, signed by a key published there.
PUBLISHED_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLISHED_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PUBLISHED = (
    f"{PUBLISHED_TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_published_note_opens():
    """A note signed by another implementation opens, and gives its text."""
    assert open_note(PUBLISHED, Verifier.parse(PUBLISHED_KEY)) == PUBLISHED_TEXT


def test_the_form():
    """A checkpoint is origin, size and root on a line each, an empty line and the signature line."""
    *body, empty, signature, end = NOTE.split("\n")
    dash, name, data = signature.split(" ")

    assert body == [ORIGIN, "1042", base64.b64encode(ROOT).decode()]
    assert (empty, end, dash, name) == ("", "", "—", ORIGIN)
    assert base64.b64decode(data)[:4] == SIGNER.verifier.key_hash
    assert len(base64.b64decode(data)) == 68


def test_a_checkpoint_opens():
    """A signed checkpoint gives back what was signed."""
    assert open_checkpoint(NOTE, SIGNER.verifier, ORIGIN) == CHECKPOINT
    assert sign_checkpoint(CHECKPOINT, SIGNER) == NOTE


@pytest.mark.parametrize("place", range(len(NOTE)))
def test_every_letter_counts(place):
    """A note with any letter changed, left out or doubled does not open."""
    for letter in {"A", "1", "\n", " ", "é"} - {NOTE[place]}:
        _refuses(NOTE[:place] + letter + NOTE[place + 1 :])
    _refuses(NOTE[:place] + NOTE[place + 1 :])
    _refuses(NOTE[:place] + NOTE[place] + NOTE[place:])
    _refuses(NOTE[:place])


def _refuses(note):
    with pytest.raises(Tampered):
        open_checkpoint(note, SIGNER.verifier, ORIGIN)


@pytest.mark.parametrize("size", ["01", "+1", "-1", "1.0", "", " 1", "1 ", "1e3", "\u0661", "0x1", "1_0", "9" * 20])
def test_a_size_has_one_spelling(size):
    """A size in any other spelling than plain digits is refused even when it is signed."""
    _refuses(sign_note(f"{ORIGIN}\n{size}\n{base64.b64encode(ROOT).decode()}\n", SIGNER))


@pytest.mark.parametrize(
    "body",
    [
        f"{ORIGIN}\n1\n",
        f"{ORIGIN}\n1\n{base64.b64encode(ROOT).decode()}\nextension\n",
        f"{ORIGIN}\n1\n{base64.b64encode(ROOT[:-1]).decode()}\n",
        f"{ORIGIN}\n1\n{ROOT.hex()}\n",
        f"{ORIGIN}\n1\n\n",
        f"\n1\n{base64.b64encode(ROOT).decode()}\n",
    ],
)
def test_three_lines_and_no_more(body):
    """A signed text with other lines than origin, size and root is refused."""
    _refuses(sign_note(body, SIGNER))


def test_another_ledger():
    """A checkpoint of another ledger is refused, whoever signed it."""
    note = sign_checkpoint(Checkpoint("tallystick/other", 1042, ROOT), SIGNER)
    with pytest.raises(Tampered, match=r"tallystick/other.*not of.*tallystick/test"):
        open_checkpoint(note, SIGNER.verifier, ORIGIN)


def test_another_key():
    """A checkpoint signed by another key of the same name is refused, naming the key that is missing."""
    note = sign_checkpoint(CHECKPOINT, Signer(ORIGIN, bytes(32)))
    with pytest.raises(Tampered, match=rf"no signature of {ORIGIN}\+{SIGNER.verifier.key_hash.hex()}"):
        open_checkpoint(note, SIGNER.verifier, ORIGIN)


def test_a_witness_may_sign_too():
    """Signatures of other keys are left aside, before and after ours."""
    ours = NOTE.split("\n\n")[1]
    theirs = sign_checkpoint(CHECKPOINT, OTHER).split("\n\n")[1]

    for lines in (ours + theirs, theirs + ours):
        note = f"{CHECKPOINT.text}\n{lines}"
        assert open_checkpoint(note, SIGNER.verifier, ORIGIN) == CHECKPOINT
        assert open_checkpoint(note, OTHER.verifier, ORIGIN) == CHECKPOINT
        assert {line.name for line in split_note(note)[1]} == {ORIGIN, "witness"}


def test_each_of_our_signatures_must_fit():
    """A second signature line of our key that does not fit spoils the note."""
    forged = base64.b64encode(SIGNER.verifier.key_hash + bytes(64)).decode()
    _refuses(f"{NOTE}— {ORIGIN} {forged}\n")


@pytest.mark.parametrize(
    "line",
    [
        "— a+b AAAAAAAA",
        "— AAAAAAAA",
        "—  AAAAAAAA",
        "- a AAAAAAAA",
        "— a AAAAAA==",
        "— a AAAAAAA",
        "— a AAAA AAAA",
        "— a ",
        "",
    ],
)
def test_no_signature_line(line):
    """A line below the text that is no signature is refused, also beside a good one."""
    _refuses(f"{NOTE}{line}\n")


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "nul\x00\n", "half \ud800\n"])
def test_texts_that_cannot_be_signed(text):
    """A text without its newline, with control characters or half a character is not signed."""
    with pytest.raises(ConfigurationError, match="plain text"):
        sign_note(text, SIGNER)


@pytest.mark.parametrize("note", ["", "\n", "\n\n", "text\n", "text\n\n", "\ud800\n\n— a AAAAAAAA\n", "x" * 70_000])
def test_no_note(note):
    """What is no note at all is refused."""
    _refuses(note)


def _tree(size):
    leaves = [hash_leaf(b"%d" % number) for number in range(size)]
    return Checkpoint(ORIGIN, size, CompactRange(leaves).root())


def _proof(first, second):
    leaves = [hash_leaf(b"%d" % number) for number in range(second)]
    return consistency_path(
        first, second, lambda height, index: CompactRange(leaves[index << height :][: 1 << height]).root()
    )


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 5), (3, 7), (4, 8), (7, 7)])
def test_a_longer_ledger_is_accepted(first, second):
    """Who holds a checkpoint accepts a newer one that a proof links to it."""
    check_extends(_tree(first), _tree(second), _proof(first, second))


def test_a_shorter_ledger_is_refused():
    """Who holds a checkpoint refuses a smaller one, whatever proof comes with it."""
    with pytest.raises(Inconsistent, match="shrank from 7 to 3"):
        check_extends(_tree(7), _tree(3), _proof(3, 7))


def test_a_fork_is_refused():
    """Two checkpoints of one size and different roots are refused."""
    with pytest.raises(Inconsistent):
        check_extends(_tree(7), Checkpoint(ORIGIN, 7, ROOT), [])
    with pytest.raises(Inconsistent):
        check_extends(Checkpoint(ORIGIN, 0, ROOT), Checkpoint(ORIGIN, 0, EMPTY_ROOT), [])


def test_an_unproven_ledger_is_refused():
    """A newer checkpoint without the proof, or with that of other sizes, is refused."""
    for proof in ([], _proof(2, 7), _proof(3, 8)):
        with pytest.raises(Inconsistent):
            check_extends(_tree(3), _tree(7), proof)


def test_another_origin_is_no_successor():
    """A checkpoint of another ledger extends nothing."""
    with pytest.raises(Inconsistent, match="two ledgers"):
        check_extends(_tree(3), Checkpoint("other", 7, _tree(7).root), _proof(3, 7))

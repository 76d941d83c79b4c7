"""Export and import of a project whose ledger changed its key: the public chain goes along, and is not believed."""

import json
import shutil
from types import SimpleNamespace

import msgspec
import pytest
from tests.exports import HOST, Alone, Forgery, same_files, take_in, take_out

from tallystick.cli.project import open_project
from tallystick.cli.work import fsck_project
from tallystick.database.engine import transaction
from tallystick.errors import ConfigurationError, Error, Tampered
from tallystick.ledger import KeyChain, Signer, load_key, rotate_ledger_key
from tallystick.ledger.checkpoint import Checkpoint, cosign_note, sign_checkpoint, sign_note
from tallystick.verification.acts import append_acts

CHECKPOINTS = "ledger/checkpoints.jsonl"
NAME = "tallystick/demo"


def _act(folder):
    """Add an entry to the ledger of a project, under the key that signs now."""
    with open_project(folder / "tallystick.yaml", HOST) as project, transaction(project.engine) as connection:
        entry = {"kind": "remark", "at": "2027-01-01T00:00:00Z", "contract": "c", "key": "k"}
        append_acts(connection, project.log, "c", [entry])
        project.log.checkpoint(connection, project.signer)


def _rotate(folder):
    with open_project(folder / "tallystick.yaml", HOST) as project:
        return rotate_ledger_key(project.key_path, project.log.origin, project.log.size)


def _fsck(folder):
    with open_project(folder / "tallystick.yaml", HOST) as project:
        found = fsck_project(project)
    assert found["fsck"] == "ok"
    return found


@pytest.fixture(scope="module")
def rotated(exported, tmp_path_factory):
    """A project whose ledger grew under three keys, one after the other, with its export and its keys."""
    folder = tmp_path_factory.mktemp("rotated")
    shutil.copytree(exported[0], folder / "project")
    path = folder / "project" / ".tallystick" / "ledger.key"
    signers = [load_key(path)]
    for _ in range(2):
        _rotate(folder / "project")
        _act(folder / "project")
        signers.append(load_key(path))
    take_out(folder / "project", folder / "export")
    chain = KeyChain.parse(path.with_suffix(".keys").read_bytes(), "x")
    return SimpleNamespace(project=folder / "project", export=folder / "export", key=path, signers=signers, chain=chain)


@pytest.fixture
def forgery(rotated, tmp_path):
    """A copy of the export to change."""
    return Forgery(rotated.export, tmp_path / "export")


@pytest.fixture
def new(tmp_path):
    """An empty folder to import into."""
    (tmp_path / "new").mkdir()
    return tmp_path / "new"


def _refused(forgery, new, kind=Tampered, **more):
    """Import, which must fail with that error and leave nothing behind; give the error."""
    with pytest.raises(Error) as caught:
        take_in(new, forgery.folder, **more)
    assert type(caught.value) is kind, caught.value
    assert list(new.iterdir()) == []
    return caught.value


def _told(forgery, links, first=None):
    """Let the manifest name other keys."""
    head = forgery.manifest.ledger
    forgery.relist(ledger=msgspec.structs.replace(head, links=tuple(links), verifier=first or head.verifier))


def _link(old, new, size, *, by=None, origin=NAME):
    """Write an introduction by hand, signed by anybody."""
    text = f"tallystick-key/1\n{origin}\n{size}\n{old.verifier.vkey}\n{new.verifier.vkey}\n"
    first, second = by or (old, new)
    return cosign_note(sign_note(text, first), second)


def test_the_public_keys_go_along(rotated):
    """The manifest holds the first key and the introductions of the others; no secret of any is in the export."""
    head = json.loads((rotated.export / "manifest.json").read_bytes())["ledger"]
    everything = b"".join(path.read_bytes() for path in rotated.export.rglob("*") if path.is_file())

    assert (head["verifier"], tuple(head["links"])) == (rotated.signers[0].verifier.vkey, rotated.chain.links)
    for signer in rotated.signers:
        assert signer.encode().strip().split(b"+", 4)[4] not in everything
    assert b"PRIVATE" not in everything


def test_a_rotated_project_comes_back_whole(rotated, new, tmp_path):
    """With the key that signs now, an imported project checks, exports to the same bytes, grows, and rotates again."""
    report = take_in(new, rotated.export, key=rotated.key)
    inside = new / ".tallystick"

    assert (report["key"], report["verifier"]) == ("placed", rotated.signers[-1].verifier.vkey)
    assert (inside / "ledger.keys").read_bytes() == rotated.chain.encode()
    assert {path.stat().st_mode & 0o777 for path in inside.glob("ledger.key*")} == {0o600}
    assert _fsck(new) == _fsck(rotated.project)
    take_out(new, tmp_path / "again")
    assert same_files(rotated.export, tmp_path / "again")
    _act(new)
    assert _rotate(new).extends(rotated.chain)
    _act(new)
    assert _fsck(new)["entries"] == report["entries"] + 2


def test_without_the_signing_key(rotated, new, tmp_path):
    """Without a signing key the project is checked and exported under all its keys; the newest one, once placed, signs.

    An old key, or a stranger's, in its place is refused.
    """
    project = Alone(new)
    told = project.run("import", rotated.export)
    for size, verifier in rotated.chain.epochs:
        assert f"{verifier.vkey} (from {size} entries on)" in told
    assert _fsck(new) == _fsck(rotated.project)
    take_out(new, tmp_path / "again")
    assert same_files(rotated.export, tmp_path / "again")
    assert json.loads(project.run("keys", "list", "--json"))["ledger"] == [
        {"from_size": size, "vkey": verifier.vkey} for size, verifier in rotated.chain.epochs
    ]
    assert "ledger.key is missing" in project.run("keys", "rotate", code=2)

    key = new / ".tallystick" / "ledger.key"
    for signer in (rotated.signers[0], Signer(NAME, bytes(32))):
        key.write_bytes(signer.encode())
        key.chmod(0o600)
        for verb in (["verify", "--now", "2027-01-02T00:00:00Z"], ["keys", "rotate"]):
            assert "not the newest key" in project.run(*verb, code=2)
    shutil.copy(rotated.key, key)
    _act(new)
    _fsck(new)


def test_rotated_with_nothing_added_since(exported, new, tmp_path):
    """A rotation right before the export goes along: the new key signs from the next entry on."""
    shutil.copytree(exported[0], tmp_path / "project")
    chain = _rotate(tmp_path / "project")
    take_out(tmp_path / "project", tmp_path / "export")
    report = take_in(new, tmp_path / "export", key=tmp_path / "project" / ".tallystick" / "ledger.key")

    assert report["verifier"] == chain.newest.vkey
    take_out(new, tmp_path / "again")
    assert same_files(tmp_path / "export", tmp_path / "again")
    _act(new)
    assert _fsck(new)["entries"] == report["entries"] + 1


def test_a_stranger_does_not_rotate_an_imported_ledger(exported, new):
    """A key that never signed the imported ledger introduces no other one."""
    take_in(new, exported[1])
    key = new / ".tallystick" / "ledger.key"
    key.write_bytes(Signer(NAME, bytes(32)).encode())
    key.chmod(0o600)

    assert "not the key that signed" in Alone(new).run("keys", "rotate", code=2)
    assert not key.with_suffix(".keys").exists()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_any_key_of_the_chain_vouches_for_it(rotated, new, place):
    """A key known from elsewhere is enough, whichever of the chain it is; the report says which."""
    vkey = rotated.signers[place].verifier.vkey
    report = take_in(new, rotated.export, verifier=vkey)

    assert report["verifier_given"]
    assert [row["vkey"] for row in report["keys"] if row["given"]] == [vkey]
    assert [row["from_size"] for row in report["keys"]] == [size for size, _ in rotated.chain.epochs]


def test_the_key_that_was_given_is_told(rotated, new):
    """The command says which of the keys was given."""
    told = Alone(new).run("import", rotated.export, "--verifier", rotated.signers[1].verifier.vkey)

    [line] = [line for line in told.splitlines() if "the one you gave" in line]
    assert rotated.signers[1].verifier.vkey in line
    assert "The export itself names" not in told


def test_a_wrong_signing_key(rotated, forgery, new, tmp_path):
    """A key outside the chain is refused as tampering; an old key of it signs nothing any more, and is not placed."""
    path = tmp_path / "other.key"
    path.write_bytes(Signer(NAME, bytes(32)).encode())
    path.chmod(0o600)
    error = _refused(forgery, new, key=path)
    assert "is signed by" in error.message
    assert error.where == str(forgery.path("manifest.json"))
    assert "is signed by" in _refused(forgery, new, verifier=Signer(NAME, bytes(32)).verifier.vkey).message

    path.write_bytes(rotated.signers[0].encode())
    error = _refused(forgery, new, ConfigurationError, key=path)
    assert "signs nothing any more" in error.message
    assert rotated.signers[-1].verifier.vkey in error.hint


CHAINS = {
    "its first link dropped": lambda links: links[1:],
    "reordered": lambda links: links[::-1],
    "a link twice": lambda links: [links[0], *links],
    "a size changed": lambda links: [links[0].replace("demo\n", "demo\n1", 1), links[1]],
    "a key changed": lambda links: [links[0], links[1].replace("+A", "+B", 1)],
    "a signature dropped": lambda links: [links[0], links[1].rpartition("\N{EM DASH}")[0]],
    "a signature changed": lambda links: [links[0], links[1][:-9] + "AAAAAAA=\n"],
    "text that is no link": lambda links: [*links, "x"],
}


@pytest.mark.parametrize("change", CHAINS.values(), ids=CHAINS)
def test_a_chain_that_does_not_follow(forgery, new, change):
    """A chain with a link dropped, changed, reordered or repeated is refused, naming the manifest."""
    _told(forgery, change(list(forgery.manifest.ledger.links)))
    error = _refused(forgery, new)

    assert error.where == str(forgery.path("manifest.json"))
    assert "do not follow from each other" in error.message


def test_the_command_ends_with_4(forgery, new):
    """A chain that does not follow ends the command with exit code 4."""
    _told(forgery, forgery.manifest.ledger.links[1:])

    assert "manifest.json" in Alone(new).run("import", "../export", code=4)


def test_the_last_link_dropped(rotated, forgery, new):
    """Without the newest key, the first checkpoint that it signed is refused, and named by its line."""
    _told(forgery, rotated.chain.links[:1])
    error = _refused(forgery, new)

    assert error.where == f"{forgery.path(CHECKPOINTS)}:{len(forgery.rows(CHECKPOINTS))}"


def test_keys_of_strangers(rotated, forgery, new):
    """A key of another ledger, and one that introduced itself, get into no chain."""
    old = rotated.signers[-1]
    size = forgery.manifest.ledger.size
    elsewhere, stranger = Signer("tallystick/other", bytes(32)), Signer(NAME, bytes(32))
    links = rotated.chain.links
    for link in (
        _link(old, elsewhere, size),
        _link(old, elsewhere, size, origin="tallystick/other"),
        _link(old, stranger, size, by=(stranger, stranger)),
        _link(stranger, old, size),
    ):
        _told(forgery, [*links, link])
        error = _refused(forgery, new)
        assert error.where == str(forgery.path("manifest.json"))
        assert "do not follow" in error.message

    other = KeyChain(elsewhere.verifier).introduce(elsewhere, Signer("tallystick/other", b"x" * 32), 1)
    _told(forgery, other.links, elsewhere.verifier.vkey)
    assert "not of this project's ledger" in _refused(forgery, new).message


def test_keys_that_come_too_late(rotated, forgery, new):
    """A key that would sign only from some later entry on is no newest key of this ledger."""
    head = forgery.manifest.ledger
    late = rotated.chain.introduce(rotated.signers[-1], Signer(NAME, bytes(32)), head.size + 2)
    _told(forgery, late.links)

    assert "entries on only" in _refused(forgery, new).message


def test_no_first_key(forgery, new):
    """Links without the key that they begin with are refused."""
    head = forgery.manifest.ledger
    forgery.relist(ledger=msgspec.structs.replace(head, verifier=None))

    assert "first key" in _refused(forgery, new).message


def test_a_key_signs_in_its_own_time_only(rotated, forgery, new):
    """A checkpoint that an old key signed after it was followed is refused, and one by a later key before its time."""
    held = forgery.rows(CHECKPOINTS)
    last = len(held) - 1
    for place, signer in ((last, rotated.signers[0]), (last, rotated.signers[1]), (0, rotated.signers[2])):
        rows = [dict(row) for row in held]
        root = msgspec.json.decode(msgspec.json.encode(rows[place]["root"]), type=bytes)
        rows[place]["note"] = sign_checkpoint(Checkpoint(NAME, rows[place]["size"], root), signer)
        forgery.write_rows(CHECKPOINTS, rows)
        forgery.relist(ledger=msgspec.structs.replace(forgery.manifest.ledger, checkpoint=rows[-1]["note"]))

        assert _refused(forgery, new).where == f"{forgery.path(CHECKPOINTS)}:{place + 1}"


def test_other_keys_that_lie_there(rotated, new):
    """A chain of other keys in the folder is not written over, and the same one is taken."""
    (new / ".tallystick").mkdir()
    path = new / ".tallystick" / "ledger.keys"
    path.write_bytes(KeyChain(rotated.signers[0].verifier).encode())
    with pytest.raises(ConfigurationError, match="other keys than the export"):
        take_in(new, rotated.export)
    assert KeyChain.parse(path.read_bytes(), "x").links == ()

    path.write_bytes(rotated.chain.encode())
    assert take_in(new, rotated.export)["key"] == "missing"
    _fsck(new)


def test_imported_keys_that_were_changed(rotated, new):
    """The key that an import left must be one of the chain beside it."""
    take_in(new, rotated.export)
    (new / ".tallystick" / "ledger.pub").write_text(Signer(NAME, bytes(32)).verifier.vkey + "\n")

    assert "is none of" in Alone(new).run("ledger", "fsck", code=2)

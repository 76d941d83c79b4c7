"""`tallystick keys`: keys made, shown, trusted and rotated from the command line."""

import json
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from tallystick.ledger import KeyChain, Keyring, load_key


@pytest.fixture
def run(tmp_path):
    """Run a verb in an empty folder and give the finished process."""

    def run(*arguments, code=0):
        command = [sys.executable, "-m", "tallystick", "keys", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done

    return run


def test_a_new_key(run, tmp_path):
    """A new key is a private file, is shown again by its public half, and is never written over."""
    made = run("new", "acme/statements").stdout
    shown = run("show", "acme-statements.key").stdout
    path = tmp_path / "acme-statements.key"
    before = path.read_bytes()

    assert shown.startswith("acme/statements+")
    assert made.endswith(shown)
    assert load_key(path).verifier.vkey == shown.strip()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "never written over" in run("new", "acme/statements", code=2).stderr
    assert path.read_bytes() == before
    # The secret itself may hold a plus.
    secret = before.decode().split("+", 4)[4].strip()
    assert len(secret) > 40
    assert secret not in made + shown


def test_a_new_key_elsewhere(run, tmp_path):
    """A key goes where it is told to, and a program is told where that is."""
    made = json.loads(run("new", "uptime-ai", "--out", "vendor.key", "--json").stdout)

    assert made == {"file": "vendor.key", "vkey": load_key(tmp_path / "vendor.key").verifier.vkey}
    assert json.loads(run("show", "vendor.key", "--json").stdout) == made


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["new", "two words"], "cannot name a key"),
        (["new", "a+b"], "cannot name a key"),
        (["show", "missing.key"], "cannot be read"),
        (["trust", "x", "--as", "buyer", "--keyring", "k.json"], "not a verifier key"),
        (["list"], "no project file"),
        (["rotate"], "no project file"),
        (["list", "--keyring", "broken.json"], "no keyring"),
    ],
)
def test_wrong_input(run, tmp_path, arguments, message):
    """What cannot be a key, a keyring or a project is refused with exit code 2, and nothing is written."""
    (tmp_path / "broken.json").write_text("{}")
    done = run(*arguments, code=2)

    assert message in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["broken.json"]


def test_a_keyring_without_a_project(run, tmp_path):
    """Who has no project keeps a keyring in a file: keys with their days, changed by trusting again."""
    run("new", "acme/statements")
    vkey = run("show", "acme-statements.key").stdout.strip()
    ring = ["--keyring", "ring.json"]
    said = run("trust", vkey, "--as", "buyer", "--from", "2026-10-01", "--until", "2027-01-01", *ring).stdout
    rows = json.loads(run("list", *ring, "--json").stdout)["keys"]

    assert "is the buyer's from 2026-10-01 until 2027-01-01" in said
    assert rows == [{"party": "buyer", "from": "2026-10-01", "until": "2027-01-01", "vkey": vkey}]
    assert "the buyer's in this keyring" in run("trust", vkey, "--as", "vendor", *ring, code=2).stderr
    assert "not a day" in run("trust", vkey, "--as", "buyer", "--from", "soon", *ring, code=2).stderr
    assert (
        "on no day"
        in run("trust", vkey, "--as", "buyer", "--from", "2026-10-01", "--until", "2026-10-01", *ring, code=2).stderr
    )
    run("trust", vkey, "--as", "buyer", *ring)
    assert "always" in run("list", *ring).stdout
    assert [(key.start, key.end) for key in Keyring.load(tmp_path / "ring.json").keys] == [(None, None)]


def test_rotation(company):
    """After a rotation the ledger goes on under the new key, and fsck follows the keys from one to the next."""
    folder = company.folder / ".tallystick"
    assert "to rotate" in company.run("keys", "rotate", check=False).stderr
    contract = YAML(typ="safe").load(company.story.contract)["contract"]
    company.run("claims", "import", company.write_claims(), "--contract", contract, "--now", company.now)
    before = company.json("ledger", "fsck")
    old = load_key(folder / "ledger.key").verifier
    rotated = company.json("keys", "rotate")
    new = load_key(folder / "ledger.key").verifier

    assert rotated == {"from_size": before["entries"] + 1, "vkey": new.vkey}
    assert new != old
    assert company.json("ledger", "fsck") == before
    company.run("run", "--now", company.now)
    after = company.json("ledger", "fsck")
    assert after["fsck"] == "ok"
    assert after["entries"] > before["entries"]
    listed = company.json("keys", "list")["ledger"]
    assert [(row["from_size"], row["vkey"]) for row in listed] == [(0, old.vkey), (rotated["from_size"], new.vkey)]

    # The new key alone does not vouch for what the old one signed.
    chain = folder / "ledger.keys"
    kept = chain.read_bytes()
    assert KeyChain.parse(kept, "x").newest == new
    chain.unlink()
    done = company.run("ledger", "fsck", check=False)
    assert done.returncode == 4
    assert "no signature of" in done.stdout
    chain.write_bytes(kept.replace(b"tallystick-key/1", b"tallystick-key/2"))
    assert company.run("ledger", "fsck", check=False).returncode == 4


def test_trust_in_a_project(company):
    """The keyring of a project lies in its folder."""
    company.run("keys", "new", "uptime-ai/billing")
    vkey = company.run("keys", "show", "uptime-ai-billing.key").stdout.strip()
    company.run("keys", "trust", vkey, "--as", "vendor")

    assert [row["vkey"] for row in company.json("keys", "list")["keys"]] == [vkey]
    assert (company.folder / ".tallystick" / "keyring.json").stat().st_mode & 0o777 == 0o600

"""Both sides of a statement on the command line: the buyer makes a bundle, the vendor recomputes and signs it."""

import json
import subprocess
import sys

import pytest
from tests.bundles import BundleProject, payment

NO_NETWORK = """\
import socket, sys

def refuse(*args, **kwargs):
    raise AssertionError("recompute reached for the network")

socket.socket.connect = socket.socket.bind = socket.getaddrinfo = socket.create_connection = refuse
from tallystick.cli.app import main
sys.argv = ["tallystick", *sys.argv[1:]]
main()
"""


@pytest.fixture
def small(tmp_path):
    """A small project, verified, and its bundle."""
    project = BundleProject(tmp_path / "small")
    project.read(payment("ch_1"), payment("ch_2"))
    project.claim("C1,paid,ch_1,,,")
    project.verify()
    project.bundle("statement.bundle")
    return project


@pytest.fixture
def bundle(company, tmp_path):
    """The bundle of the company's statement, made on the command line."""
    company.run("sync", "--now", company.now)
    company.run("claims", "import", company.write_claims(), "--contract", _contract(company), "--now", company.now)
    company.run("verify", "--now", company.now)
    path = tmp_path / "statement.bundle"
    company.run("statement", _contract(company), company.story.period, "--bundle", path, "--now", company.now,
                "--output", tmp_path / "statement.json")  # fmt: skip
    return path


def _contract(company):
    lines = company.story.contract.splitlines()
    return next(line.split(":")[1].strip() for line in lines if line.startswith("contract:"))


def _vendor(folder, *arguments, home=""):
    """Run a verb as the vendor does: another folder, an empty home, no network, nothing of the project."""
    return subprocess.run(
        [sys.executable, "-c", NO_NETWORK, *map(str, arguments)],
        cwd=folder,
        env={"HOME": str(home)} if home else {},
        capture_output=True,
        text=True,
        check=False,
    )


def _ledger_key(company):
    return company.json("keys", "list")["ledger"][0]["vkey"]


def test_the_vendor_comes_to_the_same_cent(company, bundle, tmp_path):
    """In a process of its own, without home, network or project, the bundle recomputes; one flipped byte is located.

    The bundle of an issued statement is kept, and given again byte for byte.
    """
    key = _ledger_key(company)
    done = _vendor(tmp_path, "recompute", bundle, "--key", key)
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    broken = _vendor(tmp_path, "recompute", bundle, "--key", key)

    assert done.returncode == 0, done.stderr
    assert "Both sides agree to the cent: total " in done.stdout
    assert "not remembered: you have no home folder" in done.stdout
    assert broken.returncode == 4
    assert "statement.bundle:" in broken.stderr
    assert "Traceback" not in broken.stderr

    ask = ("statement", _contract(company), company.story.period, "--now", company.now, "--output", tmp_path / "s.json")
    company.run(*ask, "--issue", "--bundle", tmp_path / "one.bundle")
    company.run(*ask, "--bundle", tmp_path / "two.bundle")
    assert (tmp_path / "one.bundle").read_bytes() == (tmp_path / "two.bundle").read_bytes()


def test_a_bundle_is_made_whole_or_not_at_all(company, bundle, tmp_path):
    """A file that exists, or a claim that does not, is told before anything is issued; a copy is its owner's alone.

    Recomputing a bundle of which nothing is opened does not claim that the two sides agree.
    """
    ask = ("statement", _contract(company), company.story.period, "--now", company.now, "--output", tmp_path / "s.json")
    taken = company.run(*ask, "--issue", "--bundle", bundle, check=False)
    nobody = company.run(*ask, "--issue", "--bundle", tmp_path / "b", "--private", "--open", "nobody", check=False)
    company.run(*ask, "--bundle", tmp_path / "private.bundle", "--private")
    company.run(*ask, "--issue", "--bundle", tmp_path / "one.bundle")
    done = _vendor(tmp_path, "recompute", tmp_path / "private.bundle", "--key", _ledger_key(company))

    assert (taken.returncode, nobody.returncode) == (2, 2)
    assert "it is not written over" in taken.stderr
    assert "no claim 'nobody'" in nobody.stderr
    assert (tmp_path / "one.bundle").stat().st_mode & 0o777 == 0o600
    assert done.returncode == 0, done.stderr
    assert "verdicts were taken as recorded" in done.stdout
    assert "Both sides agree" not in done.stdout


def test_a_bundle_of_the_past_is_refused(company, bundle, tmp_path):
    """As of an instant before the ledger's newest entry no bundle is written: it could not be recomputed."""
    early = company.run("statement", _contract(company), company.story.period, "--bundle", tmp_path / "early.bundle",
                        "--now", "2026-09-01T00:00:00Z", check=False)  # fmt: skip

    assert early.returncode == 2
    assert "the ledger was last written as of" in early.stderr
    assert not (tmp_path / "early.bundle").exists()


def test_unknown_keys_are_a_finding(small, tmp_path):
    """Without a key that the vendor knows the exit code is 1, and the figures are told all the same."""
    bundle = small.folder / "statement.bundle"
    unknown = _vendor(tmp_path, "recompute", bundle, "--json")
    allowed = _vendor(tmp_path, "recompute", bundle, "--allow-unknown")
    report = json.loads(unknown.stdout)

    assert (unknown.returncode, allowed.returncode) == (1, 0)
    assert report["agree"]
    assert "no signature is by a key that you know" in report["findings"][0]


def test_a_signature_is_added_once(small, tmp_path):
    """Countersigning adds one line and changes no other byte of the content; a second time changes nothing."""
    key, bundle = small.signer.verifier.vkey, small.folder / "statement.bundle"
    made = _vendor(tmp_path, "keys", "new", "vendor/statements", "--out", "vendor.key", "--json")
    before = bundle.read_bytes()
    signing = ("countersign", bundle, "--key", "vendor.key", "--known", key, "--as", "vendor")
    first = _vendor(tmp_path, *signing)
    signed = bundle.read_bytes()
    second = _vendor(tmp_path, *signing)
    report = json.loads(
        _vendor(tmp_path, "recompute", bundle, "--key", json.loads(made.stdout)["vkey"], "--json").stdout
    )

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "signed by vendor/statements" in first.stdout
    assert "nothing changed" in second.stdout
    assert bundle.read_bytes() == signed != before
    assert [one["known"] for one in report["signatures"]] == [False, True]
    assert report["findings"] == []


def test_an_older_ledger_than_seen_is_refused(small, tmp_path):
    """Once a newer checkpoint was seen, a bundle on an older one exits 4 and names both sizes."""
    key, home = small.signer.verifier.vkey, tmp_path / "home"
    home.mkdir()
    old = small.folder / "statement.bundle"
    assert _vendor(tmp_path, "recompute", old, "--key", key, home=home).returncode == 0
    newer = _vendor(tmp_path, "recompute", small.bundle("issued.bundle", issue=True), home=home)
    older = _vendor(tmp_path, "recompute", old, "--key", key, home=home)

    assert newer.returncode == 0, newer.stderr
    assert "grew from" in newer.stdout
    assert older.returncode == 4
    assert "was seen before" in older.stderr


def test_what_was_seen_vouches_for_nothing_that_it_was_not_compared_with(small, tmp_path):
    """A forger's ledger of the same name is not taken for the one seen before where the memory cannot be locked."""
    seen = tmp_path / "seen"
    first = _vendor(
        tmp_path, "recompute", small.folder / "statement.bundle", "--key", small.signer.verifier.vkey, "--seen", seen
    )
    forged = BundleProject(tmp_path / "forged")
    forged.verify()
    (seen / ".lock").unlink()
    (seen / ".lock").mkdir()
    done = _vendor(tmp_path, "recompute", forged.bundle(), "--seen", seen)
    forged.engine.dispose()

    assert first.returncode == 0, first.stderr
    assert done.returncode == 3, done.stdout
    assert "agree" not in done.stdout


def test_a_file_that_is_no_bundle_is_wrong_input(tmp_path):
    """A file of another kind, or none, exits 2 with a hint."""
    (tmp_path / "x.bundle").write_text("hello")

    for name in ("x.bundle", "missing.bundle"):
        done = _vendor(tmp_path, "recompute", name)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr

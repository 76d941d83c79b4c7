"""Bad input gives one clear message, the documented exit code, no traceback, and loses nothing."""

import time

import pytest

from tallystick.cli.project import open_project

HEADER = "claim_id,outcome,ref,claimed_at,amount,currency\n"


def _contract(company):
    with open_project(company.folder / "tallystick.yaml") as project:
        [name] = project.contracts
    return name


def _refused(done, code):
    """Check the exit code and that one message, and no traceback, was printed; give the message."""
    assert done.returncode == code, f"exit {done.returncode}: {done.stderr}{done.stdout}"
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
    return done.stderr


BAD_CONTRACTS = {
    "malformed": (("contract: ", "contract: ["), "contract.yaml:"),
    "unknown field": (("currency: EUR", "currency: EUR\ncurency: EUR"), "curency"),
    "wrong type": (("version: 1", "version: one"), "version"),
    "price of zero": (("percent: 12.5", "percent: 0"), "percent"),
    "negative price": (("percent: 12.5", "percent: -3"), "percent"),
    "cap below floor": (("floor: {monthly: 500.00}", "floor: {monthly: 99999999.00}"), "cap"),
    "unknown currency": (("currency: EUR", "currency: EUX"), "EUX"),
    "unknown zone": (("Europe/Berlin", "Europe/Berlim"), "Berlim"),
    "unknown template": (("dollars-collected", "dollars-colected"), "dollars-collected"),
    "unknown parameter": (("lookback_days", "lokback_days"), "lookback_days"),
    "unknown source": (("source: billing", "source: biling"), "billing"),
}


@pytest.mark.parametrize("case", sorted(BAD_CONTRACTS))
def test_bad_contract(company, case):
    """A bad contract is refused with file, line and column and exit 2."""
    (old, new), named = BAD_CONTRACTS[case]
    path = company.folder / "contracts/contract.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))

    message = _refused(company.run("verify", "--now", company.now, check=False), 2)

    assert "contract.yaml:" in message
    assert named in message


BAD_CLAIMS = {
    "missing column": ("claim_id,outcome\nA,recovered\n", "ref"),
    "duplicate id": (HEADER + "A,recovered,ch_1,,,\nA,recovered,ch_2,,,\n", "claims.csv:3"),
    "unknown outcome": (HEADER + "A,recoverd,ch_1,,,\n", "recovered"),
    "not a number": (HEADER + "A,recovered,ch_1,,12.x,EUR\n", "claims.csv:2"),
    "naive instant": (HEADER + "A,recovered,ch_1,2026-09-01T10:00:00,,\n", "claims.csv:2"),
    "empty": ("", "claims.csv"),
}


@pytest.mark.parametrize("case", sorted(BAD_CLAIMS))
def test_bad_claims(company, case):
    """A bad claim file is refused whole with line and column and exit 2, and nothing is taken in."""
    text, named = BAD_CLAIMS[case]
    (company.folder / "claims.csv").write_text(text)

    message = _refused(company.run("claims", "import", "claims.csv", "--contract", _contract(company), check=False), 2)

    assert named in message
    assert company.json("ledger", "fsck")["entries"] == 0


def test_claims_in_another_encoding(company):
    """A claim file that is not UTF-8 is refused naming the line of the byte."""
    (company.folder / "claims.csv").write_bytes(HEADER.encode() + "A,recovered,ch_ü,,,\n".encode("latin-1"))

    message = _refused(company.run("claims", "import", "claims.csv", "--contract", _contract(company), check=False), 2)

    assert "claims.csv:2" in message
    assert "UTF-8" in message


def test_a_changed_claim_is_refused(company):
    """A claim id submitted again with other content is refused, and the first content stays."""
    contract = _contract(company)
    for text, code in ((HEADER + "A,recovered,ch_1,,,\n", 0), (HEADER + "A,recovered,ch_2,,,\n", 2)):
        (company.folder / "claims.csv").write_text(text)
        done = company.run("claims", "import", "claims.csv", "--contract", contract, check=False)
        assert done.returncode == code

    assert "A" in _refused(done, 2)


def test_formula_cells_are_kept_and_neutralised(company):
    """A claim reference that a spreadsheet would run is decided like any other and harmless where CSV is written."""
    contract = _contract(company)
    (company.folder / "claims.csv").write_text(HEADER + '"=cmd|calc",recovered,"=HYPERLINK(1)",,,\n')
    company.run("claims", "import", "claims.csv", "--contract", contract, "--now", company.now)
    company.run("sync", "--now", company.now)
    company.run("verify", "--now", company.now)

    explained = company.json("explain", "=cmd|calc", "--now", company.now)
    assert explained["status"] in {"rejected", "pending"}


def test_a_secret_key_is_refused(company):
    """A key that can write is refused with an explanation that does not repeat it."""
    company.environment["STRIPE_KEY"] = "sk_live_abcdefghijklmnop"

    message = _refused(company.run("sync", "--now", company.now, check=False), 2)

    assert "sk_live_abcdefghijklmnop" not in message
    assert "restricted" in message


def test_a_missing_permission_is_named(company):
    """A key without a right makes the check fail with that right by name, sync exit 3, and nothing be verified."""
    company.environment["STRIPE_KEY"] = "rk_live_demo_no_disputes"

    checked = company.run("check", check=False)
    assert checked.returncode == 3
    assert "disputes" in checked.stdout
    assert company.run("sync", "--now", company.now, check=False).returncode == 3
    company.run("claims", "import", company.write_claims(), "--contract", _contract(company), "--now", company.now)
    [report] = company.json("verify", "--now", company.now)["contracts"]
    assert report["counts"]["verified"] == 0


def test_an_expired_key_is_named(company):
    """An expired key ends the sync with exit 3 and a message that says to replace it."""
    company.environment["STRIPE_KEY"] = "rk_live_expired"

    done = company.run("sync", "--now", company.now, check=False)

    assert done.returncode == 3
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "kind", ["200_html", "truncated", "500_html", "429", "429_retry_after", "reset", "unknown_enum", "new_field"]
)
def test_faults_that_pass_are_ridden_out(company, kind):
    """A fault that passes costs time and nothing else: the sync ends complete."""
    company.simulator.set_faults([{"path": "/v1/charges", "after": 1, "times": 2, "kind": kind, "seconds": 0}])

    report = company.json("sync", "--now", company.now)

    assert [source["errors"] for source in report["sources"]] == [[]]


def test_two_syncs_at_once(company):
    """A second sync while one runs leaves with exit 3 and says who holds the project; the first is not disturbed."""
    company.simulator.set_faults([{"path": "/v1/charges", "after": 0, "times": 1, "kind": "slow", "seconds": 8}])
    lock = company.folder / ".tallystick" / "lock"
    with company.start("sync", "--now", company.now) as first:
        deadline = time.monotonic() + 60
        while not (lock.exists() and lock.read_text()) and time.monotonic() < deadline:
            time.sleep(0.02)
        second = company.run("sync", "--now", company.now, check=False)

    assert "sync" in _refused(second, 3)
    assert first.returncode == 0


def test_a_database_of_a_newer_version(company):
    """A database written by a newer Tallystick is refused with exit 2 and left as it is."""
    import sqlite3

    company.run("sync", "--now", company.now)
    path = company.folder / ".tallystick/tallystick.db"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    assert "9999" in _refused(company.run("verify", check=False), 2)


def test_a_pdf_needs_a_file(company):
    """A PDF is never written to a terminal; with a file named it is written, and JSON asked for stays JSON."""
    statement = ["statement", _contract(company), company.story.period, "--now", company.now, "--format", "pdf"]
    path = company.folder / "statement.pdf"

    assert "--output statement.pdf" in _refused(company.run(*statement, check=False), 2)
    assert "is not a folder of fonts" in _refused(
        company.run(*statement, "--output", str(path), "--fonts", "gone", check=False), 2
    )
    assert not path.exists()
    assert company.run(*statement, "--output", str(path)).stdout == ""
    assert path.read_bytes().startswith(b"%PDF-")
    assert company.run(*statement, "--json").stdout.startswith("{")

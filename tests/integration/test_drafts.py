"""How contracts are named before signing, and what is said when there is none."""

import subprocess
import sys

import pytest

from tallystick.cli.drafts import (
    contract_file,
    find_contract,
    last_month,
    memory,
    months_between,
    opener,
    seen_in,
    variants_of,
)
from tallystick.cli.project import open_project
from tallystick.contracts import load_contract
from tallystick.database.engine import transaction
from tallystick.errors import ConfigurationError
from tallystick.period import parse_instant, parse_period
from tallystick.records.catalog import Progress
from tallystick.records.model import Record
from tallystick.verification.intake import register_contract

NOW = parse_instant("2026-10-05T08:00:00Z")
PROJECT = """\
project: drafts
sources:
  billing:
    connector: stripe
    base_url: http://127.0.0.1:9
    key: env:STRIPE_KEY
    start: 2026-03-01
    custom:
      invoice:
        placed_at: {path: metadata.placed_at, type: instant}
        placed_with: {path: metadata.placed_with, type: text}
contracts: [one.yaml]
"""
CONTRACT = """\
contract: acme
version: 1
buyer: Acme GmbH
vendor: {name: Recoverly}
timezone: Europe/Berlin
currency: EUR
term: {start: 2026-04-01}
outcomes:
  recovered: {source: billing, uses: dollars-collected, with: {agency: recoverly}, price: {percent: 10}}
"""


@pytest.fixture
def folder(tmp_path):
    """A project that was never synced, with a contract, and an offer that is no part of it."""
    (tmp_path / "tallystick.yaml").write_text(PROJECT)
    (tmp_path / "one.yaml").write_text(CONTRACT)
    (tmp_path / "offer.yaml").write_text(
        CONTRACT.replace("version: 1", "version: 2\neffective: 2026-11-01").replace("percent: 10", "percent: 9")
    )
    return tmp_path


@pytest.fixture
def project(folder):
    """The project, opened."""
    with open_project(folder / "tallystick.yaml") as opened:
        yield opened


def test_by_name_and_by_path(project, folder):
    """A name is that of a contract of the project, and a path any contract file."""
    assert contract_file(project, "acme") == folder / "one.yaml"
    assert find_contract(project, "acme").version == 1
    assert find_contract(project, str(folder / "offer.yaml")).version == 2
    with pytest.raises(ConfigurationError, match="neither a file nor a contract of this project; it has: acme"):
        find_contract(project, "acne")


def test_by_version(project, folder):
    """NAME@VERSION is the text that the ledger recorded when that version was used, whatever the file says now."""
    used = find_contract(project, "acme")
    with transaction(project.engine) as connection:
        register_contract(connection, project.log, used, NOW)
    (folder / "one.yaml").write_text((folder / "offer.yaml").read_text())

    assert find_contract(project, "acme").version == 2
    assert find_contract(project, "acme@1").sha256 == used.sha256
    assert find_contract(project, "acme@2").version == 2
    with pytest.raises(ConfigurationError, match="acme has no version 3; it has: 1, 2"):
        find_contract(project, "acme@3")


def test_what_connectors_remember(project):
    """How far back a source tells a record type is asked of its connector."""
    assert memory(project) == {"billing": {"change": 30}}


def test_variants_are_those_of_templates(project):
    """Outcomes that use a template have other forms, each with the account as it is."""
    [(name, variants)] = variants_of(project, find_contract(project, "acme")).items()

    assert name == "recovered"
    assert variants.values["agency"] == "recoverly"
    assert variants.with_setting("lookback_days", 90).predicate != variants.outcome.predicate
    assert variants.with_setting("lookback_days", 120).predicate == variants.outcome.predicate


def test_a_source_that_is_none(project, folder):
    """A contract that was agreed elsewhere and names no source of this project is refused before anything is read."""
    contract = load_contract(
        folder / "one.yaml", templates=project.host.templates, custom={"billing": project.custom["billing"]}
    )
    [outcome] = contract.outcomes.values()
    assert outcome.source == "billing"
    del project.sources["billing"]
    with (
        pytest.raises(ConfigurationError, match="recovered is decided in billing, which is no source"),
        opener(project, NOW)(outcome),
    ):
        pass


@pytest.mark.parametrize(
    ("now", "zone", "month"),
    [
        ("2026-10-05T08:00:00Z", "Europe/Berlin", "2026-09"),
        ("2026-09-30T22:00:00Z", "Europe/Berlin", "2026-09"),
        ("2026-09-30T21:59:59Z", "Europe/Berlin", "2026-08"),
        ("2026-01-15T08:00:00Z", "UTC", "2025-12"),
    ],
)
def test_the_last_month(now, zone, month):
    """The last month is the one that was over, in the contract's zone."""
    assert last_month(parse_instant(now), zone) == month


def test_months():
    """Both months that are named are included, and the last must not come first."""
    period = months_between("2026-08", "2026-10", "Europe/Berlin")
    assert period.start == parse_period("2026-08", "Europe/Berlin").start
    assert period.end == parse_period("2026-10", "Europe/Berlin").end
    assert months_between("2026-08", "2026-08", "UTC").label == "2026-08"
    with pytest.raises(ConfigurationError, match="2026-07 comes before 2026-08"):
        months_between("2026-08", "2026-07", "UTC")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["contract", "lint", "acme", "--ignore", "no-cup"], 2, "there is no lint rule 'no-cup'"),
        (["contract", "lint", "none.yaml"], 2, "none.yaml is neither a file nor a contract"),
        (["contract", "diff", "acme", "acme@7"], 2, "acme has no version 7"),
        (["backtest", "acme", "--from", "2026-13"], 2, "'2026-13' is not a period"),
        (["backtest", "acme", "--from", "2026-09", "--to", "2026-08"], 2, "comes before"),
    ],
)
def test_bad_input(folder, words, code, said):
    """What cannot be found or read is named, with exit code 2."""
    done = subprocess.run(
        [sys.executable, "-m", "tallystick", *words], cwd=folder, capture_output=True, text=True, check=False
    )

    assert (done.returncode, said in done.stderr) == (code, True)


def test_before_the_first_sync(folder):
    """Before anything was read a backtest has no units, and says that nothing was read."""
    done = subprocess.run(
        [sys.executable, "-m", "tallystick", "backtest", "acme", "--from", "2026-08", "--to", "2026-09"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "never read: what depends on it is not decided" in done.stdout
    assert "recovered: no records" in done.stdout


def test_who_stands_in_the_records(project):
    """Ids and roles of users, and whoever did something, are seen in any version; before a first read nobody is."""
    seen = seen_in(project)
    assert seen("billing", "ids", ["u1"]) is None
    assert seen("crm", "ids", ["u1"]) is None

    project.store.plan("billing", "all", ["actor", "change"], [(0, NOW, {})])
    options = {"connector": "stripe 1", "api_version": "1", "observed_at": NOW}
    change = (5, "deal", "d1", "Change", "stage", '"a"', '"b"', "u2", "app_7", None)
    records = [
        Record("actor", "u1", 1, (1, "person", "Ada", None, "SDR", True), b'{"role":"SDR"}'),
        Record("actor", "u1", 2, (1, "person", "Ada", None, "AE", True), b'{"role":"AE"}'),
        Record("change", "c1", 5, change, b"{}"),
    ]
    project.store.commit("billing", records, [Progress("all", 0, {"page": 2}, None)], **options)
    assert seen("billing", "ids", ["u1"]) is None
    project.store.commit("billing", [], [Progress("all", 0, None, NOW)], **options)

    assert set(seen("billing", "ids", ["u1", "u2", "app_7", "d1", "u9"])) == {"u1", "u2", "app_7"}
    assert set(seen("billing", "role_in", ["AE", "SDR", "ae"])) == {"AE", "SDR"}

    for segment in (project.folder / "records").rglob("*.parquet"):
        segment.unlink()
    assert seen("billing", "ids", ["u1"]) is None


def test_a_contract_is_looked_at_where_the_records_are_not(folder):
    """Without its database a project tells of nobody, and a contract that names ids can be looked at all the same."""
    (folder / "tallystick.yaml").write_text(f"{PROJECT}database: env:NOWHERE_TO_BE_FOUND\n")
    (folder / "one.yaml").write_text(CONTRACT.replace("Recoverly}", "Recoverly, identities: {billing: [app_7]}}"))
    done = subprocess.run(
        [sys.executable, "-m", "tallystick", "contract", "lint", "acme"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert "no-baseline" in done.stdout
    assert "nobody-known" not in done.stdout

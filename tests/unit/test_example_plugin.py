"""A third party's plugin as a real distribution: installed, found, and used by a project."""

import json

import pytest
from tests.installed import Installed

PLUGIN = "tests/plugins/tallystick-example"
NOW = "2026-05-01T00:00:00Z"
PROJECT = """\
project: acme
sources:
  calls: {connector: notebook, path: calls.jsonl}
contracts: [contract.yaml]
sinks:
  diary: {kind: diary, path: diary.txt}
"""
CLAIMS = """\
claim_id,outcome,ref,claimed_at
C-1,called_back,c1,2026-04-02T00:00:00Z
"""
CONTRACT = """\
contract: acme
version: 1
buyer: acme
vendor: {name: Callers, identities: {}}
timezone: UTC
currency: EUR
term: {start: 2026-01-01}
outcomes:
  called_back:
    source: calls
    uses: called-back
    with: {min_seconds: 60}
    price: {per_unit: 2.50}
billing: {cap: {monthly: 100.00, excess: forgiven}, rounding: half_up}
finality: {lock_days: 0, dispute_days: 10, on_silence: accept}
"""
CALLS = """\
{"id": "c1", "start": 1775000000, "end": 1775000090, "status": "connected"}
{"id": "c2", "start": 1775000000, "end": 1775000030, "status": "connected"}
{"id": "c3", "start": 1775000000, "end": 1775000090, "status": "busy"}
"""


@pytest.fixture(scope="module")
def example(tmp_path_factory, pytestconfig):
    """An environment with the example plugin installed."""
    environment = Installed(tmp_path_factory.mktemp("example") / "venv")
    environment.install(pytestconfig.rootpath / PLUGIN)
    return environment


def test_it_is_listed(example, tmp_path):
    """`connectors list` shows it with its version and all that it offers."""
    listed = json.loads(example.run("-m", "tallystick", "connectors", "list", "--json", cwd=tmp_path).stdout)
    [row] = [row for row in listed["plugins"] if row["plugin"] == "example"]

    assert (row["distribution"], row["version"], row["error"]) == ("tallystick-example", "1.2.3", None)
    assert row["connectors"] == ["notebook"]
    assert row["templates"] == ["called-back"]
    assert row["sinks"] == ["diary"]


def test_its_connector_syncs_and_its_template_decides(example, tmp_path):
    """Its template decides what its connector read, and its sink hears once of the call that lasted."""
    for name, text in {
        "tallystick.yaml": PROJECT,
        "contract.yaml": CONTRACT,
        "calls.jsonl": CALLS,
        "claims.csv": CLAIMS,
    }.items():
        (tmp_path / name).write_text(text)

    def tallystick(*arguments):
        return example.run("-m", "tallystick", *arguments, cwd=tmp_path).stdout

    assert json.loads(tallystick("check", "--json"))["sources"]["calls"][0]["status"] == "ok"
    tallystick("sync", "--now", NOW)
    tallystick("claims", "import", "claims.csv", "--contract", "acme", "--now", NOW)
    [report] = json.loads(tallystick("verify", "--now", NOW, "--json"))["contracts"]
    assert report["counts"]["verified"] == 1
    for _ in range(2):
        tallystick("sinks", "deliver", "--now", NOW)
    [line] = (tmp_path / "diary.txt").read_text().splitlines()
    assert line.split()[1:] == ["C-1", "verified", "1"]
    statement = json.loads(tallystick("statement", "acme", "2026-03", "--json", "--now", NOW))
    assert "2.50" in json.dumps(statement)


def test_without_it_the_project_says_what_is_missing(tmp_path, example):
    """Blocked, its connector is missed by name, with what to install."""
    (tmp_path / "tallystick.yaml").write_text(PROJECT)
    blocked = {"TALLYSTICK_BLOCK_PLUGINS": "example"}
    done = example.run("-m", "tallystick", "check", cwd=tmp_path, check=False, **blocked)

    assert done.returncode == 2
    assert "pip install tallystick-notebook" in done.stderr

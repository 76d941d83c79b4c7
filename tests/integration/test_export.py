"""Export and import of whole projects through the command line."""

import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.exports import Alone, contract_of, files_below, fill, same_files
from tests.fakes import postgres_url

from tallystick.cli.project import open_project
from tallystick.cli.transfer import project_files
from tallystick.errors import ConfigurationError
from tallystick.ledger import generate_key
from tallystick.records.catalog import evidence_digest
from tallystick.sync.lock import ProjectLock


def beside(company, folder, text=None):
    """Give the command line in another folder, with a project file if there is a text for it."""
    folder.mkdir()
    if text is not None:
        (folder / "tallystick.yaml").write_text(text)
    return type(company)(company.story, company.simulators, folder, company.environment)


def ending(company):
    """Give what two equal projects share: evidence, ledger, and the statement's bytes."""
    checked = company.json("ledger", "fsck")
    assert checked["fsck"] == "ok", checked
    statement = company.run("statement", contract_of(company), company.story.period, "--now", company.now).stdout
    with open_project(company.folder / "tallystick.yaml") as project:
        return evidence_digest(project.store), checked["entries"], checked["root"], statement


@pytest.mark.parametrize("which", ["company", "desk_company", "sales_company"])
def test_a_project_comes_back_whole(which, request, tmp_path):
    """An imported project has evidence, root and statement of the first one; sync and verify find nothing new."""
    company = request.getfixturevalue(which)
    fill(company)
    expected = ending(company)
    exported = company.json("export", tmp_path / "export")
    new = beside(company, tmp_path / "new")
    report = new.json("import", tmp_path / "export", "--key", company.folder / ".tallystick" / "ledger.key")

    assert ending(new) == expected
    assert (report["evidence"], report["entries"], report["root"]) == expected[:3]
    assert (exported["evidence"], exported["entries"], exported["root"]) == expected[:3]
    assert report["key"] == "placed"
    new.json("export", tmp_path / "again")
    assert same_files(tmp_path / "export", tmp_path / "again")
    assert {source["stored"] for source in new.json("sync", "--now", new.now)["sources"]} == {0}
    assert [contract["changed"] for contract in new.json("verify", "--now", new.now)["contracts"]] == [0]
    assert new.json("run", "--last") == company.json("run", "--last")
    assert new.json("run", "--now", new.now)["run"] == 2


@pytest.fixture
def project(exported, tmp_path):
    """A copy of a filled project, with the command line in it; its simulator is gone."""
    shutil.copytree(exported[0], tmp_path / "project")
    return Alone(tmp_path / "project")


def _everything(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_the_signing_key_stays_where_it_is(project, tmp_path):
    """No export holds the key; without it a new project can be read and checked, and nothing can be added."""
    key = project.folder / ".tallystick" / "ledger.key"
    told = project.run("export", "../export")
    secret = key.read_text().strip().split("+", 4)[4].encode()
    assert secret not in _everything(tmp_path / "export")
    assert "signing key" in told

    new = Alone(tmp_path / "new")
    new.folder.mkdir()
    told = new.run("import", "../export")
    assert "Until it lies at" in told
    assert json.loads(new.run("ledger", "fsck", "--json")) == json.loads(project.run("ledger", "fsck", "--json"))
    assert "ledger.key is missing" in new.run("verify", "--now", "2027-01-01T00:00:00Z", code=2)

    stranger = tmp_path / "stranger.key"
    generate_key(stranger, "tallystick/demo")
    shutil.copy(stranger, new.folder / ".tallystick" / "ledger.key")
    assert "not the key that signed" in new.run("verify", "--now", "2027-01-01T00:00:00Z", code=2)
    shutil.copy(key, new.folder / ".tallystick" / "ledger.key")
    new.run("verify", "--now", "2027-01-01T00:00:00Z")
    new.run("export", "../after")


def test_an_export_without_the_key_can_be_exported_again(project, tmp_path):
    """A project that was imported without its key exports to the same bytes."""
    project.run("export", "../export")
    new = Alone(tmp_path / "new")
    new.folder.mkdir()
    new.run("import", "../export")
    new.run("export", "../again")

    assert same_files(tmp_path / "export", tmp_path / "again")


def test_what_is_there_is_not_written_over(project, tmp_path):
    """An export into a folder with files, and an import into a project with rows, exit 2 and change nothing."""
    project.run("export", "../export")
    before = _everything(tmp_path / "export")
    assert "holds files already" in project.run("export", "../export", code=2)
    assert _everything(tmp_path / "export") == before

    held = json.loads(project.run("ledger", "fsck", "--json"))
    assert "is not empty" in project.run("import", "../export", code=2)
    assert json.loads(project.run("ledger", "fsck", "--json")) == held
    assert (project.folder / ".tallystick" / "ledger.key").exists()


def test_nothing_is_exported_while_somebody_writes(project, tmp_path):
    """While another process holds the project, an export exits 3, says which, and writes nothing."""
    with ProjectLock(project.folder / ".tallystick" / "lock", "sync"):
        assert "(tallystick sync)" in project.run("export", "../export", code=3)

    assert not (tmp_path / "export").exists()


def test_no_secret_slips_into_an_export(project, tmp_path):
    """A key written out in the project file is refused before anything is written, and is not repeated."""
    path = project.folder / "tallystick.yaml"
    path.write_text(path.read_text().replace("key: env:STRIPE_KEY", "key: rk_live_0123456789"))
    said = project.run("export", "../export", code=2)

    assert "tallystick.yaml:" in said
    assert "rk_live_0123456789" not in said
    assert not (tmp_path / "export").exists()


@pytest.mark.parametrize(
    "lines",
    [
        "database: postgresql://u:hunter2@127.0.0.1/nothing\n",
        "database:\n  postgresql://u:hunter2@127.0.0.1/nothing\n# the end\n",
        "folder: elsewhere-hunter2\ndatabase: 'postgresql://u@h/d?password=hunter2'\n",
    ],
)
def test_where_data_lies_is_left_out(project, lines):
    """Database and folder of this machine, and a password in the URL, are not in the exported project file."""
    before = (project.folder / "tallystick.yaml").read_text()
    project.add(lines)
    with open_project(project.folder / "tallystick.yaml") as opened:
        data = project_files(opened)["tallystick.yaml"].decode()

    assert data.removesuffix("# the end\n") == before


def test_settings_that_cannot_be_left_out_are_refused(project):
    """A project file on one line, from which the database cannot be cut, is refused and not exported with it."""
    path = project.folder / "tallystick.yaml"
    path.write_text("{project: demo, sources: {}, database: 'postgresql://u:hunter2@h/d'}\n")
    with open_project(path) as opened, pytest.raises(ConfigurationError, match="cannot be left out") as caught:
        project_files(opened)

    assert "hunter2" not in caught.value.diagnostics()


def test_a_contract_outside_the_folder_is_refused(project, tmp_path):
    """A contract file outside the project's folder is refused with its position: it would have no place elsewhere."""
    (project.folder / "contracts" / "contract.yaml").rename(tmp_path / "contract.yaml")
    path = project.folder / "tallystick.yaml"
    path.write_text(path.read_text().replace("contracts/contract.yaml", "../contract.yaml"))

    assert "outside the project's folder" in project.run("export", "../export", code=2)


def test_an_altered_project_is_not_exported(project, tmp_path):
    """An export of a segment or a ledger that was altered exits 4, and leaves nothing that looks like one."""
    segment = next((project.folder / ".tallystick" / "records").rglob("*.parquet"))
    data = segment.read_bytes()
    segment.write_bytes(data[:-1] + b"X")
    assert "was altered" in project.run("export", "../export", code=4)
    segment.write_bytes(data)
    with open_project(project.folder / "tallystick.yaml") as opened, opened.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER ledger_entry_no_update"))
        connection.execute(text("UPDATE ledger_entry SET data = x'7b7d' WHERE idx = 3"))
    assert "not signed for" in project.run("export", "../export", code=4)
    with open_project(project.folder / "tallystick.yaml") as opened, opened.engine.begin() as connection:
        connection.execute(text("UPDATE ledger_entry SET data = '{}' WHERE idx = 3"))
    assert "lacks entry 3" in project.run("export", "../export", code=4)

    assert not (tmp_path / "export").exists()


def test_the_project_file_that_is_there_stays(project, tmp_path):
    """An import into a folder with a project file of the same name keeps it, and puts the data where it says."""
    project.run("export", "../export")
    new = Alone(tmp_path / "new")
    new.folder.mkdir()
    own = (tmp_path / "export" / "project" / "tallystick.yaml").read_text() + "folder: here\ndatabase: mine.db\n"
    (new.folder / "tallystick.yaml").write_text(own)
    report = json.loads(new.run("import", "../export", "--json"))

    assert (new.folder / "tallystick.yaml").read_text() == own
    assert (new.folder / "mine.db").exists()
    assert (new.folder / "here" / "records").is_dir()
    assert not (new.folder / ".tallystick").exists()
    assert report["written"] == ["contracts/contract.yaml"]
    new.run("export", "../again")
    assert same_files(tmp_path / "export", tmp_path / "again")


def test_another_contract_at_its_place_is_refused(project, tmp_path):
    """An import does not write over a contract file with another text, and leaves the folder as it was."""
    project.run("export", "../export")
    new = Alone(tmp_path / "new")
    (new.folder / "contracts").mkdir(parents=True)
    (new.folder / "contracts" / "contract.yaml").write_text("mine")

    assert "another text" in new.run("import", "../export", code=2)
    assert files_below(new.folder) == ["contracts/contract.yaml"]


@pytest.mark.postgres
def test_into_postgresql_and_back(project, tmp_path):
    """A project whose database is PostgreSQL takes in an export and gives the same one back, with no URL in it."""
    project.run("export", "../export")
    new = Alone(tmp_path / "new")
    new.folder.mkdir()
    own = (tmp_path / "export" / "project" / "tallystick.yaml").read_text()
    with postgres_url() as url:
        with_password = url.replace("postgres@", "postgres:hunter2@")
        (new.folder / "tallystick.yaml").write_text(f"{own}database: {with_password}\n")
        new.run("import", "../export")
        assert json.loads(new.run("ledger", "fsck", "--json"))["fsck"] == "ok"
        new.run("export", "../again")
        assert "is not empty" in new.run("import", "../export", code=2)

    assert same_files(tmp_path / "export", tmp_path / "again")
    assert b"hunter2" not in _everything(tmp_path / "again")


def test_the_json_of_both_verbs(project, tmp_path):
    """The objects of `--json` have the documented keys, and agree with each other."""
    out = json.loads(project.run("export", "../export", "--json"))
    new = Alone(tmp_path / "new")
    new.folder.mkdir()
    back = json.loads(new.run("import", "../export", "--json"))

    page = (Path(__file__).parents[2] / "docs" / "export-format.md").read_text()
    for report in (out, back):
        assert {name for name in report if f"`{name}`" not in page} == set()
    shared = ("project", "entries", "root", "records", "evidence", "claims", "verifier")
    assert [out[name] for name in shared] == [back[name] for name in shared]
    assert back["key"] == "missing"
    assert not back["verifier_given"]
    assert [source["connector"] for source in back["sources"]] == ["stripe"]

"""Export and import of whole projects through the command line."""

import filecmp

import pytest

from tallystick.cli.project import open_project
from tallystick.records.catalog import evidence_digest


def contract_of(company):
    """Give the name of the project's contract."""
    return next(line.split(":")[1].strip() for line in company.story.contract.splitlines() if line[:9] == "contract:")


def fill(company):
    """Sync, take in claims and verify, in two rounds and a scheduled turn."""
    company.run("sync", "--now", company.now)
    company.run("claims", "import", company.write_claims(), "--contract", contract_of(company), "--now", company.now)
    company.run("verify", "--now", company.now)
    company.run("run", "--now", company.now)


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


def same_files(one, other):
    """Tell whether two folders hold the same files with the same bytes."""
    names = [{str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} for root in (one, other)]
    match, differ, failed = filecmp.cmpfiles(one, other, sorted(names[0]), shallow=False)
    return names[0] == names[1] and not differ and not failed and bool(match)


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

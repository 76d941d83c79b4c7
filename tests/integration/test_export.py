"""Export and import of whole projects through the command line."""

import pytest
from tests.exports import contract_of, fill, same_files

from tallystick.cli.project import open_project
from tallystick.records.catalog import evidence_digest


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

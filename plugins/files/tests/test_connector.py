"""The settings of the connector, its description, and what `check` says."""

import pytest
from pydantic import ValidationError

from tallystick.cli.project import open_project
from tallystick.errors import ConfigurationError
from tallystick.plugins import PluginHost
from tallystick_files.connector import FilesConfig

NAMED = "exported_at: {name: '%Y-%m-%d.csv', timezone: UTC}"
DESCRIPTION = """
streams:
  {name}:
    files: {files}
    holds: {holds}
    {more}
    records:
      - {{type: ticket, id: id, as_of: {as_of}, columns: {{created_at: at}}}}
"""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "a-b"}, "a stream is named by letters, digits and _"),
        ({"files": "'**/*.csv'"}, "the pattern names files in the source's folder"),
        ({"files": "../*.csv"}, "the pattern names files in the source's folder"),
        ({"files": "/etc/*.csv"}, "the pattern names files in the source's folder"),
        ({"files": "'*.xlsx'"}, "the pattern does not end like a known format"),
        ({"files": "'*.jsonl'", "more": "csv: {delimiter: ;}"}, "csv is for CSV files"),
        ({"more": "csv: {encoding: klingon}"}, "there is no such encoding"),
        ({"more": "csv: {delimiter: ab}"}, "at most 1 characters"),
        ({"holds": "everything"}, "'snapshot' or 'deltas'"),
        ({"holds": "snapshot"}, "a snapshot says in its name or in a manifest when it was made"),
        ({"holds": "snapshot", "more": NAMED}, "Write `as_of: $exported_at`."),
        ({"as_of": "$exported_at"}, "$exported_at is not known here"),
        ({"more": "exported_at: {nam: x}"}, "one of name, manifest and column is expected here"),
        ({"more": "exported_at: {name: x.csv}"}, "the pattern has no date in it"),
        ({"more": "exported_at: {name: '%y.csv', timezone: UTC}"}, "%y leaves the century open"),
        ({"more": "exported_at: {name: '%Y.csv'}"}, "no timezone is declared"),
        ({"more": "exported_at: {name: 'a/%Y.csv', timezone: UTC}"}, "the name of the file alone"),
        ({"more": "exported_at: {name: '%Y.csv', timezone: Europe/Berln}"}, "Did you mean Europe/Berlin?"),
        ({"more": "exported_at: {manifest: m.json, exported_at: at}"}, "it does not have the form"),
        ({"more": "exported_at: {column: at}"}, "lag_minutes is missing"),
        ({"more": "exported_at: {column: {constant: 5}, lag_minutes: 5}"}, "an instant is read from a path"),
        ({"more": "most_missing: 101"}, "it must be at most 100"),
        ({"more": "hold: x"}, "Did you mean holds?"),
    ],
)
def test_a_wrong_description_is_said_with_its_position(exports, changed, said):
    """File, line, column, and what to write instead."""
    given = {"name": "tickets", "files": "'*.csv'", "holds": "deltas", "more": "format: csv", "as_of": "at", **changed}
    if "files" in changed:
        given["more"] = changed.get("more", "most_missing: 20")
    exports.describe(DESCRIPTION.format(**given))
    with pytest.raises(ConfigurationError) as caught:
        exports.connector().streams()
    assert said in caught.value.diagnostics()
    assert "mapping.yaml:" in caught.value.diagnostics()


def test_a_description_that_is_not_there_is_a_wrong_setting(exports):
    """The path is said, as seen from the project file."""
    with pytest.raises(ConfigurationError, match=r"there is no file .*nowhere\.yaml"):
        exports.connector(mapping=str(exports.root / "nowhere.yaml")).streams()


@pytest.mark.parametrize("path", ["", "~/exports", "a\0b", "a\nb"])
def test_a_path_that_is_none_is_refused(path):
    """A path is printable, and the home folder is written out."""
    with pytest.raises(ValidationError):
        FilesConfig.model_validate({"folder": path, "mapping": "m.yaml", "start": "2026-01-01"})


def test_paths_are_seen_from_the_project_file():
    """Relative ones begin at its folder; absolute ones stay."""
    settings = {"folder": "exports", "mapping": "/etc/m.yaml", "start": "2026-01-01"}
    config = FilesConfig.model_validate(settings, context={"folder": "/srv/acme"})
    assert (config.folder, config.mapping) == ("/srv/acme/exports", "/etc/m.yaml")


def test_check_says_what_is_there_and_what_cannot_be_proved(exports):
    """One row each; what is not ok says what to do."""
    exports.tickets("2026-08-01", 1, 2)
    exports.tickets("2026-08-02", 3)
    rows = {row.name: row for row in exports.connector().check()}
    assert rows["mapping"].detail == "1 streams: tickets"
    assert rows["stream tickets"].detail == "2 files; of the newest, tickets-2026-08-02.csv, 1 rows were read"
    assert rows["stream tickets: completeness"].detail.startswith("complete up to 2026-08-02T00:00Z")
    assert rows["provenance"].status == "warning"
    assert "who acted on a ticket" in rows["provenance"].detail
    exports.write("tickets-2026-08-03.csv", "id")
    exports.describe(exports.description.replace("    exported_at: {name: tickets-%Y-%m-%d.csv, timezone: UTC}\n", ""))
    rows = {row.name: row for row in exports.connector().check()}
    assert rows["stream tickets: completeness"].status == "warning"
    assert all(row.action for row in rows.values() if row.status != "ok")


def test_check_says_what_stops_a_sync(exports):
    """No file, or a description that does not fit, is a failed row, and no exception."""
    assert [(row.name, row.status) for row in exports.connector().check()][1] == ("stream tickets", "failed")
    exports.describe("streams: {}")
    assert [(row.name, row.status) for row in exports.connector().check()] == [("mapping", "failed")]


def test_the_connector_is_offered():
    """By its entry point, under its name."""
    assert PluginHost().connector("files").name == "files"


def test_closing_stops_what_is_read(exports):
    """The next page is an error that says so."""
    exports.tickets("2026-08-01", *range(1, 10))
    connector = exports.connector()
    [stream] = connector.streams()
    pages = stream.read(stream.plan(None, 1_788_220_800_000_000)[0])
    next(pages)
    connector.close()
    connector.close()
    with pytest.raises(Exception, match="closed while it was read"):
        next(pages)


def test_a_project_elsewhere_is_read_from_its_own_folder(exports):
    """The command line may stand in any folder: paths are seen from the project file."""
    exports.tickets("2026-08-01", 1)
    exports.connector()
    project = exports.root / "tallystick.yaml"
    project.write_text(
        "project: acme\nsources:\n  s: {connector: files, folder: exports, mapping: mapping.yaml, start: 2026-01-01}\n",
        encoding="utf-8",
    )
    with open_project(project) as opened, opened.connector("s") as connector:
        assert [row.status for row in connector.check()][:2] == ["ok", "ok"]

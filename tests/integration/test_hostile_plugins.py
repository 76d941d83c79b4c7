"""A plugin that does something wrong stops its own source: named, with exit 3, nothing half-written, others read."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests import hostile_plugins
from tests.hostile_plugins import DECLARED, GOOD, IMPORTS, PLANS, READS, SECRET_VARIABLE, install, project_text
from typer.testing import CliRunner

from tallystick.cli.app import app
from tallystick.cli.project import open_project
from tallystick.errors import PluginError
from tallystick.period import parse_instant
from tallystick.records.catalog import fsck
from tallystick.records.scan import connect
from tallystick.sync.engine import sync_source

NOW = "2026-02-01T00:00:00Z"
LATER = "2026-02-02T00:00:00Z"
SECRET = "hsk_live_never_shown"
RELEASE = "tallystick-hostile 6.6.6"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to run in, with the hostile distribution on the module path."""
    modules = tmp_path / "modules"
    modules.mkdir()
    install(modules)
    monkeypatch.syspath_prepend(str(modules))
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)
    monkeypatch.chdir(tmp_path)
    hostile_plugins.HANGING.clear()
    yield tmp_path
    hostile_plugins.HANGING.set()


def _run(*arguments):
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert SECRET not in done.output
    return done.exit_code, json.loads(done.stdout), done.stderr


def _sync(folder, now=NOW, **wrongs):
    """Sync sources that do these wrongs, after which the store is sound; give exit code and reports by source."""
    (folder / "tallystick.yaml").write_text(project_text(**wrongs))
    code, report, _ = _run("sync", "--now", now)
    with open_project(folder / "tallystick.yaml") as project:
        assert fsck(project.store) == []
        known = {path.stem for path in project.store.folder.glob("*/*/*.parquet")}
        rows = project.engine.connect().exec_driver_sql("SELECT sha256 FROM segment").scalars()
        assert known <= set(rows)
    return code, {source["source"]: source for source in report["sources"]}


def _rows(folder, source):
    with open_project(folder / "tallystick.yaml") as project, connect(project.store, source) as database:
        return database.execute("SELECT * FROM refund_all ORDER BY seq").fetchall()


SAID = {
    "naive datetime": ("created_at: datetime 2026-01-01", "int of microseconds"),
    "float for money": ("amount: float 1.25", "a Decimal"),
    "float for an instant": ("created_at: float 1.0",),
    "bool for an integer": ("exponent: bool True",),
    "str subclass": ("status: _Text",),
    "integer over 64 bits": ("exponent: int 18446744073709551616", "64 bits"),
    "enormous integer": ("exponent: int of 19932 bits",),
    "decimal that is no number": ("amount: Decimal NaN",),
    "lone surrogate": ("status: str is not Unicode text",),
    "too few values": ("1 values where the type has 8",),
    "as_of over 64 bits": ("as_of", "1 and 9999"),
    "custom that is a list": ("custom: list is not dict",),
    "custom with a float": ("custom",),
    "raw that is text": ("raw: str is not bytes",),
    "raw that is not UTF-8": ("raw: the bytes are not UTF-8",),
    "raw that is not JSON": ("raw: the bytes are not JSON",),
    "raw nested without end": ("raw: the bytes are not JSON",),
    "empty id": ("column id",),
    "number as id": ("id: int is not str",),
    "huge id": ("column id", "500"),
    "id with a NUL": ("column id",),
    "unknown record type": ("unicorn", "`types`"),
    "records as a generator": ("a generator", "as a list"),
    "no page": ("dict is not a Page",),
    "read of nothing": ("read gave NoneType",),
    "watermark from the future": ("later than the end of this read", "never claim more"),
    "watermark that is a datetime": ("a datetime, which is no instant", "microseconds"),
    "watermark going back": ("a watermark goes backwards",),
    "cursor repeated": ("a cursor came twice",),
    "cursor going back": ("a cursor came twice",),
    "cursor growing for ever, pages empty": ("10,000 pages in a row brought nothing new",),
    "cursor growing for ever, page the same": ("10,000 pages in a row brought nothing new",),
    "cursor of megabytes": ("a cursor of 3,000,009 bytes",),
    "cursor that is no JSON": ("a cursor is no JSON object",),
    "cursor with a lone surrogate": ("a cursor is no JSON object",),
    "page of 500 MB": ("a page takes 500 MB; at most 128 MB", "smaller pages"),
    "page of a million records": ("a page takes",),
    "exit": ("SystemExit at hostile_plugins.py",),
    "interrupt": ("KeyboardInterrupt at hostile_plugins.py",),
    "secret in a strange error": ("KeyError at hostile_plugins.py",),
    "secret in an error of ours": (f"refused Bearer <env:{SECRET_VARIABLE}>",),
    "overlapping slices": ("without a gap or an overlap",),
    "unordered slices": ("oldest first",),
    "slice ending later": ("a slice ends later than the end of this read",),
    "slice of floats": ("a float, which is no instant",),
    "slices without end": ("more than 10,000 slices",),
    "plan that is None": ("plan gave NoneType",),
    "plan of tuples": ("a plan holds tuple",),
    "plan that raises": ("KeyError at hostile_plugins.py",),
    "plan that exits": ("SystemExit at hostile_plugins.py",),
    "unknown type declared": ("'unicorn'; there is no such type", "feed one or more of"),
    "types as a text": ("types is no tuple",),
    "stream with a slash": ("no usable name",),
    "stream without a name": ("no usable name",),
    "revision that is a number": ("revision is int",),
    "stream following itself": ("wait for each other",),
    "streams that raise": ("RuntimeError at hostile_plugins.py",),
    "stream twice": ("two streams are named refunds",),
    "raises when made": ("KeyError at hostile_plugins.py",),
    "calls that raise": ("RuntimeError at hostile_plugins.py",),
    "close that raises": ("OSError at hostile_plugins.py",),
}
"""Words of the error for each wrong that a sync meets."""

HARMLESS = {"good", "no page for ever", "prints"}
WHOLE = {"calls that raise", "close that raises"}
"""Wrongs after which everything was read."""


def test_every_wrong_is_tried():
    """Each wrong of the hostile plugin is met by a test here."""
    assert {*READS, *PLANS, *DECLARED} - HARMLESS <= set(SAID)


@pytest.mark.parametrize("wrong", sorted(SAID))
def test_wrong_stops_its_own_source(folder, wrong):
    """The wrong is named with source, stream and release, exits 3, keeps the pages before it, and stops no other."""
    code, reports = _sync(folder, bad=wrong, well="good")

    assert code == 3
    assert (reports["well"]["errors"], reports["well"]["stored"]) == ([], 3)
    [error] = reports["bad"]["errors"]
    for part in SAID[wrong]:
        assert part in error
    if wrong != "secret in an error of ours":
        assert RELEASE in error
    if wrong in READS or wrong in PLANS:
        assert error.startswith("refunds: ")
    kept = list(GOOD) if wrong in WHOLE or (wrong in READS and wrong != "read of nothing") else []
    assert [row[1] for row in _rows(folder, "bad")] == kept


@pytest.mark.parametrize("wrong", ["naive datetime", "raw that is not JSON", "huge id", "as_of over 64 bits"])
def test_nothing_of_a_bad_page_is_kept(folder, wrong):
    """Rows are the very same before and after a bad page, and the mended plugin goes on from there."""
    _sync(folder, bad="good")
    before = _rows(folder, "bad")

    code, _ = _sync(folder, bad=wrong, now=LATER)
    assert (code, _rows(folder, "bad")) == (3, before)

    code, reports = _sync(folder, bad="good", now=LATER)
    assert (code, reports["bad"]["streams"][0]["watermark"], _rows(folder, "bad")) == (0, LATER, before)


def test_run_goes_on_with_the_other_sources(folder):
    """A scheduled turn reads the good source beside a bad one, and its record names the wrong."""
    (folder / "tallystick.yaml").write_text(project_text(bad="float for money", well="good"))

    code, report, _ = _run("run", "--now", NOW)

    assert code == 3
    by_name = {source["source"]: source for source in report["sources"]}
    assert (by_name["well"]["errors"], by_name["well"]["stored"]) == ([], 3)
    assert RELEASE in by_name["bad"]["errors"][0]


def test_what_a_plugin_prints_is_not_the_answer(folder):
    """A plugin that prints does not spoil what a program reads."""
    (folder / "tallystick.yaml").write_text(project_text(bad="prints"))

    code, report, printed = _run("sync", "--now", NOW)

    assert (code, report["sources"][0]["stored"]) == (0, 3)
    assert "printed by a plugin" in printed


@pytest.mark.parametrize("wrong", ["check that raises", "check of something else", "check of an unknown state"])
def test_check_names_the_wrong(folder, wrong):
    """A check that fails to check is a failed row behind those before it, and the other source is checked."""
    (folder / "tallystick.yaml").write_text(project_text(bad=wrong, well="good"))

    code, report, _ = _run("check")

    assert code == 3
    assert [row["status"] for row in report["sources"]["well"]] == ["ok"]
    first, failed = report["sources"]["bad"]
    assert (first["status"], failed["status"]) == ("ok", "failed")
    assert RELEASE in failed["detail"]
    assert failed["action"]


@pytest.mark.parametrize("wrong", ["lookup of None", "lookup of dicts", "lookup of text"])
def test_lookup_of_something_else_is_refused(folder, wrong):
    """A look-up that gives no records is an error that names the plugin, before anything is made of it."""
    from tallystick.cli.reading import look_up
    from tallystick.errors import PermanentError

    (folder / "tallystick.yaml").write_text(project_text(bad=wrong, well="good"))
    with open_project(folder / "tallystick.yaml") as project:
        assert look_up(project, "well", "refund", "re_1")[1][0].id == "re_1"
        with pytest.raises(PermanentError, match=r"lookup gave .*tallystick-hostile 6\.6\.6"):
            look_up(project, "bad", "refund", "re_1")


def test_silent_slice_is_given_up(folder):
    """A slice that never gives a page again is given up; what came before is kept, and the run ends."""
    (folder / "tallystick.yaml").write_text(project_text(bad="no page for ever"))
    with open_project(folder / "tallystick.yaml") as project, project.connector("bad") as connector:
        now = parse_instant(NOW)
        report = sync_source(
            project.store, "bad", connector, until=now, observed_at=now, silence_seconds=0.05, threads=1
        )
        assert fsck(project.store) == []
    assert "no page came for" in str(report.errors[0])
    assert report.streams[0].stored == len(GOOD)


def _tallystick(folder, *arguments, modules="modules"):
    root = Path(__file__).parents[2]
    path = os.pathsep.join((str(folder / modules), str(root)))
    return subprocess.run(
        [sys.executable, "-m", "tallystick", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_thread_left_behind(folder):
    """A thread that a plugin leaves running is named, and does not keep the command from ending."""
    (folder / "tallystick.yaml").write_text(project_text(bad="thread left behind", well="good"))

    done = _tallystick(folder, "sync", "--now", NOW, "--json")

    assert done.returncode == 3
    [bad, well] = json.loads(done.stdout)["sources"]
    assert "left 1 of its threads running (hostile-thread)" in bad["errors"][0]
    assert (bad["stored"], well["errors"]) == (3, [])


@pytest.mark.parametrize("wrong", sorted(IMPORTS))
def test_plugin_that_cannot_be_loaded(folder, monkeypatch, wrong):
    """It is named with release and cause where a source needs it, with exit 2; other projects run as if it were not."""
    modules = folder / "more"
    modules.mkdir()
    name = f"broken_{sorted(IMPORTS).index(wrong)}"
    install(modules, module=name, name="broken", distribution="tallystick-broken", body=IMPORTS[wrong])
    monkeypatch.syspath_prepend(str(modules))

    text = project_text(well="good")
    (folder / "tallystick.yaml").write_text(text)
    assert _run("sync", "--now", NOW)[0] == 0

    (folder / "tallystick.yaml").write_text(f"{text}  bad: {{connector: broken}}\n")
    done = CliRunner().invoke(app, ["sync", "--now", NOW])
    assert isinstance(done.exception, PluginError)
    assert done.exception.exit_code == 2
    assert "broken (tallystick-broken 6.6.6): " in str(done.exception)

    [broken] = [row for row in _run("connectors", "list")[1]["plugins"] if row["plugin"] == "broken"]
    assert broken["error"]


def test_plugin_that_prints_when_imported(folder, monkeypatch):
    """What a plugin prints while it is imported goes to standard error."""
    modules = folder / "more"
    modules.mkdir()
    install(
        modules, module="chatty", name="chatty", distribution="tallystick-chatty", body="print('hello from chatty')"
    )
    monkeypatch.syspath_prepend(str(modules))

    _, report, printed = _run("connectors", "list")

    assert "chatty" in {row["plugin"] for row in report["plugins"]}
    assert "hello from chatty" in printed

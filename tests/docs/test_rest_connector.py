"""The page about described systems: its reference is written from the models, and its first description is run."""

import base64
import json
import re
import runpy
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from tallystick.cli.app import app as cli

PAGE = (Path(__file__).parents[2] / "docs" / "rest-connector.md").read_text(encoding="utf-8")
NOW = "2026-09-01T00:00:00Z"
KEY = "tidy_VerySecret_0123456789"


def _entry(number, at, what, who, **more):
    return {"n": number, "at": f"2026-08-03T{at}Z", "what": what, "who": who, **more}


def _ticket(key, *log, state="done"):
    log = [_entry(1, "09:00:00", "created", "c-1"), _entry(2, "09:00:01", "reply", "c-1", text="How?"), *log]
    return {"id": key, "opened": log[0]["at"], "changed": log[-1]["at"], "state": state, "requester": "c-1", "log": log}


ANSWERED = _entry(3, "09:01:00", "reply", "bot-7", text="Under Account, Address.")
DATA = {
    "people": [
        {"id": key, "joined": "2026-07-01T00:00:00Z", "name": key, "role": role}
        for key, role in (("bot-7", "bot"), ("a-1", "agent"), ("c-1", "end-user"))
    ],
    "tickets": [
        _ticket("1", ANSWERED, _entry(4, "09:05:00", "done", "bot-7")),
        _ticket(
            "2", ANSWERED, _entry(4, "09:06:00", "reply", "a-1", text="Or so."), _entry(5, "09:07:00", "done", "a-1")
        ),
        _ticket("3", ANSWERED, state="new"),
    ],
}


class _Tidydesk(BaseHTTPRequestHandler):
    """The help desk of the page."""

    def do_GET(self):
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        assert self.headers["Authorization"] == f"Bearer {KEY}"
        rows = DATA[path.split("/")[2]]
        body = {"data": rows}
        if path == "/v1/tickets":
            rows = sorted(rows, key=lambda row: row["changed"])
            rows = [row for row in rows if row["changed"] >= query["changed_since"][0]]
            start = int(base64.b64decode(query["after"][0])) if "after" in query else 0
            size = int(query["limit"][0])
            token = base64.b64encode(str(start + size).encode()).decode() if len(rows) > start + size else None
            body = {"data": rows[start : start + size], "next": token}
        elif path.count("/") == 3:
            body = next(row for row in rows if row["id"] == path.split("/")[3])
        content = json.dumps(body).encode()
        self.send_response_only(200)
        self.send_header("Date", formatdate(1_788_220_800, usegmt=True))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def folder(tmp_path):
    """A folder with the files of the page, and the help desk behind them."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Tidydesk)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, content in re.findall(r"<!-- file: (\S+) -->\n```yaml\n(.*?)```", PAGE, re.DOTALL):
        (tmp_path / name).write_text(content.replace("PORT", str(server.server_port)), encoding="utf-8")
    claims = [f"C-{number},resolved,{number},2026-08-20T00:00:00Z" for number in (1, 2, 3)]
    (tmp_path / "claims.csv").write_text("\n".join(["claim_id,outcome,ref,claimed_at", *claims]))
    yield tmp_path
    server.shutdown()
    server.server_close()


def _run(folder, *words):
    options = ["--json", "--project", str(folder / "tallystick.yaml")]
    later = [] if words[0] == "check" else ["--now", NOW]
    words = [str(folder / word) if word.endswith(".csv") else word for word in words]
    done = CliRunner().invoke(cli, [*words, *options, *later], env={"TIDYDESK_KEY": KEY})
    assert done.exit_code == 0, done.output
    assert KEY not in done.output
    return json.loads(done.stdout)


def test_the_first_description_decides_claims(folder):
    """Typed line by line, the first project is read page by page and decides as the page says."""
    (lines,) = re.findall(r"<!-- run -->\n```console\n(.*?)```", PAGE, re.DOTALL)
    for line in lines.splitlines():
        program, *words = line.split()
        assert program == "tallystick"
        _run(folder, *words)

    one, two, three = (_run(folder, "explain", f"C-{number}") for number in (1, 2, 3))

    assert one["status"] == "verified"
    assert two["status"] == "rejected"
    assert "no_human_reply" in {clause["clause"] for clause in two["clauses"] if clause["state"] == "false"}
    assert three["status"] == "pending"


def test_the_reference_is_written_from_the_models():
    """Every key of a description stands in the reference, with what the code says of it."""
    written = runpy.run_path(str(Path(__file__).with_name("rest_connector.py")))

    assert written["page"]() == PAGE

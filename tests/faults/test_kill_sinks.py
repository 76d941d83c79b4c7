"""kill -9 at any moment of a delivery loses no event, and what is sent twice has the same key."""

import csv
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.ledgers import at, payment
from tests.receiver import receiving
from tests.sinking import Sending, subscription

MADE, NOW = at("09-01"), at("09-10")
CLAIMS = 4
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def _start(folder, url):
    command = [sys.executable, str(Path(__file__).with_name("deliver_and_die.py")), str(folder), url, str(NOW)]
    return subprocess.Popen(command, env={**os.environ, "HOOK": SECRET})


def _office(folder):
    office = Sending(folder, subscription(), subscription("invoices", events=("locked", "corrected", "reversed")))
    office.claim(*(f"C{number},paid,p_{number},,," for number in range(CLAIMS)), now=MADE)
    office.turn(*(payment(f"p_{number}", MADE) for number in range(CLAIMS)), now=NOW)
    office.engine.dispose()
    return office


def test_killed_by_every_third_event(tmp_path):
    """A sender killed after an event arrived and before it knew sends it again with the same key, and the others."""
    office = _office(tmp_path)
    with receiving() as receiver:
        killed = Counter()

        def on_request(_path, headers, _body):
            seen = len({headers["webhook-id"] for _, headers, _ in receiver.got})
            if seen % 3 == 1 and not killed[headers["webhook-id"]]:
                killed[headers["webhook-id"]] += 1
                process.send_signal(signal.SIGKILL)
                process.wait()
                return None, {}
            return None

        receiver.on_request = on_request
        codes = []
        while not codes or codes[-1]:
            process = _start(tmp_path, receiver.origin)
            codes.append(process.wait())
            assert len(codes) < 10
        bodies = {}
        for _, headers, body in receiver.got:
            assert bodies.setdefault(headers["webhook-id"], body) == body

    assert codes == [-signal.SIGKILL] * 3 + [0]
    assert len(bodies) == 2 * CLAIMS
    times = Counter(headers["webhook-id"] for _, headers, _ in receiver.got)
    assert {key: times[key] for key in times if times[key] > 1} == dict.fromkeys(killed, 2)
    assert {row.state for row in office.rows()} == {"delivered"}


def test_rows_of_a_file_after_a_kill(tmp_path):
    """A row that was durable before its event was marked is not written twice."""
    office = _office(tmp_path)
    with receiving() as receiver:
        assert _start(tmp_path, receiver.origin).wait() == 0
    path = tmp_path / "invoices" / "acme-2026-09.csv"
    before = path.read_bytes()
    with office.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET state = 'waiting' WHERE sink = 'invoices'")
    office.engine.dispose()
    path.write_bytes(before[:-30])
    with receiving() as receiver:
        assert _start(tmp_path, receiver.origin).wait() == 0

    with path.open(newline="") as file:
        assert sorted(row["claim"] for row in csv.DictReader(file)) == [f"C{number}" for number in range(CLAIMS)]
    assert sorted(path.read_bytes().splitlines()) == sorted(before.splitlines())

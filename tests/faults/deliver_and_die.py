"""A delivery in a process of its own, for a test that kills it: `deliver_and_die.py FOLDER URL NOW`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tallystick.database.engine import open_database
from tallystick.ledger import Log
from tallystick.sinks.csv_file import CsvConfig, CsvSink
from tallystick.sinks.deliver import deliver
from tallystick.sinks.webhook import WebhookConfig, WebhookSink


def main():
    """Hand everything over to a webhook and to CSV files."""
    folder, url, now = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    made = {"root": folder, "clock": lambda: now}
    sinks = {
        "vendor": WebhookSink(WebhookConfig(url=url, secret="env:HOOK"), **made),
        "invoices": CsvSink(CsvConfig(folder="invoices"), **made),
    }
    engine = open_database(folder / "tallystick.db")
    reports = deliver(engine, Log(engine, "tallystick/test"), sinks, clock=made["clock"])
    assert not [error for report in reports for error in report.errors]


main()

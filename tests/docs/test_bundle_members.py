"""What the bundle format page says about the members is what the code writes."""

import hashlib
import hmac
import json
import re
from pathlib import Path

from tallystick.canonical import canonical
from tallystick.statements.bundle_format import EVIDENCE, MEMBERS, Lines, RowLine
from tallystick.statements.commitments import check_opened

PAGE = (Path(__file__).parents[2] / "docs" / "bundle-format.md").read_text(encoding="utf-8")
[ROW] = re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL)


def test_every_member_stands_in_the_table_in_its_order():
    """The table of members lists those that a bundle has, in the order in which they stand in the file."""
    table = PAGE.split("## Members")[1].split("### ")[0]

    assert tuple(re.findall(r"^\| `([a-z.]+)` \|", table, re.MULTILINE)) == MEMBERS


def test_the_private_row_by_hand():
    """Salts and commitments of the example follow from the secret by the three lines of the page."""
    row = json.loads(ROW)["row"]
    place = canonical([row["source"], row["type"], row["id"], row["version"]])
    key = hmac.digest(bytes(range(32)), place, "sha256")

    assert row["data"]["amount_captured"] == "100.0000"
    for name, value in row["data"].items():
        salt = hmac.digest(key, name.encode(), "sha256")
        assert row["salts"][name] == salt.hex()
        assert row["commitments"][name] == hashlib.sha256(salt + canonical([name, value])).hexdigest()


def test_the_private_row_by_the_reader():
    """The reader takes the line of the example as it is, and finds its columns to be those committed to."""
    line = Lines(RowLine, EVIDENCE).read(ROW.encode(), 1)

    check_opened(line.row, EVIDENCE)

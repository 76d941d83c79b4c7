"""What others wrote does not steer the terminal of who reads it."""

import pytest

from tallystick.cli.output import in_line, print_error, print_table, say, write_file
from tallystick.errors import InputError

SPOOF = "x\x1b[2K\x9b1A\u202e\rfine"


def test_no_line_steers_the_terminal(capsys):
    """Control characters and those that turn the order of a text are written out: in lines, tables and errors."""
    say(SPOOF)
    print_table("t", ["claim"], [[SPOOF]])
    print_error(InputError(SPOOF, hint=SPOOF, where=SPOOF), as_json=False)
    told = capsys.readouterr()

    assert told.out.count("\\u001b[2K\\u009b1A\\u202e\\u000dfine") == 2
    assert not {"\x1b", "\x9b", "\u202e", "\r"} & set(told.out + told.err)


def test_one_line_stays_one_line():
    """A text with line ends of its own passes for no other line; what is harmless is left as it is."""
    assert in_line("C1\nBoth sides agree") == "C1\\nBoth sides agree"
    assert in_line("Bücher, 北京\t€") == "Bücher, 北京\t€"


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    """What fails in the middle leaves the file that was there, and nothing beside it."""
    target = tmp_path / "statement.json"
    write_file(target, [b"one", b"two"])

    def broken():
        yield b"half"
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        write_file(target, broken())
    assert [path.name for path in tmp_path.iterdir()] == ["statement.json"]
    assert target.read_bytes() == b"onetwo"

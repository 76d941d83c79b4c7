"""The rows of a CSV file; every cell is a text, kept as it was read."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO

from tallystick.connectors.mapping import row_bytes
from tallystick_files.description import Csv
from tallystick_files.opening import LONGEST
from tallystick_files.rows import Row, unreadable

__all__ = ["csv_rows"]


_ENCODING = "Say which it is: csv: {encoding: cp1252}."


class _Lines:
    """The lines of a text with their ends as they are, none longer than a row may be."""

    def __init__(self, file: IO[bytes], name: str, encoding: str) -> None:
        self._text = io.TextIOWrapper(file, encoding=encoding, newline="")
        self._name = name
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._line():
            self.number += 1
            if len(line) > LONGEST:
                hint = "Is it a CSV file, with one row in each line?"
                raise unreadable(self._name, self.number, LONGEST, "a line of more than 16 million characters", hint)
            if (place := line.find("\0")) >= 0:
                hint = "The file is damaged, or of another encoding."
                raise unreadable(self._name, self.number, place + 1, "a NUL byte", hint)
            yield line

    def _line(self) -> str:
        try:
            return self._text.readline(LONGEST + 1)
        except UnicodeDecodeError as error:
            # The decoder reads ahead: the line is one of those that follow, and the text before it is good.
            ahead = error.object[: error.start]
            line = self.number + 1 + ahead.count(b"\n")
            column = error.start - ahead.rfind(b"\n")
            said = f"byte 0x{error.object[error.start]:02x} is not {error.encoding}"
            raise unreadable(self._name, line, column, said, _ENCODING) from None
        except UnicodeError:
            # Without a place: UTF-16 that does not begin with its byte order mark, for one.
            raise unreadable(self._name, self.number + 1, 1, f"this is not {self._text.encoding}", _ENCODING) from None

    def detach(self) -> None:
        """Leave the file open when the text is gone."""
        self._text.detach()


def csv_rows(file: IO[bytes], name: str, form: Csv) -> Iterator[Row]:
    """Give the rows of a CSV file below its header; empty lines are passed over, a byte order mark too.

    Raises:
        SchemaChanged: There is no header, a name stands in it twice, a row has another number of cells, a quote is not
            closed, or the encoding is another one; says where.
    """
    # The limit is one for the whole process; nothing else in it reads CSV files of strangers.
    csv.field_size_limit(LONGEST)
    lines = _Lines(file, name, "utf-8-sig" if form.encoding.lower() in {"utf-8", "utf8"} else form.encoding)
    reader = csv.reader(lines, delimiter=form.delimiter, quotechar=form.quote, strict=True)
    first = 1
    header: list[str] | None = None
    try:
        for cells in reader:
            if header is None:
                if cells:
                    header = _header(cells, name, first)
            elif cells:
                if len(cells) != len(header):
                    said = f"a row of {len(cells)} cells below a header of {len(header)}"
                    hint = "A cell with the delimiter or a newline in it stands in quotes."
                    raise unreadable(name, first, 1, said, hint)
                row = dict(zip(header, cells, strict=True))
                yield Row(row, row_bytes(row), first)
            first = lines.number + 1
    except csv.Error as error:
        hint = f"The row begins in line {first}: look for a quote in it that is not closed, or not doubled."
        raise unreadable(name, lines.number, 1, f"this is not CSV: {error}", hint) from None
    finally:
        lines.detach()
    if header is None:
        raise unreadable(name, 1, 1, "the file is empty: not even a header stands in it")


def _header(cells: Sequence[str], name: str, line: int) -> list[str]:
    twice = [cell for cell, count in Counter(cells).items() if count > 1]
    if twice:
        shown = ", ".join(repr(cell[:40]) for cell in twice[:5])
        hint = "Give each column a name of its own: which of them is meant could not be told."
        raise unreadable(name, line, 1, f"columns of the same name: {shown}", hint)
    return list(cells)

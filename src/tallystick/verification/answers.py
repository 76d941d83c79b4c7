"""Answers of people about the lines of a sample: checked together, recorded together or not at all."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import msgspec
from sqlalchemy import Engine

from tallystick.database.engine import transaction
from tallystick.errors import ConfigurationError, InputError, Position
from tallystick.ledger import Log, Signer
from tallystick.period import format_instant
from tallystick.verification.acts import append_acts, refuse_the_past
from tallystick.verification.claimfile import Form, Problems, Row, Stop, read_rows
from tallystick.verification.drawn import ANSWER, Answered, DrawnSample
from tallystick.verification.samples import read_month
from tallystick.verification.sampling import Answer
from tallystick.yamlfile import Problem, combine

__all__ = ["AnswerReport", "Given", "read_answers", "record_answers"]

_FORM = Form("An answer", ("subject", "answer", "by", "note"), ("subject", "answer"))
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST = {"by": 255, "note": 2000}


@dataclass(frozen=True)
class Given:
    """An answer as a person gives it; `subject` is a claim id or `claim:` and one, `where` its place in a file."""

    subject: str
    answer: str
    by: str
    note: str = ""
    where: Position | None = None


class AnswerReport(msgspec.Struct, frozen=True):
    """What recording did: answers recorded, answers that stood there already, and lines nobody has answered yet."""

    recorded: int
    known: int
    waiting: int


def record_answers(
    engine: Engine,
    log: Log,
    signer: Signer,
    contract: str,
    month: str,
    *,
    given: Sequence[Given],
    now: int,
    correct: bool = False,
) -> AnswerReport:
    """Record answers about lines that were drawn, all or none of them; the same answer again changes nothing.

    Args:
        engine: The project's database.
        log: The ledger.
        signer: Signs its checkpoint.
        contract: Name of the contract.
        month: Such as `2026-09`.
        given: The answers.
        now: Instant of recording, in microseconds UTC.
        correct: Let an answer take the place of another one on the same line, which it names; both stay in the ledger.

    Raises:
        ConfigurationError: No sample was drawn for the month, or `now` lies before the newest entry of the ledger.
        InputError: An answer is not about a line that was drawn, is none of the three, names nobody, or differs from
            the one that stands. Every one that is wrong is named.
    """
    refuse_the_past(log, now)
    with transaction(engine) as connection:
        samples = read_month(engine, log, contract, month)
        if not samples:
            raise ConfigurationError(
                f"no sample was drawn for {month} under {contract}",
                hint=f"Run `tallystick sample draw {contract} {month}` first.",
            )
        desk = _Desk(samples, format_instant(now), correct=correct)
        entries = [entry for answer in given if (entry := desk.take(answer)) is not None]
        if desk.problems:
            raise combine(desk.problems, InputError)
        if entries:
            append_acts(connection, log, contract, [{"contract": contract, **entry} for entry in entries])
            log.checkpoint(connection, signer)
    waiting = sum(sample.finding.waiting for sample in read_month(engine, log, contract, month))
    return AnswerReport(len(entries), len(given) - len(entries), waiting)


def read_answers(path: Path, *, by: str = "") -> list[Given]:
    """Read a file of answers: CSV with a header, or JSON Lines; columns `subject`, `answer` and maybe `by`, `note`.

    Args:
        path: The file.
        by: Who says so where the file does not tell.

    Raises:
        InputError: The file cannot be read: names file, line and column of what is wrong.
    """
    problems = Problems(str(path))
    rows: list[Row] = []
    try:
        with path.open("rb") as file, suppress(Stop):
            rows.extend(read_rows(file, problems, _FORM))
    except FileNotFoundError:
        raise InputError(f"there is no file {path}", hint="Check the name.", where=str(path)) from None
    except OSError as cause:
        raise InputError(f"the file cannot be read: {cause.strerror}", where=str(path)) from None
    if problems.kept:
        raise combine(problems.kept, InputError, total=problems.count)
    return [_given(str(path), row, by) for row in rows]


def _given(file: str, row: Row, by: str) -> Given:
    text = {name: value.strip() for name, value in row.values.items()}
    where = Position(file, *row.at("subject"))
    return Given(text["subject"], text["answer"], text.get("by") or by, text.get("note", ""), where)


class _Desk:
    """Checks answers one after the other against the samples of a month and what was said before."""

    def __init__(self, samples: Sequence[DrawnSample], at: str, *, correct: bool) -> None:
        self.problems: list[Problem] = []
        self._drawn = {subject: sample for sample in samples for subject in sample.entry.drawn}
        self._before = {subject: said for sample in samples for subject, said in sample.answers.items()}
        self._taken: dict[str, Given] = {}
        self._at = at
        self._correct = correct

    def take(self, given: Given) -> Mapping[str, Any] | None:
        """Give the entry to append; None if the answer stands there already, or if it is wrong, which is noted."""
        subject = given.subject if given.subject in self._drawn else f"claim:{given.subject}"
        wrong = self._wrong(given, subject)
        if wrong is not None:
            self.problems.append(Problem(given.where, *wrong))
            return None
        self._taken[subject] = given
        idx, before = self._before.get(subject, (None, None))
        if before is not None and _says(before) == (given.answer, given.by, given.note):
            return None
        sample = self._drawn[subject]
        return {
            "kind": ANSWER,
            "key": sample.entry.key,
            "at": self._at,
            "sample": sample.idx,
            "subject": subject,
            "answer": given.answer,
            "by": given.by,
            "note": given.note,
            "replaces": idx,
        }

    def _wrong(self, given: Given, subject: str) -> tuple[str, str] | None:
        """Give what is wrong with an answer, and what to do."""
        if subject not in self._drawn:
            near = difflib.get_close_matches(subject, self._drawn, n=1)
            hint = f"Did you mean {near[0].removeprefix('claim:')}?" if near else "`sample show` lists what was drawn."
            return f"{given.subject!r} is not in the sample", hint
        if (unfit := _unfit(given)) is not None:
            return unfit
        if subject in self._taken:
            return f"{given.subject!r} is answered twice", "Keep one of the answers."
        _, before = self._before.get(subject, (None, None))
        if before is None or self._correct or _says(before) == (given.answer, given.by, given.note):
            return None
        return (
            f"{given.subject!r} was found {before.answer} by {before.by} at {before.at}",
            "An answer is never changed; to record another one that takes its place, add --correct.",
        )


def _unfit(given: Given) -> tuple[str, str] | None:
    """Give what no answer may look like, whatever was drawn."""
    if given.answer not in get_args(Answer):
        return f"{given.answer!r} is no answer", f"Possible are: {', '.join(get_args(Answer))}."
    if not given.by.strip():
        return f"nobody is named who says so about {given.subject!r}", "Name the person with --by."
    for name, text in (("by", given.by), ("note", given.note)):
        if len(text) > _LONGEST[name]:
            return f"{name}: it has more than {_LONGEST[name]} characters", "Write one short line."
        if _CONTROL.search(text):
            return f"{name}: it holds a line end or another control character", "Write one line."
    return None


def _says(answered: Answered) -> tuple[str, str, str]:
    return answered.answer, answered.by, answered.note

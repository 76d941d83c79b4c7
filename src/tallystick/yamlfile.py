"""YAML files a person edits: read with the place of every value, checked against a model, every problem said at once.

The dialect is small on purpose. Scalars follow the YAML 1.2 core schema, so that `no` is a text; decimals become
`Decimal` and never a float; a date becomes a `date`; a number with a leading zero stays a text, because it is an
identifier. What makes a file mean something else than it shows is refused: duplicate keys, anchors, aliases, tags.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeAlias, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError

from tallystick.errors import ConfigurationError, Error, Position

__all__ = [
    "LARGEST_FILE",
    "Document",
    "FieldError",
    "KeyPath",
    "Problem",
    "combine",
    "load_yaml",
    "parse_yaml",
    "validate",
]

LARGEST_FILE = 1_000_000
"""Bytes a file may have."""

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands: keys of mappings and places in lists, from the outside in."""

Value: TypeAlias = "bool | int | Decimal | str | date | list[Value] | dict[str, Value] | None"
Model = TypeVar("Model", bound=BaseModel)

_DEEPEST = 24
_SHOWN = 20
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,40})", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,40})?\.[0-9]{1,40}|[-+]?(0|[1-9][0-9]{0,40})\.", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what, and what to write instead."""

    where: Position | str | None
    message: str
    hint: str = ""


class FieldError(ValueError):
    """What a model's validator raises about a field inside it.

    Args:
        message: What is wrong.
        hint: What to write instead.
        path: Where, as seen from the model or value that is being validated.
    """

    def __init__(self, message: str, *, hint: str = "", path: KeyPath = ()) -> None:
        super().__init__(message)
        self.hint = hint
        self.path = path


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands: its key, the value, and the first character of it if it is a text."""

    key: Position
    value: Position
    text: Position


@dataclass(frozen=True)
class Document:
    """The content of a file, or a part of it, with positions.

    `data` holds dicts with text keys, lists, texts, whole numbers, `Decimal`s, booleans, dates and None. `label` stands
    for a position where there is no file.
    """

    data: Any
    label: str
    _places: Mapping[KeyPath, _Place] = field(default_factory=dict, repr=False)
    _prefix: KeyPath = ()

    @classmethod
    def from_data(cls, data: Any, label: str) -> Document:
        """Give a document of `data` that no file holds, such as values from flags, by a `label` for messages."""
        return cls(data, label)

    def position(self, path: KeyPath = ()) -> Position | str:
        """Give where the value at a path stands, or what is nearest around it."""
        place = self._nearest(path)
        return place.value if place else self.label

    def key_position(self, path: KeyPath) -> Position | str:
        """Give where the key (or list item) at a path stands, or what is nearest around it."""
        place = self._places.get((*self._prefix, *path))
        return place.key if place else self.position(path)

    def text_position(self, path: KeyPath) -> Position | None:
        """Give where the first character of the text at a path stands, inside its quotes if it has any.

        What is nearest around it, if there is nothing at that path; None where there is no file.
        """
        place = self._nearest(path)
        return place.text if place else None

    def at(self, path: KeyPath) -> Document:
        """Give the part at a path as a document of its own.

        Raises:
            KeyError: There is nothing at that path.
        """
        data = self.data
        for step in path:
            data = data[step]
        return Document(data, self.label, self._places, (*self._prefix, *path))

    def without(self, *keys: str) -> Document:
        """Give the document without some of its outermost keys."""
        kept = {key: value for key, value in self.data.items() if key not in keys}
        return Document(kept, self.label, self._places, self._prefix)

    def _nearest(self, path: KeyPath) -> _Place | None:
        full = (*self._prefix, *path)
        candidates = (self._places.get(full[:length]) for length in range(len(full), -1, -1))
        return next((place for place in candidates if place), None)


def combine(problems: Sequence[Problem], error: type[Error], *, total: int = 0) -> Error:
    """Give one error that says the first 20 problems, in the order of the file, and how many more there are.

    Args:
        problems: At least one.
        error: Class of the error.
        total: How many there are, if not all of them were kept.
    """

    def place(problem: Problem) -> tuple[str, int, int]:
        where = problem.where
        return (where.file, where.line, where.column) if isinstance(where, Position) else (str(where or ""), 0, 0)

    ordered = sorted(dict.fromkeys(problems), key=place)
    first, *others = ordered[:_SHOWN]
    message, hint = first.message, first.hint
    for problem in others:
        message += f"\n  {hint}\n" if hint else "\n"
        message += f"{problem.where}: {problem.message}" if problem.where else problem.message
        hint = problem.hint
    if (more := max(total, len(ordered)) - _SHOWN) > 0:
        message += f"\n  {hint}" if hint else ""
        hint = f"And {more:,} more problem{'s' if more > 1 else ''}."
    return error(message, hint=hint, where=first.where)


def load_yaml(path: Path, *, error: type[Error] = ConfigurationError) -> Document:
    """Read a YAML file into plain values with the position of each.

    Args:
        path: A UTF-8 file with one mapping, at most `LARGEST_FILE` bytes.
        error: Class of the error to raise.

    Raises:
        Error: Of the class asked for, with a position: the file cannot be read, is not UTF-8, is not YAML, or uses
            what this dialect leaves out.
    """
    return parse_yaml(_read(path, error), str(path), error=error)


def parse_yaml(text: str, label: str, *, error: type[Error] = ConfigurationError) -> Document:
    """Read YAML that no file holds yet, as `load_yaml` reads a file.

    Args:
        text: One mapping.
        label: What stands for the file's name in positions.
        error: Class of the error to raise.

    Raises:
        Error: Of the class asked for, with a position: the text is not YAML, or uses what this dialect leaves out.
    """
    reader = _Reader(label, text, error)
    return Document(reader.read(), label, reader.places)


def validate(
    document: Document, model: type[Model], *, error: type[Error], context: Mapping[str, Any] | None = None
) -> Model:
    """Check a document against a model.

    Values never appear in the messages: a project file may hold what is nobody else's business.

    Args:
        document: The content.
        model: A pydantic model; its validators may raise `FieldError`.
        error: Class of the error to raise.
        context: What validators may need to know beside the document.

    Raises:
        Error: Of the class asked for; says every problem with its position and what to write instead.
    """
    try:
        return model.model_validate(document.data, context=None if context is None else dict(context))
    except ValidationError as invalid:
        found = invalid.errors(include_url=False, include_input=False)
        problems = [_problem(document, model, details) for details in found]
        raise combine(problems, error) from None


# --- reading


def _read(path: Path, error: type[Error]) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise error(f"there is no file {path}", hint="Check the name.", where=str(path)) from None
    except OSError as cause:
        raise error(f"the file cannot be read: {cause.strerror}", where=str(path)) from None
    if len(content) > LARGEST_FILE:
        raise error(f"the file has more than {LARGEST_FILE:,} bytes", where=str(path), hint="Is it the right file?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        before = content[: cause.start].decode("utf-8-sig", "replace")
        where = _position(str(path), before, len(before))
        raise error(
            f"byte 0x{content[cause.start]:02x} is not UTF-8", hint="Save the file as UTF-8.", where=where
        ) from None


def _position(file: str, text: str, offset: int) -> Position:
    before = text[:offset]
    return Position(file, before.count("\n") + 1, offset - before.rfind("\n"))


class _Reader:
    """Turns the events of the YAML parser into values, and keeps where each stood."""

    def __init__(self, file: str, text: str, error: type[Error]) -> None:
        self.file = file
        self.text = text
        self.error = error
        self.places: dict[KeyPath, _Place] = {}
        self._events: Iterator[Event] = iter(())

    def read(self) -> dict[str, Value]:
        yaml = YAML(typ="safe", pure=True)
        self._events = yaml.parse(self.text)
        try:
            return self._document()
        except ReaderError as cause:
            where = _position(self.file, self.text, cause.position)
            raise self.error(
                f"character U+{ord(self.text[cause.position]):04X} may not stand here", where=where
            ) from None
        except YAMLError as cause:
            mark = getattr(cause, "problem_mark", None) or getattr(cause, "context_mark", None)
            place = Position(self.file, mark.line + 1, mark.column + 1) if mark else self.file
            said = ", ".join(filter(None, (getattr(cause, part, None) for part in ("context", "problem"))))
            hint = "Look at this line and the one above it: a missing colon, quote, bracket or space."
            raise self.error(f"this is not YAML: {said}", hint=hint, where=place) from None

    def _document(self) -> dict[str, Value]:
        next(self._events)
        start = next(self._events)
        if isinstance(start, StreamEndEvent):
            raise self.error("the file is empty", where=Position(self.file, 1, 1))
        first = next(self._events)
        self.places[()] = self._place(first, first)
        data = self._value(first, ())
        if not isinstance(data, dict):
            raise self._refused(first, "something else than a mapping", "Write `name: value` lines.")
        next(self._events)
        if not isinstance(after := next(self._events), StreamEndEvent):
            raise self._refused(after, "a second document", "Keep one document in a file.")
        return data

    def _value(self, event: Event, path: KeyPath) -> Value:
        if len(path) > _DEEPEST:
            raise self._refused(event, "nesting this deep", "Nothing here needs it.")
        self._plain(event)
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._list(path)
        return self._scalar(cast("ScalarEvent", event))

    def _plain(self, event: Event) -> None:
        if isinstance(event, AliasEvent):
            raise self._refused(event, "an alias", "Write the value out where it is used.")
        if isinstance(event, NodeEvent) and event.anchor:
            raise self._refused(event, "an anchor", "Write the value out where it is used.")
        if tag := getattr(event, "tag", None):
            raise self._refused(event, f"the tag {tag}", "Write the plain value, in quotes if it is a text.")

    def _mapping(self, path: KeyPath) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while not isinstance(key := next(self._events), MappingEndEvent):
            self._plain(key)
            if not isinstance(key, ScalarEvent):
                raise self._refused(key, "a key that is not a plain name", "Write `name: value`.")
            name = str(key.value)
            if name in found:
                before = self.places[(*path, name)].key
                what = f"{name} is set twice, here and in line {before.line}"
                raise self.error(what, hint="Keep one of them.", where=self._at(key))
            value = next(self._events)
            self.places[(*path, name)] = self._place(key, value)
            found[name] = self._value(value, (*path, name))
        return found

    def _list(self, path: KeyPath) -> list[Value]:
        found: list[Value] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            step = (*path, len(found))
            self.places[step] = self._place(event, event)
            found.append(self._value(event, step))
        return found

    def _scalar(self, event: ScalarEvent) -> Value:
        text = str(event.value)
        if event.style is not None:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        if _DECIMAL.fullmatch(text):
            return Decimal(text)
        if _FLOAT.fullmatch(text):
            raise self._refused(event, f"the number {text}", "Write it out, such as 0.0125, or in quotes as a text.")
        if _DATE.fullmatch(text):
            try:
                return date.fromisoformat(text)
            except ValueError:
                raise self.error(f"there is no day {text}", where=self._at(event)) from None
        return text

    def _at(self, event: Event) -> Position:
        return Position(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _place(self, key: Event, value: Event) -> _Place:
        at = self._at(value)
        text = at
        style = value.style if isinstance(value, ScalarEvent) else None
        if style in ("'", '"'):
            text = Position(self.file, at.line, at.column + 1)
        elif style in ("|", ">"):
            lines = self.text.split("\n")[at.line :]
            skipped = next((index for index, line in enumerate(lines) if line.strip()), 0)
            line = lines[skipped] if lines else ""
            text = Position(self.file, at.line + 1 + skipped, len(line) - len(line.lstrip(" ")) + 1)
        return _Place(self._at(key), at, text)

    def _refused(self, event: Event, what: str, hint: str) -> Error:
        return self.error(f"{what} is not possible in this file", hint=hint, where=self._at(event))


# --- saying what a model found wrong


def _problem(document: Document, model: type[BaseModel], details: Any) -> Problem:
    kind: str = details["type"]
    context: Mapping[str, Any] = details.get("ctx", {})
    path = _known_part(document.data, details["loc"])
    where = document.key_position(path) if details["loc"][-1:] == ("[key]",) else document.position(path)
    cause = context.get("error")
    if isinstance(cause, FieldError):
        if cause.path:
            path = (*path, *cause.path)
            where = document.position(path)
        return Problem(where, _named(path, str(cause)), cause.hint)
    if kind == "missing":
        name = str(details["loc"][-1])
        return Problem(where, _named(path, f"{name} is missing"), f"Add `{name}:`.")
    if kind == "extra_forbidden":
        fields = _fields(model, path[:-1])
        close = difflib.get_close_matches(str(path[-1]), fields, n=1, cutoff=0.5)
        hint = f"Did you mean {close[0]}?" if close else f"Possible here: {', '.join(sorted(fields))}."
        return Problem(document.key_position(path), f"unknown field {'.'.join(map(str, path))}", hint)
    message, hint = _say(kind, context, str(cause or details["msg"]))
    return Problem(where, _named(path, message), hint)


def _say(kind: str, context: Mapping[str, Any], fallback: str) -> tuple[str, str]:
    """Give message and hint for an error type of pydantic."""
    if kind == "literal_error":
        return f"one of {context['expected']} is expected here", ""
    if kind in _SAYINGS:
        message, hint = _SAYINGS[kind]
        return message.format(**context), hint
    return fallback, ""


_WHOLE = ("a whole number is expected here", "Write it without quotes and without decimals.")
_NUMBER = ("a number is expected here", "Write it with a point, without quotes, as 1200.50.")
_MAPPING = ("a mapping is expected here", "Write `{name: value}`, or `name: value` lines below it, indented.")
_SAYINGS: Mapping[str, tuple[str, str]] = {
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "is_instance_of": _NUMBER,
    "string_type": ("a text is expected here", "Put it in quotes if it looks like a number or a date."),
    "bool_type": ("true or false is expected here", ""),
    "bool_parsing": ("true or false is expected here", ""),
    "date_type": ("a day is expected here", "Write it without quotes, as 2026-09-01."),
    "date_from_datetime_parsing": ("a day is expected here", "Write it without quotes, as 2026-09-01."),
    "list_type": ("a list is expected here", "Write `[first, second]`."),
    "tuple_type": ("a list is expected here", "Write `[first, second]`."),
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "greater_than": ("it must be more than {gt}", ""),
    "greater_than_equal": ("it must be at least {ge}", ""),
    "less_than": ("it must be less than {lt}", ""),
    "less_than_equal": ("it must be at most {le}", ""),
    "string_too_short": ("it must not be empty", ""),
    "string_too_long": ("it must have at most {max_length} characters", ""),
    "string_pattern_mismatch": ("it does not have the form {pattern}", ""),
    "too_short": ("at least one is needed", ""),
    "union_tag_invalid": ("one of {expected_tags} is expected as {discriminator}", ""),
    "union_tag_not_found": ("{discriminator} is missing", "Say first of which kind it is."),
}


def _named(path: KeyPath, message: str) -> str:
    return f"{'.'.join(map(str, path))}: {message}" if path else message


def _known_part(data: Any, location: Sequence[str | int]) -> KeyPath:
    """Keep the steps of a pydantic location that are in the data: it also names what was tried in a union."""
    path: list[str | int] = []
    for step in location:
        if isinstance(data, dict) and step in data:
            data = data[str(step)]
        elif isinstance(data, list) and isinstance(step, int):
            data = data[step]
        else:
            continue
        path.append(step)
    return tuple(path)


def _fields(annotation: Any, path: Sequence[str | int]) -> set[str]:
    """Give the names of the fields of the model, or models, that stand at a path."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _fields(get_args(annotation)[0], path)
    if origin in (Union, UnionType):
        return set().union(*(_fields(part, path) for part in get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        known = {info.alias or name: info.annotation for name, info in annotation.model_fields.items()}
        if not path:
            return set(known)
        return _fields(known.get(str(path[0])), path[1:])
    arguments = get_args(annotation)
    return _fields(arguments[-1], path[1:]) if arguments and path else set()

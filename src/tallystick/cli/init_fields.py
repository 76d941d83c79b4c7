"""What `tallystick init` asks for a source: derived from its connector's config model, never from a list of systems."""

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from tallystick.connectors import Connector, ConnectorConfig, SecretRef
from tallystick.yamlfile import parse_yaml

__all__ = [
    "Setting",
    "as_yaml",
    "described",
    "others_of",
    "problem_with",
    "settings_of",
    "trouble_with_reference",
]

_PLAIN = re.compile(r"[A-Za-z0-9/+_-](?:[A-Za-z0-9_.:/@+%=~?&,-]*[A-Za-z0-9_./@+%=~?&-])?", re.ASCII)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting to ask for: its name, what it is, what stands there unless something else is said.

    One that is not `required`, and has no usual value either, can be left out.
    """

    name: str
    about: str
    default: str | None
    secret: bool
    required: bool


def settings_of(kind: type[Connector], given: Mapping[str, str | None]) -> Iterator[Setting]:
    """Give what to ask for a source of a connector: what it needs, what its starter shows, and where its secrets are.

    Args:
        kind: The connector.
        given: Values that are known and stand in place of a default, such as the first day; None: left out before.
    """
    # A starter may be nothing but comments, which alone are no mapping.
    starter = parse_yaml(f"connector: {kind.name}\n{kind.starter}", kind.name).data
    shown = {name: str(value) for name, value in starter.items() if isinstance(value, str)}
    fields = kind.config_model.model_fields
    # Where a connector knows several ways to sign in, its starter shows the usual one.
    usual = any(_is_secret(field) and (name in shown or field.is_required()) for name, field in fields.items())
    about = described(kind.config_model)
    for name, field in fields.items():
        secret = _is_secret(field)
        wanted = field.is_required() and name not in starter
        if not (wanted or name in shown or name == "base_url" or (secret and not usual)):
            continue
        default = given[name] if name in given else shown.get(name) or _usual(field)
        if default is None and secret and field.is_required():
            default = f"env:{kind.name.upper()}_{name.upper()}"
        yield Setting(
            name, about.get(name, ""), default, secret, required=field.is_required() or field.default is not None
        )


def others_of(kind: type[Connector], asked: Collection[str]) -> Iterator[Setting]:
    """Give what may stand in place of a setting that was left out: all that is optional and has no usual value.

    Args:
        kind: The connector.
        asked: Settings that were asked for already.
    """
    about = described(kind.config_model)
    for name, field in kind.config_model.model_fields.items():
        alone = not set(_kinds(field.annotation)) & {list, dict, tuple}
        if name not in asked and not field.is_required() and field.default is None and alone:
            yield Setting(name, about.get(name, ""), None, _is_secret(field), required=False)


def described(model: type[BaseModel]) -> dict[str, str]:
    """Give what each field of a model is: its description, or what the `Attributes` of the docstrings say."""
    said: dict[str, str] = {}
    for part in reversed(model.__mro__):
        attributes = inspect.cleandoc(part.__doc__ or "").partition("Attributes:\n")[2]
        for entry in re.split(r"\n(?=    \w)", attributes.partition("\n\n")[0]):
            name, sign, text = entry.strip().partition(":")
            if sign and name.isidentifier():
                said[name] = " ".join(text.split())
    own = {name: field.description for name, field in model.model_fields.items() if field.description}
    return {**said, **own}


def as_yaml(model: type[ConnectorConfig], name: str, text: str) -> str:
    """Give what stands for an answer in the file: as typed, or in quotes where YAML would read something else."""
    field = model.model_fields.get(name)
    kinds = set(_kinds(field.annotation)) if field is not None else {str}
    if kinds & {list, dict, tuple} or any(issubclass(kind, BaseModel) for kind in kinds):
        return text
    if _PLAIN.fullmatch(text) and (str not in kinds or isinstance(parse_yaml(f"it: {text}", "").data["it"], str)):
        return text
    return json.dumps(text, ensure_ascii=False)


def problem_with(model: type[ConnectorConfig], name: str, text: str) -> str | None:
    """Give what a model says against one answer, None when it is content; other fields are not looked at."""
    data = parse_yaml(f"{name}: {as_yaml(model, name, text)}", name).data
    try:
        model.model_validate(data)
    except ValidationError as invalid:
        for details in invalid.errors(include_url=False, include_input=False):
            if details["loc"][:1] == (name,):
                return details["msg"].removeprefix("Value error, ")
    return None


def trouble_with_reference(text: str) -> str | None:
    """Give why a text is not taken as a reference to a secret, without repeating it; None when it is one.

    A key may look like the name of a variable, so one that is not set has to be written as such names are.
    """
    try:
        SecretRef(text)
    except ValueError as refused:
        return str(refused)
    scheme, _, place = text.partition(":")
    if scheme == "env" and place not in os.environ and not _VARIABLE.fullmatch(place):
        return "no variable of that name is set, and it does not look like one: NAME has capitals, digits and _ only"
    return None


def _is_secret(field: FieldInfo) -> bool:
    return SecretRef in _kinds(field.annotation)


def _usual(field: FieldInfo) -> str | None:
    return None if field.is_required() or field.default is None else str(field.default)


def _kinds(annotation: Any) -> Iterator[type]:
    """Give the classes that a value of a field may be of."""
    origin = get_origin(annotation)
    if origin in {Union, UnionType}:
        for part in get_args(annotation):
            yield from _kinds(part)
    elif origin is Annotated:
        yield from _kinds(get_args(annotation)[0])
    elif isinstance(annotation, type):
        yield annotation
    else:
        # A literal is one of some texts; what is left are lists and mappings of something.
        yield origin if isinstance(origin, type) else str

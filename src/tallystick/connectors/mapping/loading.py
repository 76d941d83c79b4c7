"""Reading a mapping file, and the paths in a source's settings that lead to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, ValidationInfo

from tallystick.connectors.mapping.tables import NamedTables
from tallystick.errors import ConfigurationError
from tallystick.yamlfile import Document, FieldError, combine, load_yaml, validate

__all__ = ["ProjectPath", "load_described"]

Model = TypeVar("Model", bound=BaseModel)


def _in_project(value: str, info: ValidationInfo) -> str:
    if not value or not value.isprintable():
        raise FieldError("this is no path")
    if value.startswith("~"):
        raise FieldError("~ is not followed", hint="Write the path out, or relative to the project file.")
    folder = info.context.get("folder") if isinstance(info.context, dict) else None
    return str(Path(folder) / value) if folder is not None else value


ProjectPath: TypeAlias = Annotated[str, AfterValidator(_in_project)]
"""A path in a source's settings: absolute, or relative to the folder of the project file."""


def load_described(path: str, model: type[Model]) -> tuple[Document, Model]:
    """Read a YAML file and check it against a model with mappings in it.

    Args:
        path: As a `ProjectPath` gives it.
        model: Has fields of `RecordMapping`, and `values` of type `Tables` if columns may share tables; its own
            validators may raise `FieldError`.

    Returns:
        The document, for positions, and the model.

    Raises:
        ConfigurationError: The file cannot be read, or does not fit; says every problem with file, line and column.
    """
    document = load_yaml(Path(path))
    tables = NamedTables(document)
    found = validate(document, model, error=ConfigurationError, context={"tables": tables})
    if unused := tables.unused():
        raise combine(unused, ConfigurationError)
    return document, found

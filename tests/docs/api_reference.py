"""Writes docs/api-reference.md from the code: `python tests/docs/api_reference.py`."""

import ast
import importlib
import inspect
import itertools
import re
from pathlib import Path

import msgspec
from pydantic import BaseModel

from tallystick.records.types import RECORD_TYPES

PAGE = Path(__file__).parents[2] / "docs" / "api-reference.md"

MODULES = (
    "tallystick.connectors",
    "tallystick.connectors.mapping",
    "tallystick.connectors.says",
    "tallystick.records.model",
    "tallystick.records.types",
    "tallystick.errors",
    "tallystick.hookspecs",
    "tallystick.sinks",
    "tallystick.testing.kit",
    "tallystick.testing.steering",
    "tallystick.testing.faultplan",
    "tallystick.testing.serving",
    "tallystick.testing.prerendered",
    "tallystick.testing.instants",
)
"""What a plugin's author imports; the last five are for simulators."""

_HEAD = """\
# API reference

What the author of a plugin imports: connectors, records, errors, hooks, the conformance kit, and the shell of
simulators. Everything else may change without notice. This page is written from the code
(`python tests/docs/api_reference.py`), and a test holds it to the code. How it all fits together is told in
[Writing a connector](writing-a-connector.md) and [Hooks](hooks.md).
"""


class Entry:
    """Something with a heading of its own: its qualified name, its signature and its docstring."""

    def __init__(self, name, thing, signature, doc):
        self.name = name
        self.thing = thing
        self.signature = signature
        self.doc = doc


def entries(module_name):
    """Give the entries of a module: its public names in order, and behind each class its public methods."""
    module = importlib.import_module(module_name)
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isclass(thing):
            made = vars(thing).get("__init__")
            docs = [thing.__doc__, made.__doc__ if inspect.isfunction(made) else None]
            doc = "\n\n".join(inspect.cleandoc(doc) for doc in docs if doc)
            yield Entry(name, thing, f"class {name}{_bases(thing)}", doc)
            yield from _members(name, thing)
        elif inspect.isfunction(inspect.unwrap(thing)):
            yield Entry(name, inspect.unwrap(thing), f"{name}{_signature(thing)}", inspect.getdoc(thing) or "")
        else:
            yield Entry(name, thing, name, _beside(module, name))


def page():
    """Give the page as text."""
    parts = [_HEAD]
    seen, elsewhere = {}, {}
    for module_name in MODULES:
        first_line = importlib.import_module(module_name).__doc__.partition("\n")[0]
        parts.append(f"\n## {module_name}\n\n{first_line}\n")
        for entry in entries(module_name):
            inner = "." in entry.name
            owner = (module_name, entry.name.partition(".")[0])
            told = elsewhere.get(owner) if inner else seen.setdefault(id(entry.thing), module_name)
            if told not in {None, module_name}:
                elsewhere[owner] = told
                parts += [] if inner else [f"\n### {entry.name}\n\nAs in `{told}`.\n"]
                continue
            level = "####" if inner else "###"
            parts.append(f"\n{level} {entry.name}\n\n```text\n{entry.signature}\n```\n\n{_text(entry.doc)}\n")
    return "".join((*parts, *_record_types()))


def _record_types():
    """Give the columns of each record type that a stream may feed."""
    yield "\n## Record types\n\nThe values of a record stand in the order of these columns; what a system does not\n"
    yield "tell is None. Of a frozen type the first version counts. A claim may name a record by its id or an alias.\n"
    for kind in RECORD_TYPES.values():
        if kind.of:
            continue
        told = [f"It occurred at `{kind.occurred}`."]
        told += [f"Aliases: {', '.join(f'`{alias}`' for alias in kind.aliases)}."] if kind.aliases else []
        told += ["Frozen."] if kind.frozen else []
        yield f"\n### {kind.name}\n\n{kind.doc} {' '.join(told)}\n\n| Column | Kind | Is |\n|---|---|---|\n"
        yield from (f"| `{column.name}` | {column.kind} | {column.doc} |\n" for column in kind.columns)


def _members(name, thing):
    if issubclass(thing, BaseException) and thing.__init__ is thing.__mro__[1].__init__:
        return
    for member, value in vars(thing).items():
        function = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        if member.startswith("_") or not (inspect.isfunction(function) or isinstance(value, property)):
            continue
        if isinstance(value, property):
            yield Entry(f"{name}.{member}", value, f"{name}.{member}", inspect.getdoc(value) or "")
        elif not hasattr(value, "decorator_info") and not getattr(function, "__pydantic_validator__", None):
            doc = inspect.getdoc(getattr(thing, member)) or ""
            yield Entry(f"{name}.{member}", function, f"{name}.{member}{_signature(function)}", doc)


def _bases(thing):
    """Give how a class is called: by its fields, or as its constructor is."""
    if issubclass(thing, (msgspec.Struct, BaseModel)) or hasattr(thing, "__dataclass_fields__"):
        return f"({', '.join(_fields(thing))})"
    if "__init__" in vars(thing):
        return _signature(thing.__init__)
    return ""


def _fields(thing):
    """Give the fields that a class itself adds."""
    annotations = vars(thing).get("__annotations__", {})
    return [name for name, kind in annotations.items() if "ClassVar" not in str(kind) and name[0] != "_"]


def parameters(entry):
    """Give what a caller gives: the fields of a class, or the parameters of its constructor or of a function."""
    thing = entry.thing
    if inspect.isclass(thing):
        if issubclass(thing, (msgspec.Struct, BaseModel)) or hasattr(thing, "__dataclass_fields__"):
            return _fields(thing)
        if "__init__" not in vars(thing):
            return []
        thing = thing.__init__
    if not inspect.isfunction(thing):
        return []
    return [name for name in inspect.signature(thing).parameters if name not in {"self", "cls"}]


def _signature(function):
    signature = inspect.signature(function)
    kept = [parameter for parameter in signature.parameters.values() if parameter.name not in {"self", "cls"}]
    return str(signature.replace(parameters=kept)).replace("'", "")


def _beside(module, name):
    """Give the text under the assignment of a name, in the module that it comes from."""
    statements = ast.parse(inspect.getsource(module)).body
    for statement, following in itertools.pairwise([*statements, ast.Pass()]):
        if isinstance(statement, ast.ImportFrom) and name in {alias.name for alias in statement.names}:
            return _beside(importlib.import_module(statement.module), name)
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            text = getattr(getattr(following, "value", None), "value", None)
            return inspect.cleandoc(text) if isinstance(text, str) else ""
    return ""


def _text(doc):
    """Give a docstring as Markdown: sections in bold, what is drawn or shown as a block."""
    lines, block = [], False
    for line in doc.splitlines():
        section = re.fullmatch(r"(Args|Returns|Raises|Attributes|Yields|Called|Failure|Since|Example):(.*)", line)
        if section:
            lines.append(f"**{section[1]}**:{section[2]}\n" if not section[2] else f"**{section[1]}**:{section[2]}")
        elif re.match(r"    (\w+): ", line) and not block:
            lines.append(re.sub(r"^    (\w+): ", r"- `\1`: ", line))
        else:
            lines.append(line)
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

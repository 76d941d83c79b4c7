"""What a template gives if one parameter is moved by one step, and nothing else is.

A number goes down and up by a quarter of itself, to the nearest whole number and by at least 1, within its bounds;
hours by channel all together, where a channel without any keeps none. A choice goes to each other one, and a list of
choices gains or loses each. Parameters that say how the buyer's account is set up, who the vendor is, or who works for
the buyer are no terms, and have no steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tallystick.outcomes.template import Param, Setting, Template

__all__ = ["Step", "shown", "steps_of"]


@dataclass(frozen=True, slots=True)
class Step:
    """One parameter at another value."""

    param: str
    before: Setting
    after: Setting


def steps_of(template: Template, values: Mapping[str, Setting]) -> Iterator[Step]:
    """Give the steps of every parameter that is a term, in the order of the template.

    Args:
        template: The template.
        values: Every parameter, as `Template.values` gives them.
    """
    for param in template.params:
        if param.account or param.vendors or param.people or param.name not in values:
            continue
        before = values[param.name]
        for after in _others(param, before):
            if after != before:
                yield Step(param.name, before, after)


def _others(param: Param, value: Setting) -> Iterator[Setting]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (_moved(param, value, sign) for sign in (-1, 1))
    elif isinstance(value, Mapping):
        for sign in (-1, 1):
            yield {channel: _moved(param, hours, sign) if hours else hours for channel, hours in value.items()}
    elif param.choices and isinstance(value, str):
        yield from param.choices
    elif param.choices and isinstance(value, tuple):
        for choice in param.choices:
            kept = (known for known in param.choices if (known in value) != (known == choice))
            yield tuple(kept)


def _moved(param: Param, value: int, sign: int) -> int:
    step = max(1, (value + 2) // 4)
    return min(max(value + sign * step, param.least), param.most)


def shown(value: object) -> str:
    """Give a parameter's value as a contract file writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {inner}' for key, inner in value.items())}}}"
    return str(value)

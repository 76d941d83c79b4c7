"""Every hook a plugin may implement.

A plugin is a distribution with an entry point in the group `tallystick`. The entry point names a module (or object)
that carries functions marked with `hookimpl`, named like the functions here.
"""

from __future__ import annotations

import pluggy

from tallystick.connectors.base import Connector

# What the answers to the hooks are made of, for plugins, which import nothing of `tallystick.outcomes`.
from tallystick.outcomes.predicate import ClauseSource, PredicateSource, Unit
from tallystick.outcomes.template import Param, Preset, Setting, Template, scalars
from tallystick.sinks.base import Sink

__all__ = [
    "PROJECT",
    "ClauseSource",
    "Param",
    "PredicateSource",
    "Preset",
    "Setting",
    "Template",
    "Unit",
    "hookimpl",
    "hookspec",
    "scalars",
    "tallystick_connectors",
    "tallystick_outcome_templates",
    "tallystick_sinks",
]

PROJECT = "tallystick"
"""Name of the project for pluggy, and of the group of entry points in which plugins are found."""

hookspec = pluggy.HookspecMarker(PROJECT)
"""Marks the functions below; not for plugins."""

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a plugin's function that implements the hook of the same name."""


@hookspec
def tallystick_connectors() -> list[type[Connector]]:  # type: ignore[empty-body]
    """Offer connectors for systems of record.

    Called: once per host, after loading and before any configuration is read; no order among plugins.

    Args: none.

    Returns: classes, not instances; an empty list means that the plugin offers none.

    Failure: the plugin is set aside with its error; a run whose configuration names one of its connectors stops.

    Since: 0.1

    Example:
        @hookimpl
        def tallystick_connectors():
            return [LedgerConnector]
    """


@hookspec
def tallystick_outcome_templates() -> list[Template]:  # type: ignore[empty-body]
    """Offer outcome templates: named predicates with parameters.

    Called: once per host, after loading and before any contract is read; no order among plugins.

    Args: none.

    Returns: templates; an empty list means that the plugin offers none. The built-in templates come the same way.

    Failure: the plugin is set aside with its error; a contract that uses one of its templates is refused.

    Since: 0.1

    Example:
        @hookimpl
        def tallystick_outcome_templates():
            return [DOLLARS_COLLECTED]
    """


@hookspec
def tallystick_sinks() -> list[type[Sink]]:  # type: ignore[empty-body]
    """Offer kinds of sinks: places that verified and locked outcomes leave for.

    Called: once per host, after loading and before any configuration is read; no order among plugins.

    Args: none.

    Returns: classes, not instances; an empty list means that the plugin offers none. The webhook and the CSV files come
    the same way.

    Failure: the plugin is set aside with its error; a command on a project that has a sink of its kinds stops.

    Since: 0.1

    Example:
        @hookimpl
        def tallystick_sinks():
            return [StripeMeterSink]
    """

"""The plugin host: loads plugins one by one, keeps what each of them offers, and names the ones that failed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract
from types import ModuleType
from typing import Any

import pluggy

from tallystick import hookspecs
from tallystick.connectors.base import Connector, ConnectorConfig
from tallystick.errors import PluginError
from tallystick.outcomes import library
from tallystick.outcomes.template import Template
from tallystick.sinks import standard
from tallystick.sinks.base import Sink

__all__ = ["BLOCK_VARIABLE", "Plugin", "PluginHost"]

BLOCK_VARIABLE = "TALLYSTICK_BLOCK_PLUGINS"
"""Environment variable with a comma-separated list of plugin names that are not loaded."""

_SHOWN = 500
"""Signs of an error's text that are kept."""


@dataclass
class Plugin:
    """One plugin as found: its name, the distribution and version it came with, what it offers, or why it failed."""

    name: str
    distribution: str
    version: str
    connectors: list[type[Connector]] = field(default_factory=list)
    templates: list[Template] = field(default_factory=list)
    sinks: list[type[Sink]] = field(default_factory=list)
    error: str | None = None

    @property
    def release(self) -> str:
        """Distribution and version."""
        return f"{self.distribution} {self.version}"

    def __str__(self) -> str:
        return f"{self.name} ({self.release})"


class PluginHost:
    """What all plugins together offer. Pass it in; there is no global one.

    A plugin that cannot be imported, names a hook that does not exist, raises in a hook, or offers something that is no
    whole connector, template or sink is set aside with its error; the others go on. What it prints while it is loaded
    goes to standard error. Asking for a connector or sink that is not there says which plugin failed and why.

    Args:
        found: Entry points to load; by default those installed in the group `tallystick`.
        blocked: Plugin names to leave out; by default those named by `BLOCK_VARIABLE`.

    Raises:
        PluginError: Two plugins offer the same connector, template or sink name; both are named.
    """

    def __init__(self, found: Iterable[EntryPoint] | None = None, *, blocked: Sequence[str] | None = None) -> None:
        self.plugins: list[Plugin] = []
        self._connectors: dict[str, tuple[type[Connector], Plugin]] = {}
        self._templates: dict[str, tuple[Template, Plugin]] = {}
        self._sinks: dict[str, tuple[type[Sink], Plugin]] = {}
        names = os.environ.get(BLOCK_VARIABLE, "").split(",") if blocked is None else blocked
        builtin = Plugin("built-in", "tallystick", _version("tallystick"))
        self._load(builtin, library, standard)
        points = entry_points(group=hookspecs.PROJECT) if found is None else found
        for point in sorted(points, key=lambda point: point.name):
            if point.name not in names:
                self._load(_describe(point), point)

    @property
    def connectors(self) -> dict[str, type[Connector]]:
        """Connector classes by name."""
        return {name: kind for name, (kind, _) in sorted(self._connectors.items())}

    @property
    def templates(self) -> dict[str, Template]:
        """Outcome templates by name."""
        return {name: template for name, (template, _) in sorted(self._templates.items())}

    @property
    def sinks(self) -> dict[str, type[Sink]]:
        """Kinds of sinks by name."""
        return {name: kind for name, (kind, _) in sorted(self._sinks.items())}

    def connector(self, name: str) -> type[Connector]:
        """Give the connector of that name.

        Raises:
            PluginError: No loaded plugin offers it; names every plugin that failed to load, with version and cause.
        """
        if name in self._connectors:
            return self._connectors[name][0]
        raise self._missing("connector", name, self.connectors)

    def sink(self, name: str) -> type[Sink]:
        """Give the kind of sink of that name.

        Raises:
            PluginError: As `connector`.
        """
        if name in self._sinks:
            return self._sinks[name][0]
        raise self._missing("sink", name, self.sinks)

    def _missing(self, what: str, name: str, offers: Iterable[str]) -> PluginError:
        failed = [plugin for plugin in self.plugins if plugin.error]
        if failed:
            causes = "; ".join(f"{plugin}: {plugin.error}" for plugin in failed)
            return PluginError(
                f"{what} {name!r} is configured, but a plugin could not be loaded: {causes}",
                hint="Update or reinstall that plugin, then run `tallystick connectors list`.",
            )
        offered = ", ".join(offers) or "none"
        return PluginError(
            f"no installed plugin offers a {what} {name!r}; offered: {offered}",
            hint=f"Install it, for example: pip install tallystick-{name}",
        )

    def plugin_of(self, connector: str) -> Plugin:
        """Give the plugin that offers the connector of that name.

        Raises:
            PluginError: As `connector`.
        """
        self.connector(connector)
        return self._connectors[connector][1]

    def _load(self, plugin: Plugin, *origins: EntryPoint | ModuleType) -> None:
        """Load one plugin into a manager of its own, so that its failure stays its own."""
        self.plugins.append(plugin)
        manager = pluggy.PluginManager(hookspecs.PROJECT)
        manager.add_hookspecs(hookspecs)
        try:
            # Standard output is for what a verb answers: a program may be reading it.
            with redirect_stdout(sys.stderr):
                for origin in origins:
                    manager.register(origin.load() if isinstance(origin, EntryPoint) else origin)
                manager.check_pending()
                plugin.connectors = [_connector(kind) for kind in _flat(manager.hook.tallystick_connectors())]
                plugin.templates = [_template(given) for given in _flat(manager.hook.tallystick_outcome_templates())]
                plugin.sinks = [_sink(kind) for kind in _flat(manager.hook.tallystick_sinks())]
        except KeyboardInterrupt:
            raise
        except BaseException as cause:  # noqa: BLE001 - a stranger's code may raise anything; it is kept and shown
            plugin.error = _told(cause)
            plugin.connectors, plugin.templates, plugin.sinks = [], [], []
            return
        for kind in plugin.connectors:
            _offer(self._connectors, "connector", kind.name, kind, plugin)
        for template in plugin.templates:
            _offer(self._templates, "outcome template", template.name, template, plugin)
        for sink in plugin.sinks:
            _offer(self._sinks, "sink", sink.name, sink, plugin)


def _describe(point: EntryPoint) -> Plugin:
    distribution = point.dist
    if distribution is None:
        return Plugin(point.name, point.value, "unknown")
    return Plugin(point.name, distribution.name, distribution.version)


def _version(distribution: str) -> str:
    from importlib.metadata import version

    return version(distribution)


def _flat(answers: Sequence[Sequence[Any]]) -> list[Any]:
    return [item for answer in answers for item in answer]


def _connector(kind: Any) -> type[Connector]:
    if not (isinstance(kind, type) and issubclass(kind, Connector)):
        raise TypeError(f"tallystick_connectors returned {kind!r}, which is not a subclass of Connector")
    if isabstract(kind):
        missing = ", ".join(sorted(kind.__abstractmethods__))
        raise TypeError(f"the connector {kind.__name__} lacks {missing}")
    for told in ("name", "version", "api_version"):
        value = getattr(kind, told, None)
        if type(value) is not str or not value:
            raise TypeError(f"the connector {kind.__name__} has no text {told}")
    model = getattr(kind, "config_model", None)
    if not (isinstance(model, type) and issubclass(model, ConnectorConfig)):
        raise TypeError(f"the connector {kind.__name__} has no config_model, a subclass of ConnectorConfig")
    return kind


def _template(given: Any) -> Template:
    if isinstance(given, Template):
        return given
    raise TypeError(f"tallystick_outcome_templates returned {given!r}, which is not a Template")


def _sink(kind: Any) -> type[Sink]:
    if isinstance(kind, type) and issubclass(kind, Sink):
        return kind
    raise TypeError(f"tallystick_sinks returned {kind!r}, which is not a subclass of Sink")


def _told(cause: BaseException) -> str:
    """Give what a plugin raised, in one line; even its text may raise."""
    name = type(cause).__name__
    try:
        text = " ".join(str(cause).split())
    except Exception:  # noqa: BLE001 - as above
        return name
    return f"{name}: {text[:_SHOWN]}" if text else name


def _offer(table: dict[str, tuple[Any, Plugin]], what: str, name: str, offered: Any, plugin: Plugin) -> None:
    if name in table:
        raise PluginError(
            f"two plugins offer the {what} {name!r}: {table[name][1]} and {plugin}",
            hint=f"Uninstall one of them, or set {BLOCK_VARIABLE}={plugin.name}",
        )
    table[name] = (offered, plugin)

"""The plugin host: one plugin's failure stays its own, and every failure is named."""

from importlib.metadata import EntryPoint
from types import ModuleType, SimpleNamespace

import pytest
from tests.hostile_plugins import HostileConnector

from tallystick.errors import PluginError
from tallystick.hookspecs import hookimpl
from tallystick.plugins import BLOCK_VARIABLE, PluginHost
from tallystick.sinks import Sink


class _Point:
    """An entry point whose object is at hand, or which raises on loading."""

    def __init__(self, name, given, distribution="acme-plugin", version="1.2.3"):
        self.name = name
        self.value = f"{name}_module"
        self.dist = SimpleNamespace(name=distribution, version=version)
        self._given = given

    def load(self):
        if isinstance(self._given, BaseException):
            raise self._given
        return self._given


@pytest.fixture(autouse=True)
def _entry_points_may_be_faked(monkeypatch):
    monkeypatch.setattr("tallystick.plugins.EntryPoint", (EntryPoint, _Point))


def _nothing():
    return []


def _connector(called):
    return type("Fake", (HostileConnector,), {"name": called})


def _plugin(**hooks):
    module = ModuleType("fake_plugin")
    for name, function in hooks.items():
        function.__name__ = name
        setattr(module, name, hookimpl(function))
    return module


def test_hook_tallystick_connectors():
    """A class returned by the hook is offered under its own name."""
    fake = _connector("fake")
    host = PluginHost([_Point("fake", _plugin(tallystick_connectors=lambda: [fake]))])

    assert host.connector("fake") is fake
    assert list(host.connectors) == ["fake"]


def test_hook_tallystick_outcome_templates():
    """The built-in templates arrive through the same hook as anybody's."""
    host = PluginHost([])

    assert "dollars-collected" in host.templates


def test_hook_tallystick_sinks():
    """A kind of sink returned by the hook is offered under its own name, beside the built-in ones."""
    fake = type("Fake", (Sink,), {"name": "fake"})
    host = PluginHost([_Point("fake", _plugin(tallystick_sinks=lambda: [fake]))])

    assert host.sink("fake") is fake
    assert list(host.sinks) == ["csv", "fake", "webhook"]


def test_wrong_sinks_set_the_plugin_aside():
    """A plugin that offers something else than a kind of sink, or a name that is taken, is refused by name."""
    host = PluginHost([_Point("odd", _plugin(tallystick_sinks=lambda: [HostileConnector]))])
    with pytest.raises(PluginError, match=r"sink 'odd' is configured.*not a subclass of Sink"):
        host.sink("odd")

    same = type("Same", (Sink,), {"name": "csv"})
    with pytest.raises(PluginError, match="two plugins offer the sink 'csv'"):
        PluginHost([_Point("second", _plugin(tallystick_sinks=lambda: [same]))])


def test_broken_unused_plugin_is_kept_with_its_error():
    """A plugin that raises on import is set aside with name, version and cause, and the others go on."""
    fake = _connector("fake")
    points = [
        _Point("broken", ImportError("no module named acme")),
        _Point("fake", _plugin(tallystick_connectors=lambda: [fake])),
    ]
    host = PluginHost(points)

    [broken] = [plugin for plugin in host.plugins if plugin.error]
    assert (broken.name, broken.version) == ("broken", "1.2.3")
    assert "no module named acme" in broken.error
    assert host.connector("fake") is fake


def test_ctrl_c_while_a_plugin_is_imported_ends_the_command():
    """KeyboardInterrupt is the operator's and never taken for a plugin's error."""
    with pytest.raises(KeyboardInterrupt):
        PluginHost([_Point("slow", KeyboardInterrupt())])


def test_broken_configured_plugin_stops_the_run():
    """Asking for a connector that failed to load names the plugin, its version and the cause."""
    host = PluginHost([_Point("broken", ImportError("no module named acme"))])

    with pytest.raises(PluginError, match=r"broken \(acme-plugin 1\.2\.3\): ImportError: no module named acme"):
        host.connector("broken")


def test_missing_connector_says_what_to_install():
    """Asking for a connector nobody offers lists those on offer and names the distribution to install."""
    with pytest.raises(PluginError, match="no installed plugin offers a connector 'nowhere'") as caught:
        PluginHost([]).connector("nowhere")

    assert "pip install tallystick-nowhere" in caught.value.hint


def test_misspelt_hook_is_an_error():
    """A hook that does not exist is reported instead of never being called."""
    host = PluginHost([_Point("typo", _plugin(tallystick_conectors=_nothing))])

    [plugin] = [plugin for plugin in host.plugins if plugin.name == "typo"]
    assert "tallystick_conectors" in plugin.error


def test_duplicate_names_are_refused_naming_both():
    """Two plugins with one connector name are refused with both plugins in the message."""
    points = [
        _Point(name, _plugin(tallystick_connectors=lambda: [_connector("same")]), distribution=f"dist-{name}")
        for name in ("first", "second")
    ]

    with pytest.raises(PluginError, match=r"first \(dist-first 1\.2\.3\) and second \(dist-second 1\.2\.3\)"):
        PluginHost(points)


def test_wrong_answers_of_a_hook_set_the_plugin_aside():
    """A hook that returns something else than connector classes makes its plugin broken, not the host."""
    host = PluginHost([_Point("odd", _plugin(tallystick_connectors=lambda: [object()]))])

    [plugin] = [plugin for plugin in host.plugins if plugin.name == "odd"]
    assert "not a subclass of Connector" in plugin.error


def test_blocked_plugins_are_not_loaded(monkeypatch):
    """The block list of the environment leaves a plugin out without importing it."""
    monkeypatch.setenv(BLOCK_VARIABLE, "broken")

    assert [plugin.name for plugin in PluginHost([_Point("broken", ImportError("never"))]).plugins] == ["built-in"]


def test_stripe_is_found_through_its_entry_point():
    """The first-party Stripe plugin is found like any other, by its entry point."""
    assert "stripe" in PluginHost().connectors

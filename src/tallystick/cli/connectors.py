"""`tallystick connectors`: which plugins are installed, what they offer, which are broken, and whether one is good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.options import AsJson

if TYPE_CHECKING:
    from tallystick.testing.kit.kit import ConnectorKit
    from tallystick.testing.kit.runner import CheckResult

__all__ = ["app"]

app = typer.Typer(help="Show and test the installed connectors.", invoke_without_command=True)


@app.callback()
def _default(context: typer.Context) -> None:
    """Show the list when no verb follows."""
    if context.invoked_subcommand is None:
        list_connectors()


@app.command("list")
def list_connectors(*, as_json: AsJson = False) -> None:
    """List every plugin with its version, its connectors, templates and sinks, and the error of a broken one."""
    from tallystick.cli.output import print_json, print_table
    from tallystick.plugins import PluginHost

    rows = [
        {
            "plugin": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "connectors": [kind.name for kind in plugin.connectors],
            "templates": [template.name for template in plugin.templates],
            "sinks": [kind.name for kind in plugin.sinks],
            "error": plugin.error,
        }
        for plugin in PluginHost().plugins
    ]
    if as_json:
        print_json({"plugins": rows})
        return
    cells = [
        (
            row["plugin"],
            f"{row['distribution']} {row['version']}",
            ", ".join(row["connectors"]),  # type: ignore[arg-type]
            ", ".join(row["templates"]),  # type: ignore[arg-type]
            ", ".join(row["sinks"]),  # type: ignore[arg-type]
            f"BROKEN: {row['error']}" if row["error"] else "ok",
        )
        for row in rows
    ]
    print_table("", ["Plugin", "Distribution", "Connectors", "Outcome templates", "Sinks", "State"], cells)


@app.command("new")
def new_connector(
    name: Annotated[str, typer.Argument(help="The system's name in lower case, as in: helpdesk.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Write a working plugin as tallystick-NAME here: connector, simulator, kit and test, to be made your own."""
    from tallystick.cli.output import print_json, say
    from tallystick.plugins import PluginHost
    from tallystick.testing.skeleton import write_skeleton

    folder, files = write_skeleton(name, Path(), taken=PluginHost().connectors)
    if as_json:
        print_json({"folder": str(folder), "files": files})
        return
    for file in files:
        say(f"  {folder}/{file}")
    say(f"Wrote {folder}. Next: pip install -e './{folder}[testing]', then tallystick connectors test {name}")


@app.command("test")
def run_kit_of(
    name: Annotated[str, typer.Argument(help="Name of the connector, as in `connector:` of a source.")],
    *,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="CHECK", help="Run this check; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the conformance kit on a connector, against the simulator that its plugin ships.

    Says what each check proves and, where one fails, what was found and what to do. Takes about a minute; reaches no
    network. Exit 1 when a check fails.
    """
    from tallystick.cli.output import print_json, say

    kit, run_kit = _kit(name)
    results = run_kit(kit, (lambda _: None) if as_json else _tell, only=only or ())
    counts = Counter(result.outcome for result in results)
    passed = not counts["failed"]
    if as_json:
        print_json({"connector": name, "version": kit.connector.version, "passed": passed, "checks": results})
    else:
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
        say(f"\n{name} {kit.connector.version}: {len(results)} checks, {told}.")
    if not passed:
        raise typer.Exit(1)


def _kit(name: str) -> tuple[type[ConnectorKit], Callable[..., list[CheckResult]]]:
    """Give the kit of a connector, and what runs it.

    Raises:
        PluginError: There is none, or what it needs is not installed.
    """
    from tallystick.errors import PluginError

    try:
        from tallystick.testing.kit.runner import find_kit, run_kit
    except ImportError as cause:
        raise PluginError(
            f"the conformance kit cannot be loaded: {cause}", hint="Install it: pip install 'tallystick[testing]'"
        ) from cause
    return find_kit(name), run_kit


def _tell(result: CheckResult) -> None:
    from tallystick.cli.output import say

    say(f"{result.outcome:8} {result.check.removeprefix('test_')}: {result.proves}")
    for line in (result.found, result.action):
        if line:
            say(f"{'':9}{line}")

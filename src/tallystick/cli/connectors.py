"""`tallystick connectors`: which plugins are installed, what they offer, and which of them are broken."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.options import AsJson

__all__ = ["app"]

app = typer.Typer(help="Show the installed connectors.", invoke_without_command=True)


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

"""`tallystick sinks`: where verified and locked outcomes leave for."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from tallystick.cli.options import AsJson, Now, ProjectFile

__all__ = ["app"]

app = typer.Typer(help="Deliver outcomes to sinks, and see what became of them.", no_args_is_help=True)

_Sinks: TypeAlias = Annotated[list[str] | None, typer.Argument(help="Sinks; all of them by default.")]


@app.command("list")
def list_(*, project: ProjectFile = Path("tallystick.yaml"), as_json: AsJson = False) -> None:
    """List the sinks with how many events are scheduled, waiting, delivered, dead, dismissed and withdrawn."""
    from tallystick.cli.output import print_json
    from tallystick.cli.project import open_project
    from tallystick.cli.sending import list_sinks, print_sinks

    with open_project(project) as opened:
        rows = list_sinks(opened)
    if as_json:
        print_json({"sinks": rows})
    else:
        print_sinks(rows)


@app.command()
def deliver(
    sinks: _Sinks = None,
    *,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Hand over what is due, as the end of a scheduled turn does; exits 3 unless all of it was taken."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.output import print_json
    from tallystick.cli.project import open_project
    from tallystick.cli.sending import deliver_sinks, print_delivered

    with open_project(project) as opened, opened.lock("sinks deliver"):
        reports = deliver_sinks(opened, sinks or [], partial(read_clock, now))
    if as_json:
        print_json({"sinks": reports})
    else:
        print_delivered(reports)
    if any(report["errors"] for report in reports):
        raise typer.Exit(3)


@app.command()
def dead(
    sinks: _Sinks = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that were dismissed, too.")] = False,
    project: ProjectFile = Path("tallystick.yaml"),
    as_json: AsJson = False,
) -> None:
    """Show the dead letters: events that were given up, why, and what to do; exits 1 when one is not dismissed."""
    from tallystick.cli.dead_letters import dead_letters, print_dead_letters
    from tallystick.cli.output import print_json
    from tallystick.cli.project import open_project

    with open_project(project) as opened:
        rows = dead_letters(opened, sinks or [], dismissed=every)
    if as_json:
        print_json({"dead": rows})
    else:
        print_dead_letters(rows)
    if any(row["dismissed_at"] is None for row in rows):
        raise typer.Exit(1)


@app.command()
def retry(
    key: Annotated[str | None, typer.Argument(help="Key of a dead letter; with --all, none.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Let a dead letter be tried again; you say by it that no earlier attempt arrived, or that twice does no harm."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.dead_letters import retry_dead
    from tallystick.cli.output import print_json, say
    from tallystick.cli.project import open_project
    from tallystick.errors import ConfigurationError

    if every == (key is not None):
        raise ConfigurationError("name the key of one dead letter, or give --all")
    with open_project(project) as opened, opened.lock("sinks retry"):
        count = retry_dead(opened, key, read_clock(now))
    if as_json:
        print_json({"retried": count})
    else:
        say(f"{count} will be tried again.")


@app.command()
def dismiss(
    sink: Annotated[str, typer.Argument(help="The sink.")],
    keys: Annotated[list[str] | None, typer.Argument(help="Keys of dead letters; with --all, none.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All dead letters of the sink.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, such as how it was settled; it is kept.")],
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Let dead letters rest that need no delivery any more, for a reason that `sinks dead --all` shows from then on."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.dead_letters import dismiss_dead
    from tallystick.cli.output import print_json, say
    from tallystick.cli.project import open_project
    from tallystick.errors import ConfigurationError

    if every == bool(keys):
        raise ConfigurationError("name the keys of dead letters, or give --all")
    with open_project(project) as opened, opened.lock("sinks dismiss"):
        count = dismiss_dead(opened, sink, keys or None, reason, read_clock(now))
    if as_json:
        print_json({"dismissed": count})
    else:
        say(f"{count} dismissed.")


@app.command()
def resume(
    sinks: _Sinks = None,
    *,
    project: ProjectFile = Path("tallystick.yaml"),
    now: Now = None,
    as_json: AsJson = False,
) -> None:
    """Say that this copy of an imported project delivers from now on, and the one it came from does so no more."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.output import print_json, say
    from tallystick.cli.project import open_project
    from tallystick.cli.sending import resume_sinks

    with open_project(project) as opened, opened.lock("sinks resume"):
        names = resume_sinks(opened, sinks or [], read_clock(now))
    if as_json:
        print_json({"resumed": names})
    else:
        say(f"Delivers: {', '.join(names) or 'no sink'}.")

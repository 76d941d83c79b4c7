"""`tallystick init`: write a project file and a first contract to edit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.cli.options import AsJson, ProjectFile

if TYPE_CHECKING:
    from tallystick.cli.init_source import Defaults
    from tallystick.cli.init_text import Draft
    from tallystick.plugins import PluginHost

__all__ = ["init"]

_STOPPED = 130
"""Exit code of a command that Ctrl-C ended, as shells have it."""


def init(
    context: typer.Context,
    *,
    source: Annotated[
        str | None, typer.Option("--source", help="Connector to read, for example stripe; without it, init asks.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Origin of the system; the connector knows the usual one.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Reference to the key: env:NAME, file:/path or keyring:name.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Further settings of the source; may be repeated."),
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="First day to read, YYYY-MM-DD; default 1 January of this year.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the project and of its first contract.")] = "acme",
    timezone: Annotated[str, typer.Option(help="IANA time zone of the contract.")] = "Europe/Berlin",
    currency: Annotated[str, typer.Option(help="ISO 4217 currency of the contract.")] = "EUR",
    project: ProjectFile = Path("tallystick.yaml"),
    as_json: AsJson = False,
) -> None:
    """Write a project file and a first contract; never a secret, and never over a file that exists.

    In a terminal and without --source it asks: which systems, where their secrets are, what is paid for; it tests each
    source if you like, shows what it would write, and writes nothing before you say so.
    """
    from tallystick.cli.clock import read_clock
    from tallystick.cli.init_source import Defaults
    from tallystick.cli.init_text import Draft, check_flags, refuse_existing, source_from, write
    from tallystick.cli.output import print_json
    from tallystick.errors import ConfigurationError
    from tallystick.period import format_instant
    from tallystick.plugins import PluginHost

    refuse_existing(project)
    start = start or f"{format_instant(read_clock(None))[:4]}-01-01"
    given = {field: value for field, value in {"base_url": base_url, "key": key}.items() if value is not None}
    given |= _pairs(settings or [])
    host = PluginHost()
    if source is not None:
        check_flags(name, timezone, currency)
        kind = host.connector(source)
        first = {"start": start} if "start" in kind.config_model.model_fields else {}
        chosen = source_from(kind, {**given, **first})
        draft = Draft(name, (chosen,), chosen.kind.starter_outcome, timezone, currency, start)
    elif sys.stdin.isatty() and sys.stdout.isatty():
        draft = _asked(host, Defaults(name, timezone, currency, start, given), project)
    else:
        raise ConfigurationError(
            "nobody is there to be asked, and --source does not say what to read",
            hint=f"{context.get_usage()}, at least with --source CONNECTOR; `tallystick connectors list` names them.",
        )
    written, contract = write(draft, project)
    if as_json:
        kinds = {each.name: each.kind.name for each in draft.sources}
        print_json({"project": str(written), "contract": str(contract), "sources": kinds})
    else:
        typer.echo(f"Wrote {written} and {contract}. Next: tallystick check --project {written}")


def _asked(host: PluginHost, defaults: Defaults, project: Path) -> Draft:
    """Ask until a person agrees to what would be written.

    Raises:
        Exit: The person stopped; nothing was written.
    """
    from tallystick.cli.asking import Asker
    from tallystick.cli.init_talk import agreed, talk

    asker = Asker()
    try:
        draft = talk(asker, host, defaults, project.parent)
        if agreed(asker, host, draft, project):
            return draft
    except (KeyboardInterrupt, EOFError):
        asker.say()
    asker.say("Stopped. Nothing was written.")
    raise typer.Exit(_STOPPED)


def _pairs(settings: list[str]) -> dict[str, str]:
    """Read `NAME=VALUE` pairs.

    Raises:
        ConfigurationError: One of them is none.
    """
    from tallystick.errors import ConfigurationError

    pairs = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not (name and sign and value):
            # What was typed may hold a secret, so it is not repeated.
            raise ConfigurationError("--set takes NAME=VALUE", hint="As in --set client_id=tallystick.")
        pairs[name] = value
    return pairs

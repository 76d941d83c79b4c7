"""`tallystick init`: write a project file and a first contract to edit."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from typing import Annotated

import typer

from tallystick.cli.options import ProjectFile

__all__ = ["init"]

_PROJECT = """\
# What Tallystick reads, and what it decides. Secrets are references, never values: env:NAME, file:/path, keyring:name.
project: {name}
sources:
  {source}:
    connector: {connector}
{settings}{starter}contracts:
  - {contract}
"""

_CONTRACT = """\
# What was agreed. Every number here decides money: read it with the vendor before both of you rely on it.
contract: {name}
version: 1
buyer: {name}
vendor: {{name: Your vendor, identities: {{}}}}
timezone: {timezone}
currency: {currency}
term: {{start: {start}}}
outcomes:
{outcome}billing:
  cap: {{monthly: 10000.00, excess: forgiven}}
  rounding: half_up
"""


def init(
    *,
    source: Annotated[str, typer.Option("--source", help="Connector to read, for example stripe.")],
    base_url: Annotated[
        str | None, typer.Option(help="Origin of the system; the connector knows the usual one.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Reference to the key: env:NAME, file:/path or keyring:name.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Further settings of the source; may be repeated."),
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="First day to read, YYYY-MM-DD; default 1 January of --now.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the project and of its first contract.")] = "acme",
    timezone: Annotated[str, typer.Option(help="IANA time zone of the contract.")] = "Europe/Berlin",
    currency: Annotated[str, typer.Option(help="ISO 4217 currency of the contract.")] = "EUR",
    project: ProjectFile = Path("tallystick.yaml"),
) -> None:
    """Write a project file and a first contract; never a secret, and never over a file that exists."""
    from tallystick.cli.clock import read_clock
    from tallystick.cli.project import first_settings
    from tallystick.errors import ConfigurationError
    from tallystick.period import format_instant
    from tallystick.plugins import PluginHost

    contract = Path("contracts") / f"{name}.yaml"
    for path in (project, project.parent / contract):
        if path.exists():
            raise ConfigurationError(
                f"{path} exists and is not overwritten", hint="Edit it, or choose another --project."
            )
    start = start or f"{format_instant(read_clock(None))[:4]}-01-01"
    host = PluginHost()
    given = first_settings(host, source, {"base_url": base_url, "key": key, "start": start, **_pairs(settings or [])})
    kind = host.connector(source)
    # What was given stands in place of what the starter would show for it.
    shown = [line for line in kind.starter.splitlines(keepends=True) if line.partition(":")[0] not in given]
    lines = "".join(f"    {field}: {value}\n" for field, value in given.items())
    project.parent.mkdir(parents=True, exist_ok=True)
    (project.parent / contract).parent.mkdir(exist_ok=True)
    text = _PROJECT.format(
        name=name,
        source=kind.source_name,
        connector=source,
        settings=lines,
        starter=indent("".join(shown), "    "),
        contract=contract.as_posix(),
    )
    project.write_text(text, encoding="utf-8")
    (project.parent / contract).write_text(
        _CONTRACT.format(
            name=name, timezone=timezone, currency=currency, start=start, outcome=indent(kind.starter_outcome, "  ")
        ),
        encoding="utf-8",
    )
    typer.echo(f"Wrote {project} and {project.parent / contract}. Next: tallystick check --project {project}")


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

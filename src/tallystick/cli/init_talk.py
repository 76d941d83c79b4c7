"""The conversation of `tallystick init`: systems, where their secrets are, a test of each, and a first outcome."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tallystick.cli.asking import Asker
from tallystick.cli.init_source import Defaults, SourceTalk
from tallystick.cli.init_text import (
    Draft,
    NewSource,
    starter_outcome,
    trouble_with_currency,
    trouble_with_name,
    trouble_with_zone,
    try_contract,
)
from tallystick.connectors import Connector
from tallystick.errors import ConfigurationError, Error
from tallystick.outcomes import Param, Template
from tallystick.plugins import PluginHost
from tallystick.yamlfile import parse_yaml

__all__ = ["agreed", "talk"]


def talk(asker: Asker, host: PluginHost, defaults: Defaults, folder: Path) -> Draft:
    """Ask for all that a first project needs, and give it; nothing is written.

    Args:
        asker: Who is asked.
        host: The installed plugins.
        defaults: What the flags say.
        folder: Where the project will lie, for names that are taken there.

    Raises:
        ConfigurationError: No plugin is installed.
        KeyboardInterrupt: The person stopped.
        EOFError: The input came to its end.
    """
    kinds = host.connectors
    if not kinds:
        raise ConfigurationError("no connector is installed", hint="Install a plugin: pip install tallystick-SYSTEM")
    asker.say("Which systems of record decide what you pay for?", "bold")
    systems = asker.some_of(
        "Systems (names or numbers, with commas)", [(name, _first_line(kind)) for name, kind in kinds.items()]
    )
    sources: list[NewSource] = []
    for system in systems:
        taken = [source.name for source in sources]
        sources.append(SourceTalk(asker, host, kinds[system], folder).source(defaults, taken))
    asker.say("\nThe project and its first contract", "bold")

    def free(name: str) -> str | None:
        if trouble := trouble_with_name(name):
            return trouble
        path = Path("contracts") / f"{name}.yaml"
        return f"{path} exists and is not overwritten" if (folder / path).exists() else None

    name = asker.text("Name of both", default=defaults.name, check=free)
    timezone = asker.text("Time zone of the contract", default=defaults.timezone, check=trouble_with_zone)
    currency = asker.text(
        "Currency of the contract",
        default=defaults.currency,
        check=trouble_with_currency,
    )
    start = sources[0].settings.get("start") or defaults.start
    outcome = _outcome(asker, host.templates, sources)
    return Draft(name, tuple(sources), outcome, timezone, currency, start)


def agreed(asker: Asker, host: PluginHost, draft: Draft, project: Path) -> bool:
    """Show what would be written, and ask whether to."""
    for path, text in ((project, draft.project_text), (project.parent / draft.contract_path, draft.contract_text)):
        asker.say(f"\n--- {path}", "bold")
        asker.say(text)
    try:
        try_contract(draft, host, project.parent)
    except Error as error:
        asker.say(f"To be edited before it can be used: {error.diagnostics()}", "yellow")
    return asker.confirm("Write these two files?")


def _outcome(asker: Asker, templates: Mapping[str, Template], sources: Sequence[NewSource]) -> str:
    """Let a first outcome be chosen, and give its text."""
    asker.say("\nWhat is the vendor paid for?", "bold")
    proposed = {_template(source): source for source in reversed(sources) if source.kind.starter_outcome}
    usual = [_template(source) for source in sources if source.kind.starter_outcome]
    chosen = asker.one_of(
        "Outcome template",
        [(name, template.doc) for name, template in templates.items()],
        default=usual[0] if usual else None,
    )
    if chosen in proposed:
        return starter_outcome(proposed[chosen])
    source = sources[0].name
    if len(sources) > 1:
        source = asker.one_of("Decided in", [(each.name, each.kind.name) for each in sources], default=source)
    template = templates[chosen]
    given = "".join(f"{name}: {value}, " for name, value in _parameters(asker, template))
    settings = f"  with: {{{given.removesuffix(', ')}}}\n" if given else ""
    return f"{chosen.replace('-', '_')}:\n  source: {source}\n  uses: {chosen}\n{settings}  price: {{per_unit: 1}}\n"


def _parameters(asker: Asker, template: Template) -> Iterator[tuple[str, str]]:
    """Ask for the parameters that have no default; give each with its value as YAML."""
    for param in (param for param in template.params if param.default is None):

        def check(answer: str, param: Param = param) -> str | None:
            try:
                param.read(_value(param, answer))
            except ValueError as error:
                return f"this is {error}"
            return None

        asker.say(f"  {param.name}: {param.doc}", "dim")
        several = " (with commas)" if param.kind == "list" else ""
        answer = asker.text(f"{param.name}{several}", check=check)
        yield param.name, json.dumps(_value(param, answer), ensure_ascii=False)


def _value(param: Param, answer: str) -> str | int | list[str]:
    """Give what an answer means for a kind of parameter."""
    if param.kind == "list":
        return [word.strip() for word in answer.split(",") if word.strip()]
    return int(answer) if param.kind in {"integer", "hours"} and answer.isdecimal() else answer


def _template(source: NewSource) -> str:
    """Give the template that the outcome uses which a connector proposes."""
    [outcome] = parse_yaml(source.kind.starter_outcome, source.kind.name).data.values()
    return str(outcome["uses"])


def _first_line(kind: type[Connector]) -> str:
    return inspect.cleandoc(kind.__doc__ or "").partition("\n")[0]

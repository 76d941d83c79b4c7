"""The conversation of `tallystick init`: systems, where their secrets are, a test of each, and a first outcome."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tallystick.cli.asking import Asker
from tallystick.cli.init_fields import problem_with, settings_of, trouble_with_reference
from tallystick.cli.init_text import Draft, NewSource, starter_outcome, tried
from tallystick.cli.output import print_table
from tallystick.connectors import Connector, SecretRef
from tallystick.errors import ConfigurationError, Error
from tallystick.outcomes import Param, Template
from tallystick.period import zone
from tallystick.plugins import PluginHost
from tallystick.yamlfile import parse_yaml

__all__ = ["Defaults", "agreed", "talk"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
_SECRETS = """\
A secret stays where it is; the file says where. Name the place, never the secret itself:
  env:NAME               an environment variable, set where tallystick runs
  file:/absolute/path    a file that this user may read and no one else
  keyring:service/name   the keyring of this machine (pip install keyring)
What you type there is not shown, in case a secret is pasted by mistake."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the flags say, offered as the answer to questions."""

    name: str
    timezone: str
    currency: str
    start: str
    settings: Mapping[str, str]


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
        sources.append(_source(asker, host, kinds[system], defaults, [source.name for source in sources]))
    asker.say("\nThe project and its first contract", "bold")

    def free(name: str) -> str | None:
        if not _NAME.fullmatch(name):
            return "letters, digits, _, . and - only"
        path = Path("contracts") / f"{name}.yaml"
        return f"{path} exists and is not overwritten" if (folder / path).exists() else None

    name = asker.text("Name of both", default=defaults.name, check=free)
    timezone = asker.text("Time zone of the contract", default=defaults.timezone, check=_zone_trouble)
    currency = asker.text(
        "Currency of the contract",
        default=defaults.currency,
        check=lambda code: None if re.fullmatch("[A-Z]{3}", code) else "three capitals, as in EUR",
    )
    start = sources[0].settings.get("start", defaults.start)
    outcome = _outcome(asker, host.templates, sources)
    return Draft(name, tuple(sources), outcome, timezone, currency, start)


def agreed(asker: Asker, host: PluginHost, draft: Draft, project: Path) -> bool:
    """Show what would be written, and ask whether to."""
    for path, text in ((project, draft.project_text), (project.parent / draft.contract_path, draft.contract_text)):
        asker.say(f"\n--- {path}", "bold")
        asker.say(text)
    try:
        with tried(draft, host) as tried_out:
            _ = tried_out.contracts
    except Error as error:
        asker.say(f"To be edited before it can be used: {error.diagnostics()}", "yellow")
    return asker.confirm("Write these two files?")


def _source(
    asker: Asker, host: PluginHost, kind: type[Connector], defaults: Defaults, taken: Sequence[str]
) -> NewSource:
    """Ask for one source until it is as the person wants it."""
    asker.say(f"\n{kind.name}", "bold")
    free = kind.source_name if kind.source_name not in taken else kind.name

    def check(name: str) -> str | None:
        if not _NAME.fullmatch(name):
            return "letters, digits, _, . and - only"
        return "another source has that name" if name in taken else None

    name = asker.text("Name of this source in contracts", default=free, check=check)
    known = {"start": defaults.start, **defaults.settings}
    while True:
        source = NewSource(name, kind, _settings(asker, kind, known))
        known = dict(source.settings)
        draft = Draft("draft", (source,), "{}\n", "UTC", "EUR", defaults.start)
        try:
            with tried(draft, host) as project:
                _ = project.sources
        except Error as error:
            asker.say(f"  {error.diagnostics()}", "red")
            asker.say("Once more:")
            continue
        if not asker.confirm("Test it now?") or _tested(asker, draft, host):
            return source


def _settings(asker: Asker, kind: type[Connector], known: Mapping[str, str]) -> dict[str, str]:
    """Ask for the settings of a source, one by one."""
    model = kind.config_model
    answers: dict[str, str] = {}
    told = False
    for setting in settings_of(kind, known):
        if setting.about:
            asker.say(f"  {setting.name}: {setting.about}", "dim")
        if setting.secret:
            if not told:
                asker.say(_SECRETS)
                told = True
            answers[setting.name] = asker.reference(setting.name, default=setting.default, check=trouble_with_reference)
            asker.say(f"  {answers[setting.name]}: {_found(answers[setting.name])}")
        else:
            answers[setting.name] = asker.text(
                setting.name,
                default=setting.default,
                check=lambda text, name=setting.name: problem_with(model, name, text),  # type: ignore[misc]
            )
    return answers


def _found(reference: str) -> str:
    """Say whether there is a secret at a place, and nothing about it."""
    try:
        SecretRef(reference).reveal()
    except ConfigurationError as error:
        return f"not yet there ({error.message})"
    return "found"


def _tested(asker: Asker, draft: Draft, host: PluginHost) -> bool:
    """Sign in to the source of a draft and show what was found; True when it can stay as it is."""
    [source] = draft.sources
    while True:
        try:
            with tried(draft, host) as project, project.connector(source.name) as connector:
                rows = list(connector.check())
        except Error as error:
            asker.say(f"  {error.diagnostics()}", "red")
        else:
            cells = [(row.status, row.name, row.detail, row.action) for row in rows]
            print_table(f"Source {source.name}", ["Status", "What", "Found", "What to do"], cells, on_error=True)
            if not any(row.status == "failed" for row in rows):
                return True
        does = asker.one_of(
            "And now",
            [("change", "the answers"), ("again", "test it again"), ("keep", "it, and test it later")],
            default="change",
        )
        if does != "again":
            return does == "keep"


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


def _zone_trouble(name: str) -> str | None:
    try:
        zone(name)
    except ConfigurationError as error:
        return error.message
    return None

"""The part of `tallystick init` about one source: its name, its settings, where its secrets are, and a test of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tallystick.cli.asking import Asker
from tallystick.cli.init_fields import Setting, others_of, problem_with, settings_of, trouble_with_reference
from tallystick.cli.init_text import Draft, NewSource, tried, trouble_with_name
from tallystick.cli.output import print_table
from tallystick.cli.reading import check_one
from tallystick.connectors import Connector, SecretRef
from tallystick.errors import ConfigurationError, Error
from tallystick.plugins import PluginHost

__all__ = ["Defaults", "SourceTalk"]

_OUT = "-"
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


class SourceTalk:
    """The conversation about a source of one kind.

    Args:
        asker: Who is asked.
        host: The installed plugins.
        kind: The connector.
        root: Where the project will lie.
    """

    def __init__(self, asker: Asker, host: PluginHost, kind: type[Connector], root: Path) -> None:
        self._asker = asker
        self._host = host
        self._kind = kind
        self._root = root

    def source(self, defaults: Defaults, taken: Sequence[str]) -> NewSource:
        """Ask until the source is as the person wants it.

        Args:
            defaults: What the flags say.
            taken: Names of the sources before it.
        """
        asker, kind = self._asker, self._kind
        asker.say(f"\n{kind.name}", "bold")

        def check(name: str) -> str | None:
            return trouble_with_name(name) or ("another source has that name" if name in taken else None)

        free = kind.source_name if kind.source_name not in taken else kind.name
        name = asker.text("Name of this source in contracts", default=free, check=check)
        known: dict[str, str | None] = {"start": defaults.start, **defaults.settings}
        while True:
            source = NewSource(name, kind, self._settings(known))
            known = dict(source.settings)
            draft = Draft("draft", (source,), "{}\n", "UTC", "EUR", defaults.start)
            try:
                with tried(draft, self._host, self._root) as project:
                    _ = project.sources
            except Error as error:
                asker.say(f"  {error.diagnostics()}", "red")
                asker.say("Once more:")
                continue
            if not asker.confirm("Test it now?") or self._tested(draft):
                return source

    def _settings(self, known: Mapping[str, str | None]) -> dict[str, str | None]:
        """Ask for the settings one by one; where one was left out, also for what may stand in its place."""
        usual = list(settings_of(self._kind, known))
        if any(setting.secret for setting in usual):
            self._asker.say(_SECRETS)
        answers = {setting.name: self._setting(setting) for setting in usual}
        if None in answers.values():
            self._asker.say(f"What may stand in its place; {_OUT} leaves it out too:")
            for setting in others_of(self._kind, answers):
                answers[setting.name] = self._setting(replace(setting, default=known.get(setting.name)))
        return answers

    def _setting(self, setting: Setting) -> str | None:
        """Ask for one setting; None if it is left out."""
        asker, model = self._asker, self._kind.config_model
        if setting.about:
            asker.say(f"  {setting.name}: {setting.about}", "dim")

        def check(text: str) -> str | None:
            if text == _OUT and not setting.required:
                return None
            return trouble_with_reference(text) if setting.secret else problem_with(model, setting.name, text)

        question = setting.name if setting.required else f"{setting.name} ({_OUT} leaves it out)"
        default = setting.default if setting.required else setting.default or _OUT
        answer = (asker.reference if setting.secret else asker.text)(question, default=default, check=check)
        if answer == _OUT and not setting.required:
            return None
        if setting.secret:
            asker.say(f"  {answer}: {_found(answer)}")
        return answer

    def _tested(self, draft: Draft) -> bool:
        """Sign in to the source of a draft and show what was found; True when it can stay as it is."""
        asker, [source] = self._asker, draft.sources
        while True:
            try:
                with tried(draft, self._host, self._root) as project:
                    rows = check_one(project, source.name)
            except Error as error:
                asker.say(f"  {error.diagnostics()}", "red")
            else:
                cells = [(row.status, row.name, row.detail, row.action) for row in rows]
                columns = ["Status", "What", "Found", "What to do"]
                print_table(f"Source {source.name}", columns, cells, on_error=True)
                if not any(row.status == "failed" for row in rows):
                    return True
            does = asker.one_of(
                "And now",
                [("change", "the answers"), ("again", "test it again"), ("keep", "it, and test it later")],
                default="change",
            )
            if does != "again":
                return does == "keep"


def _found(reference: str) -> str:
    """Say whether there is a secret at a place, and nothing about it."""
    try:
        SecretRef(reference).reveal()
    except ConfigurationError as error:
        return f"not yet there ({error.message})"
    return "found"

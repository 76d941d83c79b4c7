"""Questions to a person at a terminal: each is asked again until its answer can be used.

Questions stand on standard error, so that standard output holds results only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from getpass import getpass
from typing import TypeAlias

from rich.console import Console

from tallystick.cli.output import plain

__all__ = ["Asker", "Check"]

Check: TypeAlias = Callable[[str], str | None]
"""Says what is wrong with an answer, None when nothing is."""


class Asker:
    """Asks. Every question raises KeyboardInterrupt on Ctrl-C and EOFError at the end of the input."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)

    def say(self, text: str = "", style: str = "") -> None:
        """Print a text."""
        self._console.print(plain(text), style=style or None)

    def text(self, question: str, *, default: str | None = None, check: Check | None = None) -> str:
        """Ask for a text that is not empty; an empty answer takes the default."""
        return self._asked(question, default, check, hidden=False)

    def reference(self, question: str, *, default: str | None, check: Check) -> str:
        """Ask for a text that might be a secret by mistake: it is not shown while it is typed."""
        return self._asked(question, default, check, hidden=True)

    def confirm(self, question: str, *, default: bool = True) -> bool:
        """Ask for yes or no."""
        words = {"y": True, "yes": True, "n": False, "no": False}
        answer = self._asked(
            f"{question} (yes/no)",
            "yes" if default else "no",
            lambda text: None if text.lower() in words else "answer yes or no",
            hidden=False,
        )
        return words[answer.lower()]

    def one_of(self, question: str, options: Sequence[tuple[str, str]], *, default: str | None = None) -> str:
        """Let one of some names be chosen, by its name or its number in the list that is shown."""
        return self.some_of(question, options, default=default, most=1)[0]

    def some_of(
        self, question: str, options: Sequence[tuple[str, str]], *, default: str | None = None, most: int | None = None
    ) -> list[str]:
        """Let some of the names be chosen, by name or number, with commas between them, each at most once.

        Args:
            question: What is chosen.
            options: Names, each with what it is.
            default: What an empty answer means.
            most: How many may be chosen.
        """
        names = [name for name, _ in options]
        width = max(len(name) for name in names)
        for number, (name, about) in enumerate(options, 1):
            self.say(f"  {number:>2}  {name:<{width}}  {about}")

        def chosen(answer: str) -> list[str]:
            words = [word.strip() for word in answer.split(",") if word.strip()]
            numbered = {str(number): name for number, name in enumerate(names, 1)}
            return list(dict.fromkeys(numbered.get(word, word) for word in words))

        def check(answer: str) -> str | None:
            found = chosen(answer)
            unknown = [name for name in found if name not in names]
            if unknown or not found:
                return f"choose from the list: {', '.join(names)}"
            return f"choose {most} only" if most and len(found) > most else None

        return chosen(self._asked(question, default, check, hidden=False))

    def _asked(self, question: str, default: str | None, check: Check | None, *, hidden: bool) -> str:
        prompt = f"{question} [{default}]: " if default else f"{question}: "
        while True:
            # Only getpass itself can show its prompt once the terminal has stopped to show what is typed.
            typed = getpass(plain(prompt)) if hidden else self._console.input(plain(prompt), markup=False)
            answer = typed.strip() or default or ""
            wrong = check(answer) if answer and check else None if answer else "this needs an answer"
            if wrong is None:
                return answer
            # What was typed is not repeated: it may be a secret in the wrong place.
            self.say(f"  {wrong}", "red")

"""Checks that no secret is seen: in representations, errors, logs, and in what is stored."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from pydantic import ValidationError

from tallystick.errors import Error
from tallystick.testing.kit.base import KitBase, needs
from tallystick.testing.kit.capability import Capability
from tallystick.testing.kit.desk import Desk
from tallystick.testing.kit.failing import fail, require

__all__ = ["SecretChecks"]

_KEEP = "Keep secrets in `SecretRef`, reveal them as late as possible, and put them into no object, text or log."


class SecretChecks(KitBase):
    """A secret is known to the system and to the environment, and to nobody who reads along."""

    @needs(Capability.SIGN_IN)
    def test_no_secret_in_representations(self, desk: Desk) -> None:
        """Printed, the configuration, the connector, its streams, slices and cursors show no secret."""
        desk.fill(self.creates, 0.2)
        connector = desk.connect()
        config = connector.config_model.model_validate(dict(desk.system.config))
        shown = {"configuration": [repr(config), str(config), config.model_dump_json(), repr(config.model_dump())]}
        streams = connector.streams()
        parts = [(stream, part) for stream in streams for part in stream.plan(None, desk.system.now())]
        pages = [(repr(page.cursor), page.watermark) for stream, part in parts for page in stream.read(part)]
        shown["connector"] = [repr(connector), str(connector), *(repr(row) for row in connector.check())]
        shown["streams"] = [repr(streams), repr([vars(stream) for stream in streams])]
        shown["cursors"] = [repr(parts), repr(pages)]
        for what, texts in shown.items():
            _hides(desk, "\n".join(texts), f"the {what}")

    @needs(Capability.SIGN_IN)
    def test_no_secret_in_errors(self, desk: Desk) -> None:
        """No error shows a secret, nor does its chain of causes: refused, broken off, or failed for good."""
        desk.fill(self.creates, 0.2)
        faults = (Capability.SIGN_IN, Capability.SERVER_ERROR, Capability.TRUNCATION, Capability.RESET)
        for fault in faults:
            if fault in self.lacks:
                continue
            desk.system.set_fault(fault, times=None)
            report = desk.sync(f"failed-{fault.value}")
            desk.system.clear()
            require(report.errors, f"a lasting fault ({fault.value}) gave no error", "Let the error leave `read`.")
            for error in report.errors:
                _hides(desk, f"{error!r}\n{error.diagnostics()}\n{_traced(error)}", f"an error ({fault.value})")

    @needs(Capability.SIGN_IN)
    def test_no_secret_in_logs(self, desk: Desk) -> None:
        """What a sync and a check log, at the lowest level, or print, shows no secret."""
        desk.fill(self.creates, 0.2)
        with _listening() as heard:
            desk.read()
            list(desk.connect().check())
        _hides(desk, heard.getvalue(), "the log")

    @needs(Capability.SIGN_IN)
    def test_no_secret_is_stored(self, desk: Desk) -> None:
        """Neither records nor cursors hold a secret, also of a read that was cut."""
        desk.fill(self.creates)
        desk.cut("store", 1)
        store = desk.store("store")
        cursors = [repr(store.open_slices("kit", name)) for name in store.stream_states("kit")]
        _hides(desk, "\n".join(cursors), "a stored cursor")
        _hides(desk, repr(desk.contents()), "a stored record")

    @needs(Capability.SIGN_IN)
    def test_a_secret_in_the_configuration_is_refused_unseen(self, desk: Desk) -> None:
        """A secret written into the configuration in place of where it is kept is refused, and not repeated."""
        config = dict(desk.system.config)
        places = {f"env:{name}": secret for name, secret in desk.system.environment.items()}
        named = [key for key, value in config.items() if isinstance(value, str) and value in places]
        require(
            named,
            "no key of the configuration names a variable of `System.environment` as env:NAME",
            "Take secrets as `SecretRef`, and let the system's `config` name them as env:NAME.",
        )
        for key in named:
            secret = places[config[key]]
            try:
                self.connector.config_model.model_validate({**config, key: secret})
            except (ValidationError, Error) as error:
                _hides(desk, f"{error}\n{error!r}\n{_traced(error)}", f"the error about {key}")
            else:
                fail(f"the key {key} takes a secret itself", "Make it a `SecretRef`: a file that is shared holds none.")


def _traced(error: BaseException) -> str:
    """Give what a log of the error would show: its type, its text, and those of its causes."""
    return "".join(traceback.format_exception(error))


def _hides(desk: Desk, text: str, what: str) -> None:
    # The secret itself is not repeated here either.
    require(not any(secret in text for secret in desk.system.secrets()), f"{what} shows a secret", _KEEP)


@contextmanager
def _listening() -> Iterator[io.StringIO]:
    """Collect what is logged and printed while the block runs."""
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(heard), redirect_stderr(heard):
            yield heard
    finally:
        root.setLevel(level)
        root.removeHandler(handler)

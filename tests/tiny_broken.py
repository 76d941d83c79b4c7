"""Where the broken connectors of the conformance kit's tests are registered."""

import re
from dataclasses import dataclass

from tests.tiny_connector import TinyConfig, TinyConnector
from tests.tiny_system import TinyKit

MUTANTS = {}


@dataclass
class Mutant:
    """A kit with a broken connector, and what the check that finds it must say."""

    kit: type[TinyKit]
    says: str


def breaks(check, says):
    """Register a broken stream of people, connector, configuration or kit as the mutant of a check."""

    def register(broken):
        if issubclass(broken, TinyKit):
            kit = broken
        elif issubclass(broken, TinyConnector):
            kit = type("Kit", (TinyKit,), {"connector": broken})
        else:
            field = "config_model" if issubclass(broken, TinyConfig) else "people"
            kit = type("Kit", (TinyKit,), {"connector": type("Connector", (TinyConnector,), {field: broken})})
        assert check not in MUTANTS, check
        MUTANTS[check] = Mutant(kit, re.escape(says))
        return broken

    return register

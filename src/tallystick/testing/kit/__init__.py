"""The conformance kit for connectors: what a plugin's author imports."""

from tallystick.testing.kit.base import Lack
from tallystick.testing.kit.capability import Capability
from tallystick.testing.kit.kit import ConnectorKit
from tallystick.testing.kit.steered import SteeredSystem
from tallystick.testing.kit.system import UNKNOWN_WORD, System
from tallystick.testing.kit.tape import Tape
from tallystick.testing.timing import FakeTimer

__all__ = ["UNKNOWN_WORD", "Capability", "ConnectorKit", "FakeTimer", "Lack", "SteeredSystem", "System", "Tape"]

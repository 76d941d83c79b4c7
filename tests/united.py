"""Rules by which records are one unit or exclude each other, and the instant at which tests of them are."""

from tallystick.outcomes.predicate import Unit

DAY = 86_400_000_000
NOW = 1_790_000_000_000_000
CONVERSATION = Unit(("carries_on", "went_into"))
PER_DAY = Unit(("carries_on", "went_into"), "asked_by")
APART = Unit((), "asked_by", 2)

"""Custom fields read from the raw record."""

from decimal import Decimal

import pytest

from tallystick.connectors import CustomField, extract


@pytest.mark.parametrize(
    ("kind", "given", "read"),
    [
        ("text", "agency", "agency"),
        ("text", 7, "7"),
        ("integer", "42", 42),
        ("integer", "4.2", None),
        ("money", "12.50", Decimal("12.50")),
        ("money", "NaN", None),
        ("money", "twelve", None),
        ("boolean", "True", True),
        ("boolean", "yes", None),
        ("instant", "2026-09-01", 1_788_220_800_000_000),
        ("instant", "2026-09-01T02:00:00+02:00", 1_788_220_800_000_000),
        ("instant", "2026-09-01T02:00:00", None),
        ("instant", "1788220800", 1_788_220_800_000_000),
        ("instant", "1788220800000", None),
        ("instant", "soon", None),
        ("text", None, None),
        ("text", {"nested": 1}, None),
    ],
)
def test_a_value_is_read_as_its_type_or_is_unknown(kind, given, read):
    """What does not read as its declared type is None: unknown, never a guess."""
    assert extract({"metadata": {"x": given}}, {"x": CustomField(path="metadata.x", type=kind)}) == {"x": read}


@pytest.mark.parametrize("raw", [{}, {"metadata": None}, {"metadata": {}}, {"metadata": "text"}, {"metadata": []}])
def test_a_field_that_is_not_there_is_unknown(raw):
    """A path that leads nowhere gives None."""
    assert extract(raw, {"x": CustomField(path="metadata.x")}) == {"x": None}

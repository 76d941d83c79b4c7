"""Number literals: the type their place asks for, exactly, or a reason why not."""

from __future__ import annotations

from decimal import Decimal

from tallystick.outcomes.tree import INTEGER, RATE, Constant, Type

__all__ = ["MIXED", "PLAIN", "number"]

PLAIN = {
    "text": "text",
    "integer": "a whole number",
    "money": "money",
    "rate": "a decimal number",
    "boolean": "true or false",
    "instant": "an instant",
    "elapsed": "a span of time",
}
"""Types as a person says them."""

MIXED = {
    frozenset({"integer", "money"}): "A count is not an amount; multiply it by an amount, or compare two counts.",
    frozenset({"integer", "rate"}): "Write the number with decimals, or compare two whole numbers.",
    frozenset({"money", "rate"}): "A rate is not an amount; multiply the two.",
    frozenset({"instant", "text"}): "Declare the custom field with type: instant, or write the instant as a literal.",
    frozenset({"text", "integer"}): "Text takes quotes, a number none.",
    frozenset({"text", "money"}): "Text takes quotes, a number none; a custom field may be declared with type: money.",
    frozenset({"instant", "elapsed"}): "Add the interval to an instant first.",
}
"""What to do about two types that do not go together."""

_MOST_DIGITS = 14
_LARGEST_INTEGER = 2**63 - 1


def number(text: str, want: Type | None, *, negative: bool = False) -> Constant:
    """Give a literal such as `12` or `0.125` as a constant.

    Next to money it is an amount, next to a rate a rate; elsewhere a whole number unless it has decimals.

    Raises:
        ValueError: It has decimals where things are counted, or more digits than its type; says which.
    """
    _, _, decimals = text.partition(".")
    value = -Decimal(text) if negative else Decimal(text)
    kind = want if want is not None and (want.decimal or want == INTEGER) else None
    if kind is None:
        kind = Type("rate", len(decimals)) if decimals else INTEGER
    if kind == INTEGER:
        if decimals:
            raise ValueError(f"{text} is not a whole number, and what stands beside it is counted")
        if abs(value) > _LARGEST_INTEGER:
            raise ValueError(f"{text} is too large a number")
        return Constant(int(value), INTEGER)
    if kind.name == "rate":
        kind = Type("rate", max(len(decimals), kind.scale))
    most = kind.scale if kind.name == "money" else RATE.scale
    if len(decimals) > most or abs(value) >= 10**_MOST_DIGITS:
        raise ValueError(
            f"{text} has too many digits: {PLAIN[kind.name]} has at most {_MOST_DIGITS} and {most} decimals"
        )
    return Constant(value, kind)

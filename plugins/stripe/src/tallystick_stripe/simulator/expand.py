"""Expansion: an id in an answer becomes the object itself. https://docs.stripe.com/api/expanding_objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tallystick_stripe.simulator.books import Books, Obj
from tallystick_stripe.simulator.errors import WireError

__all__ = ["EXPANDABLE", "expand"]

_DEEPEST = 4

EXPANDABLE: dict[str, dict[str, str]] = {
    "charge": {
        "balance_transaction": "balance_transactions",
        "customer": "customers",
        "failure_balance_transaction": "balance_transactions",
        "payment_intent": "payment_intents",
        "refunds": "refunds",
    },
    "payment_intent": {"customer": "customers", "latest_charge": "charges"},
    "invoice": {"customer": "customers", "payments": "invoice_payments"},
    "invoice_payment": {"invoice": "invoices"},
    "payment": {"charge": "charges", "payment_intent": "payment_intents"},
    "refund": {
        "balance_transaction": "balance_transactions",
        "charge": "charges",
        "failure_balance_transaction": "balance_transactions",
        "payment_intent": "payment_intents",
    },
    "dispute": {"charge": "charges", "payment_intent": "payment_intents"},
    "balance_transaction": {"source": ""},
    "credit_note": {"customer": "customers", "invoice": "invoices"},
    "payout": {
        "balance_transaction": "balance_transactions",
        "failure_balance_transaction": "balance_transactions",
    },
}
"""What can be expanded in each object, and where the object is found; the source of a ledger row may be of any kind."""

_BY_PREFIX = {"ch": "charges", "py": "charges", "re": "refunds", "pyr": "refunds", "du": "disputes", "po": "payouts"}
_LISTS = {"refunds": "charge", "payments": "invoice"}


def expand(books: Books, answer: Obj, paths: list[str], require: Callable[[str], None]) -> Obj:
    """Give the answer with the named ids replaced; the stored objects stay as they are.

    Args:
        books: Where the objects are.
        answer: An object, or a list of them.
        paths: Like `customer` for an object, `data.balance_transaction.source` for a list.
        require: Called with each resource that is looked into; raises if the key lacks the right.

    Raises:
        WireError: 400; a path is deeper than four levels, or names what cannot be expanded.
    """
    for path in paths:
        steps = path.split(".")
        if len(steps) > _DEEPEST:
            raise WireError(
                400, f"You cannot expand more than 4 levels of a property. Property: {path}", param="expand"
            )
        answer = _Walk(books, path, require).into(answer, steps)
    return answer


class _Walk:
    def __init__(self, books: Books, path: str, require: Callable[[str], None]) -> None:
        self._books = books
        self._path = path
        self._require = require

    def into(self, node: Obj, steps: list[str]) -> Obj:
        step, rest = steps[0], steps[1:]
        if node.get("object") == "list":
            if step != "data":
                raise self._impossible()
            return {**node, "data": [self.into(item, rest) if rest else item for item in node["data"]]}
        if step not in self._known(node):
            if not isinstance(node.get(step), dict) or not rest:
                raise self._impossible()
            return {**node, step: self.into(node[step], rest)}
        if step not in node and step not in _LISTS:
            return node
        value = self._fetch(node, step)
        if rest and isinstance(value, dict):
            value = self.into(value, rest)
        return {**node, step: value}

    def _known(self, node: Obj) -> dict[str, str]:
        kind = node.get("object") or ("payment" if "type" in node else "")
        return EXPANDABLE.get(kind, {})

    def _fetch(self, node: Obj, step: str) -> Any:
        value = node.get(step)
        if step in _LISTS:
            return value if isinstance(value, dict) else self._sublist(node, step)
        if not isinstance(value, str):
            return value
        resource = self._known(node)[step] or _BY_PREFIX.get(value.partition("_")[0], "")
        if not resource:
            return value
        self._require(resource)
        return getattr(self._books, resource).get(value) or value

    def _sublist(self, node: Obj, step: str) -> Obj:
        resource = self._known(node)[step]
        self._require(resource)
        rows = [row for row in reversed(getattr(self._books, resource).items) if row[_LISTS[step]] == node["id"]]
        url = f"/v1/charges/{node['id']}/refunds" if step == "refunds" else "/v1/invoice_payments"
        return {"object": "list", "data": rows[:10], "has_more": len(rows) > 10, "url": url}

    def _impossible(self) -> WireError:
        text = f"This property cannot be expanded ({self._path})."
        return WireError(400, text, code="parameter_unknown", param="expand")

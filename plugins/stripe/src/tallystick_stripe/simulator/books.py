"""What the account holds: objects by kind in the order they were made, and the record of every write as an event."""

from __future__ import annotations

import calendar
from typing import Any

import msgspec

from tallystick_stripe.simulator import objects_account as build
from tallystick_stripe.simulator.ids import Ids

__all__ = ["Books", "Collection"]

Obj = dict[str, Any]

# The account's default version was raised on this day; events made before keep the version of their time.
_UPGRADED_AT = calendar.timegm((2026, 8, 20, 6, 0, 0))
_VERSION_BEFORE = "2026-06-24.dahlia"
# Event types that say what a changed field was before, beside all that end in `.updated`.
_TELLS_BEFORE = {"charge.refunded", "charge.captured", "charge.dispute.closed"}


class Collection:
    """Objects of one kind in the order of `created`, found by id."""

    def __init__(self) -> None:
        self.items: list[Obj] = []
        self.created: list[int] = []
        self.place: dict[str, int] = {}
        self.deleted: dict[str, Obj] = {}

    def add(self, item: Obj) -> Obj:
        """Append an object made now; time never runs back."""
        self.place[item["id"]] = len(self.items)
        self.items.append(item)
        self.created.append(item["created"])
        return item

    def get(self, key: str) -> Obj | None:
        """Give an object that was not deleted."""
        place = self.place.get(key)
        return None if place is None or key in self.deleted else self.items[place]

    def __getitem__(self, key: str) -> Obj:
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found


class Books:
    """All objects of one account in one mode, written to by the actions of the plan."""

    def __init__(self, seed: int, *, livemode: bool, keep_events_from: int = 0) -> None:
        self.seed = seed
        self.livemode = livemode
        self.ids = Ids(seed)
        self.account_id = self.ids.make("acct", livemode)
        # Nobody can ask for older events, so their snapshots are not even made.
        self.keep_events_from = keep_events_from
        self.charges = Collection()
        self.payment_intents = Collection()
        self.invoices = Collection()
        self.invoice_payments = Collection()
        self.refunds = Collection()
        self.disputes = Collection()
        self.balance_transactions = Collection()
        self.credit_notes = Collection()
        self.customers = Collection()
        self.events = Collection()
        self.payouts = Collection()
        self.paid_out: dict[str, str] = {}

    def emit(self, kind: str, item: Obj, at: int, by: str, before: Obj | None = None) -> None:
        """Record an event with the object as it is now.

        Args:
            kind: Event type.
            item: The object; it is copied.
            at: Unix seconds.
            by: `request` for a call of somebody, `stripe` for what Stripe does by itself (no request id).
            before: Former values of the fields that changed, for the types that tell them.
        """
        if at < self.keep_events_from:
            return
        number = 0
        while (key := self.ids.make("evt", kind, item["id"], at, number)) in self.events.place:
            number += 1
        foreign = at < _UPGRADED_AT
        shown = item
        if foreign and item["object"] == "invoice":
            shown = {name: value for name, value in item.items() if name != "amount_paid_off_stripe"}
        data: Obj = {"object": msgspec.Raw(msgspec.json.encode(shown))}
        if before and (kind.endswith(".updated") or kind in _TELLS_BEFORE):
            data["previous_attributes"] = msgspec.Raw(msgspec.json.encode(before))
        asked = by == "request"
        request = {
            "id": f"req_{key[-14:]}" if asked else None,
            "idempotency_key": self.ids.uuid(key) if asked else None,
        }
        self.events.add(
            build.event(
                id=key,
                type=kind,
                created=at,
                api_version=_VERSION_BEFORE if foreign else build.API_VERSION,
                livemode=self.livemode,
                data=data,
                request=request,
            )
        )

    def change(self, item: Obj, at: int, by: str, kinds: tuple[str, ...], **values: Any) -> None:
        """Set fields of an object and record one event of each kind; nothing happens if no field differs."""
        before = {name: item[name] for name, value in values.items() if item[name] != value}
        if not before:
            return
        for name in ("metadata", "status_transitions"):
            if name in before and isinstance(before[name], dict):
                old, new = before[name], values[name]
                before[name] = {key: old.get(key) for key in {**old, **new} if old.get(key) != new.get(key)}
        item.update(values)
        for kind in kinds:
            self.emit(kind, item, at, by, before)

    def delete(self, collection: Collection, key: str, at: int, kind: str) -> None:
        """Delete an object: it leaves all lists, and an event says so."""
        item = collection[key]
        collection.deleted[key] = item
        self.emit(kind, item, at, "request")

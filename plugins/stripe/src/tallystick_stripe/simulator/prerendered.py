"""Ready-made pages of charges, as fast as a socket takes them: for benchmarks only.

Serves `/v1/charges` newest first with `limit`, `starting_after` and `created` windows, an empty list for every other
resource, and nothing else. Each charge is filled into a
template rendered once; its place is read from its id.
"""

from __future__ import annotations

from bisect import bisect_left
from email.utils import formatdate
from urllib.parse import parse_qsl

import msgspec

from tallystick.testing.instants import instant
from tallystick.testing.prerendered import Body, Prerendered
from tallystick_stripe.simulator.objects_account import API_VERSION, account, balance
from tallystick_stripe.simulator.objects_cash import balance_transaction, charge

__all__ = ["Pages"]

_FIRST = instant("2026-04-01T00:00:00Z")
_PREFIX = b"ch_3Sp"
_DIGITS = 18
_VARIANTS = 100
_MOST = 100
_BYTES = 2_800


class Pages(Prerendered):
    """The charges, by number from 0 (newest), and the pages made of them."""

    def __init__(self, count: int, now: int) -> None:
        self.count = count
        self.now = now
        self._date = formatdate(now, usegmt=True).encode()
        span = now - _FIRST - 1
        # Oldest first, so that bisect works; charge `n` stands at `count - 1 - n`.
        self._created = [_FIRST + span * place // count for place in range(count)]
        self._plain = [_template(number, expanded=False) for number in range(_VARIANTS)]
        self._expanded = [_template(number, expanded=True) for number in range(_VARIANTS)]

    def reply(self, head: bytes, content: bytes, number: int) -> tuple[bytes, Body]:  # noqa: ARG002 - GET only
        """Answer a call."""
        status, body = self._answer(head.split(b" ", 2)[1].decode())
        lines = (
            b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nDate: %s\r\nRequest-Id: req_%014d\r\n"
            b"Stripe-Version: %s\r\n"
        )
        return lines % (status, self._date, number, API_VERSION.encode()), body

    def _answer(self, target: str) -> tuple[bytes, Body]:
        path, _, query = target.partition("?")
        if path == "/v1/charges":
            return b"200 OK", self.page(query)
        if path == "/v1/account":
            return b"200 OK", [msgspec.json.encode(account(id="acct_1Prerendered", created=_FIRST))]
        if path == "/v1/balance":
            return b"200 OK", [msgspec.json.encode(balance(available=0, pending=0, currency="eur", livemode=True))]
        if path.count("/") == 2 and path.startswith("/v1/"):
            return b"200 OK", [b'{"object":"list","data":[],"has_more":false,"url":"%s"}' % path.encode()]
        return b"404 Not Found", [b'{"error":{"type":"invalid_request_error","message":"not prerendered"}}']

    def window(self, bounds: dict[str, int]) -> tuple[int, int]:
        """Give the numbers, half-open, of the charges created inside bounds named gt, gte, lt, lte."""
        low, high = 0, self.count
        for name, bound in bounds.items():
            place = bisect_left(self._created, bound + (name in {"gt", "lte"}))
            low, high = (max(low, place), high) if name in {"gt", "gte"} else (low, min(high, place))
        return self.count - high, self.count - low

    def page(self, query: str) -> Body:
        """Give the body of one page, in pieces."""
        bounds: dict[str, int] = {}
        limit, after, expanded = 10, None, False
        for name, value in parse_qsl(query):
            if name.startswith("created["):
                bounds[name[8:-1]] = int(value)
            elif name == "limit":
                limit = int(value)
            elif name == "starting_after":
                after = int(value[len(_PREFIX) :])
            elif name.startswith("expand"):
                expanded = True
        first, end = self.window(bounds)
        if after is not None:
            first = max(first, after + 1)
        last = max(first, min(first + min(limit, _MOST), end))
        return self._render(first, last, more=last < end, expanded=expanded)

    def _render(self, first: int, last: int, *, more: bool, expanded: bool) -> list[bytes]:
        templates = self._expanded if expanded else self._plain
        newest = self.count - 1
        rows = []
        for number in range(first, last):
            digits = b"%018d" % number
            created = b"%d" % self._created[newest - number]
            rows.append(created.join([digits.join(piece) for piece in templates[number % _VARIANTS]]))
        if rows:
            rows[-1] = rows[-1][:-1]
        end = b'],"has_more":%s,"url":"/v1/charges"}' % (b"true" if more else b"false")
        return [b'{"object":"list","data":[', *rows, end]


def _template(variant: int, *, expanded: bool) -> list[list[bytes]]:
    """Render one charge and the comma behind it, cut where its second of creation stands, and where its number does."""
    mark, when = "7" * _DIGITS, 1_234_567_890
    key = _PREFIX.decode() + mark
    amount = 4_900 + 137 * variant
    txn = f"txn_3Sp{mark}"
    row = balance_transaction(
        id=txn, amount=amount, fee=99, currency="eur", available_on=when, created=when, source=key, status="available"
    )
    made = charge(
        id=key,
        method="card",
        livemode=True,
        amount=amount,
        amount_captured=amount,
        balance_transaction=txn,
        created=when,
        customer=f"cus_{variant:014d}",
        description="Nordwind Pro, annual licence",
        payment_intent=f"pi_3Sp{mark}",
    )
    made["metadata"] = {"order": "x" * max(0, _BYTES - len(msgspec.json.encode(made)))}
    if expanded:
        made["balance_transaction"] = row
    text = msgspec.json.encode(made) + b","
    return [piece.split(mark.encode()) for piece in text.split(b"%d" % when)]

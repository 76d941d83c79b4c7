"""A complete connector for the tiny system; each of its methods is small, so that a mutant overrides one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from threading import Lock
from typing import Any

import msgspec

from tallystick.connectors import (
    CheckRow,
    Connector,
    HttpClient,
    HttpConfig,
    Page,
    Retry,
    SecretRef,
    Slice,
    Stream,
    Timer,
    TokenBucket,
    retry_after,
)
from tallystick.errors import AuthorizationError, PermanentError, RateLimited, RetryableError, SchemaChanged
from tallystick.records.model import Record

SECOND = 1_000_000
LAG = 120 * SECOND


class TinyConfig(HttpConfig):
    """Where the account is, where its key is kept, and how far back it is read."""

    key: SecretRef
    start: date


class _Listed(msgspec.Struct):
    items: list[msgspec.Raw]
    more: bool


class _Person(msgspec.Struct):
    id: str
    created: int
    changed: int
    name: str
    status: Any = None
    merged_into: str | None = None
    deleted: bool = False


class _Change(msgspec.Struct):
    id: str
    at: int
    person: str
    field: str
    old: Any
    new: Any
    by: str


class _Token(msgspec.Struct):
    token: str


class TinyStream(Stream):
    """Objects of one kind by when they changed, oldest first."""

    path = ""

    def __init__(self, connector):
        self.connector = connector

    def plan(self, watermark, until):
        """Read on from the watermark."""
        start = self.connector.start if watermark is None else watermark
        return [Slice(start, until, {})] if start < until else []

    def read(self, part):
        """Yield the pages."""
        cursor = dict(part.cursor)
        while True:
            records, place, now = self.page(part, cursor)
            cursor = self.onward(cursor, place, now)
            known = self.known(part, cursor)
            if place is None:
                yield Page(records, None, known)
                return
            yield Page(records, cursor, min(known, place["at"] * SECOND))

    def onward(self, cursor, place, now):
        """Give the cursor behind a page; it keeps the system's clock at the first one."""
        return {"now": cursor.get("now", now), **(place or {})}

    def known(self, part, cursor):
        """Give up to when the slice is known once it is read."""
        return max(part.start, min(part.end, cursor["now"] - LAG))

    def asked(self, part, cursor):
        """Give what is asked for."""
        window = {"since": -(-part.start // SECOND), "until": -(-part.end // SECOND)}
        return {**window, **({"after_at": cursor["at"], "after_id": cursor["id"]} if "at" in cursor else {})}

    def page(self, part, cursor):
        """Give the records of a page, the place of its last one if more follow, and the system's clock."""

        def decode(response):
            listed = msgspec.json.decode(response.body, type=_Listed)
            rows = [self.decode(bytes(raw)) for raw in listed.items]
            place = self.place(rows[-1]) if listed.more else None
            return (
                [self.record(row, bytes(raw)) for row, raw in zip(rows, listed.items, strict=True)],
                place,
                response.date,
            )

        return self.connector.get(self.path, self.asked(part, cursor), decode)


class PeopleStream(TinyStream):
    """People."""

    name, types, path = "people", ("contact",), "/v1/people"

    def decode(self, raw):
        """Read a person."""
        return msgspec.json.decode(raw, type=_Person)

    def place(self, person):
        """Tell where a person stands."""
        return {"at": person.changed, "id": person.id}

    def status(self, person):
        """Give the status, if it is one."""
        return person.status if isinstance(person.status, str) else None

    def values(self, person):
        """Give the typed columns."""
        told = {"created": person.created * SECOND, "changed": person.changed * SECOND}
        nothing = (None,) * 7
        head = (told["created"], told["changed"], "lead", person.name)
        return (*head, *nothing, self.status(person), None, None, person.merged_into)

    def record(self, person, raw):
        """Map a person."""
        return Record("contact", person.id, person.changed * SECOND, self.values(person), raw, self.deleted(person))

    def deleted(self, person):
        """Tell whether a person is gone."""
        return person.deleted


class ChangeStream(TinyStream):
    """Who changed what."""

    name, types, path = "changes", ("change",), "/v1/changes"

    def decode(self, raw):
        """Read a change."""
        return msgspec.json.decode(raw, type=_Change)

    def place(self, change):
        """Tell where a change stands."""
        return {"at": change.at, "id": change.id}

    def record(self, change, raw):
        """Map a change."""
        old, new = (msgspec.json.encode(value).decode() for value in (change.old, change.new))
        at = change.at * SECOND
        values = (at, "contact", change.person, "edit", change.field, old, new, self.actor(change), None, None)
        return Record("change", change.id, at, values, raw)

    def actor(self, change):
        """Give who did it."""
        return change.by


class TinyConnector(Connector):
    """People of the tiny system, and their history."""

    name = "tiny"
    version = "1.0"
    api_version = "1"
    config_model = TinyConfig
    people: type[TinyStream] = PeopleStream
    changes: type[TinyStream] = ChangeStream

    def __init__(self, config, *, timer=None):
        self._config = config
        self._timer = timer or Timer()
        self._lock = Lock()
        self._token = None
        self._bucket = TokenBucket(1_000, self._timer)
        midnight = datetime.combine(config.start, time(), UTC)
        self.start = int(midnight.timestamp()) * SECOND
        self.http = HttpClient(
            config.base_url,
            name="Tiny",
            bucket=self._bucket,
            retry=self.retry(),
            timer=self._timer,
            classify=self.classify,
            headers=lambda: {"Authorization": f"Bearer {self._token or config.key.reveal()}"},
        )

    def retry(self):
        """Say how often to try again."""
        return Retry(self._timer)

    def streams(self) -> Sequence[Stream]:
        """Give both streams."""
        return [self.people(self), self.changes(self)]

    def get(self, path, params, decode):
        """Make a call; signs in before the first one, and once more when the token is refused."""
        with self._lock:
            token = self._token or self.sign_in()
        try:
            return self.http.get_as(path, params, decode)
        except AuthorizationError:
            with self._lock:
                if self._token == token:
                    self.sign_in()
            return self.http.get_as(path, params, decode)

    def sign_in(self):
        """Get a token for the key."""
        self._token = None
        self._token = self.http.get_as(
            "/token", None, lambda answer: msgspec.json.decode(answer.body, type=_Token)
        ).token
        return self._token

    def classify(self, response):
        """Say what a status means."""
        if response.status == 200 and response.date is None:
            return SchemaChanged("the answer has no date")
        if response.status == 401:
            return AuthorizationError("Tiny does not let us in", hint="Make a new key and store it.")
        if response.status == 429:
            return RateLimited("too many calls", retry_after=retry_after(response))
        if response.status >= 500:
            return RetryableError(f"Tiny failed with {response.status}")
        return None if response.status == 200 else PermanentError(f"Tiny answered {response.status}")

    def check(self):
        """Say whether we are let in."""
        try:
            self.sign_in()
        except AuthorizationError as error:
            yield CheckRow("sign-in", "failed", error.message, error.hint)
        else:
            yield CheckRow("sign-in", "ok", "the key is good")

    def lookup(self, ref):
        """Read one person."""
        stream = self.people(self)
        return self.get(
            f"/v1/people/{ref}", {}, lambda answer: [stream.record(stream.decode(answer.body), answer.body)]
        )

    def calls(self):
        """Count calls."""
        return self._bucket.taken

    def close(self):
        """Give back the connection."""
        self.http.close()

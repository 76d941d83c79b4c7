"""One object, live, through simple-salesforce, with its history.

simple-salesforce makes the calls, its users know it; the facts come from the raw bytes that the guarded session keeps,
mapped as the streams map them. What it parsed of them is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from tallystick.connectors import Response, Retry, TokenBucket, user_agent
from tallystick.errors import ConfigurationError, ConnectorError, Error, RetryableError, SchemaChanged
from tallystick.records.model import Record
from tallystick_salesforce.budget import Budget
from tallystick_salesforce.catalog import ENTITIES, Entity
from tallystick_salesforce.faults import MissingError, UnauthenticatedError, classify
from tallystick_salesforce.opened import Opened
from tallystick_salesforce.org import Org
from tallystick_salesforce.soql import is_id, select
from tallystick_salesforce.tokens import SignIn

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce

    from tallystick_salesforce.session import GuardedSession

__all__ = ["Lookup"]

_KINDS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "00U": ("Event", (("EventRelation", "EventId"), ("VideoCall", "EventId"), ("ActivityFieldHistory", "ActivityId"))),
    "00T": ("Task", (("ActivityFieldHistory", "ActivityId"),)),
    "006": (
        "Opportunity",
        (("OpportunityHistory", "OpportunityId"), ("OpportunityFieldHistory", "OpportunityId")),
    ),
    "00Q": ("Lead", (("LeadHistory", "LeadId"),)),
    "003": ("Contact", (("ContactHistory", "ContactId"),)),
    "001": ("Account", (("AccountHistory", "AccountId"),)),
    "500": (
        "Case",
        (
            ("CaseHistory", "CaseId"),
            ("CaseHistory2", "CaseId"),
            ("MessagingSession", "CaseId"),
            ("EmailMessage", "ParentId"),
            ("CaseComment", "ParentId"),
        ),
    ),
}
"""The object behind an id, by its first signs, and what tells of it, each by the field that names the object."""

_BY_NAME = {entity.name: entity for entity in ENTITIES}


class Lookup:
    """A live look at one object; one simple-salesforce client with a session of its own, used in one thread.

    Args:
        base_url: The org's origin; no other is ever called.
        sign_in: Gives the token, which is handed over ready-made: simple-salesforce never signs in by itself here.
        org: Describes objects and makes records.
        version: Version of the API.
        bucket: What every call spends from, shared with the streams.
        budget: How much of the org's quota we may use, shared with the streams.
        retry: How often and how long to repeat, shared with the streams.
    """

    def __init__(
        self,
        base_url: str,
        sign_in: SignIn,
        org: Org,
        *,
        version: str,
        bucket: TokenBucket,
        budget: Budget,
        retry: Retry,
    ) -> None:
        self._base_url = base_url
        self._sign_in = sign_in
        self._org = org
        self._version = version
        self._bucket = bucket
        self._budget = budget
        self._retry = retry
        self._token = ""
        self._refused = False

    def records(self, ref: str) -> list[Record]:
        """Give the records of an object and of what tells of it.

        An object that is not shown is looked for among the deleted ones, so that deleted, merged and not readable are
        told apart.

        Args:
            ref: Its id.

        Raises:
            ConfigurationError: It is no id of an object that is read.
            MissingError: It was deleted for good, or the reader may not see it.
            Error: A call was refused or could not be made.
        """
        kind = _KINDS.get(ref[:3]) if is_id(ref) else None
        if kind is None:
            raise ConfigurationError(
                "that is no id of an event, task, opportunity, lead, contact, account or case",
                hint="Give the id of 15 or 18 signs that stands in the address of its page.",
            )
        from tallystick_salesforce.session import GuardedSession, sdk_origin

        with GuardedSession(
            {sdk_origin(self._base_url): self._base_url},
            before=self._before,
            judge=self._judge,
            methods=frozenset({"GET"}),
        ) as session:
            return self._read(session, ref, kind)

    def _read(self, session: GuardedSession, ref: str, kind: tuple[str, tuple[tuple[str, str], ...]]) -> list[Record]:
        from simple_salesforce.api import Salesforce

        token = self._sign_in.token()
        client = Salesforce(session_id=token, instance_url=self._base_url, version=self._version, session=session)
        found = self._object(client, session, _BY_NAME[kind[0]], ref)
        for name, parent in kind[1]:
            if self._org.reads(name):
                found += self._related(client, session, _BY_NAME[name], (parent, ref))
        return found

    def _object(self, client: Salesforce, session: GuardedSession, entity: Entity, ref: str) -> list[Record]:
        opened = Opened(self._org, entity)
        try:
            [kept] = self._ask(session, lambda: getattr(client, entity.name).get(ref))
        except MissingError:
            return self._deleted(client, session, entity, ref)
        page = b'{"done":true,"records":[' + kept.body + b"]}"
        return self._mapped(opened, msgspec.structs.replace(kept, body=page))

    def _deleted(self, client: Salesforce, session: GuardedSession, entity: Entity, ref: str) -> list[Record]:
        found = self._related(client, session, entity, ("Id", ref))
        if not found:
            raise MissingError(
                f"Salesforce shows no {entity.name} of that id, not even a deleted one",
                hint="It was deleted more than 15 days ago, or for good, or the reader may not see it.",
            )
        return found

    def _related(
        self, client: Salesforce, session: GuardedSession, entity: Entity, parent: tuple[str, str]
    ) -> list[Record]:
        from simple_salesforce.format import format_soql

        opened = Opened(self._org, entity)
        where = [format_soql(f"{parent[0]} = {{}}", parent[1]), *entity.where]
        soql = select(entity.name, opened.fields, where=where, order=(entity.cursor, "Id"))
        pages = self._ask(session, lambda: client.query_all(soql, include_deleted=True))
        return [record for page in pages for record in self._mapped(opened, page)]

    def _ask(self, session: GuardedSession, call: Callable[[], Any]) -> list[Response]:
        """Make one call through the SDK, all its pages included, and give what the session kept of them."""
        self._refused = False
        return self._retry(lambda: self._call(session, call))

    def _call(self, session: GuardedSession, call: Callable[[], Any]) -> list[Response]:
        from simple_salesforce.exceptions import SalesforceError

        session.kept = []
        try:
            call()
        except Error:
            raise
        except (SalesforceError, LookupError, TypeError, ValueError, AttributeError) as cause:
            raise _strange(type(cause).__name__) from None
        return session.kept

    @staticmethod
    def _mapped(opened: Opened, page: Response) -> list[Record]:
        try:
            return opened.records(opened.reader.read(page))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
            raise _strange(str(cause) if isinstance(cause, msgspec.ValidationError) else type(cause).__name__) from None

    def _before(self, headers: Any) -> None:
        self._bucket.acquire()
        self._token = self._sign_in.token()
        self._budget.spend()
        headers["Authorization"] = f"Bearer {self._token}"
        headers["User-Agent"] = user_agent()

    def _judge(self, seen: Response) -> ConnectorError | None:
        self._budget.note(seen.headers)
        error = classify(seen, [self._token])
        if not isinstance(error, UnauthenticatedError) or self._refused:
            return error
        self._refused = True
        self._sign_in.refused(self._token)
        return RetryableError(error.message, hint=error.hint)


def _strange(reason: str) -> SchemaChanged:
    return SchemaChanged(
        f"Salesforce answered a look-up in a shape this connector does not know: {reason}",
        hint="Update tallystick-salesforce.",
    )

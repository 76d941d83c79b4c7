"""Acceptance of a meeting: an act in history, told apart by who did it and when.

An act is one row of history that accepts, or a deal that was created. It counts if an account executive of the roster,
by the role held then or by id, did it at or after the end of the meeting. All others are kept as facts of their own, so
that a verdict can say why an acceptance was none.

Where a second source tells who accepted, the same acts are read there, around the meeting that is this one: history,
roster and the vendor's identities are those of that source alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tallystick.canonical import canonical
from tallystick.outcomes.template import Setting
from tallystick.outcomes.ticket_facts import texts

__all__ = ["BESIDE", "accepting", "types_of"]

BESIDE = "beside.acceptance"
"""The setting with the vendor's identities in the second source that acceptance comes from, if there is one."""

_RELATIONS = {
    "meeting_field": ("changes",),
    "contact_field": ("contact_changes",),
    "deal_field": ("deal_changes", "account_deal_changes"),
    "deal_stage": ("deal_changes", "account_deal_changes"),
    "deal_created": ("deals", "account_deals"),
}
_TYPES = {
    "meeting_field": ("change",),
    "contact_field": ("contact", "change"),
    "deal_field": ("deal", "change"),
    "deal_stage": ("deal", "change"),
    "deal_created": ("deal",),
}
_OBJECTS = {"meeting_field": "meeting", "contact_field": "contact", "deal_field": "deal", "deal_stage": "deal"}
"""What a change has to be about."""

_EMPTY = "('null', '\"\"', 'false', '\"false\"', '[]')"


_BARE = re.compile(r"true|false|-?[0-9]+(\.[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Act:
    """One relation whose rows may accept, the columns that tell who did it when, and where the vendor's ids stand."""

    relation: str
    accepts: str
    declines: str
    at: str
    actor: str
    role: str
    vendors: str


def types_of(values: Mapping[str, Setting]) -> tuple[str, ...]:
    """Give the record types that acceptance is read from."""
    types = (*_TYPES[str(values["acceptance"])], *(("actor",) if values["account_executive_roles"] else ()))
    return tuple(f"acceptance_{name}" for name in ("meeting", *types)) if BESIDE in values else types


def accepting(values: Mapping[str, Setting]) -> dict[str, str]:
    """Give the facts of acceptance; none where no act accepts."""
    if values["acceptance"] == "none":
        return {}
    acts = [_act(values, relation) for relation in _RELATIONS[str(values["acceptance"])]]
    facts = _pair(values) if BESIDE in values else {}

    def add(name: str, function: str, told: Callable[[_Act], str], column: str = "") -> None:
        parts = []
        for number, act in enumerate(acts):
            # Of two relations each has a fact of its own, so that no expression grows too long to be read.
            parts.append(name if len(acts) == 1 else f"{name}_{'deal' if number == 0 else 'account'}")
            facts[parts[-1]] = f"{function}({act.relation}.{column or act.at}) filter (where {told(act)})"
        if len(parts) > 1:
            extreme = "least" if function == "min" else "greatest"
            listed = ", ".join(parts)
            facts[name] = f"coalesce({extreme}({listed}), {listed})"

    def after(act: _Act) -> str:
        return f"{act.accepts} and {act.relation}.{act.at} >= ended_at"

    def counts(act: _Act) -> str:
        vendor = "" if values["accept_self_attested"] else f" and not {_by_vendor(act)}"
        return f"{_executive(values, act)}{vendor}"

    def early(act: _Act) -> str:
        # What was done before the booking was about something else.
        since = f"{act.relation}.{act.at} >= booked_at and {act.relation}.{act.at} < ended_at"
        return f"{act.accepts} and {since} and {counts(act)}"

    def declined(act: _Act, by: str = "{}") -> str:
        in_time = f"{act.relation}.{act.at} >= ended_at and {act.relation}.{act.at} < decline_end"
        return f"{act.declines} and {in_time} and {by.format(_executive(values, act))} and not {_by_vendor(act)}"

    add("accepted_at", "min", lambda act: f"{after(act)} and {counts(act)}")
    # Of several at one instant the first by id, so that it is always the same.
    add(
        "accepted_by",
        "min",
        lambda act: f"{after(act)} and {counts(act)} and {act.relation}.{act.at} = accepted_at",
        acts[0].actor,
    )
    facts["accept_end"] = "business_deadline(ended_at, :acceptance_business_days, :holidays)"
    add("early_accepted_at", "max", early)
    add(
        "other_accepted_at",
        "min",
        lambda act: f"{after(act)} and not {_executive(values, act)} and not {_by_vendor(act)}",
    )
    add("self_accepted_at", "min", lambda act: f"{after(act)} and {_by_vendor(act)}")
    unknown = "{} and ({}) is null and not {}"
    add("unknown_accepted_at", "min", lambda act: unknown.format(after(act), _executive(values, act), _by_vendor(act)))
    if acts[0].declines:
        add("last_accepted_at", "max", lambda act: f"{after(act)} and {counts(act)}")
        facts["clawback_end"] = "accepted_at + interval :clawback_days day"
        facts["decline_end"] = "coalesce(greatest(accept_end, clawback_end), accept_end)"
        add("declined_at", "max", declined)
        add("unknown_declined_at", "max", lambda act: declined(act, "({}) is null"))
    return facts


def _pair(values: Mapping[str, Setting]) -> dict[str, str]:
    """Give the facts of the meeting that is this one in a second source; `paired_with` is what the act would be on."""
    pair = "min(acceptance_meetings.{})".format
    on = {"meeting_field": pair("id"), "contact_field": pair("contact_id")}
    return {
        "pair_candidates": pair("candidates"),
        "paired_deal": pair("deal_id"),
        "paired_with": on.get(str(values["acceptance"]), f"coalesce(paired_deal, {pair('account_id')})"),
    }


def _act(values: Mapping[str, Setting], relation: str) -> _Act:
    name = str(values["acceptance"])
    vendors, deal = ("acceptance_vendor_ids", "paired_deal") if BESIDE in values else ("vendor_ids", "own_deal")
    # Where the meeting names a deal, what happens to others of the account says nothing of it.
    only = f" and {deal} is null" if relation.startswith("account_") else ""
    if BESIDE in values:
        # Around a meeting that cannot be told from another one nothing counts.
        relation, only = f"acceptance_{relation}", f"{only} and pair_candidates is null"
    if name == "deal_created":
        return _Act(relation, f"true{only}", "", "created_at", "created_by", "created_by_role", vendors)
    # In some systems a meeting and a deal may have the same id.
    kind = f"{relation}.object_type = '{_OBJECTS[name]}' and "
    new = f"{relation}.new"
    declining = _written(values["rejection_values"])
    if name == "deal_stage":
        field = f"{kind}{relation}.field = 'stage'{only}"
        accepts = f"{field} and {new} in ({_written(values['accepting_stages'])})"
        declines = f"{field} and {new} in ({declining})" if values["rejection_values"] else ""
    else:
        named = str(values["acceptance_field"])
        field = f"{kind}{relation}.field in ({texts((named, f'custom.{named}'))}){only}"
        some = f"in ({_written(values['acceptance_values'])})" if values["acceptance_values"] else f"not in {_EMPTY}"
        accepts = f"{field} and {new} {some}"
        refused = f"{new} in ({declining})" if values["rejection_values"] else f"not coalesce({new} {some}, false)"
        declines = f"{field} and {refused}"
    return _Act(relation, accepts, declines, "at", "actor_id", "actor_role", vendors)


def _written(values: object) -> str:
    """Give values as a change history writes them, as JSON: a text, and what may be no text without quotes too."""
    listed = values if isinstance(values, tuple) else ()
    bare = [value for value in listed if _BARE.fullmatch(value)]
    return texts((*(canonical(value).decode() for value in listed), *bare))


def _executive(values: Mapping[str, Setting], act: _Act) -> str:
    """Give the condition that an account executive did it; unknown where nobody is named, or the role is.

    Through an application that nobody has named, anybody may have acted under the name of an executive.
    """
    roles = values["account_executive_roles"]
    told = [f"{act.relation}.{act.role} in ({texts(roles)})"] if roles else []
    told += [f"listed({act.relation}.{act.actor}, :account_executive_ids)"] if values["account_executive_ids"] else []
    app = f"{act.relation}.app_id"
    known = f"{app} is null or listed({app}, :buyer_apps) or listed({app}, :{act.vendors})"
    return f"(({' or '.join(told)}) and case when {known} then true else null end)"


def _by_vendor(act: _Act) -> str:
    author = f"coalesce(listed({act.relation}.{act.actor}, :{act.vendors}), false)"
    return f"({author} or coalesce(listed({act.relation}.app_id, :{act.vendors}), false))"

"""The template `qualified-meeting`: a meeting that took place, long enough, with whom it should, and was accepted.

Neither a length nor an acceptance is a value somebody left in a field: the first comes from conversations that took
place, the second is an act of a person in the roster, found in history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from tallystick.outcomes.meeting_acts import BESIDE
from tallystick.outcomes.meeting_clauses import clauses_of
from tallystick.outcomes.meeting_facts import facts_of
from tallystick.outcomes.meeting_params import PARAMS
from tallystick.outcomes.predicate import PredicateSource, Unit
from tallystick.outcomes.template import Setting, Template, scalars
from tallystick.outcomes.tree import Value

__all__ = ["QUALIFIED_MEETING", "free_mail_domains"]

_MOST_TITLES = 20
_MOST_VALUES = 50


def _build(values: Mapping[str, Setting]) -> PredicateSource:
    _refuse(values)
    links = ["copied_from"]
    links += ["stands_in_for"] if values["reschedule_rule"] == "follows_original" else []
    links += ["in_series"] if values["recurring"] == "first_only" else []
    days = values["one_per_account_days"]
    assert isinstance(days, int)  # noqa: S101 - the parameter's kind
    return PredicateSource(
        facts=facts_of(values),
        clauses=clauses_of(values),
        params={**scalars(values, *_NUMBERS), **_words(values), **_identities(values)},
        unit=Unit(
            tuple(links),
            "account_key" if days else None,
            days or None,
            "called" if values["one_across_sources"] else None,
        ),
    )


_NUMBERS = ("acceptance_business_days", "clawback_days", "existing_pipeline_exclusion_days")


def _refuse(values: Mapping[str, Setting]) -> None:
    """Refuse parameters that do not go together, and lists that say nothing as they stand."""
    for wrong, message in _conflicts(values):
        if wrong:
            raise ValueError(message)
    for name in (*_WORDS, BESIDE):
        if spaced := [word for word in _tuple(values.get(name)) if len(word.split()) > 1]:
            what = "the vendor's identities in the source of acceptance" if name == BESIDE else name
            raise ValueError(f"{what}: {spaced[0]!r} has a space inside")
    for day in _tuple(values["holidays"]):
        try:
            date.fromisoformat(day)
        except ValueError:
            raise ValueError(f"holidays: {day!r} is not a day such as 2026-12-25") from None
    for name, most in _MOST.items():
        if len(_tuple(values[name])) > most:
            raise ValueError(f"{name} has more than {most} entries")


def _conflicts(values: Mapping[str, Setting]) -> Iterator[tuple[bool, str]]:
    """Give what must not be, each with what to say of it."""
    act, sources = str(values["acceptance"]), _tuple(values["duration_sources"])
    yield not sources, "duration_sources is empty: nothing would prove that a meeting took place"
    field = "crm_field in duration_sources and duration_field go together: set both or neither"
    yield ("crm_field" in sources) != bool(values["duration_field"]), field
    accepts = f"acceptance {act} and acceptance_field do not go together: it is for deal_, contact_ and meeting_field"
    yield act.endswith("_field") != bool(values["acceptance_field"]), accepts
    stages = f"acceptance {act} and accepting_stages do not go together: it is for deal_stage"
    yield (act == "deal_stage") != bool(values["accepting_stages"]), stages
    nobody = not values["account_executive_roles"] and not values["account_executive_ids"]
    where = "the source of acceptance" if BESIDE in values else "the source"
    people = f"nobody may accept: name people.account_executive in {where}, or set acceptance: none"
    yield act != "none" and nobody, people
    silent = f"rejection_values say nothing where acceptance is {act}"
    yield act in {"none", "deal_created"} and bool(values["rejection_values"]), silent


_WORDS = (
    "vendor_ids",
    "account_executive_ids",
    "buyer_apps",
    "free_mail_domains",
    "internal_domains",
    "excluded_domains",
    "holidays",
)
_MOST = {
    "decision_maker_titles": _MOST_TITLES,
    "account_executive_roles": _MOST_VALUES,
    "acceptance_values": _MOST_VALUES,
    "accepting_stages": _MOST_VALUES,
    "rejection_values": _MOST_VALUES,
}


def _words(values: Mapping[str, Setting]) -> dict[str, Value]:
    """Give lists as words, for `listed`; domains in lower case, as records hold them."""
    found: dict[str, Value] = {name: " ".join(_tuple(values[name])) for name in _WORDS}
    for name in ("internal_domains", "excluded_domains"):
        found[name] = str(found[name]).lower()
    if values["business_email"]:
        own = (domain.lower() for domain in _tuple(values["free_mail_domains"]))
        found["free_mail_domains"] = " ".join(dict.fromkeys((*free_mail_domains(), *own)))
    return found


def _identities(values: Mapping[str, Setting]) -> dict[str, Value]:
    """Give the vendor's identities in the second source of acceptance, if there is one, as words."""
    ids = values.get(BESIDE)
    return {"acceptance_vendor_ids": " ".join(_tuple(ids))} if ids is not None else {}


@cache
def free_mail_domains() -> tuple[str, ...]:
    """Give the free-mail domains the program knows; they are part of what a contract pins."""
    text = files("tallystick.outcomes").joinpath("free_mail.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.split("\n") if line and not line.startswith("#"))


def _tuple(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


QUALIFIED_MEETING = Template(
    "qualified-meeting",
    "meeting",
    "A meeting that took place with the prospect, lasted long enough by a source the contract names, and was accepted "
    "in time by an account executive after it had ended.",
    PARAMS,
    _build,
)

"""Rules about who owns the scoreboard: what decides, who may have written it, and how far back it is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from tallystick.contracts.checks import named
from tallystick.contracts.lint.rule import Draft, Hit, Written, rule
from tallystick.outcomes import Predicate, tree
from tallystick.outcomes.steps import shown
from tallystick.period import DAY

__all__ = ["RULES"]


@rule("vendor-writable-field", "error", "A field that the vendor could write decides, and nothing asks who wrote it.")
def _vendor_writable_field(draft: Draft) -> Iterator[Hit]:
    for outcome in draft.outcomes:
        if outcome.values.get("tag_provenance") == "attested":
            yield outcome.hit(
                "with",
                "tag_provenance",
                reason="nothing shows that the tag was there before the money: whoever holds a key may have set it"
                " afterwards",
                rewrite="tag_provenance: proven",
            )
        predicate = outcome.agreed.predicate
        fields = sorted({node.name for node in predicate.nodes if isinstance(node, tree.Field) and node.custom})
        if outcome.template is None and fields and "change" not in predicate.types:
            yield outcome.hit(
                "clauses",
                reason=f"custom fields decide, and no clause asks who wrote them: {', '.join(fields)}",
                rewrite="Use a template that asks for it, or add a clause over `changes`: who wrote it, and when.",
            )


@rule("self-attested", "error", "What the vendor wrote itself counts as proof.")
def _self_attested(draft: Draft) -> Iterator[Hit]:
    for outcome in draft.outcomes:
        if outcome.values.get("accept_self_attested") is True:
            yield outcome.hit(
                "with",
                "accept_self_attested",
                reason="whoever is paid for a fact writes it: the vendor owns the scoreboard",
                rewrite="accept_self_attested: false",
            )


@rule("weak-duration", "error", "The length of a meeting comes from a calendar, or from a field somebody fills in.")
def _weak_duration(draft: Draft) -> Iterator[Hit]:
    for outcome in draft.outcomes:
        sources = outcome.values.get("duration_sources")
        weak = [name for name in ("scheduled", "crm_field") if isinstance(sources, tuple) and name in sources]
        if weak:
            yield outcome.hit(
                "with",
                "duration_sources",
                reason=f"{', '.join(weak)} proves no conversation: it is what somebody wrote beforehand, or afterwards",
                rewrite="duration_sources: [conference, call]",
            )


@rule("vendor-judge", "warning", "A model judges what the model did.")
def _vendor_judge(draft: Draft) -> Iterator[Hit]:
    for outcome in draft.outcomes:
        if outcome.values.get("judge") == "llm":
            yield outcome.hit(
                "with",
                "judge",
                reason="whose model it is, and which one, is not in the contract, and its errors are yours",
                rewrite="judge: buyer_sample, and sample: {size: 50, tolerance: 5, rule: extrapolate}",
            )


@rule("anyones-work", "warning", "What others than the vendor did counts as the vendor's.")
def _anyones_work(draft: Draft) -> Iterator[Hit]:
    asked = (
        ("booked_by", "anyone", "meetings that your own people booked are paid for", "booked_by: vendor"),
        (
            "count_automatic",
            True,
            "payments that the system collected by itself are paid for",
            "count_automatic: false",
        ),
    )
    for outcome in draft.outcomes:
        for name, value, reason, rewrite in asked:
            if outcome.values.get(name) == value:
                yield outcome.hit("with", name, reason=reason, rewrite=rewrite)


@rule("no-identities", "warning", "The contract does not say who the vendor is in the source that decides.")
def _no_identities(draft: Draft) -> Iterator[Hit]:
    for source in dict.fromkeys(source for outcome in draft.outcomes for source in _sources(outcome)):
        if not draft.contract.vendor.identities.get(source) and not _named(draft, source):
            yield Hit(
                ("vendor", "identities"),
                f"nobody can tell what the vendor itself wrote in {source}",
                f"identities: {{{source}: [...]}}, with the ids of its users and applications there",
            )


@rule("nobody-known", "note", "Nothing that was read so far shows somebody, or a role, that the contract names.")
def _nobody_known(draft: Draft) -> Iterator[Hit]:
    parts: tuple[tuple[Literal["ids", "role_in"], str], ...] = (
        ("ids", "the ids that its API tells; leave one that has not done anything yet"),
        ("role_in", "the roles as the system calls them, or ids"),
    )
    for part, rewrite in parts:
        for source, path, texts in named(draft.terms, draft.templates, part):
            asked = list(dict.fromkeys(text for text in texts if isinstance(text, str)))
            seen = draft.seen(source, part, asked) if asked else None
            missing = [text for text in asked if seen is not None and text not in seen]
            if missing:
                reason = f"no record of {source} that was read shows {', '.join(missing)}: a misspelt one is nobody"
                yield Hit(path, reason, f"Compare with {rewrite}.")


def _sources(outcome: Written) -> Iterable[str]:
    agreed = outcome.agreed
    return (agreed.source, *(second.source for second in (agreed.calls, agreed.acceptance) if second is not None))


def _named(draft: Draft, source: str) -> bool:
    """Tell whether a parameter of a template says who the vendor is there."""
    return any(outcome.agreed.vendors for outcome in draft.outcomes if outcome.agreed.source == source)


@rule("window-beyond-memory", "warning", "A clause looks back further than the source remembers.")
def _window_beyond_memory(draft: Draft) -> Iterator[Hit]:
    for outcome in draft.outcomes:
        memory = draft.remembers.get(outcome.agreed.source, {})
        predicate = outcome.agreed.predicate
        for clause in predicate.clauses:
            kinds = {kind: memory[kind] for kind in {predicate.record, *clause.related} if kind in memory}
            reach = _reach(predicate, clause.expressions)
            for kind, days in sorted(kinds.items()):
                if reach > days:
                    yield outcome.hit(
                        "source",
                        reason=f"{clause.name} spans {reach} days, and {outcome.agreed.source} tells of each {kind} for"
                        f" {days} days only: what happened before the first sync is not known",
                        rewrite=f"Shorten the window to {days} days, or begin to sync {reach - days} days before the"
                        " term, and never let a sync wait longer than that memory.",
                    )


def _reach(predicate: Predicate, parts: Iterable[tree.Expression]) -> int:
    """Give the most days that anything a clause rests on is moved by."""
    own = list(parts)
    rests_on = [predicate.fact[name].expression for name in sorted(predicate.closure(own))]
    found = [0]
    for part in (*own, *rests_on):
        for node in tree.walk(part):
            if isinstance(node, tree.AddDays):
                found.append(abs(node.days))
            elif isinstance(node, tree.Constant) and node.type == tree.ELAPSED and isinstance(node.value, int):
                found.append(abs(node.value) // DAY)
    return max(found)


@rule(
    "preset-unpublished", "note", "A preset leaves open what its vendor never published; the template's default holds."
)
def _preset_unpublished(draft: Draft) -> Iterator[Hit]:
    for outcome in draft.outcomes:
        given = outcome.terms.with_
        preset = outcome.template.presets.get(str(given.get("preset"))) if outcome.template else None
        open_ = [name for name in preset.unpublished if name not in given] if preset else []
        if preset and open_:
            yield outcome.hit(
                "with",
                "preset",
                reason=f"nothing is published by {preset.name} about {', '.join(open_)}",
                rewrite="Write them out: " + ", ".join(f"{name}: {shown(outcome.values[name])}" for name in open_),
            )


RULES = (
    _vendor_writable_field,
    _self_attested,
    _weak_duration,
    _vendor_judge,
    _anyones_work,
    _no_identities,
    _nobody_known,
    _window_beyond_memory,
    _preset_unpublished,
)

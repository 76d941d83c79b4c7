"""Who may open, answer and settle a dispute, on what, and until when; each refusal says what would be accepted.

Alone, a party gives the other side all that it asks for; anything in between takes both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from tallystick.contracts import Contract, Outcome
from tallystick.errors import ConfigurationError
from tallystick.money import currency
from tallystick.period import format_instant
from tallystick.verification.disputes import REASONS, Dispute, Party, ResolvedAs, Resolver, dispute_deadline
from tallystick.verification.verdict import Verdict

__all__ = ["agree_quantity", "check_answer", "check_open", "check_resolve", "check_text"]

_LONGEST_TEXT = 2000
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_AMOUNT = re.compile(r"[0-9]{1,14}(\.[0-9]{1,4})?", re.ASCII)


def check_text(text: str, option: str = "--text") -> str:
    """Give what a party says, without blanks around it.

    Args:
        text: What it says.
        option: Where it says so, for the message.

    Raises:
        ConfigurationError: It is empty, longer than 2000 characters, or has control characters.
    """
    said = text.strip()
    if not said or len(said) > _LONGEST_TEXT or _CONTROL.search(said):
        raise ConfigurationError(
            f"{option} is one paragraph of 1 to {_LONGEST_TEXT} characters",
            hint="Say in a sentence or two what is wrong; hand in what is longer with --evidence.",
        )
    return said


def check_open(
    contract: Contract,
    verdict: Verdict,
    recorded_at: int,
    disputes: Sequence[Dispute],
    *,
    by: Party,
    reason: str,
    now: int,
) -> int:
    """Give until when the verdict may be disputed.

    Args:
        contract: The version the verdict was given under.
        verdict: The newest verdict on the claim.
        recorded_at: When it was recorded.
        disputes: All disputes under the contract.
        by: Who opens it.
        reason: One of `REASONS`.
        now: The instant at which it is opened.

    Raises:
        ConfigurationError: The reason is unknown, there is nothing that this party could dispute, the time is over, or
            there is a dispute on the claim already.
    """
    if reason not in REASONS:
        raise ConfigurationError(f"{reason!r} is no reason for a dispute", hint=f"Reasons are: {', '.join(REASONS)}.")
    _refuse_another([dispute for dispute in disputes if dispute.subject == verdict.subject], verdict, now)
    _refuse_side(contract, verdict, by, reason)
    until = dispute_deadline(contract, verdict, recorded_at)
    if now >= until:
        raise ConfigurationError(
            f"{verdict.subject} could be disputed until {format_instant(until)}, and this is {format_instant(now)}",
            hint="After that the verdict stands; later evidence still makes a note until the clawback ends.",
        )
    return until


def check_answer(dispute: Dispute, *, by: Party, now: int) -> None:
    """Return when a party may answer a dispute.

    Raises:
        ConfigurationError: It was answered or has ended, or the party opened it.
    """
    _refuse_ended(dispute, now)
    if by == dispute.by:
        raise ConfigurationError(
            f"the {by} opened {dispute.id}; the {dispute.other} answers it",
            hint=f"Use --by {dispute.other}, or withdraw it with `tallystick dispute resolve`.",
        )
    if dispute.answer is not None:
        raise ConfigurationError(
            f"{dispute.id} was answered at {format_instant(dispute.answer.at)}",
            hint="An answer is given once; settle it with `tallystick dispute resolve`.",
        )


def check_resolve(
    contract: Contract,
    dispute: Dispute,
    verdict: Verdict,
    *,
    outcome: ResolvedAs,
    by: Resolver,
    paid: tuple[Decimal | None, str | None],
    now: int,
) -> None:
    """Return when a dispute may be resolved like that.

    Args:
        contract: The version the verdict was given under.
        dispute: The dispute.
        verdict: The newest verdict on its claim.
        outcome: How it ends.
        by: Who says so.
        paid: What is paid for, as `agree_quantity` gives it.
        now: The instant at which it is resolved.

    Raises:
        ConfigurationError: It has ended, or the party would settle it in its own favour.
    """
    _refuse_ended(dispute, now)
    if outcome == "withdrawn":
        if by == dispute.other:
            raise ConfigurationError(
                f"the {dispute.by} opened {dispute.id}, and alone withdraws it", hint="Concede it, or settle it."
            )
        return
    gives_all = (outcome == "rejected" and by == "vendor") or (
        outcome == "verified" and by == "buyer" and _pays_all(contract, dispute, verdict, paid)
    )
    if by != "both" and not gives_all:
        raise ConfigurationError(
            f"the {by} cannot settle {dispute.id} as {outcome} alone, because that is not all that the other side asks",
            hint="Use --by both once you agree. Alone, the vendor settles as rejected, and the buyer as verified "
            "with the whole claim.",
        )


def agree_quantity(
    contract: Contract, outcome: Outcome, verdict: Verdict, quantity: str | None, paid_in: str | None
) -> tuple[Decimal | None, str | None]:
    """Give what is paid for when a claim is settled as verified, and its currency if that is money.

    What the verdict says already is frozen with the settlement, so that no later evidence moves it.

    Args:
        contract: The version the verdict was given under.
        outcome: Its outcome.
        verdict: The newest verdict on the claim.
        quantity: What the parties say, if they do.
        paid_in: Currency of that, if they say so.

    Raises:
        ConfigurationError: It is not a quantity, does not fit the price, or is needed and missing.
    """
    by_percent = outcome.price.by_percent
    counted = outcome.predicate.quantity is not None and not outcome.predicate.quantity_is_money
    if quantity is None:
        if paid_in is not None:
            raise ConfigurationError("--currency goes with --quantity")
        if by_percent and verdict.status != "verified":
            raise ConfigurationError(
                f"{verdict.outcome} is priced in percent, and the verdict names no amount",
                hint="Add --quantity with the amount that the percentage applies to, and --currency.",
            )
        return (verdict.quantity, verdict.currency) if verdict.status == "verified" else (None, None)
    if not _AMOUNT.fullmatch(quantity) or not Decimal(quantity):
        raise ConfigurationError(
            f"{quantity!r} is no quantity", hint="Write digits with a point, as 1250.00; to pay nothing, reject it."
        )
    number = Decimal(quantity)
    if by_percent:
        code = paid_in or verdict.currency or verdict.claimed_currency or contract.currency.code
        return number, currency(code).code
    if paid_in is not None:
        raise ConfigurationError(f"{verdict.outcome} is priced per unit, so that --currency means nothing")
    if not counted or number != number.to_integral_value():
        what = "a whole number of units" if counted else "one unit each"
        raise ConfigurationError(f"{verdict.outcome} is priced per unit, and is {what}", hint="Leave --quantity out.")
    return number, None


def _refuse_another(own: Sequence[Dispute], verdict: Verdict, now: int) -> None:
    """Refuse a second dispute on a claim, unless the first was withdrawn, or was on another verdict and lapsed."""
    for dispute in own:
        state = dispute.state(now)
        if dispute.unsettled(now):
            raise ConfigurationError(
                f"{verdict.subject} is disputed in {dispute.id} already",
                hint="Answer or resolve that one; it is shown by `tallystick dispute show`.",
            )
        if state == "settled" or (state == "lapsed" and dispute.verdict_status == verdict.status):
            raise ConfigurationError(
                f"{dispute.id} on {verdict.subject} is {state}, which is the end of it",
                hint="What the parties settled, or let lapse, is not opened again.",
            )


def _refuse_side(contract: Contract, verdict: Verdict, by: Party, reason: str) -> None:
    """Refuse a dispute by the party that the verdict favours, and one on what is not decided yet."""
    if verdict.status == "pending":
        raise ConfigurationError(
            f"{verdict.subject} is pending, so that there is nothing to dispute yet",
            hint="`tallystick explain` says what it waits for.",
        )
    borne = verdict.status == "unverifiable" and contract.unverifiable.borne_by == "buyer"
    if by == "buyer" and verdict.status != "verified" and not borne:
        raise ConfigurationError(
            f"{verdict.subject} is {verdict.status}, so that the buyer pays nothing for it and has nothing to dispute",
            hint="The vendor may dispute it.",
        )
    if by == "vendor" and verdict.status == "verified" and reason != "wrong_amount":
        raise ConfigurationError(
            f"{verdict.subject} is verified, so that the vendor may only dispute how much it comes to",
            hint="Use --reason wrong_amount, or --by buyer.",
        )


def _refuse_ended(dispute: Dispute, now: int) -> None:
    if dispute.unsettled(now):
        return
    state = dispute.state(now)
    ended = dispute.settle_until if dispute.resolution is None else dispute.resolution.at
    raise ConfigurationError(
        f"{dispute.id} is {state} since {format_instant(ended)}, and this is {format_instant(now)}",
        hint="It has ended; the verdict stands as it is.",
    )


def _pays_all(contract: Contract, dispute: Dispute, verdict: Verdict, paid: tuple[Decimal | None, str | None]) -> bool:
    """Tell whether a quantity is all that the vendor may ask for; what nobody named takes both parties."""
    quantity, paid_in = paid
    if quantity is None:
        return dispute.reason != "wrong_amount"
    asked = [(verdict.quantity, verdict.currency)] if verdict.status == "verified" else []
    if dispute.by == "vendor":
        asked.append((verdict.claimed_amount, verdict.claimed_currency or verdict.currency or contract.currency.code))
    return all(amount is not None and unit == paid_in and quantity >= amount for amount, unit in asked) and bool(asked)

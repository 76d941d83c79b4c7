"""A labelled case: what happened to one conversation or ticket, in deeds and in plain words."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick_rest.simulators.timeline import Obj

__all__ = ["Case"]


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    Args:
        name: What the case is called, like `closed_by_automation`.
        subject: Id of the conversation or ticket.
        story: What happened, in plain words.
        resolved_by: Who brought it to its end as it stands: `ai`, `human`, `automation`, or None while it is open.
        resolution: For what the AI agent resolved: `confirmed` by the customer or `assumed` from silence.
        handed_off: Whether the AI agent, or a rule for it, passed it on to people.
        human_replied: Whether a person of the company wrote something that the customer could read.
        came_back: Whether the customer wrote again after it had been resolved.
        gone: Whether it was deleted.
        deeds: What the simulator does, in order.
    """

    name: str
    subject: str
    story: str
    resolved_by: str | None
    resolution: str | None = None
    handed_off: bool = False
    human_replied: bool = False
    came_back: bool = False
    gone: bool = False
    deeds: tuple[Obj, ...] = ()

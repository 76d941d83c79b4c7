"""Properties that HubSpot computes itself from what else is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tallystick_hubspot.simulator.deeds import CALCULATED, Author
from tallystick_hubspot.simulator.instants import instant, iso
from tallystick_hubspot.simulator.items import Item
from tallystick_hubspot.simulator.kinds import KINDS
from tallystick_hubspot.simulator.plan import Plan, Stage

__all__ = ["Computer"]

_WON = "1.0"


class Computer:
    """Computes for one account.

    Args:
        plan: Its pipelines, owners and currency are used.
    """

    def __init__(self, plan: Plan) -> None:
        self._pipelines = {(pipeline.kind, pipeline.id): pipeline for pipeline in reversed(plan.pipelines)}
        self._first = {pipeline.kind: pipeline for pipeline in reversed(plan.pipelines)}
        self._users = {owner.id: owner.user for owner in plan.owners}
        self._home = plan.account.currency

    def started(self, item: Item, values: Mapping[str, str | None], author: Author) -> dict[str, str | None]:
        """Give the values of a new object: those given, and those that HubSpot adds."""
        kind = KINDS[item.kind]
        user = None if author.user is None else str(author.user)
        found: dict[str, str | None] = {
            "hs_object_id": item.id,
            kind.created: iso(item.created_at),
            "hs_object_source": author.source,
            "hs_object_source_label": author.source,
            "hs_object_source_id": author.source_id,
            "hs_object_source_detail_1": author.label,
            "hs_object_source_user_id": user,
            "hs_created_by_user_id": user,
            "hs_updated_by_user_id": user,
        }
        if item.kind in {"meetings", "calls"}:
            found["hs_timestamp"] = values.get("hs_meeting_start_time") or iso(item.created_at)
        pipeline = self._first.get(item.kind)
        if pipeline is not None:
            names = ("hs_pipeline", "hs_pipeline_stage") if item.kind == "tickets" else ("pipeline", "dealstage")
            chosen = self._pipelines.get((item.kind, values.get(names[0]) or pipeline.id), pipeline)
            found |= {names[0]: chosen.id, names[1]: chosen.stages[0].id}
        return {**found, **values}

    def follow(self, item: Item, changed: Collection[str], at: int) -> None:
        """Write what follows from changed properties.

        Args:
            item: The object, with its new values.
            changed: Names of the properties that have another value now.
            at: Timestamp of what is written.
        """
        if "hubspot_owner_id" in changed:
            self._owner(item, at)
        if item.kind == "tickets" and "hs_pipeline_stage" in changed:
            self._ticket_stage(item, at)
        if item.kind == "deals" and {"dealstage", "amount", "deal_currency_code"} & set(changed):
            self._deal(item, at, entered="dealstage" in changed)

    def _owner(self, item: Item, at: int) -> None:
        owner = item.values.get("hubspot_owner_id")
        item.write("hubspot_owner_assigneddate", iso(at) if owner else None, at, CALCULATED)
        if owner is None:
            return
        users = self._users.get(owner)
        for name, value in (
            ("hs_all_owner_ids", owner),
            ("hs_user_ids_of_all_owners", None if users is None else str(users)),
        ):
            had = (item.values.get(name) or "").split(";")
            if value is not None and value not in had:
                item.write(name, ";".join([*filter(None, had), value]), at, CALCULATED)

    def _stage(self, item: Item, pipeline: str, stage: str) -> Stage | None:
        found = self._pipelines.get((item.kind, item.values.get(pipeline) or ""))
        stages = found.stages if found else ()
        return next((one for one in stages if one.id == item.values.get(stage)), None)

    def _ticket_stage(self, item: Item, at: int) -> None:
        stage = self._stage(item, "hs_pipeline", "hs_pipeline_stage")
        if stage is None:
            return
        item.write(f"hs_v2_date_entered_{stage.id}", iso(at), at, CALCULATED)
        item.write("hs_is_closed", "true" if stage.closed else "false", at, CALCULATED)
        if not stage.closed:
            item.write("closed_date", None, at, CALCULATED)
            item.write("time_to_close", None, at, CALCULATED)
        elif item.values.get("closed_date") is None:
            item.write("closed_date", iso(at), at, CALCULATED)
            item.write("time_to_close", str(at - item.created_at), at, CALCULATED)

    def _deal(self, item: Item, at: int, *, entered: bool) -> None:
        values = item.values
        amount = values.get("amount")
        home = amount if values.get("deal_currency_code") in {None, self._home} else None
        written = {"amount_in_home_currency": home}
        stage = self._stage(item, "pipeline", "dealstage")
        if stage is not None:
            won = stage.closed and stage.probability == _WON
            written |= {
                "hs_is_closed": "true" if stage.closed else "false",
                "hs_is_closed_won": "true" if won else "false",
                "hs_deal_stage_probability": stage.probability,
                "hs_closed_amount": amount if won else "0",
                "hs_closed_amount_in_home_currency": home if won else "0",
            }
            if entered:
                written[f"hs_v2_date_entered_{stage.id}"] = iso(at)
                written["hs_closed_won_date"] = iso(at) if won else None
            if stage.closed and not values.get("closedate"):
                written["closedate"] = iso(at)
        for name, value in written.items():
            if value is not None or values.get(name) is not None:
                item.write(name, value, at, CALCULATED)

    @staticmethod
    def replied(item: Item, at: int, *, agent: bool, visitor: bool) -> bool:
        """Write what follows from a message in a thread of a ticket, and tell whether anything was written."""
        wrote = item.write("hs_last_message_from_visitor", "true" if visitor else "false", at, CALCULATED)
        if not visitor:
            count = int(item.values.get("hs_num_times_contacted") or 0) + 1
            wrote |= item.write("hs_num_times_contacted", str(count), at, CALCULATED)
        if agent and not item.values.get("first_agent_reply_date"):
            began = instant(item.values.get("createdate") or iso(item.created_at))
            wrote |= item.write("first_agent_reply_date", iso(at), at, CALCULATED)
            wrote |= item.write("time_to_first_agent_reply", str(max(0, at - began)), at, CALCULATED)
        return wrote

"""Definitions of properties: HubSpot's own, those that pipelines bring, and the account's."""

from __future__ import annotations

from tallystick_hubspot.simulator.instants import iso
from tallystick_hubspot.simulator.items import Obj
from tallystick_hubspot.simulator.kinds import KINDS
from tallystick_hubspot.simulator.plan import Option, Plan, Property

__all__ = ["definition_row", "definitions"]

_EVERYWHERE = {
    "number": "hs_object_id hs_object_source_user_id hs_created_by_user_id hs_updated_by_user_id",
    "string": (
        "hs_object_source hs_object_source_label hs_object_source_id hs_object_source_detail_1 "
        "hs_object_source_detail_2 hs_object_source_detail_3"
    ),
    "enumeration": "hubspot_owner_id hs_all_owner_ids hs_user_ids_of_all_owners hubspot_team_id hs_merged_object_ids",
    "datetime": "hubspot_owner_assigneddate",
}

_OF_KIND = {
    "contacts": {
        "string": "email firstname lastname phone company jobtitle hs_additional_emails",
        "number": "associatedcompanyid",
        "enumeration": "lifecyclestage hs_lead_status hs_customer_agent_lead_status hs_analytics_source",
        "datetime": "createdate lastmodifieddate closedate",
    },
    "companies": {
        "string": "name domain website industry city country",
        "number": "annualrevenue numberofemployees",
        "enumeration": "lifecyclestage hs_parent_company_id",
        "datetime": "createdate hs_lastmodifieddate closedate",
    },
    "deals": {
        "string": "dealname description",
        "number": (
            "amount amount_in_home_currency hs_closed_amount hs_closed_amount_in_home_currency "
            "hs_deal_stage_probability hs_num_of_associated_line_items"
        ),
        "enumeration": "pipeline dealstage dealtype deal_currency_code hs_analytics_source hs_priority",
        "datetime": "createdate closedate hs_closed_won_date hs_lastmodifieddate",
        "bool": "hs_is_closed hs_is_closed_won",
    },
    "tickets": {
        "string": "subject content hs_conversations_originating_message_id",
        "number": (
            "time_to_close time_to_first_agent_reply hs_num_times_contacted hs_num_associated_conversations "
            "hs_conversations_originating_thread_id"
        ),
        "enumeration": "hs_pipeline hs_pipeline_stage hs_resolution hs_ticket_priority hs_ticket_category source_type",
        "datetime": "createdate closed_date first_agent_reply_date hs_lastmodifieddate",
        "bool": "hs_is_closed hs_last_message_from_visitor",
    },
    "meetings": {
        "string": (
            "hs_meeting_title hs_meeting_body hs_meeting_location hs_meeting_external_url hs_internal_meeting_notes "
            "hs_meeting_source_id"
        ),
        "enumeration": "hs_meeting_outcome hs_attendee_owner_ids hs_activity_type hs_meeting_source",
        "datetime": "hs_timestamp hs_meeting_start_time hs_meeting_end_time hs_createdate hs_lastmodifieddate",
    },
    "calls": {
        "string": (
            "hs_call_title hs_call_body hs_call_recording_url hs_call_to_number hs_call_from_number hs_call_app_id "
            "hs_call_external_id"
        ),
        "number": "hs_call_duration hs_call_callee_object_id",
        "enumeration": "hs_call_status hs_call_disposition hs_call_direction hs_call_source hs_activity_type",
        "datetime": "hs_timestamp hs_createdate hs_lastmodifieddate",
    },
}

_OPTIONS = {
    "hs_meeting_outcome": ("SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED"),
    "hs_call_status": (
        *("BUSY", "CALLING_CRM_USER", "CANCELED", "COMPLETED", "CONNECTING", "FAILED", "IN_PROGRESS", "MISSED"),
        *("NO_ANSWER", "QUEUED", "RINGING"),
    ),
    "hs_call_direction": ("INBOUND", "OUTBOUND"),
    "lifecyclestage": (
        *("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer"),
        *("evangelist", "other"),
    ),
    "hs_lead_status": (
        *("NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING"),
    ),
    "hs_ticket_priority": ("LOW", "MEDIUM", "HIGH", "URGENT"),
    "hs_ticket_category": ("PRODUCT_ISSUE", "BILLING_ISSUE", "FEATURE_REQUEST", "GENERAL_INQUIRY"),
    "hs_resolution": ("ISSUE_FIXED", "NEEDS_MORE_INFO", "FEATURE_REQUEST_TRACKED"),
    "source_type": ("CHAT", "EMAIL", "FORM", "PHONE"),
}
_DISPOSITIONS = (
    Option("9d9162e7-6cf3-4944-bf63-4dff82258764", "Busy"),
    Option("f240bbac-87c9-4f6e-bf70-924b57d47db7", "Connected"),
    Option("a4c4c377-d246-4b32-a13b-75a56a4cd0ff", "Left live message"),
    Option("b2cf5968-551e-4856-9783-52b3da59a7d0", "Left voicemail"),
    Option("73a0d17f-1163-4015-bdd5-ec830791da20", "No answer"),
    Option("17b47fee-58de-441e-a44c-c6300d46f273", "Wrong number"),
)
_FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "date": "date",
    "datetime": "date",
    "enumeration": "select",
    "bool": "booleancheckbox",
}


def definitions(plan: Plan) -> dict[str, dict[str, Property]]:
    """Give all properties of an account, by kind and name; the account's own definitions win."""
    found: dict[str, dict[str, Property]] = {}
    for kind in KINDS:
        for names in (_EVERYWHERE, _OF_KIND[kind]):
            for kind_of_value, listed in names.items():
                for name in listed.split():
                    made = Property(kind, name, _label(name), kind_of_value, _options(plan, kind, name))
                    found.setdefault(kind, {})[name] = made
    for pipeline in plan.pipelines:
        for stage in pipeline.stages:
            name = f"hs_v2_date_entered_{stage.id}"
            found[pipeline.kind][name] = Property(pipeline.kind, name, f"Date entered {stage.label}", "datetime")
    for own in plan.properties:
        found[own.kind][own.name] = own
    return found


def definition_row(made: Property, *, own: bool) -> Obj:
    """Give a definition as it is delivered; `own` tells that the account made it."""
    options = made.options or ((Option("true", "Yes"), Option("false", "No")) if made.type == "bool" else ())
    return {
        "updatedAt": iso(0),
        "createdAt": iso(0),
        "name": made.name,
        "label": made.label,
        "type": made.type,
        "fieldType": _FIELD_TYPES[made.type],
        "description": "",
        "groupName": f"{KINDS[made.kind].singular}information",
        "options": [
            {"label": one.label, "value": one.value, "displayOrder": place, "hidden": one.hidden}
            for place, one in enumerate(options)
        ],
        "displayOrder": -1,
        "calculated": False,
        "externalOptions": made.name == "hubspot_owner_id",
        "archived": False,
        "hasUniqueValue": made.unique,
        "hidden": False,
        "hubspotDefined": not own,
        "modificationMetadata": {
            "archivable": own,
            "readOnlyDefinition": not own,
            "readOnlyOptions": not own,
            "readOnlyValue": False,
        },
        "formField": own,
    }


def _label(name: str) -> str:
    return name.removeprefix("hs_").replace("_", " ").capitalize()


def _options(plan: Plan, kind: str, name: str) -> tuple[Option, ...]:
    if name == "hs_call_disposition":
        return _DISPOSITIONS
    pipelines = [pipeline for pipeline in plan.pipelines if pipeline.kind == kind]
    if name in {"pipeline", "hs_pipeline"}:
        return tuple(Option(pipeline.id, pipeline.label) for pipeline in pipelines)
    if name in {"dealstage", "hs_pipeline_stage"}:
        return tuple(Option(stage.id, stage.label) for pipeline in pipelines for stage in pipeline.stages)
    return tuple(Option(value, value.replace("_", " ").capitalize()) for value in _OPTIONS.get(name, ()))

"""What Salesforce itself sets on a record, by object: names, closed and won, durations, days, numbers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from tallystick_salesforce.simulator.tables import Tables
from tallystick_salesforce.simulator.values import Row

__all__ = ["COMPUTED", "STAMPS", "derive"]

STAMPS = {"Id", "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"}
"""Fields that no deed may set: the audit fields are given by `audit`, and the rest never."""

COMPUTED = {
    "Event": {"ActivityDate", "EndDate", "IsChild", "IsGroupEvent", "IsArchived", "AccountId"},
    "Task": {"IsClosed", "CompletedDateTime", "IsHighPriority", "IsArchived", "AccountId"},
    "Opportunity": {"IsClosed", "IsWon", "ExpectedRevenue", "ForecastCategory", "LastStageChangeDate", "FiscalYear"},
    "Case": {"CaseNumber", "IsClosed", "ClosedDate", "MasterRecordId"},
    "Lead": {"Name", "ConvertedDate", "MasterRecordId"},
    "Contact": {"Name", "MasterRecordId"},
    "Account": {"MasterRecordId"},
    "User": {"Name"},
}
"""Fields that no deed may set, beside the stamps."""

_CATEGORIES = {"BestCase": "Best Case", "Forecast": "Commit"}


def derive(org: Tables, name: str, row: Row, old: Row | None, *, given: set[str], at: int) -> None:
    """Set what follows from the rest of a record.

    Args:
        org: The org.
        name: Kind of the object.
        row: The record with its new values; changed in place.
        old: The record before; None if it is new.
        given: Names of the fields that were set.
        at: Unix seconds.
    """
    rule = _RULES.get(name)
    if rule is not None:
        rule(org, row, old, given, at)


def _person(_org: Tables, row: Row, _old: Row | None, _given: set[str], _at: int) -> None:
    row["Name"] = " ".join(filter(None, (row["FirstName"], row["LastName"])))


def _user(org: Tables, row: Row, old: Row | None, given: set[str], at: int) -> None:
    if old is None and "IsActive" not in given:
        row["IsActive"] = True
    row["UserType"] = row["UserType"] or "Standard"
    row["TimeZoneSidKey"] = row["TimeZoneSidKey"] or org.plan.time_zone
    _person(org, row, old, given, at)


def _lead(org: Tables, row: Row, old: Row | None, given: set[str], at: int) -> None:
    _person(org, row, old, given, at)
    row["Status"] = row["Status"] or org.plan.lead_status
    if row["IsConverted"] and not (old and old["IsConverted"]):
        row["ConvertedDate"] = _day(org, at)


def _case(org: Tables, row: Row, old: Row | None, given: set[str], at: int) -> None:
    statuses = org.plan.case_statuses
    row["Status"] = row["Status"] or next(iter(statuses))
    was = bool(old and old["IsClosed"])
    row["IsClosed"] = statuses.get(row["Status"], False)
    if row["IsClosed"] != was:
        row["ClosedDate"] = at if row["IsClosed"] else None
    if old is None:
        row["CaseNumber"] = f"{org.next_case_number():08d}"
    contact = org.find(row["ContactId"])
    if contact is not None and "ContactId" in given:
        row["AccountId"] = row["AccountId"] or contact["AccountId"]
        row |= {"ContactEmail": contact["Email"], "ContactPhone": contact["Phone"]}


def _opportunity(org: Tables, row: Row, old: Row | None, given: set[str], at: int) -> None:
    stage = next((stage for stage in org.plan.stages if stage.name == row["StageName"]), None)
    if stage is None:
        raise ValueError(f"there is no stage {row['StageName']!r}")
    if old is None or old["StageName"] != row["StageName"]:
        row |= {"IsClosed": stage.closed, "IsWon": stage.won}
        if "Probability" not in given:
            row["Probability"] = stage.probability
        if "ForecastCategoryName" not in given:
            row["ForecastCategoryName"] = _CATEGORIES.get(stage.category, stage.category)
        row["ForecastCategory"] = stage.category
        row["LastStageChangeDate"] = at if old else None
    amount, chance = row["Amount"], row["Probability"]
    row["ExpectedRevenue"] = None if amount is None else type(amount)(amount) * chance / 100
    if row["CloseDate"]:
        day = date.fromisoformat(row["CloseDate"])
        quarter = (day.month + 2) // 3
        row |= {"FiscalYear": day.year, "FiscalQuarter": quarter, "Fiscal": f"{day.year} {quarter}"}


def _event(org: Tables, row: Row, _old: Row | None, given: set[str], _at: int) -> None:
    if "ActivityDateTime" in given and "StartDateTime" not in given:
        row["StartDateTime"] = row["ActivityDateTime"]
    start, minutes = row["StartDateTime"], row["DurationInMinutes"]
    if start is None:
        raise ValueError("an event begins some time: it needs StartDateTime")
    if "EndDateTime" in given:
        row["DurationInMinutes"] = (row["EndDateTime"] - start) // 60
    else:
        row["DurationInMinutes"] = minutes or 0
        row["EndDateTime"] = start + 60 * (minutes or 0)
    whole = row["IsAllDayEvent"]
    row["ActivityDateTime"] = None if whole else start
    row["ActivityDate"] = _utc_day(start) if whole else _day(org, start)
    row["EndDate"] = _utc_day(row["EndDateTime"]) if whole else _day(org, row["EndDateTime"])
    row["EventSubtype"] = row["EventSubtype"] or "Event"
    row["ShowAs"] = row["ShowAs"] or "Busy"
    row["AccountId"] = _account(org, row)


def _task(org: Tables, row: Row, old: Row | None, _given: set[str], at: int) -> None:
    row["Status"] = row["Status"] or "Not Started"
    row["Priority"] = row["Priority"] or "Normal"
    row["TaskSubtype"] = row["TaskSubtype"] or "Task"
    row["IsHighPriority"] = row["Priority"] == "High"
    was = bool(old and old["IsClosed"])
    row["IsClosed"] = row["Status"] in org.plan.closed_task_statuses
    if row["IsClosed"] != was:
        row["CompletedDateTime"] = at if row["IsClosed"] else None
    row["AccountId"] = _account(org, row)


def _video_call(_org: Tables, row: Row, _old: Row | None, given: set[str], _at: int) -> None:
    start, end = row["StartDateTime"], row["EndDateTime"]
    if "DurationInSeconds" not in given and start is not None and end is not None:
        row["DurationInSeconds"] = end - start


def _voice_call(_org: Tables, row: Row, _old: Row | None, given: set[str], _at: int) -> None:
    start, end = row["CallStartDateTime"], row["CallEndDateTime"]
    if "CallDurationInSeconds" not in given and start is not None and end is not None:
        row["CallDurationInSeconds"] = end - start


def _account(org: Tables, row: Row) -> str | None:
    """Give the account of an activity: that of what it is about, otherwise of whom it is with."""
    about = org.find(row["WhatId"])
    if about is not None:
        found = about["Id"] if org.kind(about["Id"]) == "Account" else about.get("AccountId")
        return found if isinstance(found, str) else None
    who = org.find(row["WhoId"])
    found = who.get("AccountId") if who is not None else None
    return found if isinstance(found, str) else None


def _day(org: Tables, at: int) -> str:
    """Give the calendar day of an instant where the org is."""
    return datetime.fromtimestamp(at, ZoneInfo(org.plan.time_zone)).date().isoformat()


def _utc_day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


_RULES: dict[str, Callable[[Tables, Row, Row | None, set[str], int], None]] = {
    "User": _user,
    "Contact": _person,
    "Lead": _lead,
    "Case": _case,
    "Opportunity": _opportunity,
    "Event": _event,
    "Task": _task,
    "VideoCall": _video_call,
    "VoiceCall": _voice_call,
}

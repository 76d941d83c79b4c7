"""Meetings and calls: events, who is invited to them, tasks, video and voice calls, the history of activities."""

from __future__ import annotations

from tallystick_salesforce.simulator.shapes import declared

__all__ = ["MEETING_SHAPES"]

_AUDIT = """
    boolean IsDeleted
    datetime CreatedDate LastModifiedDate SystemModstamp
    reference CreatedById>User LastModifiedById>User
"""

_EVENT = f"""
    reference WhoId>Contact|Lead WhatId>Account|Case|Opportunity AccountId>Account OwnerId>Calendar|User
    combobox Subject
    string Location Recurrence2PatternTimeZone
    boolean IsAllDayEvent IsPrivate IsChild IsGroupEvent IsArchived IsRecurrence IsReminderSet
    boolean IsRecurrence2 IsRecurrence2Exclusion IsRecurrence2Exception
    datetime ActivityDateTime StartDateTime EndDateTime RecurrenceStartDateTime ReminderDateTime
    datetime Recurrence2PatternStartDate
    date ActivityDate EndDate RecurrenceEndDateOnly
    int DurationInMinutes RecurrenceInterval RecurrenceDayOfWeekMask RecurrenceDayOfMonth
    picklist ShowAs GroupEventType EventSubtype RecurrenceTimeZoneSidKey RecurrenceType RecurrenceInstance
    picklist RecurrenceMonthOfYear Recurrence2PatternVersion
    reference RecurrenceActivityId>>Event
    textarea! Description Recurrence2PatternText
    {_AUDIT}
"""

_EVENT_RELATION = f"""
    reference EventId>Event RelationId>Account|Calendar|Case|Contact|Lead|Opportunity|User AccountId>Account
    picklist Status
    datetime RespondedDate
    string Response
    boolean IsInvitee IsOrganizer IsParent IsWhat
    {_AUDIT}
"""

_TASK = f"""
    reference WhoId>Contact|Lead WhatId>Account|Case|Opportunity AccountId>Account OwnerId>Group|User
    combobox Subject
    date ActivityDate
    picklist Status Priority CallType TaskSubtype
    boolean IsHighPriority IsClosed IsArchived IsRecurrence IsReminderSet
    int CallDurationInSeconds
    string CallDisposition CallObject
    datetime CompletedDateTime ReminderDateTime
    reference RecurrenceActivityId>>Task
    textarea! Description
    {_AUDIT}
"""

_VIDEO_CALL = f"""
    string Name ExternalId Title
    reference EventId>Event HostId>User OwnerId>Group|User RelatedRecordId>Account|Contact|Lead|Opportunity
    datetime StartDateTime EndDateTime
    int DurationInSeconds IntelligenceScore
    boolean IsRecorded IsCallCoachingIncluded
    picklist VendorName
    textarea! Description
    {_AUDIT}
"""

_VIDEO_CALL_PARTICIPANT = f"""
    string Name ParticipantKey
    email Email
    reference VideoCallId>VideoCall RelatedPersonId>Contact|Lead|User
    datetime JoinDateTime LeaveDateTime
    {_AUDIT}
"""

_VOICE_CALL = f"""
    reference ActivityId>Task OwnerId>Group|User RelatedRecordId>Account|Case|Contact|Lead|Opportunity UserId>User
    datetime CallStartDateTime CallAcceptDateTime CallConnectDateTime CallEndDateTime
    int CallDurationInSeconds
    string CallDisposition VendorCallKey FromPhoneNumber ToPhoneNumber
    picklist CallType VendorType CallOrigin
    boolean IsRecorded
    {_AUDIT}
"""

# A big object, so no row of it is ever in the recycle bin, and what changed stands in fields by type.
_ACTIVITY_FIELD_HISTORY = """
    reference ActivityId>Event|Task ChangedById>User CreatedById>User LastModifiedById>User
    datetime ChangedDate CreatedDate LastModifiedDate SystemModstamp
    string FieldName
    picklist! DataType Operation
    boolean! IsDataAvailable
    string! OldValueText NewValueText
    datetime! OldValueDateTime NewValueDateTime
    double! OldValueNumber NewValueNumber
"""

MEETING_SHAPES = (
    declared("Event", "00U", _EVENT),
    declared("EventRelation", "0RE", _EVENT_RELATION),
    declared("Task", "00T", _TASK),
    declared("VideoCall", "0kv", _VIDEO_CALL, since=51),
    declared("VideoCallParticipant", "0kw", _VIDEO_CALL_PARTICIPANT, since=51),
    declared("VoiceCall", "0LQ", _VOICE_CALL, since=40),
    declared("ActivityFieldHistory", "0UP", _ACTIVITY_FIELD_HISTORY, since=55),
)

"""Field histories and the histories of stages as changes."""

import json

import pytest

from tallystick.connectors import Slice
from tallystick.records.types import RECORD_TYPES

SECOND = 1_000_000
NOW = 1_788_220_800_000_000
AUGUST = 1_785_542_400_000_000
ADA, BO = "005000000000001AAA", "005000000000002AAA"
DEAL = "006000000000001AAA"


def _columns(record):
    return dict(zip(RECORD_TYPES[record.type].column, record.values, strict=True))


@pytest.fixture
def made(org, connect, read):
    """Give the changes of one stream for some rows of its object, as columns."""

    def make(stream, entity, *rows, watermark=None, **settings):
        org.rows[entity] = list(rows)
        records = read({found.name: found for found in connect(**settings).streams()}[stream], watermark)[1]
        return [_columns(record) for record in records if record.type == "change"]

    return make


def _stage(row, number, stage, amount=None, *, by=ADA, deal=DEAL):
    return row("008", number, OpportunityId=deal, StageName=stage, Amount=amount, CreatedById=by)


def test_stages_are_told_by_the_row_before(made, row):
    """A row that only moved the amount changes no stage; the first row is the creation."""
    rows = [
        _stage(row, 1, "New", 10.5),
        _stage(row, 2, "New", 20.0),
        _stage(row, 3, "Qualified", 20.0, by=BO),
        _stage(row, 4, "Qualified", 20.0),
    ]
    found = made("opportunity_history", "OpportunityHistory", *rows)

    assert [(c["event"], c["field"], c["old"], c["new"], c["actor_id"]) for c in found] == [
        ("created", "stage", None, '"New"', ADA),
        ("created", "amount", None, "10.5", ADA),
        ("changed", "amount", "10.5", "20.0", ADA),
        ("changed", "stage", '"New"', '"Qualified"', BO),
    ]
    assert {(c["object_type"], c["object_id"]) for c in found} == {("deal", DEAL)}
    assert found[3]["at"] == AUGUST + 3 * SECOND


def test_what_stood_before_the_window_is_asked_for(org, made, row):
    """A later read knows from which stage a deal came, by one call for a whole page."""
    old = [_stage(row, 1, "New"), _stage(row, 2, "Working")]
    other = [_stage(row, 3, "New", deal="006000000000002AAA")]
    new = [
        _stage(row, 90_000, "Qualified", by=BO),
        _stage(row, 90_001, "Won", deal="006000000000002AAA"),
        _stage(row, 90_002, "Lost"),
    ]
    watermark = AUGUST + 80_000 * SECOND
    found = made("opportunity_history", "OpportunityHistory", *old, *other, *new, watermark=watermark)

    assert [(c["old"], c["new"]) for c in found] == [
        ('"Working"', '"Qualified"'),
        ('"New"', '"Won"'),
        ('"Qualified"', '"Lost"'),
    ]
    assert org.names().count("query OpportunityHistory") == 2


def test_pages_hand_on_what_stood_before(org, connect, row):
    """Cut between two pages, the next read makes the same changes."""
    org.page = 2
    org.rows["OpportunityHistory"] = [_stage(row, n, stage) for n, stage in enumerate("AABBCC")]
    stream = {found.name: found for found in connect().streams()}["opportunity_history"]
    [part] = stream.plan(None, NOW)
    whole = [record for page in stream.read(part) for record in page.records]
    first = next(stream.read(part))
    rest = [record for page in stream.read(Slice(part.start, part.end, first.cursor)) for record in page.records]

    assert [*first.records, *rest] == whole
    assert [json.loads(_columns(record)["new"]) for record in whole if record.values[4] == "stage"] == ["A", "B", "C"]


def test_a_field_history_tells_field_values_and_author(made, row):
    """Fields have our names where we have one; values are JSON as they came."""
    base = {"LeadId": "00Q000000000001AAA", "CreatedById": ADA}
    rows = [
        row("017", 1, **base, Field="Status", OldValue="Open", NewValue="Sales Accepted"),
        row("017", 2, **base, Field="Score__c", OldValue=1.0, NewValue=True),
        row("017", 3, **base, Field="created"),
        row("017", 4, **base, Field="Title", OldValue="CEO", NewValue=None),
        row("017", 5, **base, Field="Notes__c"),
    ]
    found = made("lead_history", "LeadHistory", *rows)

    assert [(c["event"], c["field"], c["old"], c["new"]) for c in found] == [
        ("Status", "status", '"Open"', '"Sales Accepted"'),
        ("Score__c", "Score__c", "1.0", "true"),
        ("created", None, None, None),
        ("Title", "title", '"CEO"', "null"),
        ("Notes__c", "Notes__c", None, None),
    ]
    assert {(c["object_type"], c["actor_id"]) for c in found} == {("contact", ADA)}


def test_of_a_lookups_two_rows_the_ids_are_the_column(made, row):
    """The row with names stands under Salesforce's own name, so that nothing counts twice."""
    base = {"LeadId": "00Q000000000001AAA", "Field": "Owner", "CreatedById": ADA}
    rows = [row("017", 1, **base, OldValue="Ada", NewValue="Bo"), row("017", 2, **base, OldValue=ADA, NewValue=BO)]
    found = made("lead_history", "LeadHistory", *rows)

    assert [(c["field"], c["new"]) for c in found] == [("Owner", '"Bo"'), ("owner_id", f'"{BO}"')]


def test_declared_fields_have_their_declared_names(org, made, row):
    """A field of events is called what the buyer calls it; one that fills a column, what the column is called."""
    org.fields["Event"] += ["Accepted__c", "Status__c"]
    base = {"ActivityId": "00U000000000001AAA", "ChangedById": ADA, "IsDataAvailable": True}
    task = {**base, "ActivityId": "00T000000000001AAA"}
    rows = [
        row("0UP", 1, **base, FieldName="Accepted__c", DataType="Boolean", OldValueText="false", NewValueText="true"),
        row("0UP", 2, **base, FieldName="Status__c", DataType="DynamicEnum", NewValueText="Completed"),
        row("0UP", 3, **task, FieldName="CallDurationInSeconds", DataType="Double", NewValueNumber=15.0),
        row(
            "0UP",
            4,
            **base,
            FieldName="StartDateTime",
            DataType="DateTime",
            NewValueDateTime="2026-08-03T10:00:00.000Z",
        ),
        row("0UP", 5, **{**base, "IsDataAvailable": False}, FieldName="Description", DataType="TextArea"),
        row("0UP", 6, **base, FieldName="OwnerId", DataType="EntityId", OldValueText=ADA, NewValueText=BO),
        row("0UP", 7, **{**base, "ActivityId": "02s000000000001AAA"}, FieldName="Subject", NewValueText="x"),
    ]
    found = made(
        "activity_history",
        "ActivityFieldHistory",
        *rows,
        custom={"meeting": {"accepted": {"path": "Accepted__c", "type": "boolean"}}},
        meeting_status_field="Status__c",
        meeting_status_values={"Completed": "completed"},
    )

    assert [(c["object_type"], c["field"], c["old"], c["new"]) for c in found] == [
        ("meeting", "custom.accepted", "false", "true"),
        ("meeting", "status", "null", '"completed"'),
        ("call", "seconds", "null", "15.0"),
        ("meeting", "starts_at", "null", '"2026-08-03T10:00:00.000Z"'),
        ("meeting", "Description", None, None),
        ("meeting", "owner_id", f'"{ADA}"', f'"{BO}"'),
    ]
    assert {c["actor_id"] for c in found} == {ADA}


def test_a_deal_in_the_recycle_bin_was_not_created_by_its_last_move(org, connect, read, row):
    """The row before a page is found among deleted ones too, as the page itself was."""
    org.rows["OpportunityHistory"] = [
        _stage(row, 1, "New") | {"IsDeleted": True},
        _stage(row, 90_000, "Won", by=BO) | {"IsDeleted": True},
    ]
    stream = {found.name: found for found in connect().streams()}["opportunity_history"]
    _, records = read(stream, watermark=AUGUST + 90_000 * 1_000_000)
    told = [_columns(record) for record in records]

    assert [(one["event"], one["old"], one["new"]) for one in told] == [("changed", '"New"', '"Won"')]


def test_what_the_stage_history_tells_is_not_told_twice(made, row):
    """Stage and amount come from the history that is always on; where that is left out, from field history."""
    base = {"OpportunityId": DEAL, "CreatedById": ADA}
    rows = [
        row("017", 1, **base, Field="StageName", OldValue="A", NewValue="B"),
        row("017", 2, **base, Field="LeadSource", OldValue="x", NewValue="y"),
    ]
    both = made("opportunity_field_history", "OpportunityFieldHistory", *rows)
    alone = made("opportunity_field_history", "OpportunityFieldHistory", *rows, without=["OpportunityHistory"])

    assert [c["field"] for c in both] == ["lead_source"]
    assert [c["field"] for c in alone] == ["stage", "lead_source"]

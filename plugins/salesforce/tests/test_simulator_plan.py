"""What a plan does to the records: stamps, derived fields, histories, copies, the recycle bin, merges, late sight."""

import textwrap
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick_salesforce.simulator import Custom, CustomObject, Plan, Stage
from tallystick_salesforce.simulator import plan as plan_module
from tallystick_salesforce.simulator.ids import checked, made, same
from tallystick_salesforce.simulator.plan import DAY
from tallystick_salesforce.simulator.sample import END, sample_plan
from tallystick_salesforce.simulator.world import World

AT = 1_772_442_000
"""2026-03-02T09:00:00Z."""


@pytest.fixture
def plan():
    """An org with two people, an account, and histories of a few fields."""
    made_plan = Plan(
        tracked={
            "Opportunity": {"StageName", "OwnerId"},
            "Case": {"Status", "OwnerId", "Description"},
            "Event": {"Subject", "StartDateTime", "Accepted__c", "OwnerId"},
        },
        custom={"Event": (Custom("Accepted__c", "boolean"),)},
    )
    made_plan.user("ada", AT - DAY, "Ada", "Berg", role="Account Executive")
    made_plan.user("bot", AT - DAY, "Vendor", "Bot", role="SDR")
    made_plan.create(AT - DAY, "Account", "acme", by="ada", Name="Acme")
    return made_plan


def _deal(plan, **fields):
    values = {"Name": "Acme 1", "StageName": "Prospecting", "CloseDate": "2026-06-30", "AccountId": "acme", **fields}
    return plan.create(AT, "Opportunity", "deal", by="bot", **values)


def _event(plan, **fields):
    values = {"Subject": "Call", "StartDateTime": AT + DAY, "DurationInMinutes": 30, "OwnerId": "ada", **fields}
    return plan.create(AT, "Event", "event", by="bot", **values)


def _rows(world, name):
    return list(world.org.rows[name].values())


def _relations(world):
    return [row for row in _rows(world, "EventRelation") if not row["IsDeleted"]]


def test_a_real_id_has_its_suffix():
    """Ids seen in real answers get the three letters that they have there."""
    assert checked("001D000000IRFma") == "001D000000IRFmaIAH"
    assert checked("012000000000000") == "012000000000000AAA"


@settings(deadline=None)
@given(st.integers(0, 62**9 - 2), st.sampled_from(["500", "00U", "017"]))
def test_ids_sort_as_they_were_made(number, prefix):
    """A later number gives an id that sorts later; short and long forms are one; a wrong suffix is no id."""
    one, two = made(prefix, number), made(prefix, number + 1)
    assert one < two
    assert same(one[:15]) == same(one) == one
    assert same(one[:15] + ("AAA" if not one.endswith("AAA") else "AAB")) is None


def test_ids_are_known_from_the_plan_alone(plan):
    """The ids of a plan are those that its records have."""
    _deal(plan)
    world = World(plan, AT)
    assert all(world.id(key) == record for key, record in plan.ids().items())
    assert world.record("deal")["AccountId"] == plan.ids()["acme"]


def test_creation_and_change_move_the_stamps(plan):
    """Creation sets all stamps and the authors; a change moves two stamps and the last author."""
    _deal(plan)
    plan.update(AT + 60, "deal", by="ada", NextStep="Call back")
    row = World(plan, AT + 60).record("deal")
    ids = plan.ids()
    assert (row["CreatedDate"], row["LastModifiedDate"], row["SystemModstamp"]) == (AT, AT + 60, AT + 60)
    assert (row["CreatedById"], row["LastModifiedById"], row["OwnerId"]) == (ids["bot"], ids["ada"], ids["bot"])


def test_an_automation_moves_the_system_stamp_only(plan):
    """What an automation does leaves the last change by a person as it was."""
    _deal(plan)
    plan.update(AT + 60, "deal", by="ada", system=True, NextStep="x")
    row = World(plan, AT + 60).record("deal")
    assert (row["LastModifiedDate"], row["LastModifiedById"]) == (AT, plan.ids()["bot"])
    assert row["SystemModstamp"] == AT + 60


def test_back_dating_changes_neither_stamp_nor_id(plan):
    """Audit fields set by hand lie; the system stamp and the place of the id tell when it was made."""
    plan.create(AT, "Case", "first", by="ada")
    plan.create(AT + 60, "Case", "second", by="ada", audit={"CreatedDate": AT - 10 * DAY, "CreatedById": "bot"})
    world = World(plan, AT + 60)
    first, second = world.record("first"), world.record("second")
    assert (second["CreatedDate"], second["SystemModstamp"]) == (AT - 10 * DAY, AT + 60)
    assert second["CreatedById"] == world.id("bot")
    assert second["Id"] > first["Id"]


def test_a_long_transaction_is_seen_late(plan):
    """Until it ends nobody sees it, and then its stamps lie in the past."""
    plan.create(AT, "Case", "late", by="ada", late=300)
    world = World(plan, AT + 299)
    assert world.org.find(world.id("late")) is None
    world.move(AT + 300)
    assert world.record("late")["SystemModstamp"] == AT


def test_a_long_transaction_locks_its_record(plan):
    """A plan in which something happens to a record that is locked is refused."""
    plan.create(AT, "Case", "late", by="ada", late=300)
    plan.update(AT + 100, "late", by="ada", Priority="High")
    with pytest.raises(ValueError, match=f"late is locked at {AT + 100}"):
        World(plan, AT)


def test_moving_the_clock_back_undoes(plan):
    """What has not happened yet is not there, also after it was."""
    _deal(plan)
    plan.update(AT + 60, "deal", by="ada", StageName="Closed Won")
    world = World(plan, AT + 60)
    assert world.record("deal")["IsWon"]
    world.move(AT)
    assert not world.record("deal")["IsWon"]


def test_stages_decide_over_the_end_of_a_deal():
    """Closed, won, probability and expected revenue follow the stage of the plan."""
    plan = Plan(stages=(Stage("Open", 25), Stage("Signed", 100, closed=True, won=True, category="Closed")))
    plan.user("ada", AT, "Ada", "Berg")
    plan.create(AT, "Opportunity", "deal", by="ada", Name="x", StageName="Open", CloseDate="2026-05-01", Amount=200)
    plan.update(AT + 60, "deal", by="ada", StageName="Signed")
    world = World(plan, AT)
    row = world.record("deal")
    assert (row["IsClosed"], row["Probability"], row["ExpectedRevenue"], row["FiscalQuarter"]) == (False, 25, 50, 2)
    world.move(AT + 60)
    row = world.record("deal")
    assert (row["IsClosed"], row["IsWon"], row["ForecastCategory"]) == (True, True, "Closed")
    assert row["LastStageChangeDate"] == AT + 60


def test_the_trail_of_deals_is_always_on(plan):
    """Creation and each change of stage, amount or date write a row with what was before."""
    _deal(plan, Amount=100)
    plan.update(AT + 60, "deal", by="ada", Amount=250)
    plan.update(AT + 90, "deal", by="ada", NextStep="nothing of the trail")
    world = World(plan, AT + 90)
    first, second = _rows(world, "OpportunityHistory")
    assert (first["PrevAmount"], second["PrevAmount"], second["Amount"]) == (None, 100, 250)
    assert (second["CreatedById"], second["CreatedDate"]) == (world.id("ada"), AT + 60)
    assert world.record("deal")["LastAmountChangedHistoryId"] == second["Id"]


def test_field_history_has_only_tracked_fields(plan):
    """A tracked field writes a row with author and time; one that is not tracked writes none."""
    _deal(plan)
    plan.update(AT + 60, "deal", by="ada", StageName="Qualification", NextStep="x")
    rows = _rows(World(plan, AT + 60), "OpportunityFieldHistory")
    assert [row["Field"] for row in rows] == ["created", "StageName"]
    assert (rows[1]["OldValue"].value, rows[1]["NewValue"].value) == ("Prospecting", "Qualification")
    assert (rows[1]["CreatedById"], rows[1]["CreatedDate"]) == (plan.ids()["ada"], AT + 60)


def test_a_lookup_writes_two_rows(plan):
    """A change of owner is told by name and by id."""
    plan.create(AT, "Case", "case", by="bot")
    plan.update(AT + 60, "case", by="ada", OwnerId="ada")
    rows = [row for row in _rows(World(plan, AT + 60), "CaseHistory") if row["Field"] == "Owner"]
    assert [row["DataType"] for row in rows] == ["Text", "EntityId"]
    assert [row["NewValue"].value for row in rows] == ["Ada Berg", plan.ids()["ada"]]


def test_long_text_says_only_that_it_changed(plan):
    """The history of a long text has neither the old nor the new value."""
    plan.create(AT, "Case", "case", by="bot", Description="before")
    plan.update(AT + 60, "case", by="ada", Description="after")
    row = _rows(World(plan, AT + 60), "CaseHistory")[-1]
    assert (row["Field"], row["OldValue"], row["NewValue"]) == ("Description", None, None)


def test_history_of_activities_stands_in_fields_by_type(plan):
    """Events write ActivityFieldHistory: texts and booleans as text, instants as instants."""
    _event(plan)
    plan.update(AT + 60, "event", by="ada", Accepted__c=True, StartDateTime=AT + 2 * DAY)
    rows = {row["FieldName"]: row for row in _rows(World(plan, AT + 60), "ActivityFieldHistory")}
    assert (rows["Accepted__c"]["OldValueText"], rows["Accepted__c"]["NewValueText"]) == ("false", "true")
    assert rows["StartDateTime"]["NewValueDateTime"] == AT + 2 * DAY
    assert rows["Accepted__c"]["ChangedById"] == plan.ids()["ada"]


def test_more_than_twenty_tracked_fields_are_refused():
    """An object has at most twenty fields with a history."""
    with pytest.raises(ValueError, match="at most 20"):
        World(Plan(tracked={"Case": {f"F{place}__c" for place in range(21)}}), AT)


def test_an_event_follows_its_beginning_and_length(plan):
    """The end follows the beginning and the scheduled length; a new end changes the length."""
    _event(plan)
    plan.update(AT + 60, "event", by="ada", StartDateTime=AT + 2 * DAY)
    plan.update(AT + 120, "event", by="ada", EndDateTime=AT + 2 * DAY + 2_700)
    world = World(plan, AT + 60)
    assert world.record("event")["EndDateTime"] == AT + 2 * DAY + 1_800
    world.move(AT + 120)
    row = world.record("event")
    assert (row["DurationInMinutes"], row["ActivityDate"]) == (45, "2026-03-04")


def test_days_are_those_of_the_org(plan):
    """An event late in the evening of UTC lies on the next day where the org is."""
    _event(plan, StartDateTime="2026-03-31T22:30:00Z")
    row = World(plan, AT).record("event")
    assert (row["ActivityDate"], row["EndDate"]) == ("2026-04-01", "2026-04-01")


def test_everybody_invited_gets_a_relation_and_users_a_copy(plan):
    """A group event has relations for all and copies for users, which follow it until it is deleted."""
    plan.create(AT, "Contact", "guest", by="ada", LastName="Guest", AccountId="acme")
    plan.create(AT, "Event", "event", by="bot", StartDateTime=AT + DAY, DurationInMinutes=30, WhoId="guest",
                invitees=("ada", "guest"))  # fmt: skip
    plan.update(AT + 60, "event/guest", by="ada", Status="Accepted", RespondedDate=AT + 60)
    plan.update(AT + 90, "event", by="bot", StartDateTime=AT + 2 * DAY)
    plan.delete(AT + 120, "event", by="bot")
    world = World(plan, AT + 90)
    assert world.record("event/guest")["Status"] == "Accepted"
    copy, parent = world.record("event/ada/copy"), world.record("event")
    assert (copy["IsChild"], copy["OwnerId"]) == (True, world.id("ada"))
    assert (parent["IsChild"], parent["IsGroupEvent"]) == (False, True)
    assert copy["StartDateTime"] == AT + 2 * DAY
    assert "event/guest/copy" not in world.org.keys
    world.move(AT + 120)
    assert {row["IsDeleted"] for row in (*_rows(world, "Event"), *_rows(world, "EventRelation"))} == {True}


def test_shared_activities_relate_whom_and_what(plan):
    """With shared activities whom and what an event is about are relations too, which follow a change."""
    plan.shared_activities = True
    for key in ("guest", "other"):
        plan.create(AT, "Contact", key, by="ada", LastName=key)
    _event(plan, WhoId="guest", WhatId="acme")
    plan.update(AT + 60, "event", by="ada", WhoId="other")
    world = World(plan, AT)
    found = {row["RelationId"]: (row["IsParent"], row["IsWhat"], row["IsInvitee"]) for row in _relations(world)}
    assert found == {world.id("guest"): (True, False, False), world.id("acme"): (False, True, False)}
    world.move(AT + 60)
    assert {row["RelationId"] for row in _relations(world)} == {world.id("other"), world.id("acme")}
    plan.shared_activities = False
    assert _relations(World(plan, AT)) == []


def test_somebody_invited_whom_an_event_is_about_has_one_relation(plan):
    """With shared activities one row says both, and stays when the event is about somebody else."""
    plan.shared_activities = True
    plan.create(AT, "Contact", "guest", by="ada", LastName="Guest")
    plan.create(AT, "Event", "event", by="bot", StartDateTime=AT + DAY, WhoId="guest", invitees=("guest",))
    plan.update(AT + 60, "event", by="ada", WhoId=None)
    world = World(plan, AT)
    assert [(row["IsParent"], row["IsInvitee"]) for row in _relations(world)] == [(True, True)]
    world.move(AT + 60)
    assert [(row["IsParent"], row["IsInvitee"]) for row in _relations(world)] == [(False, True)]


def test_old_activities_are_archived(plan):
    """A year after its end an event is archived, with its copies, and no stamp moves."""
    _event(plan, StartDateTime=AT)
    world = World(plan, AT + 364 * DAY)
    assert not world.record("event")["IsArchived"]
    world.move(AT + 366 * DAY)
    row = world.record("event")
    assert (row["IsArchived"], row["SystemModstamp"]) == (True, AT)


def test_a_case_is_closed_and_opened_again(plan):
    """The day of closing is set and cleared; the always-on trail has a row for each state."""
    plan.create(AT, "Case", "case", by="bot")
    plan.update(AT + 60, "case", by="bot", Status="Closed")
    plan.update(AT + 120, "case", by="ada", Status="Working")
    world = World(plan, AT + 60)
    assert world.record("case")["ClosedDate"] == AT + 60
    world.move(AT + 120)
    assert (world.record("case")["IsClosed"], world.record("case")["ClosedDate"]) == (False, None)
    trail = _rows(world, "CaseHistory2")
    assert [row["Status"] for row in trail] == ["New", "Closed", "Working"]
    assert [row["PreviousUpdate"] for row in trail] == [None, AT, AT + 60]


def test_a_lead_is_converted(plan):
    """Conversion has a day without a time, and its own row of history only if anything is tracked."""
    plan.tracked["Lead"] = {"Status"}
    plan.create(AT, "Lead", "lead", by="bot", LastName="Licht", Company="Prospect")
    plan.update(AT + 60, "lead", by="ada", IsConverted=True, ConvertedAccountId="acme")
    world = World(plan, AT + 60)
    assert world.record("lead")["ConvertedDate"] == "2026-03-02"
    assert [row["Field"] for row in _rows(world, "LeadHistory")] == ["created", "leadConverted"]


def test_a_task_is_completed_by_the_system(plan):
    """The instant of completion is that of the change of status."""
    plan.create(AT, "Task", "task", by="ada", Subject="Call", WhatId="acme")
    plan.update(AT + 60, "task", by="ada", Status="Completed", CallDurationInSeconds=901)
    row = World(plan, AT + 60).record("task")
    assert (row["IsClosed"], row["CompletedDateTime"], row["AccountId"]) == (True, AT + 60, plan.ids()["acme"])


def test_calls_have_their_real_length(plan):
    """The length of a video call is that between its two instants, in seconds."""
    plan.create(AT, "VideoCall", "call", by="bot", StartDateTime=AT, EndDateTime=AT + 899)
    assert World(plan, AT).record("call")["DurationInSeconds"] == 899


def test_the_recycle_bin_is_emptied_after_fifteen_days(plan):
    """A deleted record can be seen for fifteen days, with its history, and then it is gone."""
    plan.create(AT, "Case", "case", by="bot")
    plan.delete(AT + 60, "case", by="ada")
    world = World(plan, AT + 60 + 15 * DAY - 1)
    assert (world.record("case")["IsDeleted"], world.record("case")["SystemModstamp"]) == (True, AT + 60)
    assert _rows(world, "CaseHistory")[0]["IsDeleted"]
    world.move(AT + 60 + 15 * DAY)
    assert _rows(world, "Case") == _rows(world, "CaseHistory") == world.org.deletions["Case"] == []


def test_a_record_comes_back_from_the_bin(plan):
    """What is brought back is not deleted, nor is its history, and it is not emptied with the bin."""
    plan.create(AT, "Case", "case", by="bot")
    plan.delete(AT + 60, "case", by="ada")
    plan.undelete(AT + 120, "case", by="ada")
    world = World(plan, AT + 20 * DAY)
    assert not world.record("case")["IsDeleted"]
    assert not _rows(world, "CaseHistory")[0]["IsDeleted"]
    assert world.org.deletions["Case"] == []


def test_a_hard_delete_leaves_nothing(plan):
    """What vanishes at once is in no table and in no list of deletions."""
    plan.create(AT, "Case", "case", by="bot")
    plan.hard_delete(AT + 60, "case", by="ada")
    world = World(plan, AT + 60)
    assert _rows(world, "Case") == _rows(world, "CaseHistory") == world.org.deletions["Case"] == []


def test_a_merge_moves_what_belongs_to_the_loser(plan):
    """The loser names its master; its children point to the master, and only their system stamp moves."""
    plan.create(AT, "Account", "twin", by="bot", Name="Acme Inc.")
    _deal(plan, AccountId="twin")
    plan.merge(AT + 60, "acme", "twin", by="ada", Name="Acme AG")
    world = World(plan, AT + 60)
    loser, deal = world.record("twin"), world.record("deal")
    assert (loser["IsDeleted"], loser["MasterRecordId"]) == (True, world.id("acme"))
    assert world.record("acme")["Name"] == "Acme AG"
    assert (deal["AccountId"], deal["SystemModstamp"], deal["LastModifiedDate"]) == (world.id("acme"), AT + 60, AT)


def test_merged_cases_share_their_comments_and_keep_their_histories(plan):
    """Comments go to the case that is left and live; the history of the loser stays with it."""
    plan.create(AT, "Case", "one", by="bot")
    plan.create(AT, "Case", "two", by="bot")
    plan.create(AT, "CaseComment", "comment", by="bot", ParentId="two", CommentBody="x")
    plan.merge(AT + 60, "one", "two", by="ada")
    world = World(plan, AT + 60)
    comment = world.record("comment")
    assert (comment["ParentId"], comment["IsDeleted"]) == (world.id("one"), False)
    trail = [row for row in _rows(world, "CaseHistory2") if row["CaseId"] == world.id("two")]
    assert [row["IsDeleted"] for row in trail] == [True]


def test_the_application_stands_in_the_history_of_sign_ins(plan):
    """One row a day tells through which application a user came."""
    plan.create(AT, "Case", "one", by="bot", client="Vendor App")
    plan.create(AT + 60, "Case", "two", by="bot", client="Vendor App")
    rows = _rows(World(plan, AT + 60), "LoginHistory")
    assert [row["LoginTime"] for row in rows if row["Application"] == "Vendor App"] == [AT]


def test_what_is_gone_cannot_be_changed(plan):
    """A deed to a record that is deleted, or that has vanished, is refused."""
    plan.create(AT, "Case", "case", by="bot")
    plan.delete(AT + 60, "case", by="ada")
    plan.update(AT + 90, "case", by="ada")
    with pytest.raises(ValueError, match="case is deleted"):
        World(plan, AT + 90)
    with pytest.raises(ValueError, match="it is not there"):
        World(Plan(deeds=[replace(deed, kind="hard_delete") if deed.kind == "delete" else deed for deed in plan.deeds]),
              AT + 90)  # fmt: skip


def test_records_have_the_corporate_currency_unless_said(plan):
    """In an org with several currencies a record without one has the first."""
    plan.currencies = ("EUR", "USD")
    _deal(plan)
    plan.create(AT, "Opportunity", "dollars", by="ada", Name="x", StageName="Prospecting", CurrencyIsoCode="USD")
    world = World(plan, AT)
    assert [world.record(key)["CurrencyIsoCode"] for key in ("deal", "dollars")] == ["EUR", "USD"]
    assert {row["CurrencyIsoCode"] for row in _rows(world, "OpportunityHistory")} == {"EUR", "USD"}


def test_objects_of_packages_are_objects(plan):
    """A custom object has its prefix, an owner and audit fields."""
    seconds = Custom("Seconds__c", "double")
    plan.custom_objects = (CustomObject("Talk__c", "a0T", (seconds,)),)
    plan.create(AT, "Talk__c", "talk", by="bot", Name="x", Seconds__c=12.5)
    row = World(plan, AT).record("talk")
    assert (row["Id"][:3], row["Seconds__c"], row["OwnerId"]) == ("a0T", 12.5, plan.ids()["bot"])


@pytest.mark.parametrize(
    ("deed", "message"),
    [
        (lambda p: p.create(AT, "Case", "x", by="nobody"), "no user nobody"),
        (lambda p: p.create(AT, "Case", "x", by="ada", Colour="red"), "no field Colour"),
        (lambda p: p.create(AT, "Case", "x", by="ada", IsClosed=True), "IsClosed is set by Salesforce"),
        (lambda p: p.create(AT, "Case", "x", by="ada", CreatedDate=AT), "CreatedDate is set by Salesforce"),
        (lambda p: p.create(AT, "Case", "x", by="ada", OwnerId="nobody"), "neither a key of the plan nor an id"),
        (lambda p: p.create(AT, "Case", "x", by="ada", IsEscalated=1), "not a boolean"),
        (lambda p: p.create(AT, "Case", "x", by="ada", audit={"SystemModstamp": 1}), "no audit field"),
        (lambda p: p.create(AT, "Event", "x", by="ada", StartDateTime=AT, invitees=("nobody",)), "no nobody to invite"),
        (lambda p: p.tracked.update(Profile={"Name"}), "Profile has no field history"),
        (lambda p: p.create(AT, "Cases", "x", by="ada"), "no object Cases"),
        (lambda p: p.create(AT, "Account", "acme", by="ada"), "created twice"),
        (lambda p: p.create(AT, "Event", "x", by="ada"), "needs StartDateTime"),
        (lambda p: p.create(AT, "Case", "x", by="ada", invitees=("bot",)), "only events"),
        (lambda p: p.create(AT, "Opportunity", "x", by="ada", StageName="Odd"), "no stage 'Odd'"),
        (lambda p: p.update(AT, "x", by="ada"), "there is no x"),
        (lambda p: p.delete(AT, "ada", by="ada"), "User cannot be deleted"),
        (lambda p: p.undelete(AT, "acme", by="ada"), "not in the recycle bin"),
        (lambda p: p.merge(AT, "acme", "acme", by="ada"), "cannot be merged"),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(plan, deed, message):
    """A plan that cannot happen is refused when it is served."""
    deed(plan)
    with pytest.raises(ValueError, match=message):
        World(plan, AT)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-40, 30), max_size=6))
def test_the_way_of_the_clock_does_not_matter(days):
    """Whatever way the clock goes, forward or back, at one instant there are the same records."""
    world = World(sample_plan(), END)
    expected = {name: dict(rows) for name, rows in world.org.rows.items()}
    for day in days:
        world.move(END + day * DAY)
    world.move(END - 60 * DAY)
    world.move(END)
    assert world.org.rows == expected


def test_the_example_of_the_plan_works():
    """What the docstring of the plan shows is a plan, and does what it says."""
    lines = plan_module.__doc__.split("\n\n")[2]
    names = {"Plan": Plan, "at": AT}
    exec(textwrap.dedent(lines), names)  # noqa: S102 - our own docstring
    world = World(names["plan"], AT + 9_000)
    assert world.record("deal")["StageName"] == "Qualification"
    assert {row["Application"] for row in _rows(world, "LoginHistory")} == {"Browser", "Vendor App"}


def test_the_sample_uses_every_object():
    """The sample has about two hundred records of the plan's own, and rows in every table."""
    world = World(sample_plan(), END)
    assert [name for name, rows in world.org.rows.items() if not rows and not world.org.shapes[name].virtual] == []
    assert 180 <= len(sample_plan().ids()) <= 260

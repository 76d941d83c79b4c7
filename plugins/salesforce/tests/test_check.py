"""What `tallystick check` says."""

import pytest

from tallystick_salesforce.catalog import ENTITIES, SNAPSHOTS

ME = "005000000000001AAA"


@pytest.fixture
def rows(org, connect):
    """Give the rows of a check by name, in order."""

    def make(**settings):
        return {row.name: row for row in connect(**settings).check()}

    return make


@pytest.fixture
def full(org, row):
    """An org with an old event, histories of the deciding fields, and one user."""
    org.rows["Event"] = [
        row("00U", 1, StartDateTime="2025-01-01T00:00:00.000+0000", CreatedById=ME),
    ]
    for entity in ENTITIES:
        if "History" in entity.name:
            org.rows[entity.name] = [
                row("017", 1, **dict.fromkeys(("CreatedDate", "ChangedDate"), "2025-01-01T00:00:00.000+0000"))
            ]
    org.rows["User"] = [row("005", 1, IsActive=True, UserType="Standard")]
    org.fields["FieldDefinition"] = ["QualifiedApiName", "IsFieldHistoryTracked"]
    org.rows["FieldDefinition"] = [
        _tracked(entity, field, on=True)
        for entity, fields in {
            "Opportunity": ["OwnerId"],
            "Lead": ["Status", "OwnerId"],
            "Case": ["Status", "OwnerId"],
        }.items()
        for field in fields
    ]
    return org


def _tracked(entity, field, *, on):
    return {
        "QualifiedApiName": field,
        "IsFieldHistoryTracked": on,
        "EntityDefinition": {"QualifiedApiName": entity},
    }


def test_an_org_in_order_is_all_ok(full, rows):
    """Every row is ok, and each object that is read has one."""
    found = rows(vendor_user_ids=["005000000000009AAA"], without=["Group"])
    names = {entity.name for entity in (*ENTITIES, *SNAPSHOTS)}

    assert names <= set(found)
    bad = {name: row.detail for name, row in found.items() if row.status != "ok"}
    assert set(bad) == {"Group", "vendor user 005000000000009AAA", "events of 30 days"} - (
        set() if "events of 30 days" in bad else {"events of 30 days"}
    )


def test_nobody_is_told_apart_without_a_sign_in(org, rows):
    """Where nobody can sign in, one row says it and nothing more is asked."""
    org.refuse = lambda *_: (400, {"error": "invalid_client", "error_description": "no"})
    found = rows()

    assert list(found) == ["sign-in"]
    assert found["sign-in"].status == "failed"


def test_a_reader_that_is_the_vendor_fails(full, rows):
    """Who is paid must not keep the score; ids of 15 and 18 signs are the same."""
    assert rows(vendor_user_ids=[ME[:15]])["reader"].status == "failed"
    assert rows()["reader"].status == "warning"
    assert rows(vendor_user_ids=["005000000000009AAA"])["reader"].status == "ok"


def test_a_reader_that_may_write_fails(full, rows):
    """One right to create is enough, and the objects are named."""
    full.writable = True
    row = rows()["no write permission"]

    assert (row.status, "Case" in row.detail) == ("failed", True)


@pytest.mark.parametrize(
    ("entity", "loss"),
    [
        ("VideoCall", "how long meetings really took"),
        ("MessagingSession", "a handoff in messaging"),
        ("OpportunityHistory", "acceptance by stage"),
        ("ActivityFieldHistory", "acceptance on events"),
    ],
)
def test_an_object_that_cannot_be_read_says_what_is_lost(full, rows, entity, loss):
    """Hidden fails, left out warns, and either tells what is not known without it."""
    full.hidden.add(entity)
    hidden = rows()[entity]
    left_out = rows(without=[entity])[entity]

    assert (hidden.status, left_out.status) == ("failed", "warning")
    assert loss in hidden.detail
    assert loss in left_out.detail


def test_the_histories_that_decide_are_told(full, rows):
    """Readable or off, with what that costs."""
    assert rows()["opportunity stage history"].detail == "readable: yes"
    full.hidden |= {"ActivityFieldHistory"}
    row = rows()["event field history"]

    assert (row.status, row.detail) == ("warning", "off; acceptance on events cannot be attributed")


def test_whether_a_field_is_tracked_is_told(full, rows):
    """On, off, or not to be told; a declared field of events is looked at too."""
    full.fields["Event"] += ["Accepted__c"]
    full.rows["FieldDefinition"] += [_tracked("Event", "Accepted__c", on=False)]
    found = rows(custom={"meeting": {"accepted": {"path": "Accepted__c", "type": "boolean"}}})

    assert found["history of Lead.Status"].detail == "on"
    assert found["history of Event.Accepted__c"].detail == "off; acceptance on events by it cannot be attributed"
    assert found["field meeting accepted"].status == "ok"


def test_where_the_org_does_not_say_it_recent_rows_do(full, rows, row):
    """A field of which a newest row tells is tracked; of any other it is not known."""
    full.hidden.add("FieldDefinition")
    full.rows["CaseHistory"] = [row("017", 1, Field="Owner")]
    found = rows()

    assert found["history of Case.OwnerId"].status == "ok"
    assert (found["history of Case.Status"].status, "cannot be told" in found["history of Case.Status"].detail) == (
        "warning",
        True,
    )


def test_a_declared_field_that_cannot_be_seen_fails(full, rows):
    """A misspelt name is found before anything is read."""
    found = rows(
        custom={"ticket": {"x": {"path": "Nothing__c"}}},
        meeting_status_field="Gone__c",
        meeting_status_values={"x": "completed"},
    )

    assert found["field ticket x"].status == "failed"
    assert found["field meeting Gone__c"].status == "failed"


def test_a_field_that_decides_and_is_hidden_warns(full, rows):
    """The object can be read, and what decides in it cannot."""
    full.hidden |= {"Case.IsClosed"}

    assert rows()["Case"].detail == "readable: without IsClosed, which decide"


@pytest.mark.parametrize(("used", "status"), [(10, "ok"), (79_000, "ok"), (85_000, "failed")])
def test_the_quota_is_told(full, rows, used, status):
    """What is left today, and that we stop before the org would suffer."""
    calls = [0]

    def refuse(method, path, params, body):
        calls[0] += 1
        if path.endswith("/limits"):
            return 200, {"DailyApiRequests": {"Max": 100_000, "Remaining": 100_000 - used}}
        return None

    full.refuse = refuse

    assert rows()["limits"].status == status


def test_a_version_that_is_not_offered_fails(full, rows):
    """A retired version would refuse every call."""
    full.refuse = lambda method, path, params, body: (200, [{"version": "70.0"}]) if path == "/services/data/" else None

    assert rows()["API version"].status == "failed"


def test_a_vendors_user_that_is_not_there_fails(full, rows):
    """An id with a slip in it would exempt nobody from anything."""
    found = rows(vendor_user_ids=["005000000000001AAA", "005000000000007AAA"])

    assert found["vendor user 005000000000001AAA"].detail == "exists, active"
    assert found["vendor user 005000000000007AAA"].status == "failed"


def test_a_vendors_user_by_fifteen_signs_is_told_by_eighteen(full, rows):
    """Salesforce finds him by either, but records and contracts compare ids as they stand."""
    page = {"done": True, "records": [{"Id": "005000000000001AAA", "IsActive": True}]}
    full.refuse = lambda method, path, params, body: (200, page) if "Id IN ('0050" in params.get("q", "") else None
    found = rows(vendor_user_ids=["005000000000001"])["vendor user 005000000000001"]

    assert found.status == "warning"
    assert "005000000000001AAA" in found.action


def test_how_far_back_it_goes_is_told(full, rows):
    """A history that begins after the start warns."""
    full.rows["LeadHistory"][0]["CreatedDate"] = "2026-07-01T00:00:00.000+0000"
    full.rows["CaseHistory"] = []
    found = rows()

    assert found["reach of Event"].detail == "back to 2025-01-01"
    assert "2026-07-01 only" in found["reach of LeadHistory"].detail
    assert found["reach of CaseHistory"].status == "warning"


def test_the_currency_is_told(full, rows):
    """Several name themselves; one is the org's; none is a warning."""
    assert "several" in rows()["currency"].detail
    full.fields["Opportunity"].remove("CurrencyIsoCode")
    full.hidden.add("Organization")
    assert rows()["currency"].status == "warning"
    assert rows(currency="EUR")["currency"].detail == "one: EUR"


def test_events_by_hardly_anybody_point_to_captured_activities(full, rows, row):
    """Where few users have any events, others may be kept where no query sees them."""
    full.rows["User"] = [row("005", n, IsActive=True, UserType="Standard") for n in range(50)]
    full.rows["Event"] = [row("00U", 2_000_000, CreatedById=ME)]
    few = rows()["events of 30 days"]
    full.rows["User"] = full.rows["User"][:2]

    assert (few.status, "Einstein" in few.detail) == ("warning", True)
    assert rows()["events of 30 days"].status == "ok"


def test_the_check_only_reads(full, rows):
    """No call but to sign in is anything other than a GET."""
    methods = set()
    full.refuse = lambda method, path, params, body: methods.add((method, path.endswith("token")))
    rows()

    assert methods == {("POST", True), ("GET", False)}

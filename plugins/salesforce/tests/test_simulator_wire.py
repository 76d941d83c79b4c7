"""The protocol over a real socket: sign-in, versions, pages, many ids, Bulk jobs, usage, the virtual clock."""

import csv
import io

import httpx
import pytest

from tallystick.testing.instants import iso
from tallystick.testing.serving import running
from tallystick.testing.simulation import start_simulator
from tallystick_salesforce.simulator import Paging, Plan, create_app
from tallystick_salesforce.simulator.plan import DAY
from tallystick_salesforce.simulator.sample import END

AT = 1_772_442_000
"""2026-03-02T09:00:00Z."""
DATA = "/services/data/v68.0"
TOKEN = "/services/oauth2/token"
CREDENTIALS = {"grant_type": "client_credentials", "client_id": "reader", "client_secret": "s"}


class Reader:
    """A signed-in reader of a simulator."""

    def __init__(self, origin):
        self.http = httpx.Client(base_url=origin, trust_env=False)
        self.sign_in()

    def sign_in(self):
        """Take a token, and give the answer."""
        told = self.http.post(TOKEN, data=CREDENTIALS).raise_for_status().json()
        self.http.headers["Authorization"] = f"Bearer {told['access_token']}"
        return told

    def query(self, text, resource="query", **headers):
        """Ask a statement, and give the first page."""
        return self.http.get(f"{DATA}/{resource}", params={"q": text}, headers=headers)

    def rest(self, page):
        """Follow a page to the end, and give all pages."""
        pages = [page]
        while not pages[-1]["done"]:
            pages.append(self.http.get(pages[-1]["nextRecordsUrl"]).raise_for_status().json())
        return pages

    def steer(self, what, asked):
        """Steer the simulator."""
        return self.http.post(f"/_simulator/{what}", json=asked).raise_for_status().json()

    def job(self, text, operation="query", **more):
        """Make a Bulk job, and give its address."""
        asked = {"operation": operation, "query": text, **more}
        return f"{DATA}/jobs/query/{self.http.post(f'{DATA}/jobs/query', json=asked).json()['id']}"


@pytest.fixture
def read():
    """Serve a simulator with the options of `create_app`, and give a reader of it."""
    open_now = []

    def start(**options):
        app = create_app(**{"now": iso(END), **options})
        serving = running(app)
        reader = Reader(serving.__enter__())
        open_now.append((serving, reader))
        reader.app = app
        return reader

    yield start
    for serving, reader in open_now:
        reader.http.close()
        serving.__exit__(None, None, None)


@pytest.fixture
def cases():
    """An org of five cases, made a minute apart."""
    plan = Plan()
    plan.user("ada", AT - 60, "Ada", "Berg")
    for place in range(5):
        plan.create(AT + 60 * place, "Case", f"case{place}", by="ada")
    return plan


def _error(response):
    (error,) = response.json()
    return response.status_code, error["errorCode"]


def test_a_token_tells_its_origin_and_its_user(read):
    """The token answer has the reader in `id`, and the simulator's own origin; userinfo tells the same user."""
    reader = read()
    told = reader.sign_in()
    assert told["instance_url"] == str(reader.http.base_url).rstrip("/")
    info = reader.http.get("/services/oauth2/userinfo").json()
    assert info["sub"] == told["id"]
    assert info["user_id"] == reader.app.world.id("reader")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "invalid_client_id"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "x"}, "invalid_client"),
    ],
)
def test_other_grants_are_refused_with_an_object(read, form, error):
    """What the token endpoint refuses is HTTP 400 with OAuth's word."""
    response = read().http.post(TOKEN, data=form)
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_without_a_good_token_everything_is_401(read):
    """A missing, an unknown and a basic authorization are refused with an array."""
    reader = read()
    assert _error(reader.http.get(f"{DATA}/limits", headers={"Authorization": "Bearer x"})) == (
        401,
        "INVALID_SESSION_ID",
    )
    assert _error(reader.http.get(f"{DATA}/limits", headers={"Authorization": "Basic eDp5"})) == (
        401,
        "INVALID_AUTH_HEADER",
    )
    assert _error(reader.http.get("/services/oauth2/userinfo", headers={"Authorization": ""}))[0] == 401


def test_a_token_expires_on_the_virtual_clock(read):
    """After its time a token is refused, and a new one is good."""
    reader = read(expires_in=600)
    assert reader.http.get(f"{DATA}/limits").status_code == 200
    reader.steer("clock", {"advance_seconds": 600})
    assert _error(reader.http.get(f"{DATA}/limits")) == (401, "INVALID_SESSION_ID")
    reader.sign_in()
    assert reader.http.get(f"{DATA}/limits").status_code == 200


def test_versions_are_listed_and_old_ones_are_retired(read):
    """Two current versions serve the same; one that is retired is 410, one that never was is 404."""
    reader = read()
    listed = {row["version"]: row["label"] for row in reader.http.get("/services/data/").json()}
    assert (listed["68.0"], listed["67.0"], listed["66.0"]) == ("Winter '27", "Summer '26", "Spring '26")
    for version in ("67.0", "68.0"):
        page = reader.http.get(f"/services/data/v{version}/query", params={"q": "SELECT Id FROM Case LIMIT 1"}).json()
        assert f"/v{version}/" in page["records"][0]["attributes"]["url"]
    assert _error(reader.http.get("/services/data/v30.0/limits")) == (410, "UNSUPPORTED_API_VERSION")
    assert _error(reader.http.get("/services/data/v69.0/limits")) == (404, "NOT_FOUND")
    assert _error(reader.http.get("/services/data/vX/limits")) == (404, "NOT_FOUND")


def test_pages_are_followed_by_a_path(read, cases):
    """`nextRecordsUrl` is a path; all pages together have each row once, in order, and the whole number."""
    reader = read(plan=cases, paging=Paging(page=2))
    first = reader.query("SELECT Id FROM Case ORDER BY Id").json()
    assert first["nextRecordsUrl"].startswith(f"{DATA}/query/0r8")
    pages = reader.rest(first)
    assert [len(page["records"]) for page in pages] == [2, 2, 1]
    assert {page["totalSize"] for page in pages} == {5}
    assert "nextRecordsUrl" not in pages[-1]


def test_the_size_of_a_page_is_a_hint(read):
    """A size in the header is kept to the least and the most; pages may be shorter than asked for."""
    plan = Plan()
    plan.user("ada", AT - 60, "Ada", "Berg")
    for place in range(700):
        plan.create(AT + place, "Lead", f"lead{place}", by="ada", LastName="x")
    text = "SELECT Id FROM Lead"

    def sizes(reader, **headers):
        return len(reader.query(text, **headers).json()["records"])

    reader = read(plan=plan)
    assert sizes(reader) == 700
    assert sizes(reader, **{"Sforce-Query-Options": "batchSize=300"}) == 300
    assert sizes(reader, **{"Sforce-Query-Options": "batchSize=10"}) == 200
    short = read(plan=plan, paging=Paging(short=True))
    assert sizes(short, **{"Sforce-Query-Options": "batchSize=300"}) == 200


def test_a_row_that_changes_between_pages_comes_as_it_is_then(read, cases):
    """What is changed while paging has its new stamp, so that the next window has it again; what is deleted is gone."""
    cases.update(END + 60, "case3", by="ada", Priority="High")
    cases.delete(END + 60, "case4", by="ada")
    reader = read(plan=cases, paging=Paging(page=2))
    first = reader.query("SELECT Id, SystemModstamp FROM Case ORDER BY Id").json()
    reader.steer("clock", {"advance_seconds": 60})
    pages = reader.rest(first)
    assert [len(page["records"]) for page in pages] == [2, 2, 0]
    changed = pages[1]["records"][1]
    assert changed["SystemModstamp"] == iso(END + 60).replace("Z", ".000+0000")


def test_a_locator_dies_after_two_days(read, cases):
    """A further page can be asked for during two virtual days."""
    reader = read(plan=cases, paging=Paging(page=2), expires_in=9 * DAY)
    first = reader.query("SELECT Id FROM Case").json()
    reader.steer("clock", {"advance_seconds": 2 * DAY})
    assert reader.http.get(first["nextRecordsUrl"]).status_code == 200
    reader.steer("clock", {"advance_seconds": 1})
    assert _error(reader.http.get(first["nextRecordsUrl"])) == (400, "INVALID_QUERY_LOCATOR")
    assert _error(reader.http.get(f"{DATA}/query/0r8nothing-2")) == (400, "INVALID_QUERY_LOCATOR")


def test_moving_the_clock_back_forgets_cursors(read, cases):
    """What was found at an instant that has not come yet is found no more."""
    reader = read(plan=cases, paging=Paging(page=2))
    reader.steer("clock", {"advance_seconds": 60})
    first = reader.query("SELECT Id FROM Case").json()
    reader.steer("clock", {"advance_seconds": -60})
    assert _error(reader.http.get(first["nextRecordsUrl"])) == (400, "INVALID_QUERY_LOCATOR")


def test_child_rows_count_towards_the_page(read, cases):
    """A row comes with its child rows, null if it has none, and each of them makes the page shorter."""
    for place in range(3):
        cases.create(AT + 900, "CaseComment", f"comment{place}", by="ada", ParentId="case0", CommentBody="x")
    reader = read(plan=cases, paging=Paging(page=4))
    text = "SELECT Id, (SELECT Id, CreatedBy.Name FROM CaseComments ORDER BY Id LIMIT 2) FROM Case ORDER BY Id"
    pages = reader.rest(reader.query(text).json())
    assert [len(page["records"]) for page in pages] == [2, 3]
    comments = pages[0]["records"][0]["CaseComments"]
    assert (comments["totalSize"], comments["records"][0]["CreatedBy"]["Name"]) == (2, "Ada Berg")
    assert pages[0]["records"][1]["CaseComments"] is None
    wrong = "SELECT Id, (SELECT Id FROM Comments) FROM Case"
    assert _error(reader.query(wrong)) == (400, "INVALID_TYPE")
    assert _error(reader.query("SELECT (SELECT COUNT() FROM CaseComments) FROM Case")) == (400, "MALFORMED_QUERY")


def test_counting_gives_a_number_and_no_rows(read, cases):
    """COUNT() is the whole number."""
    page = read(plan=cases).query("SELECT COUNT() FROM Case").json()
    assert page == {"totalSize": 5, "done": True, "records": []}


def test_sharing_rules_shrink_what_is_seen(read, cases):
    """A record that is not shared is in no query, no count, no list, and is not found by its id."""
    cases.unshared.add("case1")
    reader = read(plan=cases)
    record = reader.app.world.id("case1")
    assert reader.query("SELECT COUNT() FROM Case").json()["totalSize"] == 4
    assert reader.query("SELECT COUNT() FROM Case", "queryAll").json()["totalSize"] == 4
    assert reader.http.get(f"{DATA}/sobjects/Case/{record}").status_code == 404
    asked = {"ids": [record], "fields": ["Id"]}
    assert reader.http.post(f"{DATA}/composite/sobjects/Case", json=asked).json() == [None]


def test_many_ids_are_read_at_once(read):
    """Records come in the order of their ids, null for what is not there; too many ids are refused."""
    reader = read()
    ids = [reader.app.world.id(key) for key in ("case2", "case17", "case0")]
    asked = {"ids": ids, "fields": ["CaseNumber", "status"]}
    rows = reader.http.post(f"{DATA}/composite/sobjects/Case", json=asked).json()
    assert [row and row["attributes"]["url"][-18:] for row in rows] == [ids[0], None, ids[2]]
    assert set(rows[0]) == {"attributes", "CaseNumber", "Status"}
    place = f"{DATA}/composite/sobjects/Case"
    assert _error(reader.http.post(place, json={**asked, "ids": ids * 667})) == (400, "EXCEEDED_ID_LIMIT")
    assert _error(reader.http.post(place, json={**asked, "fields": ["Nothing"]})) == (400, "INVALID_FIELD")
    assert _error(reader.http.post(place, content=b"[")) == (400, "JSON_PARSER_ERROR")


def test_a_record_is_read_with_chosen_fields(read):
    """`fields` chooses; a field that is not there is refused."""
    reader = read()
    place = f"{DATA}/sobjects/Case/{reader.app.world.id('case0')}"
    assert set(reader.http.get(place, params={"fields": "Id,Subject"}).json()) == {"attributes", "Id", "Subject"}
    assert _error(reader.http.get(place, params={"fields": "Nothing"})) == (400, "INVALID_FIELD")


def test_the_window_of_deletions_is_bounded(read):
    """Deletions reach back fifteen days, changes thirty, and a window has a minute at least."""
    reader = read()
    place = f"{DATA}/sobjects/Case"

    def ask(what, start, end):
        return reader.http.get(f"{place}/{what}/", params={"start": iso(start), "end": iso(end)})

    assert ask("deleted", END - 15 * DAY, END).status_code == 200
    assert _error(ask("deleted", END - 16 * DAY, END)) == (400, "INVALID_REPLICATION_DATE")
    assert ask("updated", END - 30 * DAY, END).status_code == 200
    assert _error(ask("updated", END - 31 * DAY, END)) == (400, "INVALID_REPLICATION_DATE")
    assert _error(ask("deleted", END - 30, END)) == (400, "INVALID_REPLICATION_DATE")
    assert _error(reader.http.get(f"{place}/deleted")) == (400, "INVALID_REPLICATION_DATE")
    place = f"{DATA}/sobjects/LoginHistory"
    assert _error(ask("updated", END - DAY, END)) == (400, "INVALID_TYPE")


def test_a_job_goes_through_its_states(read):
    """A job is made, told to go on, and done; before that it has no results."""
    reader = read(paging=Paging(polls=2))
    place = reader.job("SELECT Id FROM Case")
    assert _error(reader.http.get(f"{place}/results")) == (400, "INVALIDJOBSTATE")
    states = [reader.http.get(place).json()["state"] for _ in range(3)]
    assert states == ["InProgress", "InProgress", "JobComplete"]
    assert reader.http.get(place).json()["numberRecordsProcessed"] == 18
    assert [row["state"] for row in reader.http.get(f"{DATA}/jobs/query").json()["records"]] == ["JobComplete"]


def test_a_job_needs_its_virtual_time(read):
    """With a delay on the virtual clock polling alone does not end a job, and its results die after seven days."""
    reader = read(paging=Paging(polls=0, job_seconds=300), expires_in=30 * DAY)
    place = reader.job("SELECT Id FROM Case")
    assert reader.http.get(place).json()["state"] == "InProgress"
    reader.steer("clock", {"advance_seconds": 300})
    assert reader.http.get(place).json()["state"] == "JobComplete"
    reader.steer("clock", {"advance_seconds": 7 * DAY})
    assert _error(reader.http.get(place)) == (404, "NOT_FOUND")


def test_results_come_in_parts_with_their_locators(read):
    """Every result has its number of rows and the place of the next, which is the text null at the end."""
    reader = read(paging=Paging(polls=0))
    place = reader.job("SELECT Id, Owner.Name, Description FROM Case", "queryAll")
    reader.http.get(place)
    locator, parts = "", []
    while locator != "null":
        query = {"maxRecords": 8, **({"locator": locator} if locator else {})}
        answer = reader.http.get(f"{place}/results", params=query)
        locator = answer.headers["Sforce-Locator"]
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert len(rows) == int(answer.headers["Sforce-NumberOfRecords"])
        parts.append(rows)
    assert [len(rows) for rows in parts] == [8, 8, 4]
    assert list(parts[0][0]) == ["Id", "Owner.Name", "Description"]
    assert _error(reader.http.get(f"{place}/results", params={"locator": "@"})) == (400, "INVALID_QUERY_LOCATOR")


def test_places_of_results_are_told_to_read_them_at_once(read):
    """`resultPages` gives up to five places, and where the next are told; together they have every row once."""
    reader = read(paging=Paging(polls=0, result=3))
    place = reader.job("SELECT Id FROM Case")
    reader.http.get(place)
    first = reader.http.get(f"{place}/resultPages").json()
    assert (len(first["resultPages"]), first["done"]) == (5, False)
    second = reader.http.get(first["nextRecordsUrl"]).json()
    links = [page["resultLink"] for page in first["resultPages"] + second["resultPages"]]
    rows = [row for link in links for row in reader.http.get(link).text.splitlines()[1:]]
    assert (len(rows), len(set(rows)), second["done"]) == (18, 18, True)


def test_an_empty_result_has_its_headers_too(read):
    """A job that finds nothing has one result: the names of the columns, none of rows, and no next."""
    reader = read(paging=Paging(polls=0))
    place = reader.job("SELECT Id, Name FROM Account WHERE Name = 'nobody'", lineEnding="CRLF", columnDelimiter="TAB")
    reader.http.get(place)
    answer = reader.http.get(f"{place}/results")
    assert answer.content == b'"Id"\t"Name"\r\n'
    assert (answer.headers["Sforce-NumberOfRecords"], answer.headers["Sforce-Locator"]) == ("0", "null")


def test_settings_are_rows_too(read):
    """Which fields have a history is asked by SOQL, and so are stages and statuses."""
    reader = read()
    where = "WHERE EntityDefinition.QualifiedApiName = 'Lead' AND IsFieldHistoryTracked = true"
    page = reader.query(f"SELECT QualifiedApiName, EntityDefinition.KeyPrefix FROM FieldDefinition {where}").json()
    assert {row["QualifiedApiName"] for row in page["records"]} == {"Status", "OwnerId"}
    assert {row["EntityDefinition"]["KeyPrefix"] for row in page["records"]} == {"00Q"}
    won = reader.query("SELECT MasterLabel, DefaultProbability FROM OpportunityStage WHERE IsWon = true").json()
    assert [(row["MasterLabel"], row["DefaultProbability"]) for row in won["records"]] == [("Closed Won", 100.0)]
    closed = reader.query("SELECT MasterLabel FROM CaseStatus WHERE IsClosed = true").json()
    assert [row["MasterLabel"] for row in closed["records"]] == ["Closed"]


@pytest.mark.parametrize(
    "asked",
    [
        {"operation": "insert", "query": "SELECT Id FROM Case"},
        {"operation": "query"},
        {"operation": "query", "query": "SELECT Id FROM Case", "columnDelimiter": "DOT"},
    ],
)
def test_a_job_that_is_none_is_refused(read, asked):
    """An unknown operation or delimiter, and no statement, make no job."""
    reader = read(paging=Paging(polls=0))
    assert _error(reader.http.post(f"{DATA}/jobs/query", json=asked)) == (400, "INVALIDJOB")
    place = reader.job("SELECT Id FROM Case")
    reader.http.get(place)
    assert _error(reader.http.patch(place, json={"state": "Aborted"})) == (400, "INVALIDJOBSTATE")
    assert _error(reader.http.get(f"{place}/results", params={"maxRecords": 0})) == (400, "INVALID_ARGUMENT")
    assert reader.http.get(f"{place}/nothing").status_code == 404


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT COUNT() FROM Case", "FEATURENOTENABLED"),
        ("SELECT Id, (SELECT Id FROM Histories) FROM Case", "FEATURENOTENABLED"),
        ("SELECT MailingAddress FROM Contact", "FEATURENOTENABLED"),
        ("SELECT Id FROM CaseStatus", "INVALIDENTITY"),
        ("SELECT Idd FROM Case", "INVALID_FIELD"),
    ],
)
def test_bulk_refuses_what_it_cannot_do(read, text, code):
    """Counts, compound fields and some objects are refused when the job is made."""
    answer = read().http.post(f"{DATA}/jobs/query", json={"operation": "query", "query": text})
    assert _error(answer) == (400, code)


def test_a_job_is_ended_and_forgotten(read):
    """A job that is not done can be aborted, and any job be deleted."""
    reader = read()
    place = reader.job("SELECT Id FROM Case")
    assert reader.http.patch(place, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert reader.http.delete(place).status_code == 204
    assert reader.http.get(place).status_code == 404


def test_usage_is_told_on_every_answer_and_ends(read):
    """Each call counts; when the day's calls are used up, also by others, all are refused with the text for it."""
    reader = read(daily_limit=20, app_limit=8)
    first = reader.http.get(f"{DATA}/limits")
    assert first.headers["Sforce-Limit-Info"] == "api-usage=1/20; per-app-api-usage=1/8(appName=Tallystick)"
    assert first.json()["DailyApiRequests"] == {"Max": 20, "Remaining": 19}
    reader.steer("spend", {"calls": 18})
    assert reader.http.get(f"{DATA}/limits").status_code == 200
    answer = reader.http.get(f"{DATA}/limits")
    assert _error(answer) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert "TotalRequests" in answer.text
    assert answer.headers["Sforce-Limit-Info"].startswith("api-usage=20/20")
    assert "Retry-After" not in answer.headers


def test_calls_of_the_day_before_are_forgotten(read):
    """Usage counts the last 24 virtual hours."""
    reader = read(expires_in=9 * DAY)
    reader.http.get(f"{DATA}/limits")
    reader.steer("clock", {"advance_seconds": DAY})
    assert reader.http.get(f"{DATA}/limits").headers["Sforce-Limit-Info"] == "api-usage=1/100000"


def test_time_passes_with_every_call_if_asked(read):
    """With a tick each call of the API moves the virtual clock, and the answer's date."""
    reader = read(tick=30)
    reader.http.get(f"{DATA}/limits")
    reader.http.get(f"{DATA}/limits")
    assert reader.app.now == END + 60


def test_a_late_transaction_appears_behind_the_stamp_that_was_read(read, cases):
    """A row can appear with a stamp older than rows that were read before it."""
    cases.create(END + 10, "Case", "late", by="ada", late=300)
    cases.create(END + 60, "Case", "prompt", by="ada")
    reader = read(plan=cases, expires_in=DAY)
    text = "SELECT Id FROM Case ORDER BY SystemModstamp"
    reader.steer("clock", {"advance_seconds": 100})
    before = [row["Id"] for row in reader.query(text).json()["records"]]
    reader.steer("clock", {"advance_seconds": 300})
    after = [row["Id"] for row in reader.query(text).json()["records"]]
    world = reader.app.world
    assert (before[-1], after[-2:]) == (world.id("prompt"), [world.id("late"), world.id("prompt")])


def test_answers_can_be_asked_for_in_a_pretty_form(read):
    """`X-PrettyPrint: 1` gives the same with line breaks."""
    reader = read()
    plain, pretty = (reader.query("SELECT Id FROM Case", **{"X-PrettyPrint": way}) for way in "01")
    assert plain.json()["records"] == pretty.json()["records"]
    assert len(pretty.content) > len(plain.content)


def test_nothing_is_written_and_nothing_else_is_there(read):
    """Writes, unknown methods and unknown addresses are refused."""
    reader = read()
    assert _error(reader.http.post(f"{DATA}/sobjects/Case", json={})) == (403, "INSUFFICIENT_ACCESS")
    assert _error(reader.http.delete(f"{DATA}/limits")) == (405, "METHOD_NOT_ALLOWED")
    for path in (
        f"{DATA}/nothing",
        f"{DATA}/sobjects/Nothing/describe",
        "/services/other",
        f"{DATA}/sobjects/Case/x/y",
    ):
        assert _error(reader.http.get(path)) == (404, "NOT_FOUND")
    assert _error(reader.http.get(f"{DATA}/query")) == (400, "MALFORMED_QUERY")
    long = f"SELECT Id FROM Case WHERE Subject IN ({','.join(['%27x%27'] * 2_500)})"
    assert _error(reader.query(long)) == (414, "URI_TOO_LONG")


def test_the_process_says_where_it_listens(tmp_path):
    """As a process it announces itself and serves the sample with the options it was given."""
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN PUBLIC KEY-----\n")
    options = ["--page", "3", "--now", iso(END), "--public-key", str(key)]
    with start_simulator("tallystick_salesforce.simulator", seed=1, options=options) as simulator:
        reader = Reader(simulator.origin)
        assert len(reader.query("SELECT Id FROM Case").json()["records"]) == 3
        reader.http.close()

"""Ready-made cases for measurements: real sizes, the real protocol."""

import csv
import io
import socket
import threading

import httpx
import pytest

from tallystick.testing.instants import instant
from tallystick.testing.serving import bind
from tallystick.testing.simulation import start_simulator
from tallystick_salesforce.simulator.call import Call
from tallystick_salesforce.simulator.prerendered import Pages
from tallystick_salesforce.simulator.ranges import span
from tallystick_salesforce.simulator.soql_text import parse

DATA = "/services/data/v68.0"
CREDENTIALS = {"grant_type": "client_credentials", "client_id": "reader", "client_secret": "s"}
FIELDS = (
    "Id, CaseNumber, Status, IsClosed, ClosedDate, CreatedDate, IsEscalated, Origin, Priority, Reason, OwnerId,"
    " Owner.Type, Owner.Name, ContactId, AccountId, ParentId, MasterRecordId, Subject, SystemModstamp, IsDeleted,"
    " CreatedById"
)
STAMPS = [100, 200, 300, 400, 500]


@pytest.fixture(scope="module")
def http():
    """A signed-in client of 4,500 ready-made cases."""
    listening = bind(0)
    serving = threading.Thread(target=Pages(4_500).serve, args=(listening,), kwargs={"latency_ms": 1})
    serving.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", trust_env=False) as client:
            told = client.post("/services/oauth2/token", data=CREDENTIALS).json()
            client.headers["Authorization"] = f"Bearer {told['access_token']}"
            yield client
    finally:
        # Closing alone does not wake a thread that waits for a connection.
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        serving.join()


def _walk(http, text, resource="query"):
    pages = [http.get(f"{DATA}/{resource}", params={"q": text}).raise_for_status().json()]
    while not pages[-1]["done"]:
        pages.append(http.get(pages[-1]["nextRecordsUrl"]).raise_for_status().json())
    return pages


def test_a_walk_gives_every_case_once_in_order(http):
    """Pages of two thousand have all cases, each once, by their stamps and ids, with their parents."""
    pages = _walk(http, f"SELECT {FIELDS} FROM Case ORDER BY SystemModstamp, Id", "queryAll")
    assert [len(page["records"]) for page in pages] == [2_000, 2_000, 500]
    rows = [row for page in pages for row in page["records"]]
    keys = [(row["SystemModstamp"], row["Id"]) for row in rows]
    assert keys == sorted(set(keys))
    assert {page["totalSize"] for page in pages} == {4_500}
    assert len({row["CaseNumber"] for row in rows}) == 4_500
    assert {row["Owner"]["Type"] for row in rows} == {"User"}
    assert rows[7]["attributes"]["url"].endswith(rows[7]["Id"])


def test_a_case_has_the_size_of_a_real_one(http):
    """With the fields of the measurements a case has about 770 bytes."""
    answer = http.get(f"{DATA}/query", params={"q": f"SELECT {FIELDS} FROM Case LIMIT 1000"})
    assert len(answer.content) / 1_000 == pytest.approx(770, abs=60)


def test_windows_and_keysets_cut(http):
    """A window of stamps has exactly its rows, and a keyset goes on exactly behind a row."""
    rows = [row for page in _walk(http, "SELECT Id, SystemModstamp FROM Case") for row in page["records"]]
    low, high = (rows[place]["SystemModstamp"].replace("+0000", "Z") for place in (100, 160))
    window = f"SELECT Id FROM Case WHERE SystemModstamp >= {low} AND SystemModstamp < {high}"
    assert [row["Id"] for row in _walk(http, window)[0]["records"]] == [row["Id"] for row in rows[100:160]]
    key = rows[120]["Id"]
    at = rows[120]["SystemModstamp"].replace("+0000", "Z")
    keyset = f"{window} AND (SystemModstamp > {at} OR (SystemModstamp = {at} AND Id > '{key}')) LIMIT 10"
    assert [row["Id"] for row in _walk(http, keyset)[0]["records"]] == [row["Id"] for row in rows[121:131]]
    assert _walk(http, "SELECT COUNT() FROM Case WHERE IsDeleted = true")[0]["totalSize"] == 0


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("SystemModstamp = 1970-01-01T00:05:00Z", (2, 3)),
        ("SystemModstamp <= 1970-01-01T00:05:00Z", (0, 3)),
        ("SystemModstamp > 1970-01-01T00:05:00Z", (3, 5)),
        ("SystemModstamp > 1970-01-01T01:00:00Z", (5, 5)),
        ("Id < 'c'", (0, 2)),
        ("Id >= 'c' AND Id != 'd'", (2, 5)),
        ("Id = 'a' OR Id = 'b'", (0, 2)),
        ("Subject = 'x'", (0, 5)),
        ("NOT Id = 'a'", (0, 5)),
        ("Owner.Id = 'a'", (0, 5)),
        ("IsDeleted = false", (0, 5)),
        ("IsDeleted != false", (0, 0)),
    ],
)
def test_conditions_are_ranges_of_rows(condition, found):
    """Comparisons of stamps and ids are ranges; what is not understood holds for all rows."""
    where = parse(f"SELECT Id FROM Case WHERE {condition}").where
    assert span(where, 5, STAMPS.__getitem__, "abcde".__getitem__) == found


def test_bulk_results_have_the_same_cases(http):
    """A job over ready-made cases is done at once and gives the rows of the query as text."""
    asked = {"operation": "query", "query": "SELECT Id, SystemModstamp, Owner.Name FROM Case"}
    job = http.post(f"{DATA}/jobs/query", json=asked).json()
    place = f"{DATA}/jobs/query/{job['id']}"
    told = http.get(place).json()
    assert (told["state"], told["numberRecordsProcessed"]) == ("JobComplete", 4_500)
    rows, locator = [], ""
    while locator != "null":
        query = {"maxRecords": 2_000, **({"locator": locator} if locator else {})}
        answer = http.get(f"{place}/results", params=query)
        locator = answer.headers["Sforce-Locator"]
        part = list(csv.DictReader(io.StringIO(answer.text)))
        assert len(part) == int(answer.headers["Sforce-NumberOfRecords"])
        rows += part
    walked = [row for page in _walk(http, "SELECT Id FROM Case") for row in page["records"]]
    assert [row["Id"] for row in rows] == [row["Id"] for row in walked]
    assert rows[0]["SystemModstamp"].endswith(".000Z")
    links = http.get(f"{place}/resultPages").json()["resultPages"]
    assert len(http.get(links[0]["resultLink"]).text.splitlines()) == 4_501


def test_everything_else_is_the_simulator(http):
    """Descriptions, people, limits and versions are those of the real simulator, and refusals too."""
    assert "SystemModstamp" in {f["name"] for f in http.get(f"{DATA}/sobjects/Case/describe").json()["fields"]}
    assert len(_walk(http, "SELECT Id, Name FROM User")[0]["records"]) == 4
    assert http.get("/services/oauth2/userinfo").json()["active"]
    assert http.get("/services/data").json()[-1]["version"] == "68.0"
    assert "DailyApiRequests" in http.get(f"{DATA}/limits").json()
    assert http.get(f"{DATA}/query", params={"q": "SELECT Idd FROM Case"}).status_code == 400
    assert http.get(f"{DATA}/query/0r8x-1").status_code == 400
    assert http.get(f"{DATA}/jobs/query/750000000000001AAA").status_code == 404
    assert http.get(f"{DATA}/limits", headers={"Authorization": "Bearer x"}).status_code == 401
    assert http.get(f"{DATA}/limits").headers["Sforce-Limit-Info"].startswith("api-usage=")


def test_pages_are_filled_again_when_they_are_not_kept(monkeypatch):
    """Pages that do not fit into memory are filled for each request, with the same bytes."""
    pages = Pages(20)

    def ask():
        headers = {"authorization": f"Bearer {token}"}
        path = f"{DATA}/query"
        return b"".join(pages.answer(Call.read("GET", path, "q=SELECT+Id+FROM+Case", headers, body=b"", origin=""))[0])

    form = b"grant_type=client_credentials&client_id=reader&client_secret=s"
    token = pages._access.mint(Call.read("POST", "/services/oauth2/token", "", {}, body=form, origin=""))[
        "access_token"
    ]
    first = ask()
    monkeypatch.setattr("tallystick_salesforce.simulator.prerendered._KEPT_BYTES", 0)
    assert first == ask()
    assert len(pages._kept) == 1


def test_stamps_lie_before_the_hour_that_is_withheld():
    """The newest case is more than an hour old, and more cases than seconds are refused."""
    pages = Pages(300, "2026-10-01T00:00:00Z")
    assert pages.stamp(299) < instant("2026-10-01T00:00:00Z") - 3_600
    with pytest.raises(ValueError, match="do not fit"):
        Pages(100_000_000)


def test_the_prerendered_process_says_where_it_listens():
    """As a process it announces itself and serves."""
    with (
        start_simulator("tallystick_salesforce.simulator", seed=1, options=["--prerendered", "20"]) as simulator,
        httpx.Client(base_url=simulator.origin, trust_env=False) as client,
    ):
        told = client.post("/services/oauth2/token", data=CREDENTIALS).json()
        client.headers["Authorization"] = f"Bearer {told['access_token']}"
        assert len(_walk(client, "SELECT Id FROM Case")[0]["records"]) == 20

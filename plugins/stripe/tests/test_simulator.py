"""The simulator itself: same bytes, the virtual clock, the fault plan, keys, and its life as a process."""

import http.client
import re
import subprocess
import sys
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tallystick.testing.instants import instant, iso
from tallystick_stripe.simulator import Plan, create_app, serve
from tallystick_stripe.simulator.keys import read_key
from tallystick_stripe.simulator.prerendered import Pages
from tallystick_stripe.simulator.rates import convert, major, rate

KEY = {"Authorization": "Bearer rk_live_demo"}
PATHS = ("/v1/charges", "/v1/invoices", "/v1/balance_transactions", "/v1/events", "/v1/disputes", "/v1/balance")


@pytest.fixture
def client():
    """A client of a fresh small account at the first stage."""
    with serve(2, invoices=200) as origin, httpx.Client(base_url=origin, headers=KEY, trust_env=False) as made:
        yield made


def _tiny():
    """Give a plan of one customer, one invoice of 100.00, and a payment two days later."""
    plan, start = Plan(1), instant("2026-08-01T00:00:00Z")
    plan.add(start, "create_customer", id="cus_1", country="DE", name="A", email="a@b.example", currency="eur")
    plan.add(start + 10, "create_invoice", id="in_1", customer="cus_1", total=10_000, currency="eur")
    plan.add(start + 20, "finalize", id="in_1", intent="pi_1", inpay="inpay_1", due_days=14)
    plan.add(start + 2 * 86_400, "pay", charge="ch_1", invoice="in_1")
    return plan, start


def test_the_same_seed_gives_the_same_bytes():
    """Two simulators of one seed answer every path with the same bytes and headers; another seed does not."""
    answers = []
    for seed in (2, 2, 3):
        with serve(seed, invoices=200) as origin, httpx.Client(base_url=origin, headers=KEY, trust_env=False) as made:
            answers.append([(r.content, sorted(r.headers.items())) for r in map(made.get, PATHS)])
    assert answers[0] == answers[1]
    assert answers[0] != answers[2]


def test_stepping_the_clock_equals_starting_late():
    """An account that was moved through the stages holds the same objects as one that starts at the last."""
    stepped = create_app(2, invoices=200)
    for stage in ("2026-09-20T00:00:00Z", "2026-10-12T06:00:00Z"):
        stepped.move(instant(stage))
    late = create_app(2, invoices=200, now="2026-10-12T06:00:00Z")
    for name in ("charges", "invoices", "invoice_payments", "refunds", "disputes", "balance_transactions", "customers"):
        assert getattr(stepped.worlds[True].books, name).items == getattr(late.worlds[True].books, name).items


def test_only_what_is_past_has_happened(client):
    """Nothing is younger than the virtual clock; the clock brings more and, moved back, takes it away again."""
    first = client.get("/v1/charges").json()["data"][0]
    assert first["created"] <= instant("2026-08-31T22:00:00Z")
    assert client.post("/_simulator/clock", json={"advance_seconds": 5 * 86_400}).json() == {
        "now": "2026-09-05T22:00:00Z"
    }
    later = client.get("/v1/charges")
    assert later.json()["data"][0]["created"] > first["created"]
    assert parsedate_to_datetime(later.headers["date"]).isoformat() == "2026-09-05T22:00:00+00:00"
    client.post("/_simulator/clock", json={"to": "2026-08-31T22:00:00Z"})
    assert client.get("/v1/charges").json()["data"][0] == first
    assert client.post("/_simulator/clock", json={"to": "tomorrow"}).status_code == 400


def test_a_life_of_an_invoice():
    """An invoice is drafted, finalized, paid and refunded, and each step shows in the objects and in the ledger."""
    plan, start = _tiny()
    plan.add(start + 3 * 86_400, "refund", id="re_1", charge="ch_1", amount=2_500)
    app = create_app(plan=plan, now=iso(start + 15))
    books = app.worlds[True].books
    assert books.invoices["in_1"]["status"] == "draft"
    app.move(start + 86_400)
    assert (books.invoices["in_1"]["status"], books.invoice_payments["inpay_1"]["status"]) == ("open", "open")
    app.move(start + 5 * 86_400)
    assert books.invoices["in_1"]["status"] == "paid"
    assert books.invoice_payments["inpay_1"]["amount_paid"] == 10_000
    assert [row["amount"] for row in books.balance_transactions.items] == [10_000, -2_500]
    assert [row["status"] for row in books.balance_transactions.items] == ["available", "pending"]
    assert books.charges["ch_1"]["amount_refunded"] == 2_500


def test_a_dispute_moves_money_out_and_back():
    """Opening takes the money, winning an appeal gives it back; an inquiry moves nothing."""
    plan, start = _tiny()
    plan.add(start + 3 * 86_400, "open_dispute", id="du_0", charge="ch_1", amount=10_000, inquiry=True)
    plan.add(start + 4 * 86_400, "close_dispute", id="du_0", status="warning_closed")
    plan.add(start + 5 * 86_400, "open_dispute", id="du_1", charge="ch_1", amount=10_000)
    plan.add(start + 6 * 86_400, "close_dispute", id="du_1", status="lost")
    plan.add(start + 7 * 86_400, "answer_dispute", id="du_1", status="appeal_under_review")
    plan.add(start + 8 * 86_400, "close_dispute", id="du_1", status="won")
    app = create_app(plan=plan, now=iso(start + 6 * 86_400))
    books = app.worlds[True].books
    assert books.disputes["du_0"]["balance_transactions"] == []
    assert [row["amount"] for row in books.disputes["du_1"]["balance_transactions"]] == [-10_000]
    app.move(start + 9 * 86_400)
    assert [row["amount"] for row in books.disputes["du_1"]["balance_transactions"]] == [-10_000, 10_000]
    assert books.disputes["du_1"]["status"] == "won"
    kinds = [event["type"] for event in books.events.items if event["type"].startswith("charge.dispute")]
    assert kinds.count("charge.dispute.funds_withdrawn") == 1
    assert kinds.count("charge.dispute.funds_reinstated") == 1


def test_a_failed_refund_brings_the_money_back():
    """A refund that fails writes a third ledger row and undoes the amount on the charge."""
    plan, start = _tiny()
    plan.add(start + 3 * 86_400, "refund", id="re_1", charge="ch_1", amount=2_500, status="pending")
    plan.add(start + 4 * 86_400, "end_refund", id="re_1", status="failed")
    books = create_app(plan=plan, now=iso(start + 5 * 86_400)).worlds[True].books
    assert sum(row["amount"] for row in books.balance_transactions.items) == 10_000
    assert books.charges["ch_1"]["amount_refunded"] == 0
    assert books.refunds["re_1"]["failure_balance_transaction"] in books.balance_transactions.place


def test_conversion_follows_the_definition_of_the_rate():
    """The amount in the currency's minor units times the rate is the amount in cents, for 0, 2 and 3 decimals."""
    day = 20_700
    assert rate("eur", day, 1) is None
    for currency, wire, low, high in (
        ("jpy", 10_000, 5_500, 6_100),
        ("kwd", 10_000, 2_700, 2_900),
        ("usd", 10_000, 8_400, 8_800),
    ):
        exchange = rate(currency, day, 1)
        assert low < convert(wire, exchange) < high
        assert rate(currency, day, 1) == exchange
    assert [major(12_345, currency) for currency in ("jpy", "eur", "kwd")] == ["12345", "123.45", "12.345"]


def test_brackets_may_be_percent_encoded(client):
    """Plain and percent-encoded brackets, numbered or not, mean the same."""
    plain = client.get(
        "/v1/events?types[]=invoice.paid&types[]=charge.succeeded&limit=5&created[gte]=1787000000"
    ).content
    coded = client.get(
        "/v1/events?types%5B0%5D=invoice.paid&types%5B1%5D=charge.succeeded&limit=5&created%5Bgte%5D=1787000000"
    ).content
    assert plain == coded
    assert client.get("/v1/events?type=charge.*&limit=3").json()["data"][0]["type"].startswith("charge.")


def test_the_fault_plan_counts_calls(client):
    """A fault strikes the calls it names, counted from when it was set, and no other path."""
    client.post("/_simulator/faults", json=[{"path": "/v1/charges", "after": 1, "times": 2, "kind": "500"}])
    assert [client.get("/v1/charges").status_code for _ in range(4)] == [200, 500, 500, 200]
    assert client.get("/v1/refunds").status_code == 200
    client.post("/_simulator/faults", json=[{"path": "/v1/*", "times": None, "kind": "401"}])
    assert {client.get(path).status_code for path in PATHS} == {401}
    client.post("/_simulator/reset")
    assert client.get("/v1/charges").status_code == 200
    assert client.post("/_simulator/faults", json=[{"path": "/v1/charges", "kind": "gremlins"}]).status_code == 400


def test_answers_of_the_future(client):
    """Unknown fields, unknown enum values, a wrong clock, a lagging index and a redirect can be asked for."""

    def faulty(kind, seconds=86_400):
        client.post("/_simulator/faults", json=[{"path": "/v1/charges", "kind": kind, "seconds": seconds}])
        return client.get("/v1/charges")

    good = client.get("/v1/charges").json()["data"]
    assert all("field_of_the_future" in row for row in faulty("new_field").json()["data"])
    assert faulty("unknown_enum").json()["data"][0]["status"] == "status_of_the_future"
    assert parsedate_to_datetime(faulty("clock_skew", 3600).headers["date"]).hour == 23
    assert faulty("lag").json()["data"][0]["created"] <= instant("2026-08-30T22:00:00Z") < good[0]["created"]
    assert faulty("redirect").status_code == 302
    assert faulty("slow", 0).json()["data"] == good


def test_cut_connections(client):
    """A reset has no answer at all; a truncated one ends before the length it promised."""
    client.post("/_simulator/faults", json=[{"path": "/v1/charges", "kind": "reset"}])
    with pytest.raises(httpx.ReadError):
        client.get("/v1/charges")
    client.post("/_simulator/faults", json=[{"path": "/v1/charges", "kind": "truncated"}])
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        client.get("/v1/charges")


def test_calls_are_counted(client):
    """The count of calls by path leaves out those that steer the simulator."""
    for path in ("/v1/charges", "/v1/charges", "/v1/account"):
        client.get(path)
    assert client.get("/_simulator/stats").json() == {"calls": 3, "by_path": {"/v1/account": 1, "/v1/charges": 2}}


def test_keys_lack_what_their_name_says():
    """Rights are taken away by name, also names of several words and several names; basic authentication works."""
    key = read_key({"authorization": "Bearer rk_live_demo_no_disputes_no_balance_transactions"})
    assert key.lacks == {"disputes", "balance_transactions"}
    assert key.livemode
    assert not read_key({"authorization": "Basic cmtfdGVzdF9hYmM6"}).livemode


def test_unknown_addresses(client):
    """An address that does not exist, and search, are answered with 404 as JSON."""
    for path in ("/v1/charges/search?query=a", "/v1/coffees", "/v2/charges", "/v1/invoices/in_1/lines/7"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.fixture
def process():
    """Start the simulator as a process with some options; give its origin; stop it afterwards."""
    started = []

    def start(*options):
        command = [sys.executable, "-m", "tallystick_stripe.simulator", "--port", "0", *options]
        made = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(made)
        line = made.stdout.readline()
        assert re.fullmatch(r"listening on http://127\.0\.0\.1:\d+\n", line)
        return line.split()[-1]

    yield start
    for made in started:
        made.terminate()
        made.communicate(timeout=10)


def test_as_a_process(process):
    """The module started by itself says where it listens, on loopback, and serves the same bytes as in process."""
    origin = process("--seed", "2", "--invoices", "200", "--now", "2026-09-01T00:00:00Z")
    with serve(2, invoices=200, now="2026-09-01T00:00:00Z") as here:
        both = [httpx.get(f"{where}/v1/charges", headers=KEY, trust_env=False).content for where in (origin, here)]
    assert both[0] == both[1]


def test_wrong_options_are_refused():
    """An instant without an offset stops the process with exit code 2 and a message."""
    command = [sys.executable, "-m", "tallystick_stripe.simulator", "--now", "2026-09-01"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "no offset" in done.stderr
    assert "Traceback" not in done.stderr


def test_prerendered_pages(process):
    """Ready-made charges page without a gap, windows are disjoint, and all else is empty."""
    origin = process("--prerendered", "1050")
    with httpx.Client(base_url=origin, headers=KEY, trust_env=False) as made:
        rows, more = [], True
        while more:
            place = f"&starting_after={rows[-1]['id']}" if rows else ""
            page = made.get(f"/v1/charges?limit=100{place}").json()
            rows, more = rows + page["data"], page["has_more"]
        assert len({row["id"] for row in rows}) == 1050
        assert [row["created"] for row in rows] == sorted((row["created"] for row in rows), reverse=True)
        cut = rows[333]["created"]
        older = made.get(f"/v1/charges?limit=1&created[lt]={cut}").json()["data"]
        newer = made.get(f"/v1/charges?limit=100&created[gte]={cut}&starting_after={rows[299]['id']}").json()
        assert older == rows[334:335]
        assert newer["data"] == rows[300:334]
        assert not newer["has_more"]
        expanded = made.get("/v1/charges?limit=1&expand[]=data.balance_transaction").json()["data"][0]
        assert expanded["balance_transaction"]["source"] == expanded["id"]
        assert made.get("/v1/refunds").json()["data"] == []
        assert made.get("/v1/charges/ch_1").status_code == 404
        assert made.get("/v1/balance").json()["livemode"] is True


def test_prerendered_pages_are_of_the_promised_size():
    """A ready-made charge takes about 2.8 kB."""
    pages = Pages(1000, instant("2026-10-12T06:00:00Z"))
    size = sum(map(len, pages.page("limit=100")))
    assert 2_700 <= size / 100 <= 2_900


def test_latency_delays_every_call():
    """With a latency an answer still comes, whole."""
    with serve(plan=_tiny()[0], latency_ms=5) as origin:
        connection = http.client.HTTPConnection(origin.removeprefix("http://"), timeout=5)
        connection.request("GET", "/v1/charges", headers=KEY)
        assert connection.getresponse().status == 200
        connection.close()

"""What check says about an account."""

import pytest

RIGHT = "Having the 'rak_dispute_read' permission would allow this request to continue."
STREAMS = [
    "balance_transactions",
    "charges",
    "credit_notes",
    "customers",
    "disputes",
    "events",
    "invoice_payments",
    "invoices",
    "refunds",
]


@pytest.fixture
def stripe(web, answer, page):
    """Every stream of the account gives one object."""

    def routes(**replaced):
        for name in STREAMS:
            row = {"id": f"{name}_1", "created": 1_788_220_700, "currency": "eur", "livemode": True}
            given = replaced.get(name, answer(page(row), **{"stripe-version": "2026-10-28.endive"}))
            web.get(f"https://api.stripe.test/v1/{name}").mock(
                side_effect=given if callable(given) else lambda _, given=given: given
            )
        return web

    return routes


def _rows(connector):
    return {row.name: row for row in connector.check()}


def test_a_good_account(stripe, connect):
    """Every stream is readable, all rows are ok, and it took one call per stream."""
    stripe()
    connector = connect()
    rows = _rows(connector)

    assert [row.name for row in rows.values() if row.status != "ok"] == []
    assert {f"stream {name}" for name in STREAMS} <= set(rows)
    assert connector.calls() == len(STREAMS)
    assert "charges_1 of 2026-08-31T23:58:20Z" in rows["stream charges"].detail
    assert rows["currencies"].detail.endswith("EUR (2)")
    assert "2026-09-01T00:00:00Z" in rows["clock"].detail
    assert "2026-08-02T00:00:00Z" in rows["history"].detail
    assert "every right of the key is Read or None" in rows["write rights"].action


def test_a_missing_right_is_named_and_the_rest_is_checked(stripe, connect, answer, refused):
    """A 403 fails its stream, naming the right, and the other streams are still looked at."""
    stripe(disputes=answer(refused(message=RIGHT), 403))
    rows = _rows(connect())

    assert rows["stream disputes"].status == "failed"
    assert "rak_dispute_read" in rows["stream disputes"].action
    assert rows["stream refunds"].status == "ok"


@pytest.mark.parametrize(("key", "words"), [("sk_live_x", "secret key"), ("pk_live_x", "publishable")])
def test_a_wrong_key_is_one_row(connect, key, words):
    """A key that may not be used is one failed row, and nothing is called with it."""
    connector = connect(key)
    [row] = connector.check()

    assert (row.name, row.status) == ("key", "failed")
    assert words in row.detail
    assert row.action
    assert connector.calls() == 0


def test_an_expired_key_ends_the_check(stripe, connect, answer, refused):
    """401 is told once, not once per stream."""
    gone = answer(refused("api_key_expired"), 401)
    stripe(**dict.fromkeys(STREAMS, gone))
    rows = _rows(connect())

    assert [row.status for row in rows.values()] == ["ok", "failed"]
    assert "has expired" in rows["stream balance_transactions"].detail


def test_an_account_that_cannot_be_reached_ends_the_check(stripe, connect, answer):
    """A Stripe that does not answer is asked three times, and is one row."""
    stripe(balance_transactions=lambda _: answer(b"down", 503))
    connector = connect()
    rows = _rows(connector)

    assert rows["stream balance_transactions"].status == "failed"
    assert len(rows) == 2
    assert connector.calls() == 3


def test_objects_of_the_other_mode_fail(stripe, connect, answer, page):
    """When the objects are test mode and the configuration is not, the row says how to correct it."""
    stripe(charges=answer(page({"id": "ch_1", "livemode": False})))
    row = _rows(connect())["livemode"]

    assert row.status == "failed"
    assert "livemode" in row.action


def test_an_unknown_currency_is_a_warning(stripe, connect, answer, page):
    """A currency without a known minor unit is named."""
    stripe(charges=answer(page({"id": "ch_1", "currency": "xxq"})))
    row = _rows(connect())["currencies"]

    assert row.status == "warning"
    assert "XXQ" in row.detail


def test_another_api_version_is_a_warning(stripe, connect, answer, page):
    """An answer at another version than the one asked for is told."""
    stripe(charges=answer(page(), **{"stripe-version": "2020-01-01"}))

    assert _rows(connect())["API version"].status == "warning"


def test_an_empty_account_is_fine(stripe, connect, answer, page):
    """Streams without an object are readable, and nothing is said that is not known."""
    stripe(**{name: answer(page()) for name in STREAMS})
    rows = _rows(connect())

    assert {row.status for row in rows.values()} == {"ok"}
    assert rows["stream charges"].detail == "readable; there is no object yet"


def test_an_answer_without_a_date_fails_the_clock(stripe, connect, answer, page):
    """Without Stripe's clock a sync could not say up to when it has read."""
    stripe(**{name: answer(page(), date=None) for name in STREAMS})

    assert _rows(connect())["clock"].status == "failed"


def test_an_object_in_another_shape_fails_its_stream(stripe, connect, answer, page):
    """A newest object without an id is told, and the other streams are looked at."""
    stripe(charges=answer(page({"object": "charge"})))
    rows = _rows(connect())

    assert rows["stream charges"].status == "failed"
    assert rows["stream refunds"].status == "ok"


def test_a_variable_that_prints_bodies_is_a_warning(stripe, connect, monkeypatch):
    """STRIPE_LOG makes the SDK print whole answers; the row says to unset it."""
    stripe()
    monkeypatch.setenv("STRIPE_LOG", "debug")

    assert _rows(connect())["STRIPE_LOG"].status == "warning"

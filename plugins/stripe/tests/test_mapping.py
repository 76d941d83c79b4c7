"""Objects on the wire become records, column by column."""

import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.connectors import CustomField
from tallystick.records.types import RECORD_TYPES
from tallystick_stripe.mapping import OBJECT_TYPES, Mapper, tombstone

SAMPLES = Path(__file__).parents[4] / "shared/data/stripe/fixtures3.json"
KINDS = {"text": str, "integer": int, "money": Decimal, "rate": Decimal, "boolean": bool, "instant": int}
AT = 1_788_220_800
NOW = AT * 1_000_000

CHARGE = {
    "id": "ch_1",
    "object": "charge",
    "created": AT,
    "status": "succeeded",
    "amount": 12000,
    "amount_captured": 10000,
    "amount_refunded": 500,
    "currency": "eur",
    "captured": True,
    "disputed": False,
    "payment_intent": "pi_1",
    "customer": "cus_1",
    "payment_method_details": {"type": "sepa_debit", "sepa_debit": {}},
    "application": "ca_1",
    "on_behalf_of": None,
    "transfer_data": {"destination": "acct_9", "amount": None},
    "livemode": True,
}
INVOICE = {
    "id": "in_1",
    "object": "invoice",
    "created": AT,
    "status_transitions": {"finalized_at": AT + 1, "paid_at": AT + 3, "voided_at": None},
    "due_date": AT + 2,
    "status": "paid",
    "number": "A-1",
    "customer": {"id": "cus_1", "object": "customer"},
    "collection_method": "send_invoice",
    "amount_due": 12000,
    "amount_paid": 12000,
    "amount_overpaid": 0,
    "amount_paid_off_stripe": None,
    "currency": "eur",
    "next_payment_attempt": None,
    "attempt_count": 0,
    "starting_balance": -500,
    "livemode": True,
}
INVOICE_PAYMENT = {
    "id": "inpay_1",
    "object": "invoice_payment",
    "created": AT,
    "status_transitions": {"paid_at": AT + 3, "canceled_at": None},
    "status": "paid",
    "invoice": "in_1",
    "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
    "amount_paid": 11900,
    "amount_requested": 12000,
    "currency": "eur",
    "livemode": True,
}
REFUND = {
    "id": "re_1",
    "object": "refund",
    "created": AT,
    "status": "succeeded",
    "charge": "ch_1",
    "amount": 500,
    "currency": "eur",
    "reason": "requested_by_customer",
}
DISPUTE = {
    "id": "du_1",
    "object": "dispute",
    "created": AT,
    "status": "won",
    "charge": "ch_1",
    "amount": 12000,
    "currency": "eur",
    "reason": "fraudulent",
    "balance_transactions": [{"amount": 12000, "created": AT + 9}, {"amount": -12000, "created": AT + 1}],
    "livemode": True,
}
CREDIT_NOTE = {
    "id": "cn_1",
    "object": "credit_note",
    "created": AT,
    "status": "issued",
    "invoice": "in_1",
    "type": "post_payment",
    "amount": 700,
    "out_of_band_amount": None,
    "currency": "eur",
    "livemode": True,
}
CUSTOMER = {
    "id": "cus_1",
    "object": "customer",
    "created": AT,
    "name": "Nordwind",
    "email": "a@example.com",
    "balance": -500,
    "currency": "eur",
    "delinquent": False,
    "livemode": True,
}
ROW = {
    "id": "txn_1",
    "object": "balance_transaction",
    "created": AT,
    "available_on": AT + 9,
    "status": "available",
    "reporting_category": "charge",
    "source": "ch_1",
    "amount": 917,
    "fee": 50,
    "net": 867,
    "currency": "eur",
    "exchange_rate": 0.9173,
}
OBJECTS = [CHARGE, INVOICE, INVOICE_PAYMENT, REFUND, DISPUTE, CREDIT_NOTE, CUSTOMER, ROW]


def _records(thing, **settings):
    raw = json.dumps(thing).encode()
    return Mapper(**{"livemode": True, "custom": {}, **settings}).records(thing["object"], raw, NOW)


def _row(thing, **settings):
    """Map an object and give its record's columns by name."""
    record = _records(thing, **settings)[0]
    names = [column.name for column in RECORD_TYPES[record.type].columns]
    return dict(zip(names, record.values, strict=True))


def _fits(record):
    """Assert that a record has every column of its type, each of its kind or None."""
    columns = RECORD_TYPES[record.type].columns
    assert len(record.values) == len(columns)
    for column, value in zip(columns, record.values, strict=True):
        assert value is None or type(value) is KINDS[column.kind], (column, value)


@pytest.mark.parametrize("thing", OBJECTS, ids=lambda thing: thing["object"])
def test_every_column_has_its_kind(thing):
    """Lengths and kinds of the values agree with the record type, and the raw bytes are those that came."""
    raw = json.dumps(thing).encode()
    for record in Mapper(livemode=True, custom={}).records(thing["object"], raw, NOW):
        _fits(record)

        assert (record.id, record.as_of, record.raw, record.deleted) == (thing["id"], NOW, raw, False)


@pytest.mark.parametrize("thing", OBJECTS, ids=lambda thing: thing["object"])
def test_an_object_with_nothing_but_its_id_is_unknown_not_wrong(thing):
    """Fields that are missing give None, and an absent field is never read as zero or false."""
    bare = {key: thing[key] for key in ("id", "object", "created")}
    record = _records(bare)[0]
    _fits(record)
    row = _row(bare)

    assert not any(isinstance(value, Decimal) and value for value in record.values)
    assert row.get("amount") is None
    assert row.get("amount_overpaid") is None
    assert row.get("out_of_band_amount") is None


@pytest.mark.parametrize("thing", OBJECTS, ids=lambda thing: thing["object"])
def test_null_in_every_field_is_never_fatal(thing):
    """Every field but id and created may be null."""
    _fits(_records({key: value if key in {"id", "object", "created"} else None for key, value in thing.items()})[0])


@pytest.mark.parametrize("thing", OBJECTS, ids=lambda thing: thing["object"])
def test_new_fields_and_unknown_words_are_kept(thing):
    """A field of the future is ignored, and a status of the future is kept as text."""
    row = _row({**thing, "status": "status_of_the_future", "field_of_the_future": {"shares": [0.5, None]}})

    assert row.get("status", "status_of_the_future") == "status_of_the_future"


@pytest.mark.parametrize("thing", OBJECTS, ids=lambda thing: thing["object"])
@pytest.mark.parametrize("change", [{"id": None}, {"id": 5}, {"created": "now"}, {"created": -1}], ids=str)
def test_an_object_without_identity_is_another_shape(thing, change):
    """A missing id or a creation time of another type is refused by the decoder."""
    with pytest.raises(msgspec.ValidationError):
        _records({**thing, **change})


@pytest.mark.parametrize("amount", [12.5, "1200", 10**15, True])
def test_an_amount_is_a_whole_number_that_fits(amount):
    """A fraction, a text or an impossible amount is refused, never rounded."""
    with pytest.raises(msgspec.ValidationError):
        _records({**CHARGE, "amount": amount})


def test_a_charge_is_a_payment():
    """Every column of a payment comes from its field of the charge."""
    assert _row(CHARGE) == {
        "created_at": NOW,
        "status": "succeeded",
        "channel": "platform",
        "amount": Decimal("120.00"),
        "amount_captured": Decimal("100.00"),
        "amount_refunded": Decimal("5.00"),
        "currency": "EUR",
        "exponent": 2,
        "captured": True,
        "disputed": False,
        "intent_id": "pi_1",
        "customer_id": "cus_1",
        "method": "sepa_debit",
        "app_id": "ca_1",
        "beneficiary": "acct_9",
        "test_mode": False,
    }


def test_the_account_a_charge_was_made_for_comes_first():
    """on_behalf_of names the beneficiary even if the money is transferred elsewhere."""
    assert _row({**CHARGE, "on_behalf_of": "acct_1"})["beneficiary"] == "acct_1"
    assert _row({**CHARGE, "transfer_data": None})["beneficiary"] is None


def test_test_mode_is_what_the_object_says():
    """Livemode false makes test mode; objects that do not say take the mode of the key."""
    assert _row({**CHARGE, "livemode": False})["test_mode"] is True
    assert _row(REFUND, livemode=True)["test_mode"] is False
    assert _row(REFUND, livemode=False)["test_mode"] is True


def test_an_invoice_is_mapped():
    """Times, numbers and amounts of an invoice, and null for an amount that Stripe says there is none of is zero."""
    row = _row(INVOICE)

    assert (row["finalized_at"], row["due_at"], row["paid_at"]) == tuple((AT + n) * 1_000_000 for n in (1, 2, 3))
    assert (row["customer_id"], row["collection"], row["number"]) == ("cus_1", "manual", "A-1")
    assert (row["amount_overpaid"], row["amount_paid_off_platform"]) == (0, 0)
    assert (row["starting_balance"], row["next_attempt_at"]) == (Decimal("-5.00"), None)


@pytest.mark.parametrize(
    ("method", "word"), [("charge_automatically", "automatic"), ("send_invoice", "manual"), ("pigeon", "pigeon")]
)
def test_how_an_invoice_is_collected(method, word):
    """Stripe's two words become ours, a third one stays as it is."""
    assert _row({**INVOICE, "collection_method": method})["collection"] == word


@pytest.mark.parametrize(
    ("payment", "kind", "ref"),
    [
        ({"type": "payment_intent", "payment_intent": "pi_1"}, "intent", "pi_1"),
        ({"type": "charge", "charge": "ch_1"}, "payment", "ch_1"),
        ({"type": "charge", "charge": {"id": "ch_1", "object": "charge"}}, "payment", "ch_1"),
        ({"type": "payment_record", "payment_record": "prec_1"}, "off_platform", "inpay_1"),
        ({"type": "seashells"}, "seashells", None),
        (None, None, None),
    ],
)
def test_what_paid_an_invoice(payment, kind, ref):
    """An invoice payment points to the intent, the charge, or, outside the platform, to itself."""
    row = _row({**INVOICE_PAYMENT, "payment": payment})

    assert (row["payment_kind"], row["payment_ref"]) == (kind, ref)


@pytest.mark.parametrize(
    ("status", "word", "paid"),
    [("paid", "succeeded", 11900), ("open", "pending", None), ("canceled", "failed", None), ("odd", "odd", None)],
)
def test_an_outside_payment_is_a_payment_that_says_so(status, word, paid):
    """A payment record gives a second record: a payment with the invoice payment's id that never happened on Stripe."""
    part, payment = _records(
        {**INVOICE_PAYMENT, "status": status, "amount_paid": paid, "payment": {"type": "payment_record"}}
    )
    _fits(payment)
    row = dict(zip((column.name for column in RECORD_TYPES["payment"].columns), payment.values, strict=True))

    assert (part.type, payment.type, payment.id, payment.raw) == ("invoice_payment", "payment", "inpay_1", part.raw)
    assert (row["status"], row["channel"], row["captured"], row["intent_id"]) == (word, "off_platform", True, None)
    assert row["amount_captured"] == (None if paid is None else Decimal("119.00"))


def test_other_invoice_payments_give_one_record():
    """What was paid through Stripe is a payment of its own already."""
    assert len(_records(INVOICE_PAYMENT)) == 1


@pytest.mark.parametrize(
    ("rows", "withdrawn", "reinstated"),
    [
        (None, None, None),
        ([], None, None),
        ([(-1, 5)], 5, None),
        ([(-1, 5), (1, 9)], 5, 9),
        ([(1, 9), (-1, 5)], 5, 9),
        ([(-1, 5), (1, 9), (-1, 12)], 5, None),
        ([(-1, 5), (1, 5)], 5, 5),
    ],
)
def test_when_disputed_money_moved(rows, withdrawn, reinstated):
    """A negative row is the withdrawal, a positive one the reinstatement, unless it was taken again afterwards."""
    given_rows = None if rows is None else [{"amount": amount, "created": AT + at} for amount, at in rows]
    row = _row({**DISPUTE, "balance_transactions": given_rows})

    assert row["withdrawn_at"] == (None if withdrawn is None else (AT + withdrawn) * 1_000_000)
    assert row["reinstated_at"] == (None if reinstated is None else (AT + reinstated) * 1_000_000)


@pytest.mark.parametrize(
    ("status", "final"),
    [
        ("won", True),
        ("lost", True),
        ("warning_closed", True),
        ("prevented", True),
        ("needs_response", False),
        ("under_review", False),
        ("warning_needs_response", False),
        ("appeal_under_review", False),
        (None, None),
    ],
)
def test_when_a_dispute_is_over(status, final):
    """Only won, lost, closed inquiries and prevented ones are final."""
    assert _row({**DISPUTE, "status": status})["final"] is final


def test_a_credit_note_is_mapped():
    """The part paid back outside is zero when Stripe says null, and what it says otherwise."""
    assert _row(CREDIT_NOTE)["out_of_band_amount"] == 0
    assert _row({**CREDIT_NOTE, "out_of_band_amount": 700})["out_of_band_amount"] == Decimal("7.00")
    assert (_row(CREDIT_NOTE)["stage"], _row(CREDIT_NOTE)["invoice_id"]) == ("post_payment", "in_1")


def test_a_customer_without_a_currency_has_no_known_balance():
    """Until a customer has a currency, the balance cannot be read."""
    assert _row({**CUSTOMER, "currency": None})["balance"] is None
    assert _row(CUSTOMER)["balance"] == Decimal("-5.00")


def test_a_converted_ledger_row_is_brought_back():
    """The exchange rate is read from its digits, never through a float, and the origin follows from it."""
    row = _row(ROW)

    assert row["exchange_rate"] == Decimal("0.9173")
    assert (row["amount"], row["origin_amount"]) == (Decimal("9.17"), Decimal("999.6730"))
    assert (row["origin_fee"], row["origin_tolerance"]) == (Decimal("54.5078"), Decimal("1.0902"))


def test_a_rate_keeps_all_its_digits():
    """Digits that a float would lose are there, up to the twelve places of the column."""
    raw = json.dumps(ROW).replace("0.9173", "0.91730000000000012345").encode()
    [record] = Mapper(livemode=True, custom={}).records("balance_transaction", raw, NOW)

    assert record.values[10] == Decimal("0.917300000000")
    assert str(record.values[10]) == "0.917300000000"


def test_a_ledger_row_that_was_not_converted():
    """Without a rate the origin is the amount itself in minor units, and nothing is tolerated."""
    row = _row({**ROW, "exchange_rate": None})

    assert (row["origin_amount"], row["origin_fee"]) == (917, 50)
    assert (row["exchange_rate"], row["origin_tolerance"]) == (None, 0)


@pytest.mark.parametrize("rate", [0, -1.5, 1e300])
def test_an_impossible_rate_makes_the_origin_unknown(rate):
    """A rate that can be none gives unknown amounts and no error."""
    row = _row({**ROW, "exchange_rate": rate})

    assert [row[name] for name in ("exchange_rate", "origin_amount", "origin_fee", "origin_tolerance")] == [None] * 4


@pytest.mark.parametrize(
    ("currency", "exponent", "amount"),
    [("ugx", 2, "120.00"), ("jpy", 0, "12000"), ("kwd", 3, "12.000"), ("xxq", None, None)],
)
def test_amounts_follow_the_currency(currency, exponent, amount):
    """Each currency has its own exponent, and in an unknown one the record is kept with unknown amounts."""
    row = _row({**CHARGE, "currency": currency})

    assert (row["currency"], row["exponent"]) == (currency.upper(), exponent)
    assert row["amount"] == (None if amount is None else Decimal(amount))


def test_custom_fields_are_read_from_the_raw_record():
    """Declared fields are there with their types, nested or not, and a fraction does not pass through a float."""
    fields = {
        "placed_at": CustomField(path="metadata.placed_at", type="instant"),
        "number": CustomField(path="number"),
        "share": CustomField(path="metadata.share", type="money"),
        "missing": CustomField(path="metadata.not.there"),
        "odd": CustomField(path="not-an-identifier"),
    }
    tagged = {**INVOICE, "metadata": {"placed_at": "2026-09-01", "share": 1.10}, "not-an-identifier": "x"}
    [record] = _records(tagged, custom={"invoice": fields})

    assert record.custom == {
        "placed_at": NOW,
        "number": "A-1",
        "share": Decimal("1.1"),
        "missing": None,
        "odd": "x",
    }


def test_custom_fields_belong_to_one_record_type():
    """Fields declared for payments are read from charges and outside payments, and from nothing else."""
    custom = {"payment": {"x": CustomField(path="metadata.x")}}
    outside = {**INVOICE_PAYMENT, "payment": {"type": "payment_record"}, "metadata": {"x": "y"}}

    assert _records(CHARGE, custom=custom)[0].custom == {"x": None}
    assert _records(INVOICE, custom=custom)[0].custom is None
    assert [record.custom for record in _records(outside, custom=custom)] == [None, {"x": "y"}]


def test_a_tombstone_knows_nothing_but_its_id():
    """A deletion keeps what Stripe said, and no column."""
    record = tombstone("customer", "cus_1", b'{"deleted":true}', NOW)
    _fits(record)

    assert (record.type, record.id, record.deleted, record.raw) == ("customer", "cus_1", True, b'{"deleted":true}')
    assert set(record.values) == {None}


@pytest.mark.skipif(not SAMPLES.exists(), reason="the recorded samples are not on this machine")
@pytest.mark.parametrize("name", sorted(OBJECT_TYPES))
def test_the_vendors_own_sample_is_mapped(name):
    """The sample that Stripe publishes for each object gives records whose columns have their kinds."""
    samples = json.loads(SAMPLES.read_text())["resources"]
    if name not in samples:
        pytest.skip(f"Stripe publishes no sample of {name}")
    for record in Mapper(livemode=True, custom={}).records(name, json.dumps(samples[name]).encode(), NOW):
        _fits(record)


@pytest.mark.parametrize("name", sorted(OBJECT_TYPES))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_json_is_mapped_or_refused(name, data):
    """Whatever JSON stands in an object's fields, it gives a record of the right shape or a validation error."""
    [template] = [thing for thing in OBJECTS if thing["object"] == name]
    value = st.none() | st.booleans() | st.integers(-(10**16), 10**16) | st.text(max_size=4) | st.just({}) | st.just([])
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(set(template) - {"object"})), value, max_size=4))
    try:
        records = _records({**template, **changed})
    except msgspec.ValidationError:
        return
    for record in records:
        _fits(record)

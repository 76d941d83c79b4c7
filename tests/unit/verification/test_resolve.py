"""Which record a claim means."""

import pyarrow as pa
import pytest

from tallystick.verification.resolve import resolve_sql


def _meant(database, *refs):
    database.register("refs", pa.table({"ref": list(refs)}))
    return database.execute(resolve_sql("payment", "refs")).fetchall()


def _invoice_payment(number, invoice, ref):
    return ("invoice_payment", f"inpay_{number}", {"invoice_id": invoice, "payment_ref": ref, "status": "paid"})


def test_a_record_is_meant_by_its_own_id(evidence, payment):
    """The id of a record means that record, exactly."""
    assert _meant(evidence(payment("ch_1"), payment("ch_2")), "ch_1") == [("ch_1", "ch_1", True)]


def test_a_record_is_meant_by_a_column(evidence, payment):
    """An alias column means each record that carries it, unless the record is dead."""
    database = evidence(
        payment("ch_1", intent_id="pi_1", status="failed"), payment("ch_2", intent_id="pi_1"), payment("ch_3")
    )

    assert _meant(database, "pi_1") == [("pi_1", "ch_2", False)]


@pytest.mark.parametrize("ref", ["ch_1", "pi_1"])
def test_a_record_is_meant_by_a_related_record(evidence, payment, ref):
    """The id of an invoice means the payment that settled it, however the two are linked, and only once."""
    database = evidence(
        payment("ch_1", intent_id="pi_1"), ("invoice", "in_1", {"status": "paid"}), _invoice_payment(1, "in_1", ref)
    )

    assert _meant(database, "in_1") == [("in_1", "ch_1", False)]


def test_an_alias_of_several_records_gives_them_all(evidence, payment):
    """An invoice that two payments settled gives both, for the caller to call ambiguous."""
    database = evidence(
        payment("ch_1"),
        payment("ch_2"),
        ("invoice", "in_1", {"status": "paid"}),
        _invoice_payment(1, "in_1", "ch_1"),
        _invoice_payment(2, "in_1", "ch_2"),
    )

    assert _meant(database, "in_1") == [("in_1", "ch_1", False), ("in_1", "ch_2", False)]


def test_what_nothing_means_gives_no_row(evidence, payment):
    """A reference to nothing gives no row, and neither does an absent alias."""
    assert _meant(evidence(payment("ch_1", intent_id=None)), "nothing", "None") == []

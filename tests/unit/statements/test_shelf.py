"""Byte strings on a shelf come back as they were, and decided records with values of the types they had."""

from decimal import Decimal
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from tallystick.outcomes import Inputs
from tallystick.statements.exhibit import Exhibit, pack
from tallystick.statements.shelf import Shelf
from tallystick.verification.verdict import Evidence


@given(st.lists(st.binary(max_size=9).map(lambda data: data.replace(b"\n", b"")), max_size=300), st.data())
def test_what_is_put_on_a_shelf_comes_back_in_any_order(items, data):
    """Whatever was added, empty strings too, is given by its number, whichever was asked for before."""
    shelf = Shelf()
    for item in items:
        shelf.add(item)

    assert len(shelf) == len(items)
    for number in data.draw(st.permutations(range(len(items)))):
        assert shelf[number] == items[number]


def test_many_places_at_a_time():
    """Going through more places at a time than blocks are kept unpacked gives the same."""
    shelf = Shelf()
    for number in range(20_000):
        shelf.add(b"%d" % number)

    assert all(shelf[place] == b"%d" % place for start in range(150) for place in range(start, 20_000, 150))


PREDICATE = SimpleNamespace(
    unit=SimpleNamespace(facts=("payer", "amount")),
    record_type=SimpleNamespace(column={"currency": None, "exponent": None}),
)


def test_a_packed_record_keeps_its_types():
    """Decimals, integers of any size, texts that look like them, truth and nothing come back as they were."""
    exhibit = Exhibit(PREDICATE, Inputs({}, {}))
    values = (3, Decimal("1E+2"), "rejected", 0, 2**70, None, "EUR", 2)
    told = {"fact_a": Decimal("0.10"), "fact_b": "0.10", "fact_c": True, "fact_d": -(2**64), "fact_e": None}
    exhibit.held["r"] = pack(values, told, [("crm", "deal", "r", 1, "ab")], ["p", Decimal("7.00")])

    row = exhibit.rows()["r"]
    named = dict(zip(("occurred_at", "quantity", "status", "clause", "decided_at", "until"), values, strict=False))
    assert row == {"id": "r", "currency": "EUR", "exponent": 2, **named, **told}
    assert [type(row[name]) for name in ("quantity", "fact_a", "fact_b", "fact_c")] == [Decimal, Decimal, str, bool]
    assert exhibit.cited()["r"] == (Evidence("crm", "deal", "r", 1, "ab"),)
    [united] = exhibit.unit_rows([])
    assert united == {"id": "r", "occurred_at": 3, "fact_payer": "p", "fact_amount": Decimal("7.00")}
    assert exhibit.rows().get("other") is None

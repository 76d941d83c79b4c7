"""Bytes in chunks are compared with bytes in pieces, however both are cut."""

from hypothesis import given
from hypothesis import strategies as st

from tallystick.statements.repriced import _alike, _sighted

CUT = st.lists(st.binary(max_size=4), max_size=6)


@given(CUT, CUT)
def test_alike_is_equality_of_the_whole(chunks, pieces):
    """Two ways of cutting are alike exactly where what they were cut from is the same."""
    whole = b"".join(chunks)

    assert _alike(iter(chunks), pieces) == (whole == b"".join(pieces))
    assert _alike(iter(chunks), [whole[:2], whole[2:3], whole[3:]])


@given(st.integers(1, 40), st.integers(0, 200))
def test_an_instant_is_sighted_however_it_is_cut(size, before):
    """The first instant of preparation is found wherever chunks end, and no longer text passes for one."""
    data = b"x" * before + b'"prepared_at":"2026-10-05T08:00:00Z"' + b'"prepared_at":"1"'
    chunks = [data[start : start + size] for start in range(0, len(data), size)]

    assert _sighted(chunks) == "2026-10-05T08:00:00Z"
    assert _sighted([b'"prepared_at":"' + b"1" * 41 + b'"', b""]) is None

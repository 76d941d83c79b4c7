"""Bytes in chunks are compared with bytes in pieces, however both are cut."""

from hypothesis import given
from hypothesis import strategies as st

from tallystick.statements.repriced import _alike

CUT = st.lists(st.binary(max_size=4), max_size=6)


@given(CUT, CUT)
def test_alike_is_equality_of_the_whole(chunks, pieces):
    """Two ways of cutting are alike exactly where what they were cut from is the same."""
    whole = b"".join(chunks)

    assert _alike(iter(chunks), pieces) == (whole == b"".join(pieces))
    assert _alike(iter(chunks), [whole[:2], whole[2:3], whole[3:]])

"""The order in which people count."""

from hypothesis import given
from hypothesis import strategies as st

from pyomero_upload.layout import natural_key


def test_numbers_in_names_count_as_numbers():
    names = ["pos10", "pos2", "Pos3", "pos002b", "a", "10", "9"]
    assert sorted(names, key=natural_key) == ["9", "10", "a", "pos2", "pos002b", "Pos3", "pos10"]


def test_zeros_in_front_do_not_matter_but_the_order_is_still_fixed():
    assert sorted(["p01", "p1", "p001"], key=natural_key) == ["p001", "p01", "p1"]


NAMES = st.lists(st.text(alphabet="aB_/.0129²٣", max_size=8), max_size=8)


@given(NAMES.flatmap(lambda names: st.tuples(st.just(names), st.permutations(names))))
def test_the_order_is_the_same_whatever_the_order_before(both):
    names, shuffled = both
    assert sorted(names, key=natural_key) == sorted(shuffled, key=natural_key)


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_numbers_of_any_length_are_in_order(one, other):
    assert (natural_key(f"t{one}") < natural_key(f"t{other}")) == (one < other)

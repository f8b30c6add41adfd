"""Of more arrivals than may be sent, an even choice is sent."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.thinning import thin


def arrivals(count):
    return [(float(index), 10, 20) for index in range(count)]


def test_fewer_than_allowed_are_all_sent():
    total, kept = thin(iter(arrivals(5)), 10)
    assert (total, kept) == (5, arrivals(5))


@given(st.integers(1, 3000), st.integers(1, 200))
def test_thinning_counts_all_keeps_order_and_never_sends_more(count, most):
    total, kept = thin(iter(arrivals(count)), most)
    assert total == count
    assert len(kept) == min(count, most)
    assert list(kept) == sorted(kept)


def test_what_is_kept_is_spread_over_the_whole_stretch():
    _, kept = thin(iter(arrivals(8192)), 256)
    gaps = [later[0] - earlier[0] for earlier, later in itertools.pairwise(kept)]
    assert max(gaps) <= 2 * 8192 / 256

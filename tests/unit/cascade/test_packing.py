"""JSON as the gateway writes it: whatever a value holds, a reader gets it back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.domain.packing import packed

PLAIN = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
VALUES = st.recursive(
    PLAIN.filter(lambda value: value not in (float("inf"), float("-inf"))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_packed_is_read_again(value: Any) -> None:
    assert json.loads(packed(value)) == value


@pytest.mark.parametrize("value", [{"half": "\ud83d"}, {"pico": 2**80}])
def test_what_the_quick_writer_refuses_is_written_all_the_same(value: Any) -> None:
    assert json.loads(packed(value)) == value


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        packed({"thing": object()})

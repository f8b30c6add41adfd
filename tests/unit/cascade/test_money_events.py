"""Events survive their journey, and what is no event is refused with words."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.domain.event_fields import MOST, MOST_PICO, SMALL, Undecodable
from cascade.domain.events import (
    LONGEST_TEXT,
    OUTCOMES,
    ROLES,
    STATUSES,
    Attempt,
    Trial,
    decode,
    encode,
)
from cascade.domain.prices import PICO_A_MICRO
from cascade.domain.request import Tokens

WORDS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
IDS = st.integers(1, MOST)
MOMENTS = st.integers(0, 4_102_444_800_000_000)


@st.composite
def attempts(draw: st.DrawFn) -> Attempt:
    cached = draw(st.integers(0, 10**9))
    return Attempt(
        id=draw(st.uuids()),
        trial=draw(st.uuids()),
        at_us=draw(MOMENTS),
        cascade=draw(IDS),
        feature=draw(IDS),
        team=draw(IDS),
        key=draw(WORDS),
        policy=draw(st.integers(0, 2**31 - 1)),
        number=draw(st.integers(0, SMALL)),
        role=draw(st.sampled_from(ROLES)),
        stage=draw(WORDS),
        model=draw(WORDS),
        deployment=draw(WORDS),
        outcome=draw(st.sampled_from(OUTCOMES)),
        trouble=draw(WORDS),
        tokens=Tokens(cached + draw(st.integers(0, 10**9)), draw(st.integers(0, 10**9)), cached),
        pico=draw(st.integers(0, MOST_PICO)),
        latency_ms=draw(st.integers(0, 10**6)),
        price_version=draw(WORDS),
    )


@st.composite
def trials(draw: st.DrawFn) -> Trial:
    return Trial(
        id=draw(st.uuids()),
        at_us=draw(MOMENTS),
        cascade=draw(IDS),
        feature=draw(IDS),
        team=draw(IDS),
        key=draw(WORDS),
        policy=draw(st.integers(0, 2**31 - 1)),
        status=draw(st.sampled_from(STATUSES)),
        http=draw(st.integers(100, 599)),
        stage=draw(WORDS),
        is_canary=draw(st.booleans()),
        plan={"order": draw(st.lists(WORDS, max_size=3)), "highest": draw(WORDS)},
        tried=tuple(draw(st.lists(st.fixed_dictionaries({"stage": WORDS}), max_size=3))),
        prompt=draw(st.text(max_size=50).filter(lambda text: "\x00" not in text)),
        is_streamed=draw(st.booleans()),
        first_token_ms=draw(st.none() | st.integers(0, 10**6)),
        escalations=draw(st.integers(0, SMALL)),
        pico=draw(st.integers(0, MOST_PICO)),
        baseline_pico=draw(st.integers(0, MOST_PICO)),
    )


@given(attempts() | trials())
def test_an_event_is_read_as_it_was_told(event: Attempt | Trial) -> None:
    assert decode(encode(event)) == event


@given(attempts())
def test_counters_are_charged_what_it_cost_rounded_up(event: Attempt) -> None:
    told = json.loads(encode(event))
    assert 0 <= told["micro"] * PICO_A_MICRO - told["pico"] < PICO_A_MICRO


@given(st.binary(max_size=200))
def test_noise_is_no_event(noise: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(noise)


@given(
    st.dictionaries(
        st.sampled_from(["kind", "id", "at", "in", "pico", "micro", "key", "role", "plan"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none()),
    )
)
def test_whatever_json_says_is_an_event_or_refused(body: dict[str, object]) -> None:
    whole = json.loads(encode(_attempt()))
    raw = json.dumps({**whole, **body}).encode()
    try:
        found = decode(raw)
    except Undecodable:
        return
    assert encode(found)


def test_long_texts_are_cut_before_they_travel() -> None:
    event = Trial(
        id=UUID(int=1),
        at_us=1,
        cascade=1,
        feature=1,
        team=1,
        key="k",
        policy=1,
        status="answered",
        http=200,
        prompt="p" * 20_000,
        answer="a" * 20_000,
    )
    found = decode(encode(event))
    assert isinstance(found, Trial)
    assert (len(found.prompt), len(found.answer)) == (LONGEST_TEXT, LONGEST_TEXT)


def _attempt() -> Attempt:
    return Attempt(
        id=UUID(int=1),
        trial=UUID(int=2),
        at_us=1,
        cascade=1,
        feature=7,
        team=3,
        key="k",
        policy=1,
        number=1,
        role="stage",
        stage="small",
        model="us.amazon.nova-lite-v1:0",
        outcome="answered",
        tokens=Tokens(10, 5),
        pico=7,
        price_version="1",
    )


def test_an_attempt_knows_its_month_and_who_pays() -> None:
    event = _attempt()
    assert event.month == "1970-01"
    assert event.scopes == ("key:k", "feature:7", "team:3", "organisation")

"""Every combination of what is known and what is seen has its step."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.lifecycle import (
    IN_MOTION,
    Observed,
    Phase,
    Record,
    State,
    Step,
    backoff_seconds,
    next_step,
    phase_after,
    state_of_deployment,
    state_of_generation,
    wanted,
)

RECORDS = [
    Record(phase, is_wanted, may_begin, may_end, absences)
    for phase, is_wanted, may_begin, may_end, absences in product(
        Phase, (True, False), (True, False), (True, False), (0, 1, 2)
    )
]
SEEN = [
    Observed(phase, differs=differs, foreign=foreign)
    for phase, differs, foreign in product(
        (Phase.CREATING, Phase.READY, Phase.UPDATING, Phase.DELETING, Phase.FAILED),
        (True, False),
        ("", "It is somebody else's."),
    )
]


@pytest.mark.parametrize("record", RECORDS)
def test_every_combination_has_one_step_that_can_do_no_harm(record: Record) -> None:
    for observed in [None, *SEEN]:
        step = next_step(record, observed)
        if step is Step.CREATE:
            assert observed is None
            assert record.is_wanted
            assert record.may_begin
        if step is Step.DELETE:
            assert observed is not None
            assert not observed.foreign
            assert not record.is_wanted
            assert record.may_end
        if step is Step.UPDATE:
            assert observed is not None
            assert not observed.foreign
            assert observed.differs
            assert record.is_wanted
        if step is Step.FORGET:
            assert not record.is_wanted
            assert observed is None or observed.foreign
        if observed is not None and observed.phase in IN_MOTION and not observed.foreign:
            assert step is Step.WAIT


@pytest.mark.parametrize("record", RECORDS)
def test_what_is_not_gone_is_never_written_down_as_gone(record: Record) -> None:
    for observed in SEEN:
        step = next_step(record, observed)
        is_gone = phase_after(record, step, observed) is Phase.GONE
        assert not is_gone or bool(observed.foreign)


@pytest.mark.parametrize("phase", [Phase.CREATING, Phase.READY, Phase.UPDATING, Phase.FAILED])
def test_an_absence_of_what_may_exist_is_believed_at_the_second_look(phase: Phase) -> None:
    record = Record(phase, is_wanted=False)
    assert next_step(record, None) is Step.WAIT
    assert next_step(replace(record, absences=1), None) is Step.FORGET
    assert next_step(replace(record, is_wanted=True, absences=1), None) is Step.CREATE


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.DELETING])
def test_an_absence_of_what_was_never_made_or_was_ended_is_believed_at_once(phase: Phase) -> None:
    assert next_step(Record(phase, is_wanted=False), None) is Step.FORGET


def test_a_resource_waits_for_what_it_needs_and_outlives_what_needs_it() -> None:
    waiting = Record(Phase.PENDING, is_wanted=True, may_begin=False)
    needed = Record(Phase.READY, is_wanted=False, may_end=False)
    assert next_step(waiting, None) is Step.HOLD
    assert next_step(needed, Observed(Phase.READY)) is Step.HOLD


def test_a_failed_one_is_kept_while_wanted_and_ended_when_not() -> None:
    failed = Observed(Phase.FAILED)
    assert next_step(Record(Phase.CREATING, is_wanted=True), failed) is Step.GIVE_UP
    assert next_step(Record(Phase.FAILED, is_wanted=False), failed) is Step.DELETE


def test_what_is_there_but_not_as_specified_is_not_ready_yet() -> None:
    record = Record(Phase.CREATING, is_wanted=True)
    half = Observed(Phase.READY, differs=True)
    assert phase_after(record, Step.CREATE, half) is Phase.CREATING
    assert phase_after(replace(record, phase=Phase.READY), Step.UPDATE, half) is Phase.UPDATING


@pytest.mark.parametrize(
    "phases, state",
    [
        ([Phase.PENDING, Phase.PENDING], State.PENDING),
        ([Phase.READY, Phase.PENDING], State.CREATING),
        ([Phase.READY, Phase.CREATING], State.CREATING),
        ([Phase.READY, Phase.READY], State.READY),
        ([Phase.READY, Phase.UPDATING], State.UPDATING),
        ([Phase.READY, Phase.FAILED], State.FAILED),
    ],
)
def test_a_generation_stands_where_its_resources_stand(phases: list[Phase], state: State) -> None:
    assert state_of_generation(phases, is_wanted=True) is state


@pytest.mark.parametrize("other", [Phase.PENDING, Phase.CREATING])
def test_a_generation_with_something_yet_to_be_made_serves_nobody(other: Phase) -> None:
    # Else the one that serves would be taken down for it.
    state = state_of_generation([Phase.READY, Phase.UPDATING, other], is_wanted=True)
    assert state is State.CREATING
    assert wanted([State.READY, state]) == [True, True]


def test_an_unwanted_generation_is_retired_when_all_of_it_is_gone() -> None:
    assert state_of_generation([Phase.GONE, Phase.READY], is_wanted=False) is State.RETIRING
    assert state_of_generation([Phase.GONE, Phase.GONE], is_wanted=False) is State.RETIRED
    assert state_of_generation([], is_wanted=False) is State.RETIRED


@pytest.mark.parametrize(
    "states, keep",
    [
        ([State.CREATING], [True]),
        ([State.READY, State.CREATING], [True, True]),
        ([State.READY, State.READY], [False, True]),
        ([State.READY, State.FAILED], [True, True]),
        ([State.FAILED, State.CREATING], [False, True]),
        ([State.READY, State.FAILED, State.CREATING], [True, False, True]),
        ([State.READY, State.READY, State.PENDING], [False, True, True]),
        ([State.UPDATING, State.PENDING], [True, True]),
    ],
)
def test_the_newest_stays_and_the_last_ready_one_until_it_is_ready(
    states: list[State], keep: list[bool]
) -> None:
    assert list(wanted(states)) == keep


@given(st.lists(st.sampled_from(list(State)), min_size=1, max_size=6))
def test_something_that_serves_is_never_dropped_before_something_else_serves(
    states: list[State],
) -> None:
    serving = (State.READY, State.UPDATING)
    kept = [state for state, keep in zip(states, wanted(states), strict=True) if keep]
    assert any(state in serving for state in states) == any(state in serving for state in kept)


@pytest.mark.parametrize(
    "states, is_wanted, state",
    [
        ([State.PENDING], True, State.PENDING),
        ([State.CREATING], True, State.CREATING),
        ([State.READY, State.CREATING], True, State.UPDATING),
        ([State.RETIRING, State.READY], True, State.READY),
        ([State.READY, State.FAILED], True, State.FAILED),
        ([State.RETIRED, State.RETIRING], False, State.RETIRING),
        ([State.RETIRED, State.RETIRED], False, State.RETIRED),
    ],
)
def test_a_deployment_stands_where_its_newest_generation_stands(
    states: list[State], is_wanted: bool, state: State
) -> None:
    assert state_of_deployment(states, is_wanted=is_wanted) is state


@given(st.integers(min_value=1, max_value=10_000), st.text(max_size=20))
def test_waiting_grows_to_minutes_and_not_beyond(attempts: int, seed: str) -> None:
    pause = backoff_seconds(attempts=attempts, base_seconds=2, seed=seed)
    assert 1 <= pause <= 300
    assert pause == backoff_seconds(attempts=attempts, base_seconds=2, seed=seed)


@pytest.mark.parametrize("trouble", [State.FAILED, State.CREATING, State.PENDING])
@pytest.mark.parametrize("newest", [State.PENDING, State.CREATING, State.FAILED])
def test_what_has_served_stays_through_its_own_trouble_until_the_newest_is_ready(trouble, newest):
    assert list(wanted([trouble, newest], serving=0)) == [True, True]
    assert list(wanted([trouble, State.READY], serving=0)) == [False, True]

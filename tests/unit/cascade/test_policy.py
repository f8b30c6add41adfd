"""A policy is read whole or refused with every fault, and moves down with its budget."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.domain.policy import Classifier, Judge, StepDown
from cascade.domain.reading import PolicyFaulty, as_json, read
from tests.unit.cascade.cascade_policies import policy, stage, target

SMALLEST = {
    "stages": [
        {"name": "small", "threshold": 0.8, "target": {"model": "small", "address": "small"}},
        {"name": "large", "threshold": 0.9, "target": {"model": "large", "address": "large"}},
    ]
}


def faults(**changed) -> dict[str, str]:
    with pytest.raises(PolicyFaulty) as caught:
        read({**SMALLEST, **changed})
    return dict(caught.value.faults)


def test_a_policy_written_as_json_reads_back_as_it_was() -> None:
    whole = policy(
        stage("small", partner=target("other")),
        stage("large"),
        judge=Judge(target=target("judge")),
        classifier=Classifier.LLM,
        classifier_target=target("small"),
        step_down=(StepDown(0.8, "small"),),
    )
    assert read(json.loads(json.dumps(as_json(whole)))) == whole


def test_the_least_a_policy_says_is_its_stages() -> None:
    found = read(SMALLEST)
    assert [each.name for each in found.stages] == ["small", "large"]
    assert (found.most_escalations, found.shadow_share) == (2, 0.01)


def test_every_fault_is_told_in_one_pass() -> None:
    assert set(faults(skip_gain=2, streaming="sideways", speed=1)) == {
        "skip_gain",
        "streaming",
        "speed",
    }


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"stages": []}, "stages"),
        ({"stages": [SMALLEST["stages"][0]] * 2}, "stages"),
        ({"step_down": [{"at_share": 0.8, "highest": "huge"}]}, "step_down.0.highest"),
        ({"classifier": "llm"}, "classifier_target"),
        ({"classifier": "learned"}, "router"),
        ({"shadow_share": True}, "shadow_share"),
        ({"shadow_share": float("nan")}, "shadow_share"),
        ({"may_skip": "yes"}, "may_skip"),
        ({"judge": {"target": None}}, "judge.target"),
        ({"stages": [{**SMALLEST["stages"][0], "name": "Small!"}]}, "stages.0.name"),
    ],
)
def test_a_faulty_policy_is_refused_where_the_fault_lies(changed, path) -> None:
    assert path in faults(**changed)


def test_the_spent_share_of_the_budget_decides_the_highest_stage() -> None:
    careful = policy(step_down=(StepDown(0.8, "middle"), StepDown(0.95, "small")))
    assert [careful.highest_at(share) for share in (0, 0.79, 0.8, 0.94, 0.95, 2)] == [
        2,
        2,
        1,
        1,
        0,
        0,
    ]


def test_a_stage_has_the_place_of_its_name_or_none() -> None:
    assert policy().stage_named("large") == 2
    with pytest.raises(KeyError):
        policy().stage_named("huge")


words = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def read_or_faults(body):
    try:
        return read(body), {}
    except PolicyFaulty as wrong:
        return None, wrong.faults


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from([*as_json(policy()), "other"]), words))
def test_any_json_is_a_policy_or_a_list_of_faults(body) -> None:
    found, wrong = read_or_faults(body)
    assert (found is None) == bool(wrong)
    assert found is None or read(as_json(found)) == found

"""What a person may ask of a capacity plan and enter of a load test, and the sentence otherwise."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.adapters import serving
from deployments.domain import plan_input, point_input
from deployments.domain.plan_input import Known, Unreadable
from deployments.domain.planner.request import LoadPoint, PlanRequest
from deployments.domain.point_input import KnownParts
from deployments.domain.records import from_json, to_json
from tests.unit.deployments.advice_facts import read as workload

TODAY = date(2026, 11, 20)
FACTS = serving.load()
KNOWN = Known(
    architectures=FACTS.architecture,
    instance_types=frozenset(each.instance_type for each in FACTS.machines),
    precisions=frozenset(FACTS.precision),
    engines=frozenset(FACTS.engine),
)
PARTS = KnownParts(frozenset(FACTS.accelerator), KNOWN.precisions, KNOWN.engines)
MACHINE = sorted(KNOWN.instance_types)[0]
ASKED: dict[str, Any] = {
    "model": "Llama-3-70B",
    "mean_rps": "2",
    "peak_rps": "12",
    "input_tokens_mean": "1500",
    "output_tokens_mean": "300",
    "latency_ms": "3000",
    "usd_per_request": "0.02",
}
OWN: dict[str, Any] = {
    "model": "",
    "name": "House 8B",
    "layers": 32,
    "hidden": 4096,
    "heads": 32,
    "kv_heads": 8,
    "head_dim": 128,
    "intermediate": 14336,
    "vocabulary": 128256,
}
POINT: dict[str, Any] = {
    "architecture": "Llama-3-70B",
    "accelerator": sorted(FACTS.accelerator)[0],
    "tensor_parallel": "8",
    "precision": sorted(FACTS.precision)[0],
    "engine": sorted(FACTS.engine)[0],
    "input_tokens": "1500",
    "output_tokens": "300",
    "concurrency": "16",
    "tpot_ms": "21.5",
}


def ask(**changes: Any) -> PlanRequest:
    return plan_input.read(ASKED | changes, known=KNOWN, today=TODAY)


def test_a_model_of_the_list_is_asked_for_by_name() -> None:
    asked = ask()

    assert asked.architecture.layers == 80
    assert (asked.mean_rps, asked.peak_rps) == (Decimal(2), Decimal(12))
    assert asked.usd_per_request == Decimal("0.02")
    assert (asked.input_tokens_p95, asked.output_tokens_p95) == (1500, 300)
    assert asked.engine in KNOWN.engines
    assert asked.latency_percentile == 99


def test_an_own_model_is_given_by_the_numbers_of_its_file() -> None:
    asked = ask(**OWN)

    assert asked.architecture.name == "House 8B"
    assert asked.architecture.parameters == FACTS.architecture["Llama-3-8B"].parameters
    assert asked.architecture.source == "entered"


def test_quotas_may_be_lines_or_an_object() -> None:
    assert ask(gpu_quota=f"{MACHINE} = 2\n").gpu_quota == {MACHINE: 2}
    assert ask(gpu_quota={MACHINE: 2}).gpu_quota == {MACHINE: 2}
    assert ask(gpu_quota="").gpu_quota == {}


def test_what_was_asked_survives_being_kept() -> None:
    asked = ask(**OWN, gpu_quota={MACHINE: 2}, precisions=sorted(KNOWN.precisions)[:2])

    assert from_json(PlanRequest, json.loads(json.dumps(to_json(asked)))) == asked


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"model": ""}, "model", "Name a model, or give"),
        ({"model": "GPT-9"}, "model", "There is no model 'GPT-9'"),
        ({"layers": "80"}, "model", "not both"),
        ({**OWN, "layers": ""}, "layers", "is needed"),
        ({**OWN, "kv_heads": 5}, "kv_heads", "32 heads cannot share 5 KV heads evenly"),
        ({**OWN, "experts": 8}, "active_experts", "1 to 8 are active"),
        ({**OWN, "experts": 8, "active_experts": 2}, "expert_intermediate", "is needed"),
        ({**OWN, "layers": 1000, "hidden": 200000, "intermediate": 2000000}, "layers", "trillion"),
        ({"mean_rps": "0"}, "mean_rps", "between"),
        ({"mean_rps": "=1+1"}, "mean_rps", "plain number"),
        ({"peak_rps": "1"}, "peak_rps", "below the mean"),
        ({"output_tokens_p95": "3"}, "output_tokens_p95", "below the mean"),
        ({"input_tokens_mean": "9000"}, "input_tokens_mean", "longer than the 8,192 that Llama-3"),
        ({"input_tokens_mean": "9000000"}, "input_tokens_mean", "between 1 and 1,000,000"),
        ({"latency_ms": "NaN"}, "latency_ms", "plain number"),
        ({"latency_percentile": "90"}, "latency_percentile", "50, 95, 99"),
        ({"usd_per_request": "-1"}, "usd_per_request", "between"),
        ({"max_output_tokens": "0"}, "max_output_tokens", "between 1"),
        ({"region": "Europe"}, "region", "looks like us-east-1"),
        ({"precisions": ["fp3"]}, "precisions", "'fp3' is none; the known ones are"),
        ({"instance_types": ["ml.huge"]}, "instance_types", "is none"),
        ({"gpu_quota": "two of them"}, "gpu_quota", "such as ml.p5.48xlarge = 2"),
        ({"gpu_quota": {"ml.huge": 2}}, "gpu_quota", "does not"),
        ({"gpu_quota": {MACHINE: -2}}, "gpu_quota", "does not"),
        ({"gpu_quota": [1]}, "gpu_quota", "does not"),
        ({"engine": "abacus"}, "engine", "one of"),
        ({"weights_s3_uri": "https://x"}, "weights_s3_uri", "s3://bucket"),
        ({"prefix_cached_share": "60"}, "prefix_cached_share", "between 0 and 1"),
        ({"surprise": 1}, "surprise", "There is no input"),
    ],
)
def test_what_cannot_be_planned_gets_a_sentence_at_its_field(
    changes: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        ask(**changes)

    assert words in refused.value.fields[field]


def test_a_workload_already_says_what_a_plan_needs() -> None:
    found = plan_input.of_workload(workload(load=3, peak_rps=9, cached_input_share="0.5"))

    asked = ask(**found)

    assert (asked.mean_rps, asked.peak_rps) == (Decimal(3), Decimal(9))
    assert asked.prefix_cached_share == Decimal("0.5")


def test_a_load_test_is_taken_as_it_was_measured() -> None:
    point = point_input.read(POINT, known=PARTS, today=TODAY)

    assert (point.tensor_parallel, point.concurrency, point.tpot_ms) == (8, 16.0, 21.5)
    assert point.e2e_p99_ms is None
    assert point_input.configuration(point).startswith("Llama-3-70B/")
    assert from_json(LoadPoint, json.loads(json.dumps(to_json(point)))) == point


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"architecture": ""}, "architecture", "is needed"),
        ({"accelerator": "Abacus"}, "accelerator", "one of"),
        ({"tensor_parallel": "3"}, "tensor_parallel", "one of: 1, 2, 4, 8, 16"),
        ({"request_rate": "3"}, "concurrency", "one of the two"),
        ({"concurrency": ""}, "concurrency", "one of the two"),
        ({"tpot_ms": ""}, "tpot_ms", "At least one measured"),
        ({"tpot_ms": "0"}, "tpot_ms", "between"),
        ({"ttft_ms": "900", "e2e_mean_ms": "300"}, "ttft_ms", "cannot come after"),
        ({"e2e_mean_ms": "900", "e2e_p99_ms": "300"}, "e2e_p99_ms", "below its mean"),
        ({"input_tokens": "1e3"}, "input_tokens", "plain number"),
    ],
)
def test_a_load_test_that_cannot_be_gets_a_sentence(
    changes: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        point_input.read(POINT | changes, known=PARTS, today=TODAY)

    assert words in refused.value.fields[field]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


@settings(max_examples=200)
@given(
    name=st.sampled_from(plan_input.FIELDS), other=st.sampled_from(point_input.FIELDS), value=JSON
)
def test_nothing_written_into_a_field_breaks_the_readers(name: str, other: str, value: Any) -> None:
    for given_, read, known in (
        (ASKED | {name: value}, plan_input.read, KNOWN),
        (ASKED | OWN | {name: value}, plan_input.read, KNOWN),
        (POINT | {other: value}, point_input.read, PARTS),
    ):
        fields = {"": "None was refused."}
        try:
            read(given_, known=known, today=TODAY)
        except Unreadable as refused:
            fields = refused.fields
        assert fields
        assert all(sentence.endswith(".") for sentence in fields.values())

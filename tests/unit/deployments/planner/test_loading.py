"""How weights are loaded, how long it takes, and the timeouts that follow."""

from __future__ import annotations

import pytest

from deployments.domain.planner import loading
from deployments.domain.planner.facts import ServingMachine
from deployments.domain.planner.result import Loading
from tests.unit.deployments.planner.planner_facts import FACTS, VALUES, replica


def machine(instance_type: str) -> ServingMachine:
    return next(each for each in FACTS.machines if each.instance_type == instance_type)


def load(instance_type: str, model: str, precision: str, *, tensor: int = 1) -> Loading:
    on = machine(instance_type)
    return loading.load(
        replica=replica(model, on.accelerator, precision, tensor), machine=on, values=VALUES
    )


@pytest.mark.parametrize("each", FACTS.machines, ids=lambda each: each.instance_type)
def test_a_volume_size_is_set_only_where_there_is_no_local_disk(each: ServingMachine) -> None:
    found = load(each.instance_type, "Llama-3.1-8B", "bf16")

    assert (found.volume_gb is not None) == each.instance_type.startswith("ml.inf2")
    assert each.instance_type in found.volume_sentence


def test_timeouts_leave_twice_the_time_and_stay_within_what_sagemaker_takes() -> None:
    small = load("ml.g6.2xlarge", "Llama-3.2-1B", "bf16")
    large = load("ml.p4d.24xlarge", "Llama-3-70B", "bf16", tensor=8)
    huge = load("ml.p5en.48xlarge", "Llama-3.1-405B", "fp8", tensor=8)

    for each in (small, large, huge):
        wanted = min(max(2 * each.seconds_to_ready, 600), 3600)
        assert each.startup_health_check_timeout_s == pytest.approx(wanted, abs=10)
        assert 300 <= each.model_data_download_timeout_s <= 3600
    assert large.seconds_to_ready > small.seconds_to_ready


def test_the_fastest_strategy_is_taken_and_the_others_are_shown() -> None:
    found = load("ml.p4d.24xlarge", "Llama-3-70B", "fp8", tensor=8)

    named = {name for name, _ in found.alternatives} | {found.strategy}
    assert named == {"lazy", "pipeline", "pre-load", "sharded", "nvme-cached", "quantised"}
    assert all(seconds >= found.seconds_to_ready for _, seconds in found.alternatives)
    assert sum(seconds for _, seconds in found.stages) == pytest.approx(
        found.seconds_to_ready, abs=4
    )


def test_a_disk_that_is_too_small_rules_out_what_needs_it() -> None:
    found = load("ml.g5.xlarge", "Llama-3.1-405B", "bf16")

    named = {name for name, _ in found.alternatives} | {found.strategy}
    assert named == {"lazy", "pipeline"}

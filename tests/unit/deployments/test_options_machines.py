"""Tiers that run a model on machines: what each costs, when it wakes, and what it refuses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.domain.blueprint import endpoints
from deployments.domain.candidates import spread
from deployments.domain.options import Option, Tier, Verdict
from deployments.domain.ranking import Ranked
from tests.fixtures.options import names
from tests.unit.deployments.advice_facts import ask, book, check, of_scenario, option, read

FRAUD: dict[str, Any] = {
    "pattern": "real-time",
    "load": "150",
    "peak_rps": "400",
    "input_tokens_mean": 40,
    "input_tokens_p95": 60,
    "output_tokens_mean": 1,
    "output_tokens_p95": 1,
    "latency_ms": 50,
    "latency_percentile": 99,
    "need": "custom-cpu",
    "weights_s3_uri": "s3://bank/fraud/",
    "parameters_billion": "0.005",
    "vpc_only": True,
}
CHURN = FRAUD | {
    "pattern": "batch",
    "load": "21700000",
    "load_unit": "per-month",
    "peak_rps": "33",
    "latency_ms": 6 * 3600 * 1000,
    "weights_s3_uri": "s3://bank/churn/",
    "parameters_billion": "0.01",
    "vpc_only": False,
}
DOCUMENTS: dict[str, Any] = {
    "pattern": "asynchronous",
    "load": "2000",
    "load_unit": "per-day",
    "window_hours": "10",
    "peak_rps": "",
    "input_tokens_mean": 24_000,
    "input_tokens_p95": 60_000,
    "output_tokens_mean": 1500,
    "output_tokens_p95": 3000,
    "latency_ms": 900_000,
    "need": "custom-gpu",
    "weights_s3_uri": "s3://bank/documents/",
    "parameters_billion": "8.03",
    "base_model": "llama-3.1-8b-instruct",
    "payload_bytes": 40_000_000,
}
RETRIEVAL: dict[str, Any] = {
    "load": "3",
    "peak_rps": "12",
    "input_tokens_mean": 3000,
    "input_tokens_p95": 6000,
    "output_tokens_mean": 300,
    "output_tokens_p95": 600,
    "latency_ms": 3000,
    "latency_of": "first-token",
    "needs_streaming": True,
    "vpc_only": True,
    "residency": "region",
    "need": "custom-gpu",
    "weights_s3_uri": "s3://corp/retrieval/",
    "parameters_billion": "14",
}
VOLUME: dict[str, Any] = {
    "pattern": "batch",
    "load": "3000000",
    "load_unit": "per-day",
    "window_hours": "10",
    "peak_rps": "",
    "input_tokens_mean": 400,
    "input_tokens_p95": 800,
    "output_tokens_mean": 200,
    "output_tokens_p95": 300,
    "latency_ms": 36_000_000,
    "quality_floor": "4",
}
EDGE = RETRIEVAL | {
    "load": "1",
    "peak_rps": "3",
    "input_tokens_mean": 200,
    "input_tokens_p95": 400,
    "parameters_billion": "3.2",
    "base_model": "llama-3.2-3b-instruct",
}
CHAT: dict[str, Any] = {
    "load": "20",
    "peak_rps": "400",
    "input_tokens_mean": 800,
    "input_tokens_p95": 2000,
    "output_tokens_mean": 250,
    "output_tokens_p95": 500,
    "latency_ms": 2000,
    "latency_of": "first-token",
    "needs_streaming": True,
    "quality_floor": "11",
}


def best(ranked: Ranked, tier: Tier) -> Option:
    """Return a tier's first option in ranked order."""
    return next(each for each in ranked.options if each.tier is tier)


@pytest.mark.parametrize(
    ("given_workload", "tier", "built"),
    [
        (FRAUD, Tier.SAGEMAKER_REAL_TIME, Tier.SAGEMAKER_REAL_TIME),
        (CHURN, Tier.SAGEMAKER_BATCH_TRANSFORM, Tier.SAGEMAKER_SERVERLESS),
        (DOCUMENTS, Tier.SAGEMAKER_ASYNCHRONOUS, None),
        (CHAT, Tier.BEDROCK_ON_DEMAND, Tier.BEDROCK_ON_DEMAND),
        (RETRIEVAL, Tier.ECS_SERVICE, Tier.SAGEMAKER_REAL_TIME),
        (VOLUME, Tier.SAGEMAKER_BATCH_TRANSFORM, Tier.BEDROCK_ON_DEMAND),
        (EDGE, Tier.ECS_SERVICE, Tier.SAGEMAKER_REAL_TIME),
    ],
    ids=["fraud", "churn", "documents", "public chat", "retrieval", "volume", "edge"],
)
def test_each_shape_of_inference_has_its_tier(
    given_workload: dict[str, Any], tier: Tier, built: Tier | None
) -> None:
    ranked = ask(read(**given_workload))

    assert option(ranked, ranked.pick).tier is tier
    found = option(ranked, ranked.launch_pick).tier if ranked.launch_pick else None
    assert found is built


def test_a_fraud_score_comes_within_milliseconds_from_two_cpu_machines() -> None:
    ranked = ask(read(**FRAUD))
    found = option(ranked, ranked.pick)

    assert found.size.instance_type == "ml.c5.xlarge"
    assert found.size.instances == 2
    assert found.latency.p50_ms < 10
    assert check(best(ranked, Tier.SAGEMAKER_SERVERLESS), "network").startswith("broken")


def test_a_cpu_endpoint_is_launched_without_the_settings_of_a_gpu_server() -> None:
    ranked = ask(read(**FRAUD))
    made = endpoints.real_time(option=option(ranked, ranked.pick), names=names())

    model = next(each for each in made if each.key == "model")
    assert model.spec["environment"] == {}
    assert model.spec["weights_s3"] == "s3://bank/fraud/"


def test_long_documents_wait_in_a_queue_that_sleeps_at_night() -> None:
    ranked = ask(read(**DOCUMENTS))
    asleep = option(ranked, ranked.pick)
    warm = option(ranked, f"{ranked.pick}/warm")

    assert asleep.scales_to_zero
    assert not warm.scales_to_zero
    assert asleep.cost.expected_usd is not None
    assert warm.cost.expected_usd is not None
    assert asleep.cost.expected_usd < warm.cost.expected_usd / 2
    endpoint = best(ranked, Tier.SAGEMAKER_REAL_TIME)
    assert check(endpoint, "payload") == "broken: A request carries 40.00 MB; the limit is 25 MB."


def test_a_request_in_an_hour_wakes_the_queue_and_waits_for_it() -> None:
    """At one request in 3,600 s and 300 s of idling, e^(-1/12) = 92 % find it asleep."""
    found = best(
        ask(read(**FRAUD | {"pattern": "asynchronous", "load": "0.0002", "peak_rps": ""})),
        Tier.SAGEMAKER_ASYNCHRONOUS,
    )

    assert found.latency.p50_ms > 240_000
    assert check(found, "latency").startswith("broken: Estimated 4.0 min at p99")
    awake = spread.awake(
        read(load="0.000277777", peak_rps=""), rps_each=1.0, start_s=240, idle_s=300
    )
    assert awake.cold_share == pytest.approx(0.92, abs=0.005)


def test_a_job_is_refused_for_live_requests_and_for_answers_within_a_second() -> None:
    live = best(ask(read(**FRAUD)), Tier.SAGEMAKER_BATCH_TRANSFORM)
    hasty = best(ask(read(**CHURN | {"latency_ms": 900})), Tier.SAGEMAKER_BATCH_TRANSFORM)

    assert check(live, "pattern") == (
        "broken: A job works through a whole data set; the pattern is real-time: the nearest is a "
        "real-time endpoint or asynchronous inference."
    )
    assert "4.0 min pass before the first record; the objective is 900 ms: the nearest is" in check(
        hasty, "latency"
    )
    assert hasty.verdict is Verdict.INFEASIBLE


def test_a_job_takes_more_machines_when_its_time_is_short() -> None:
    def machines(minutes: int) -> int:
        ranked = ask(read(**CHURN | {"latency_ms": minutes * 60_000}))
        found = option(ranked, "sagemaker-batch-transform/custom/ml.c5.xlarge/bf16")
        assert found.latency.p99_ms <= minutes * 60_000
        return found.size.max_instances

    assert machines(600) == 1
    assert machines(30) == 4  # 4,459 s of work within 30 min less a slow start of 8 min


def test_a_queue_is_refused_to_callers_who_wait_and_to_streams() -> None:
    found = best(ask(of_scenario("chatbot")), Tier.SAGEMAKER_ASYNCHRONOUS)

    assert "the pattern is interactive: the nearest is a real-time endpoint" in check(
        found, "pattern"
    )
    assert check(found, "streaming").startswith("broken")


def test_a_region_without_the_model_names_the_nearest_that_has_it() -> None:
    ranked = ask(read(region="us-west-1", models="amazon.nova-micro-v1:0"))

    assert check(ranked.options[0], "region").startswith("broken: Asked for us-west-1;")
    assert "; the nearest is us-" in check(ranked.options[0], "region")


def test_copies_fill_a_machine_with_several_gpus() -> None:
    ranked = ask(read(models="llama-3.1-8b-instruct", load="60", peak_rps="60", latency_ms=20_000))
    found = best(ranked, Tier.SAGEMAKER_COMPONENTS)
    copies, each = int(found.extra["copies"]), int(found.extra["gpus_a_copy"])

    assert copies >= 2
    assert each == 1
    assert found.cost.low_usd is not None
    assert found.cost.expected_usd is not None
    assert found.cost.low_usd <= found.cost.expected_usd


def test_a_shared_endpoint_needs_company_and_then_wins() -> None:
    workload = read(**FRAUD | {"load": "10", "peak_rps": "20"})
    alone, shared = ask(workload), ask(workload, **{"shared-endpoint-models": Decimal(12)})

    assert check(best(alone, Tier.SAGEMAKER_MULTI_MODEL), "sharing") == (
        "broken: The price assumes 10 models on one endpoint; 0 are known here. The nearest is a "
        "real-time endpoint of its own."
    )
    found = best(shared, Tier.SAGEMAKER_MULTI_MODEL)
    assert found.verdict is Verdict.FEASIBLE
    assert shared.pick == found.option_id
    assert found.extra["share"] == "0.083333"


def test_the_same_machine_costs_less_on_ec2_and_more_to_look_after() -> None:
    ranked = ask(of_scenario("tuned-model"))
    own, managed = best(ranked, Tier.ECS_SERVICE), best(ranked, Tier.SAGEMAKER_REAL_TIME)

    assert own.cost.expected_usd is not None
    assert managed.cost.expected_usd is not None
    assert own.cost.expected_usd < managed.cost.expected_usd
    assert own.burden > managed.burden


def test_manifests_cost_the_cluster_on_top_of_the_service() -> None:
    """730 h x 0.10 USD."""
    ranked = ask(of_scenario("tuned-model"))
    service, manifests = best(ranked, Tier.ECS_SERVICE), best(ranked, Tier.EKS_MANIFESTS)

    assert manifests.cost.expected_usd is not None
    assert service.cost.expected_usd is not None
    assert manifests.cost.expected_usd - service.cost.expected_usd == 73


@pytest.mark.parametrize("name", ["one-year", "three-years"])
def test_a_plan_without_a_dated_price_waits_for_a_quote_and_commits(name: str) -> None:
    ranked = ask(of_scenario("tuned-model"))
    found = next(each for each in ranked.options if each.size.term == name)
    months = {"one-year": 12, "three-years": 36}[name]

    assert found.cost.expected_usd is None
    assert found.commitment_months == months
    assert check(found, "commitment") == (f"broken: Commits for {months} months; none is accepted.")


def test_spot_is_offered_where_work_may_be_done_again_and_waits_for_a_price() -> None:
    def spot(**changes: Any) -> list[Option]:
        found = ask(read(**VOLUME | changes)).options
        return [each for each in found if each.size.term == "spot"]

    assert spot(pattern="interactive", latency_ms=30_000) == []
    assert spot()
    assert {each.verdict for each in spot()} <= {Verdict.NEEDS_QUOTE, Verdict.INFEASIBLE}


def test_own_hardware_says_below_which_price_it_would_win() -> None:
    found = best(ask(read(**EDGE)), Tier.EDGE_BUNDLE)

    assert found.verdict is Verdict.NEEDS_QUOTE
    assert "It would win below" in found.notes[0]
    line = found.cost.lines[0]
    usd = Decimal(found.extra["break_even_unit_usd"])
    rival = min(
        each.cost.expected_usd
        for each in ask(read(**EDGE)).options
        if each.verdict is Verdict.FEASIBLE and each.cost.expected_usd is not None
    )
    assert abs(usd * line.quantity / 3600 - rival) < Decimal("0.2")


def test_a_spiky_load_keeps_its_base_on_a_fleet_and_spills_the_rest() -> None:
    ranked = ask(of_scenario("chatbot"))
    found = best(ranked, Tier.HYBRID)

    assert found.cost.fixed_usd > 0
    assert found.cost.variable_usd > 0
    beyond = option(ranked, f"bedrock-on-demand/{found.extra['beyond']}/{found.extra['route']}")
    assert found.cost.variable_usd < beyond.cost.variable_usd
    assert found.latency.p95_ms >= beyond.latency.p95_ms


def test_a_steady_load_has_nothing_to_spill() -> None:
    ranked = ask(of_scenario("content-moderation"))

    assert all(each.tier is not Tier.HYBRID for each in ranked.options)


def test_what_lies_above_the_base_is_the_area_of_the_profile() -> None:
    """Half the week at 1.5 times the mean and half at 0.5: a quarter lies above the mean."""
    workload = read(weekly_profile=["1.5"] * 84 + ["0.5"] * 84)

    assert spread.share_above(workload, float(workload.mean_rps)) == pytest.approx(0.25)
    assert spread.share_above(workload, 0.0) == pytest.approx(1.0)
    assert spread.share_above(workload, 1000.0) == 0.0


@given(
    load=st.decimals("0.01", "50", places=2),
    peak=st.decimals("50", "900", places=1),
    base=st.floats(0, 1000),
)
def test_a_load_has_its_mean_and_less_of_it_above_a_higher_base(
    load: Decimal, peak: Decimal, base: float
) -> None:
    workload = read(load=str(load), peak_rps=str(peak))
    found = spread.levels(workload)

    assert sum(each.share for each in found) == pytest.approx(1)
    assert sum(each.share * each.rps for each in found) == pytest.approx(float(load))
    assert max(each.rps for each in found) <= float(peak) * 1.0001
    assert spread.share_above(workload, base) >= spread.share_above(workload, base * 1.1)


@given(
    load=st.floats(0.00001, 100),
    factor=st.floats(1, 20),
    each=st.floats(0.1, 50),
    start_s=st.floats(1, 3000),
    idle_s=st.floats(1, 3000),
)
def test_a_fleet_that_sleeps_is_on_longer_for_more_requests(
    load: float, factor: float, each: float, start_s: float, idle_s: float
) -> None:
    def hours(rps: float) -> float:
        text = f"{rps:.6f}"
        workload = read(load=text, peak_rps=text)
        found = spread.awake(workload, rps_each=each, start_s=start_s, idle_s=idle_s)
        assert 0 <= found.cold_share <= 1
        return found.instance_hours

    assert hours(load * factor) >= hours(load) * 0.999999


_COPIES = Tier.SAGEMAKER_COMPONENTS
MACHINES = frozenset(
    {
        Tier.SAGEMAKER_COMPONENTS,
        Tier.SAGEMAKER_MULTI_MODEL,
        Tier.SAGEMAKER_MULTI_CONTAINER,
        Tier.SAGEMAKER_ASYNCHRONOUS,
        Tier.SAGEMAKER_BATCH_TRANSFORM,
        Tier.SAGEMAKER_SERVERLESS,
        Tier.ECS_SERVICE,
        Tier.EKS_MANIFESTS,
        Tier.EDGE_BUNDLE,
        Tier.HYBRID,
    }
)
OWN = st.builds(
    dict,
    load=st.decimals("0.01", "40", places=2).map(str),
    peak_rps=st.just("40"),
    pattern=st.sampled_from(("real-time", "batch", "asynchronous", "event-driven")),
    need=st.sampled_from(("custom-cpu", "custom-gpu")),
    weights_s3_uri=st.just("s3://team/own/"),
    parameters_billion=st.sampled_from(("0.001", "0.11", "3")),
    latency_ms=st.integers(5, 90_000_000).map(lambda ms: min(ms, 86_400_000)),
    input_tokens_mean=st.integers(1, 3000),
    input_tokens_p95=st.just(4000),
    output_tokens_mean=st.integers(1, 100),
    output_tokens_p95=st.just(150),
    needs_streaming=st.booleans(),
    payload_bytes=st.sampled_from((0, 5_000_000, 900_000_000)),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(workload=OWN)
def test_what_is_feasible_breaks_nothing_and_each_sum_is_in_order(workload: dict[str, Any]) -> None:
    found = ask(read(**workload)).options

    # A model on CPU has no copies on parts of GPUs; the other tiers always answer.
    always = MACHINES if workload["need"] == "custom-gpu" else MACHINES - {_COPIES}
    assert {each.tier for each in found} >= always
    for each in found:
        is_clean = all(one.holds for one in each.checks) and each.cost.expected_usd is not None
        assert (each.verdict is Verdict.FEASIBLE) == is_clean, each.option_id
        low, usd, high = each.cost.low_usd, each.cost.expected_usd, each.cost.high_usd
        if low is not None and usd is not None and high is not None:
            assert low <= usd <= high, each.option_id
        assert each.latency.p50_ms <= each.latency.p95_ms <= each.latency.p99_ms, each.option_id
        for line in each.cost.lines:
            assert (line.usd is None) == (book().find(line.sku) is None)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(workload=OWN, factor=st.decimals("1", "3", places=2))
def test_own_models_never_cost_less_at_a_higher_load_of_the_same_size(
    workload: dict[str, Any], factor: Decimal
) -> None:
    def costs(times: Decimal) -> dict[Any, Decimal]:
        load, peak = Decimal(workload["load"]) * times, Decimal(40) * times
        ranked = ask(read(**workload | {"load": str(load), "peak_rps": str(peak)}))
        return {
            (each.option_id, each.size.instances, each.size.max_instances): usd
            for each in ranked.options
            if (usd := each.cost.expected_usd) is not None
        }

    before, after = costs(Decimal(1)), costs(factor)
    for key in before.keys() & after.keys():
        assert after[key] >= before[key], key

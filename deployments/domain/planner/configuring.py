"""A simulated candidate as a configuration that can be shown and built. Pure."""

from __future__ import annotations

from decimal import Decimal

from deployments.domain.planner import intervals, loading, search, sizing, verdicts
from deployments.domain.planner.facts import ServingFacts
from deployments.domain.planner.memory import GIB
from deployments.domain.planner.result import Configuration, Estimate, MemoryParts, Prediction
from deployments.domain.planner.search import Candidate, Task
from deployments.domain.planner.simulation import Percentiles
from deployments.domain.planner.sizing import Sized
from deployments.domain.workload import SECONDS_PER_MONTH

CENT_PARTS = Decimal("0.000001")
MILLION = Decimal(1_000_000)


def configure(
    *, sized: Sized, found: Percentiles, asked: Task, facts: ServingFacts
) -> Configuration:
    """Return everything there is to say about one simulated candidate."""
    candidate, layout = sized.candidate, sized.candidate.layout
    machine, gpu = candidate.machine, candidate.replica.accelerator
    monthly = sized.usd_month
    each = _each(monthly, asked)
    into, out, both = _tokens(each, sized, asked)
    context = asked.lengths.prompt + asked.lengths.output
    return Configuration(
        key=candidate.label,
        instance_type=machine.instance_type,
        gpu=gpu.name,
        gpus=machine.gpus,
        tensor_parallel=layout.tensor,
        pipeline_parallel=layout.pipeline,
        replicas_per_instance=layout.copies,
        instances=sized.instances,
        precision=candidate.replica.precision.name,
        max_num_seqs=candidate.batching.max_num_seqs,
        max_num_batched_tokens=candidate.batching.max_num_batched_tokens,
        max_model_len=asked.longest,
        memory=_used(candidate),
        kv_tokens=candidate.kv_tokens,
        concurrency=min(int(candidate.fits), candidate.batching.max_num_seqs),
        prediction=_prediction(sized, found, asked, facts),
        utilisation=sized.utilisation(asked),
        usd_month=monthly,
        usd_per_request=each,
        usd_per_million_input=into,
        usd_per_million_output=out,
        usd_per_million_tokens=both,
        price_as_of=sized.price.as_of.isoformat() if sized.price else "",
        loading=loading.load(replica=candidate.replica, machine=machine, values=facts.values),
        checks=verdicts.of(sized=sized, found=found, asked=asked, usd_per_request=each),
        output_cap=_cap(found, asked),
        arguments=_arguments(candidate, asked),
        notes=_notes(sized, context),
    )


def _prediction(sized: Sized, found: Percentiles, asked: Task, facts: ServingFacts) -> Prediction:
    trust = search.confidence(sized.candidate)
    stated = f"Measured here ({sized.candidate.scale.source});" if trust == "measured" else ""

    def ms(seconds: float, quantity: str) -> Estimate:
        return intervals.around(
            seconds * 1000,
            quantity=quantity,
            unit="ms",
            confidence=trust,
            facts=facts,
            stated=stated,
        )

    def flow(value: float, unit: str) -> Estimate:
        return intervals.around(
            value, quantity="output", unit=unit, confidence=trust, facts=facts, stated=stated
        )

    peak = float(asked.request.peak_rps)
    return Prediction(
        ttft_p50=ms(found.ttft_s[0], "ttft"),
        ttft_p95=ms(found.ttft_s[1], "ttft"),
        ttft_p99=ms(found.ttft_s[2], "ttft"),
        tpot=ms(found.tpot_s, "tpot"),
        e2e_p50=ms(found.e2e_s[0], "e2e"),
        e2e_p95=ms(found.e2e_s[1], "e2e"),
        e2e_p99=ms(found.e2e_s[2], "e2e"),
        output_tokens_per_s=flow(peak * asked.lengths.output, "tokens/s"),
        requests_per_s=flow(sized.saturation_rps * sized.copies, "requests/s"),
        confidence=trust,
        is_simulated=True,
    )


def _used(candidate: Candidate) -> MemoryParts:
    """The cache in whole blocks; what does not make a block is free."""
    parts, replica = candidate.memory, candidate.replica
    per_token = replica.architecture.kv_bytes_per_token(tensor_parallel=replica.tensor_parallel)
    kv = candidate.kv_tokens * per_token / replica.pipeline_parallel / GIB
    return MemoryParts(
        weights=parts.weights,
        kv=kv,
        activation=parts.activation,
        non_torch=parts.non_torch,
        graphs=parts.graphs,
        free=parts.free + parts.kv - kv,
        usable=parts.usable,
    )


def _each(monthly: Decimal | None, asked: Task) -> Decimal | None:
    if monthly is None or not asked.request.mean_rps:
        return None
    return (monthly / (asked.request.mean_rps * SECONDS_PER_MONTH)).quantize(CENT_PARTS)


def _tokens(
    each: Decimal | None, sized: Sized, asked: Task
) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """USD per million input, output and all tokens, shared by the seconds they keep GPUs busy."""
    if each is None:
        return None, None, None
    speed, lengths = sized.candidate.speed, asked.lengths
    batch = max(min(sized.candidate.fits, float(sized.candidate.batching.max_num_seqs)), 1.0)
    reading = speed.mixed_prefill_s(lengths.prefilled) / speed.groups
    step = speed.decode_s(batch, lengths.prompt + lengths.output / 2)
    writing = max(lengths.output - 1, 1.0) * step / batch
    share = Decimal(str(reading / (reading + writing)))
    prompt, output = Decimal(str(lengths.prompt)), Decimal(str(lengths.output))
    return (
        (each * share / prompt * MILLION).quantize(CENT_PARTS),
        (each * (1 - share) / output * MILLION).quantize(CENT_PARTS),
        (each / (prompt + output) * MILLION).quantize(CENT_PARTS),
    )


def _cap(found: Percentiles, asked: Task) -> int | None:
    """The longest answer within the objective at the peak, by the pace of the slow requests."""
    wish = asked.request
    if wish.latency_of == "first-token":
        return wish.max_output_tokens
    first, whole = sizing.at(found, wish.latency_percentile)
    pace = (whole - first) / max(asked.outputs_at - 1, 1.0)
    longest = int((wish.latency_ms / 1000 - first) / pace) + 1 if pace > 0 else asked.longest
    room = asked.longest - int(asked.prompts.at(0.5))
    return max(min(longest, wish.max_output_tokens or longest, room), 1)


def _arguments(candidate: Candidate, asked: Task) -> tuple[tuple[str, str], ...]:
    """Arguments of the serving engine; quantisation is read from the checkpoint."""
    layout, batching = candidate.layout, candidate.batching
    staged = [("pipeline-parallel-size", str(layout.pipeline))] if layout.pipeline > 1 else []
    copied = [("data-parallel-size", str(layout.copies))] if layout.copies > 1 else []
    return (
        ("tensor-parallel-size", str(layout.tensor)),
        *staged,
        *copied,
        ("max-model-len", str(asked.longest)),
        ("max-num-seqs", str(batching.max_num_seqs)),
        ("max-num-batched-tokens", str(batching.max_num_batched_tokens)),
        ("gpu-memory-utilization", f"{candidate.replica.engine.memory_share:.2f}"),
    )


def _notes(sized: Sized, context: float) -> tuple[str, ...]:
    candidate, notes = sized.candidate, []
    kept = candidate.replica.precision
    if kept.name != "bf16" and kept.quality:
        notes.append(f"{kept.name}: {kept.quality}.")
    if kept.compute == 8 and not candidate.replica.accelerator.has_fp8:
        notes.append(
            f"{candidate.replica.accelerator.name} has no FP8 units: {kept.name} saves memory, "
            "and multiplications run at 16 bits."
        )
    if candidate.layout.copies > 1:
        notes.append(
            f"{candidate.layout.copies} copies share one machine (data-parallel, or inference "
            "components); with one copy the other GPUs would idle."
        )
    if sized.price and sized.price.kind != "list":
        notes.append(f"The price is an {sized.price.kind}: {sized.price.source}.")
    notes.append(f"One copy holds {int(candidate.fits)} requests of {context:,.0f} tokens.")
    return tuple(notes)

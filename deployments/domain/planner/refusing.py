"""Why a machine cannot hold a wish, in numbers, and the nearest that it can. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.domain.planner import search
from deployments.domain.planner.memory import GIB, weights_bytes
from deployments.domain.planner.result import Nearest, Refusal
from deployments.domain.planner.search import Candidate, Task
from deployments.domain.wording import milliseconds


@dataclass(frozen=True, slots=True)
class Alone:
    """A candidate with nobody else on it: the best it can ever do. Seconds."""

    candidate: Candidate
    first_s: float
    whole_s: float
    token_s: float

    def meant_s(self, asked: Task) -> float:
        """Seconds to what the objective counts to."""
        return self.first_s if asked.request.latency_of == "first-token" else self.whole_s

    def tokens_within(self, seconds: float) -> int:
        """Return the longest answer within so many seconds; 0 when there is none."""
        if seconds < self.first_s:
            return 0
        return int((seconds - self.first_s) / self.token_s) + 1


def alone(candidate: Candidate, asked: Task) -> Alone:
    """Return the times of a candidate that has nothing else to do."""
    return Alone(candidate, *search.times(candidate=candidate, asked=asked, batch=0.0))


def can_hold(candidate: Candidate, asked: Task) -> bool:
    """Whether the longest request fits into its memory."""
    return candidate.fits >= 1 and candidate.kv_tokens >= asked.longest


def refuse(machine: str, tried: Sequence[Candidate], asked: Task) -> Refusal:
    """Return why none of a machine's candidates holds the wish."""
    fitting = [each for each in tried if can_hold(each, asked)]
    if not fitting:
        return _too_large(machine, tried, asked)
    best = min((alone(each, asked) for each in fitting), key=lambda one: one.meant_s(asked))
    return Refusal(machine, best.candidate.label, _slow(best, asked), nearest(best, asked))


def nearest(best: Alone, asked: Task) -> tuple[Nearest, ...]:
    """Return the least changes to the wish that the fastest candidate holds when idle."""
    wish = asked.request
    found: list[Nearest] = []
    name, length = best.candidate.label, round(asked.outputs_at)
    if wish.latency_of == "whole-answer":
        tokens = best.tokens_within(wish.latency_ms / 1000)
        if tokens:
            found.append(
                Nearest(
                    "output-cap",
                    tokens,
                    f"p{wish.latency_percentile} < {milliseconds(wish.latency_ms)} holds to "
                    f"{tokens:,} output tokens on an idle {name}.",
                )
            )
        said = f"{length:,} output tokens within {milliseconds(best.whole_s * 1000)}"
    else:
        said = f"the first token within {milliseconds(best.first_s * 1000)}"
    whole = best.meant_s(asked) * 1000
    if whole > wish.latency_ms:
        found.append(Nearest("latency", round(whole), f"An idle {name} gives {said}."))
    return tuple(found)


def _slow(best: Alone, asked: Task) -> str:
    wish, one = asked.request, best.candidate
    gpus, gpu = one.replica.tensor_parallel, one.replica.accelerator
    read = one.memory.weights * one.layout.pipeline
    meant = best.meant_s(asked) * 1000
    if meant <= wish.latency_ms:
        return _loaded(best, asked)
    parts = f"{milliseconds(best.first_s * 1000)} to the first token"
    if wish.latency_of == "whole-answer":
        following = max(round(asked.outputs_at) - 1, 0)
        parts += f" and {following:,} further tokens of {best.token_s * 1000:.1f} ms"
    return (
        f"Even idle it takes {milliseconds(meant)} at p{wish.latency_percentile} ({parts}), "
        f"against {milliseconds(wish.latency_ms)}: every step reads {read:.1f} GiB of weights on "
        f"each of {gpus} GPUs at {gpu.bandwidth_gb_per_s:,.0f} GB/s."
    )


def _loaded(best: Alone, asked: Task) -> str:
    wish = asked.request
    if wish.ttft_ms is not None and best.first_s * 1000 > wish.ttft_ms:
        return (
            f"Even idle the first token takes {milliseconds(best.first_s * 1000)}, against "
            f"{milliseconds(wish.ttft_ms)}."
        )
    if wish.tpot_ms is not None and best.token_s * 1000 > wish.tpot_ms:
        return (
            f"Even idle each further token takes {best.token_s * 1000:.1f} ms, against "
            f"{wish.tpot_ms} ms."
        )
    meant = milliseconds(best.meant_s(asked) * 1000)
    return (
        f"Idle it takes {meant}, against {milliseconds(wish.latency_ms)}; with other requests "
        "beside it at the peak it does not hold on any number of machines that was tried."
    )


def _too_large(machine: str, tried: Sequence[Candidate], asked: Task) -> Refusal:
    if not tried:
        return Refusal(machine, "", "None of the precisions asked for runs on its GPUs.", ())
    best = max(tried, key=lambda each: each.memory.kv / max(each.memory.weights, 1e-9))
    parts, gpu = best.memory, best.replica.accelerator
    across = best.replica.gpus
    room = max(best.kv_tokens, 0)
    reason = (
        f"{asked.request.architecture.name} at {best.replica.precision.name} needs "
        f"{parts.weights:.1f} GiB of weights on each of {across} x {gpu.name} with "
        f"{gpu.memory_gib_usable:.1f} GiB; {parts.kv:.1f} GiB are left for the KV cache "
        f"({room:,} tokens), and one request needs up to {asked.longest:,} tokens."
    )
    small = weights_bytes(architecture=asked.request.architecture, precision=best.replica.precision)
    needed = small / GIB
    total = gpu.memory_gib_usable * best.machine.gpus
    least = Nearest(
        "memory",
        round(needed),
        f"It takes GPUs with more than {needed:,.0f} GiB together; this machine has {total:,.0f}.",
    )
    return Refusal(machine, best.label, reason, (least,))

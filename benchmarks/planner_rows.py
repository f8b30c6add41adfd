"""Public measurements of serving as the planner's inputs, and what planner and peer predict."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from deployments.adapters import serving
from deployments.domain.planner import intervals, memory, queueing, speed
from deployments.domain.planner.memory import Batching, Replica
from deployments.domain.planner.queueing import Lengths
from deployments.domain.planner.search import step_tokens

SHARED = Path(__file__).resolve().parents[2] / "shared"
DATA = SHARED / "data" / "capacity"
FACTS = serving.load()
SEQUENCES = 256
ONE_MACHINE = 8  # GPUs: beyond it the rows are of several machines
NOMINAL = 0.9  # InferenceX draws lengths from 0.8 to 1.0 of the nominal ones
COLUMNS = {"tpot": "tpot_ms", "ttft": "ttft_ms", "output": "out_tok_s", "e2e": "e2e_mean_ms"}
PRECISIONS = {
    "fp16": "bf16",
    "bf16": "bf16",
    "fp8": "fp8",
    "int8": "int8",
    "fp4": "nvfp4",
    "mxfp4": "mxfp4",
    "int4": "int4",
    "int4-gptq": "int4",
}
SAME = {  # fine-tunes and later versions with the same shapes
    "Kimi-K2.5": "Kimi-K2",
    "DeepSeek-R1-Distill-Qwen-14B": "Qwen2.5-14B",
    "DeepSeek-R1-Distill-Llama-70B": "Llama-3.1-70B",
    "CodeLlama-13B": "Llama-2-13B",
}
PEER_ENGINES = {
    "vllm": "vllm",
    "vllm-2024": "vllm24",
    "trtllm": "trt",
    "trtllm-2024": "trt",
    "sglang": "sgl",
}
PEER_PRECISIONS = {"bf16": "fp16", "int8": "int8w", "nvfp4": "fp4"}


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement with its load, in the planner's terms."""

    source: str
    replica: Replica
    lengths: Lengths
    load: str  # closed, static, open or offline
    amount: float  # users, batch or requests/s
    measured: Mapping[str, float]

    @property
    def confidence(self) -> str:
        """Confidence class of the prediction."""
        return intervals.confidence(replica=self.replica)

    @property
    def is_modern(self) -> bool:
        """Whether the engine is of a generation that the reference covers."""
        return self.replica.engine.key in PEER_ENGINES

    @property
    def configuration(self) -> tuple[str, ...]:
        """What one load point calibrates."""
        made = self.replica
        named = (made.architecture.name, made.accelerator.name, made.precision.name)
        return (self.source, *named, str(made.tensor_parallel), made.engine.key)


def rows() -> list[Row]:
    """Return the rows that can be scored: known model, GPU and lengths, one machine, no flag."""
    with gzip.open(DATA / "measurements_dev.csv.gz", "rt") as lines:
        return [made for line in csv.DictReader(lines) if (made := _row(line))]


def predict(row: Row) -> dict[str, float]:
    """Return the planner's prediction in the units of the measurement."""
    made = speed.of(replica=row.replica, values=FACTS.values)
    parts = memory.parts(
        replica=row.replica,
        batching=Batching(SEQUENCES, step_tokens(row.replica)),
        values=FACTS.values,
    )
    context = row.lengths.prompt + row.lengths.output / 2
    fits = memory.sequences(replica=row.replica, memory=parts, context=context)
    given = {"speed": made, "lengths": row.lengths, "fits": fits}
    if row.load == "offline":
        given["fits"] = min(fits, 2048)
        return {"output": queueing.offline(**given)}
    if row.load == "closed":
        found = queueing.closed(users=row.amount, **given)
    elif row.load == "static":
        found = queueing.static(batch=row.amount, **given)
    else:
        found = queueing.arriving(rate=row.amount, **given)
    return {
        "tpot": found.tpot_s * 1000,
        "ttft": found.ttft_s * 1000,
        "output": found.output_tokens_per_s,
        "e2e": found.e2e_s * 1000,
    }


def reference() -> ModuleType | None:
    """Return the readable reference beside the data; None where it is not there."""
    path = SHARED / "proofs" / "roofline_ref.py"
    spec = importlib.util.spec_from_file_location("roofline_ref", path)
    if spec is None or spec.loader is None or not path.exists():
        return None
    module = importlib.util.module_from_spec(spec)
    sys.modules["roofline_ref"] = module
    spec.loader.exec_module(module)
    return module


def peer(row: Row, module: ModuleType) -> dict[str, float]:
    """Return what the reference predicts with textbook constants; empty where it cannot."""
    made = row.replica
    mode = {"closed": "closed", "static": "static", "open": "open", "offline": "offline"}[row.load]
    kept = made.precision.name
    if made.architecture.name not in module.MODELS:
        return {}
    found = module.predict(
        made.architecture.name,
        made.accelerator.name,
        made.tensor_parallel,
        PEER_PRECISIONS.get(kept, kept),
        row.lengths.prompt,
        row.lengths.output,
        conc=row.amount,
        rate=row.amount,
        engine=PEER_ENGINES[made.engine.key],
        p=module.TEXTBOOK,
        mode=mode,
    )
    named = {
        "tpot": found["tpot_ms"],
        "ttft": found["ttft_ms"],
        "output": found["out_tok_s"],
        "e2e": found["e2e_ms"],
    }
    return {"output": named["output"]} if mode == "offline" else named


def memory_logs() -> Iterator[tuple[Replica, int, dict[str, str]]]:
    """Yield each memory log: the copy, its `max_num_seqs`, and the line."""
    with (DATA / "memory_measurements_dev.csv").open() as lines:
        for line in csv.DictReader(lines):
            model = FACTS.architecture.get(line["model"])
            gpu = FACTS.accelerator.get(line["gpu"])
            if model and gpu:
                kept = FACTS.precision[PRECISIONS[line["precision"]]]
                engine = FACTS.engine["vllm-2024"]  # those versions left graphs out of the budget
                yield (
                    Replica(model, gpu, kept, engine, int(line["tp"])),
                    int(line["max_num_seqs"]),
                    line,
                )


def _row(line: Mapping[str, str]) -> Row | None:
    if line["flag"] and not line["flag"].startswith("TP"):
        return None
    model = FACTS.architecture.get(SAME.get(line["model"], line["model"]))
    gpu, engine = FACTS.accelerator.get(line["gpu"]), _engine(line)
    kept = _precision(line)
    count = int(float(line["gpu_count"] or line["tp"] or 1))
    if not (model and gpu and engine and kept and line["input_tokens"] and line["output_tokens"]):
        return None
    if count > ONE_MACHINE and gpu.generation != "neuron":
        return None
    if line["source"].startswith("aic") and "dp=1 " not in line["derivation"]:
        return None  # attention is spread by data parallelism: another layout
    if gpu.generation == "cdna" or gpu.name == "GB200-186":
        return None  # no SageMaker machine carries one
    share = NOMINAL if "inferencex" in line["source"] else 1.0
    lengths = Lengths(
        share * float(line["input_tokens"]), max(share * float(line["output_tokens"]), 1.0)
    )
    load = line["load"].split("_")[0]
    amount = line["request_rate"] if load == "open" else line["concurrency"]
    if load != "offline" and not amount:
        return None
    measured = {name: float(line[key]) for name, key in COLUMNS.items() if line[key]}
    replica = Replica(model, gpu, FACTS.precision[kept], FACTS.engine[engine], count)
    return Row(line["source"], replica, lengths, load, float(amount or 0), measured)


def _precision(line: Mapping[str, str]) -> str | None:
    return "mxfp4" if "gpt-oss" in line["model"] else PRECISIONS.get(line["precision"])


def _engine(line: Mapping[str, str]) -> str | None:
    name, source, version = line["engine"].lower(), line["source"], line["engine_version"]
    is_recent = source.startswith("aic") or "v1" in source
    if name in ("trtllm", "tensorrt-llm"):
        return "trtllm" if is_recent else "trtllm-2024"
    if name == "vllm":
        return "vllm" if is_recent else _vllm(line["date"], version)
    if "neuron" in name:
        return "neuron"
    if name == "tgi":
        is_first = source.startswith("phil") or "0.9" in version
        return "tgi-2023" if is_first else "tgi"
    return {"sglang": "sglang", "djl-lmi vllm": "vllm-2024"}.get(name)


def _vllm(date: str, version: str) -> str:
    if date[:4] in ("2025", "2026"):
        return "vllm-2024" if version.startswith(("0.6", "0.8")) else "vllm"
    return "vllm-2024" if date.startswith("2024") and "2023" not in version else "vllm-2023"

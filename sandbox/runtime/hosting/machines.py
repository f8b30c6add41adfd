"""How fast an endpoint's machine serves its model: a plain roofline, from data/machines.json.

A token takes the time to read all weights from memory; a prompt takes two operations for each
parameter and token. Each is divided by the share of the data sheet that is reached. The number of
parameters is read from the model's name (`Llama-3.1-8B`), 2 bytes each, 1 byte when quantised.
"""

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent.parent.parent / "data" / "machines.json"
_SIZE = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)[bB](?![A-Za-z0-9])")
_MODEL_KEYS = ("HF_MODEL_ID", "SM_VLLM_MODEL", "OPTION_MODEL_ID", "MODEL_ID", "SAGEMAKER_MODEL")
_QUANTISED = ("QUANTIZE", "QUANTIZATION", "SM_VLLM_QUANTIZATION", "OPTION_QUANTIZE")
_DEFAULT_BILLIONS = {"realtime": 8.0, "serverless": 0.1}
_GIB = 1 << 30
_DEFAULT_VCPUS = 4


@dataclass(frozen=True, slots=True)
class Machine:
    """What one instance, or one serverless environment, can do in a second."""

    bytes_per_s: float
    operations_per_s: float
    memory_bytes: float


@dataclass(frozen=True, slots=True)
class Model:
    """The size of a hosted model."""

    name: str
    parameters: float
    bytes_each: float

    @property
    def weight_bytes(self) -> float:
        """The size of all weights."""
        return self.parameters * self.bytes_each


@functools.cache
def _data() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_DATA.read_text())
    found["by_type"] = {row["instance_type"]: row for row in found["machines"]}
    return found


def instance(instance_type: str) -> Machine:
    """Return the machine of an instance type; one without accelerator computes on its CPUs."""
    row = _data()["by_type"].get(instance_type)
    if row is None:
        return _cpu(_vcpus(instance_type), float("inf"))
    count = row["accelerators"]
    return Machine(
        bytes_per_s=count * row["bandwidth_gb_per_s_each"] * 1e9,
        operations_per_s=count * row["tflops_fp16_each"] * 1e12,
        memory_bytes=count * row["memory_gib_usable_each"] * _GIB,
    )


def serverless(memory_mb: int) -> Machine:
    """Return the machine of a serverless environment."""
    vcpus = memory_mb / _data()["serverless"]["mb_per_vcpu"]
    return _cpu(vcpus, memory_mb * (1 << 20))


def _cpu(vcpus: float, memory_bytes: float) -> Machine:
    each = _data()["cpu"]
    return Machine(
        each["gb_per_s_per_vcpu"] * vcpus * 1e9,
        each["tflops_per_vcpu"] * vcpus * 1e12,
        memory_bytes,
    )


def _vcpus(instance_type: str) -> int:
    """Return the vCPUs by AWS's size names: large 2, xlarge 4, NxLarge 4 N."""
    size = instance_type.rpartition(".")[2]
    if size == "large":
        return 2
    found = re.fullmatch(r"(\d*)xlarge", size)
    return 4 * int(found[1] or 1) if found else _DEFAULT_VCPUS


def model(variant: dict[str, Any], kind: str) -> Model:
    """Return the model of a variant; kind is realtime or serverless."""
    environment = variant.get("Environment") or {}
    name = next((environment[k] for k in _MODEL_KEYS if environment.get(k)), variant["ModelName"])
    sizes = _SIZE.findall(name)
    billions = float(sizes[-1]) if sizes else _DEFAULT_BILLIONS[kind]
    quantised = any(environment.get(key) for key in _QUANTISED)
    return Model(name, billions * 1e9, 1.0 if quantised else 2.0)


def token_s(machine: Machine, hosted: Model, busy: float) -> float:
    """Return the seconds for one token while `busy` requests share the machine."""
    share = _data()["efficiency"]
    crowd = 1 + busy / share["requests_that_double_a_token"]
    return float(hosted.weight_bytes / (machine.bytes_per_s * share["bandwidth"]) * crowd)


def first_token_s(machine: Machine, hosted: Model, input_tokens: int) -> float:
    """Return the seconds until the first token."""
    share = _data()["efficiency"]
    work = 2 * hosted.parameters * input_tokens / (machine.operations_per_s * share["tflops"])
    return float(share["overhead_s"] + work)


def setup_s(hosted: Model) -> float:
    """Return the seconds of a serverless cold start."""
    row = _data()["serverless"]
    return float(row["setup_s"] + row["setup_s_per_gib"] * hosted.weight_bytes / _GIB)


def warm_s() -> float:
    """Return how long an unused serverless environment stays warm."""
    return float(_data()["serverless"]["warm_s"])

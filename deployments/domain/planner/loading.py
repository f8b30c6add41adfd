"""How weights get from S3 into GPUs: strategies, seconds to ready, timeouts, volume. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from deployments.domain.planner.facts import ServingMachine
from deployments.domain.planner.memory import WIDE_BYTES, Replica, weights_bytes
from deployments.domain.planner.result import Loading

GB = 1e9
FEW_VCPUS = 8  # up to here a download through SageMaker is slow
DISK_SHARE = 1.2  # local disk per size of the artifact
MOST_VOLUME_GB = 512
SLOWEST_GB_PER_S = 0.05  # where the network's speed is not known
LEAST_DOWNLOAD_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class _Way:
    """One strategy: seconds before the container starts and inside it, by stage."""

    name: str
    before: tuple[tuple[str, float], ...]
    inside: tuple[tuple[str, float], ...]
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def seconds(self) -> float:
        return sum(taken for _, taken in (*self.before, *self.inside))


def load(
    *, replica: Replica, machine: ServingMachine, values: Mapping[str, float], is_first: bool = True
) -> Loading:
    """Return the fastest strategy that the machine's disk allows, with the timeouts to set.

    `is_first`: the image is pulled; later scale-outs of the same type find it cached.
    """
    stored = _stored_gb(replica)
    ways = _ways(replica, machine, stored, values, is_first)
    best = min(ways, key=lambda way: way.seconds)
    allowed = values["load-timeout-factor"]
    least, most = values["load-timeout-least-s"], values["load-timeout-most-s"]
    download = sum(taken for name, taken in best.before if name == "download")
    volume, sentence = _volume(machine, stored)
    return Loading(
        strategy=best.name,
        seconds_to_ready=round(best.seconds),
        startup_health_check_timeout_s=_tens(min(max(allowed * best.seconds, least), most)),
        model_data_download_timeout_s=_tens(
            min(max(allowed * download, LEAST_DOWNLOAD_TIMEOUT_S), most)
        ),
        volume_gb=volume,
        volume_sentence=sentence,
        stages=tuple((name, round(taken)) for name, taken in (*best.before, *best.inside)),
        alternatives=tuple(
            (way.name, round(way.seconds)) for way in sorted(ways, key=lambda way: way.seconds)[1:]
        ),
        environment=best.environment,
    )


def _stored_gb(replica: Replica) -> float:
    """Size of the artifact: 8-bit precisions can be made of a 16-bit one while loading."""
    if replica.precision.name in ("fp8", "int8") and not replica.architecture.checkpoint_precision:
        return replica.architecture.parameters * WIDE_BYTES / GB
    return _served_gb(replica)


def _served_gb(replica: Replica) -> float:
    return weights_bytes(architecture=replica.architecture, precision=replica.precision) / GB


def _ways(
    replica: Replica,
    machine: ServingMachine,
    stored: float,
    values: Mapping[str, float],
    is_first: bool,
) -> list[_Way]:
    image = ("image", values["load-image-s" if is_first else "load-image-cached-s"])
    few = machine.vcpus <= FEW_VCPUS
    fetch = values["load-download-gb-per-s-small" if few else "load-download-gb-per-s"]
    fetch = min(fetch, machine.network_gbit / 8) if machine.network_gbit else fetch
    start = ("import", values["load-import-s"])
    warm = (("compile", values["load-compile-s"]), ("graphs", values["load-graphs-s"]))
    tensors, streamer = values["load-safetensors-gb-per-s"], values["load-streamer-gb-per-s"]
    shards = values["load-sharded-gb-per-s-gpu"] * replica.gpus
    network = values["load-s3-stream-gb-per-s-gbit"] * machine.network_gbit
    direct = max(min(network, values["load-s3-stream-most-gb-per-s"]), SLOWEST_GB_PER_S)

    def way(name: str, size: float, rate: float, *env: tuple[str, str], ahead: bool = True) -> _Way:
        reading = ("weights", size / rate)
        download = ("download", size / fetch)
        if ahead:
            return _Way(name, (image, download), (start, reading, *warm), env)
        return _Way(name, (image,), (start, *_unless_direct(name, download), reading, *warm), env)

    found = [
        way("lazy", stored, tensors, ahead=False),
        way("pipeline", stored, direct, ("SM_VLLM_LOAD_FORMAT", "runai_streamer"), ahead=False),
    ]
    if _has_room(machine, stored):
        found += [
            way("pre-load", stored, tensors),
            way("sharded", stored, shards, ("SM_VLLM_LOAD_FORMAT", "sharded_state")),
            way("nvme-cached", stored, streamer, ("SM_VLLM_LOAD_FORMAT", "fastsafetensors")),
        ]
        if _served_gb(replica) < stored:
            found.append(way("quantised", _served_gb(replica), tensors))
    return found


def _unless_direct(name: str, download: tuple[str, float]) -> tuple[tuple[str, float], ...]:
    return () if name == "pipeline" else (download,)


def _has_room(machine: ServingMachine, stored: float) -> bool:
    room = machine.nvme_gb or (MOST_VOLUME_GB if machine.takes_volume else 0)
    return room >= stored * DISK_SHARE


def _volume(machine: ServingMachine, stored: float) -> tuple[int | None, str]:
    if machine.takes_volume:
        wanted = min(ceil(stored * DISK_SHARE), MOST_VOLUME_GB)
        return wanted, f"Set VolumeSizeInGB to {wanted}: {machine.instance_type} has no own disk."
    own = f"{machine.nvme_gb:,.0f} GB" if machine.nvme_gb else "its own"
    return None, (
        f"Leave VolumeSizeInGB out: {machine.instance_type} has {own} local NVMe, and SageMaker "
        "rejects a volume size there."
    )


def _tens(seconds: float) -> int:
    return min(ceil(seconds / 10) * 10, 3600)

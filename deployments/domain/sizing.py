"""Another size of an option: what may be changed, within which bounds, and what it costs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from deployments.domain.options import Cost, Option, Size, TariffLine, Tier

# AWS's own limits: Lambda quotas, SageMaker serverless endpoints, and sane bounds for the rest.
BOUNDS: Mapping[Tier, Mapping[str, tuple[int, int]]] = {
    Tier.BEDROCK_ON_DEMAND: {},
    Tier.LAMBDA_BEDROCK: {"max_concurrency": (1, 10_000), "memory_mb": (128, 10_240)},
    Tier.BEDROCK_PROVISIONED: {"model_units": (1, 1_000)},
    Tier.SAGEMAKER_REAL_TIME: {"instances": (1, 500), "max_instances": (1, 500)},
    Tier.SAGEMAKER_SERVERLESS: {"max_concurrency": (1, 200), "memory_mb": (1024, 6144)},
}
WORDS: Mapping[str, str] = {
    "instances": "Instances at least",
    "max_instances": "Instances at most",
    "model_units": "Model units",
    "max_concurrency": "Requests at once, at most",
    "memory_mb": "Memory in MB",
}
SERVERLESS_MEMORY_STEP_MB = 1024
_FINEST = Decimal("0.000000000001")
_ONE = Decimal(1)
_ZERO = Decimal(0)


class BadSize(ValueError):
    """A size that cannot be; `fields` maps each part to the sentence about it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


def resized(*, option: Option, size: Mapping[str, int]) -> Option:
    """Return the option at another size, its cost scaled with it.

    Raises BadSize for a part of the size that the tier lacks, or a figure out of bounds.
    """
    bounds, fields = BOUNDS.get(option.tier, {}), {}
    names = ", ".join(bounds)
    for name, value in size.items():
        if name not in bounds:
            fields[name] = f"What can be sized here is {names or 'nothing: it follows the load'}."
        elif not bounds[name][0] <= value <= bounds[name][1]:
            fields[name] = f"{name} is from {bounds[name][0]:,} to {bounds[name][1]:,}."
    if not size:
        fields["size"] = f"Name what to change: {names or 'nothing can be, it follows the load'}."
    if fields:
        raise BadSize(fields)
    changes: dict[str, Any] = dict(size)
    return _scaled(option, _consistent(option.tier, replace(option.size, **changes), size))


def change_in_words(before: Size, after: Size) -> str:
    """Return what changes, as in `model units 2 to 3`."""
    return ", ".join(
        f"{name.replace('_', ' ')} {getattr(before, name):,} to {getattr(after, name):,}"
        for name in WORDS
        if getattr(before, name) != getattr(after, name)
    )


def _consistent(tier: Tier, size: Size, asked: Mapping[str, int]) -> Size:
    if tier is Tier.SAGEMAKER_SERVERLESS and size.memory_mb % SERVERLESS_MEMORY_STEP_MB:
        raise BadSize({"memory_mb": "Serverless memory goes in steps of 1,024 MB."})
    if tier is Tier.SAGEMAKER_REAL_TIME and size.max_instances < size.instances:
        if "max_instances" in asked:
            raise BadSize({"max_instances": f"It is at least instances, {size.instances:,}."})
        return replace(size, max_instances=size.instances)
    return size


def _scaled(option: Option, size: Size) -> Option:
    """Return the option with what is held by the hour, or by memory, at the new size."""
    held = _ratio(option.size, size, "model_units") * _ratio(option.size, size, "instances")
    memory = _ratio(option.size, size, "memory_mb")
    lines = tuple(_times(line, _of(line, held, memory)) for line in option.cost.lines)
    fixed = sum((line.usd or _ZERO for line in lines if line.is_fixed), _ZERO)
    variable = sum((line.usd or _ZERO for line in lines if not line.is_fixed), _ZERO)
    is_priced = all(line.usd is not None for line in lines)
    shift = fixed + variable - (option.cost.expected_usd or _ZERO)
    cost = Cost(
        low_usd=_shifted(option.cost.low_usd, shift) if is_priced else None,
        expected_usd=fixed + variable if is_priced else None,
        high_usd=_shifted(option.cost.high_usd, shift) if is_priced else None,
        fixed_usd=fixed,
        variable_usd=variable,
        lines=lines,
        assumptions=option.cost.assumptions,
    )
    return replace(option, size=size, cost=cost)


def _ratio(old: Size, new: Size, name: str) -> Decimal:
    before = getattr(old, name)
    return Decimal(getattr(new, name)) / before if before else _ONE


def _of(line: TariffLine, held: Decimal, memory: Decimal) -> Decimal:
    if line.is_fixed:
        return held
    return memory if line.sku.endswith(":gb-second") else _ONE


def _times(line: TariffLine, ratio: Decimal) -> TariffLine:
    if ratio == _ONE:
        return line
    usd = None if line.usd is None else (line.usd * ratio).quantize(_FINEST, ROUND_HALF_EVEN)
    return replace(line, quantity=line.quantity * ratio, usd=usd)


def _shifted(usd: Decimal | None, shift: Decimal) -> Decimal | None:
    return None if usd is None else max(_ZERO, usd + shift)

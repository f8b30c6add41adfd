"""A model's architecture by its name, or out of the numbers of its configuration file. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from deployments.domain.inputs import Reader, shown
from deployments.domain.planner.architecture import Architecture

MOST_PARAMETERS = 20_000_000_000_000
MOST_CONTEXT = 1_000_000
# Least and most of each number, by its name here.
NUMBERS: Mapping[str, tuple[int, int]] = {
    "layers": (1, 1_000),
    "hidden": (64, 200_000),
    "heads": (1, 2_000),
    "kv_heads": (1, 2_000),
    "head_dim": (8, 2_048),
    "intermediate": (1, 2_000_000),
    "vocabulary": (100, 5_000_000),
}
EXPERTS: Mapping[str, tuple[int, int]] = {
    "experts": (0, 10_000),
    "active_experts": (0, 10_000),
    "expert_intermediate": (0, 2_000_000),
}
FIELDS = ("model", "name", *NUMBERS, *EXPERTS, "max_context", "is_tied")


def read(reader: Reader, *, known: Mapping[str, Architecture], today: date) -> Architecture | None:
    """Return the model named, or the one whose numbers are given.

    None when neither can be; what is wrong then stands in the reader.
    """
    name = reader.text("model")
    written = [each for each in NUMBERS if reader.given.get(each) not in (None, "")]
    if name and not written and name in known:
        return known[name]
    if written and not name:
        return _given(reader, today)
    if name and written:
        said = "Name a model or give the numbers of its configuration file, not both."
    elif name:
        said = f"There is no model {shown(name)} here; give the numbers of its configuration file."
    else:
        said = "Name a model, or give the numbers of its configuration file."
    reader.refuse("model", said, None)
    return None


def _given(reader: Reader, today: date) -> Architecture | None:
    numbers = {
        name: reader.whole(name, unit="as in config.json", least=least, most=most)
        for name, (least, most) in NUMBERS.items()
    }
    experts = {
        name: reader.whole(name, unit="as in config.json", least=least, most=most, default=0)
        for name, (least, most) in EXPERTS.items()
    }
    context = reader.whole(
        "max_context", unit="tokens", least=128, most=MOST_CONTEXT, default=32768
    )
    found = Architecture(
        name=reader.text("name", most=80) or "own model",
        layers=numbers["layers"],
        hidden=numbers["hidden"],
        heads=numbers["heads"],
        kv_heads=numbers["kv_heads"],
        head_dim=numbers["head_dim"],
        intermediate=numbers["intermediate"],
        vocabulary=numbers["vocabulary"],
        source="entered",
        as_of=today,
        max_context=context,
        is_tied=reader.flag("is_tied"),
        experts=experts["experts"],
        active_experts=experts["active_experts"],
        expert_intermediate=experts["expert_intermediate"],
    )
    if not reader.wrong:
        _check(reader, found)
    return None if reader.wrong else found


def _check(reader: Reader, found: Architecture) -> None:
    """Refuse numbers that do not go together."""
    if found.heads % found.kv_heads:
        reader.refuse(
            "kv_heads",
            f"{found.heads} heads cannot share {found.kv_heads} KV heads evenly; as many as heads "
            "(no sharing) or a divisor of them.",
            None,
        )
    if found.experts and not 1 <= found.active_experts <= found.experts:
        said = f"Of {found.experts} experts, 1 to {found.experts} are active for a token."
        reader.refuse("active_experts", said, None)
    if found.experts and not found.expert_intermediate:
        reader.refuse("expert_intermediate", "The width of one expert is needed.", None)
    if found.parameters > MOST_PARAMETERS:
        said = f"These numbers make {found.parameters / 1e12:,.0f} trillion parameters; at most 20."
        reader.refuse("layers", said, None)

"""What the pages draw: charts, parts, snippets, and results of runs in the words of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings

from cascade.adapters import breakers as adapter
from cascade.domain.calibration.choosing import FEWEST_LABELS
from cascade.domain.prices import as_usd
from cascade.models import Calibration, Cascade, Replay
from cascade.queries.cascades import Standing
from cascade.queries.live import Live
from cascade.queries.runs import levels_of

WORST_FIRST = ("open", "half-open", "closed")
HOUR = "%d %b %H:00"
ROLES = {
    "stage": "answers given",
    "rejected": "answers rejected",
    "partner": "second models",
    "judge": "judge",
    "classifier": "classifier",
    "shadow": "shadow calls",
    "retry": "retries",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A policy or a rival over the same trials; `words` say what it is."""

    name: str
    words: str
    usd: Decimal
    saved: float | None
    quality: float | None
    is_pick: bool = False


def by_stage(live: Live) -> dict[str, Any] | None:
    """Return requests by hour and answering stage as a chart; None when there were none."""
    if not live.hours:
        return None
    names = list(dict.fromkeys(name for bar in live.hours for name in bar.answered))
    ordered = [each.stage for each in live.stages if each.stage in names]
    return {
        "kind": "columns",
        "unit": "requests",
        "x_label": "Hour (UTC)",
        "x": [bar.hour.strftime(HOUR) for bar in live.hours],
        "series": [
            {"name": name, "values": [bar.answered.get(name, 0) for bar in live.hours]}
            for name in [*ordered, *sorted(set(names) - set(ordered))]
        ],
    }


@dataclass(frozen=True, slots=True)
class Breaker:
    """A model's breaker over all gateways: the worst state, and calls of the last half minute."""

    model: str
    state: str
    calls: int
    failures: int


def breakers(*, standing: Standing | None) -> tuple[Breaker, ...]:
    """Return how the breakers of a cascade's models stand; empty while no gateway tells."""
    if standing is None or not settings.CASCADE_URL:
        return ()
    processes = adapter.told(url=settings.CASCADE_URL)
    found = []
    for stage in standing.live.body["stages"]:
        heard = [each[at] for each in processes if (at := stage["target"]["address"]) in each]
        if heard:
            states = {each["state"] for each in heard}
            found.append(
                Breaker(
                    model=stage["target"]["model"],
                    state=next((state for state in WORST_FIRST if state in states), "closed"),
                    calls=sum(each["calls"] for each in heard),
                    failures=sum(each["failures"] for each in heard),
                )
            )
    return tuple(found)


def stages(live: Live) -> list[dict[str, Any]]:
    """Return who answered, as the parts of one bar."""
    return [
        {"value": each.answered, "label": f"{each.stage}: {each.answered:,}", "tone": str(at % 8)}
        for at, each in enumerate(live.stages, 1)
        if each.answered
    ]


def snippets(*, cascade: Cascade, url: str) -> list[tuple[str, str]]:
    """Return how to ask this cascade: with curl, OpenAI's client and boto3."""
    model = cascade.slug
    curl = (
        f"curl {url}/v1/chat/completions \\\n"
        '  -H "Authorization: Bearer $SLIPWAY_KEY" -H "Content-Type: application/json" \\\n'
        f'  -d \'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}\''
    )
    python = (
        "import os\nfrom openai import OpenAI\n\n"
        f'client = OpenAI(base_url="{url}/v1", api_key=os.environ["SLIPWAY_KEY"])\n'
        "answer = client.chat.completions.create(\n"
        f'    model="{model}", messages=[{{"role": "user", "content": "Hello"}}]\n'
        ")\nprint(answer.choices[0].message.content)"
    )
    boto = (
        "import os\nimport boto3\n\n"
        'os.environ["AWS_BEARER_TOKEN_BEDROCK"] = os.environ["SLIPWAY_KEY"]\n'
        f'client = boto3.client("bedrock-runtime", "us-east-1", endpoint_url="{url}")\n'
        "answer = client.converse(\n"
        f'    modelId="{model}", messages=[{{"role": "user", "content": [{{"text": "Hello"}}]}}]\n'
        ')\nprint(answer["output"]["message"]["content"][0]["text"])'
    )
    return [("curl", curl), ("Python, openai", python), ("Python, boto3", boto)]


def replayed(row: Replay) -> dict[str, Any] | None:
    """Return a replay's figures as a page shows them; None before it is over, or failed."""
    found = row.result
    if not found:
        return None
    strongest = found["strongest_pico"]
    has_quality = found["judged"] >= FEWEST_LABELS
    rows = [
        Row(
            "this policy",
            "Every overhead in it.",
            as_usd(found["pico"]),
            found["saved"]["value"],
            found["quality"]["value"] if has_quality else None,
            is_pick=True,
        ),
        *_rivals(found["baselines"], strongest, has_quality=has_quality),
    ]
    parts = [
        {"value": pico, "label": ROLES.get(role, role), "usd": as_usd(pico), "tone": str(at % 8)}
        for at, (role, pico) in enumerate(sorted(found["by_role"].items()), 1)
    ]
    return {
        **found,
        "has_quality": has_quality,
        "fewest": FEWEST_LABELS,
        "usd": as_usd(found["pico"]),
        "strongest_usd": as_usd(strongest),
        "rows": rows,
        "parts": parts,
        "stages": [_told(each, has_quality=has_quality) for each in found["stages"]],
        "intents": [_told(each, has_quality=has_quality) for each in found["intents"]],
        "scatter": _against_quality(rows),
    }


def _told(row: Mapping[str, Any], *, has_quality: bool) -> dict[str, Any]:
    """Return figures of a stage or an intent; no quality where labels are too few."""
    hidden = {} if has_quality else {"quality": None, "strongest_quality": None}
    return {**row, "usd": as_usd(row["pico"]), **hidden}


def what_if(request: Mapping[str, Any]) -> list[str]:
    """Return what a replay took to be otherwise than it is, in words."""
    words = [
        f"{model} costs {paid} USD in and {written} USD out for a million tokens"
        for model, (paid, written) in request["prices"].items()
    ]
    if share := request["budget_share"]:
        words.append(f"{share * 100:.0f} % of the month's budget is spent")
    return words


def _rivals(
    baselines: Sequence[Mapping[str, Any]], strongest: int, *, has_quality: bool
) -> list[Row]:
    return [
        Row(
            each["name"],
            each["words"],
            as_usd(each["pico"]),
            1 - each["pico"] / strongest if strongest else None,
            each["quality"] if has_quality else None,
        )
        for each in baselines
        if has_quality or each["name"].startswith("all ")
    ]


def _against_quality(rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "kind": "scatter",
        "x_label": "Cost of these trials",
        "x_unit": "USD",
        "y_label": "Quality",
        "y_unit": "",
        "y_is_close": True,
        "points": [
            {
                "name": row.name,
                "x": float(row.usd),
                "y": round(row.quality, 4),
                "label": "this policy",
                "series": "this policy" if row.is_pick else "rivals",
                "pick": row.is_pick,
            }
            for row in rows
            if row.quality is not None
        ],
    }


def calibrated(row: Calibration) -> dict[str, Any] | None:
    """Return a calibration as a page shows it; None before it is over, or failed."""
    found = row.result
    if not found:
        return None
    points = found["points"]
    families = list(dict.fromkeys(point["family"] for point in points))
    chosen = found.get("chosen")
    return {
        **found,
        "families": families,
        "curve": _curve(points, chosen),
        "chosen": chosen,
        "tempting": found.get("tempting")
        and {**found["tempting"], "accepting": _accepting(found["tempting"])},
        "thresholds": [
            {"name": new["name"], "before": old["threshold"], "after": new["threshold"]}
            for new in (found.get("policy") or {}).get("stages", ())
            for old in row.body["stages"]
            if old["name"] == new["name"]
        ],
        "nearest": [point for point in points if point.get("labels") and not point["is_safe"]][:5],
    }


def _accepting(point: Mapping[str, Any]) -> str:
    return " and ".join(f"{level:.3f}" for level in levels_of(point))


def _curve(points: Sequence[Mapping[str, Any]], chosen: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return savings against quality, each point with whether it is certain enough."""
    return {
        "kind": "scatter",
        "x_label": "Saved against the strongest stage",
        "x_unit": "%",
        "y_label": "Quality",
        "y_unit": "",
        "y_is_close": True,
        "points": [
            {
                "name": f"{point['family']}, accepting from {_accepting(point)}",
                "x": round(100 * point["saved"]["value"], 2),
                "y": round(point["quality"]["value"], 4),
                "label": "found",
                "series": "certain enough" if point["is_safe"] else "not certain",
                "pick": chosen is not None
                and (point["family"], levels_of(point)) == (chosen["family"], levels_of(chosen)),
            }
            for point in points
        ],
    }

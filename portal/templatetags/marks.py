"""Small marks drawn as SVG: they need no script, follow the theme and say what they show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.templatetags.money import Number, decimal_of, percent

register = template.Library()

SERIES = 8
HUNDRED = Decimal(100)


def share_of(part: Number, whole: Number) -> Decimal:
    """Return part / whole between 0 and 1; 0 when there is no whole."""
    top, bottom = decimal_of(part) or Decimal(0), decimal_of(whole) or Decimal(0)
    if bottom <= 0:
        return Decimal(0)
    return min(max(top / bottom, Decimal(0)), Decimal(1))


def ratio_of(part: Number, whole: Number) -> Decimal | None:
    """Return part / whole, which may be above 1; None when there is no whole."""
    top, bottom = decimal_of(part), decimal_of(whole)
    return top / bottom if top is not None and bottom else None


def _percent(share: Decimal) -> str:
    return f"{(share * HUNDRED):.2f}%"


@register.simple_tag
def sparkline(
    values: Sequence[Number], label: str, width: int = 96, height: int = 24, css: str = ""
) -> SafeString:
    """Draw values as a line with a soft area; `label` says in words what it shows."""
    figures = [float(decimal_of(value) or 0) for value in values]
    if len(figures) < 2:
        return format_html('<span class="spark-empty">{}</span>', "no history yet")
    low, high = min([0.0, *figures]), max(figures)
    span, step = (high - low) or 1.0, (width - 4) / (len(figures) - 1)
    points = [
        (2 + index * step, height - 3 - (figure - low) / span * (height - 6))
        for index, figure in enumerate(figures)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return format_html(
        '<svg class="spark {}" role="img" aria-label="{}" width="{}" height="{}" '
        'viewBox="0 0 {} {}"><polygon class="spark-area" points="2,{} {} {},{}"/>'
        '<polyline class="spark-line" points="{}"/>'
        '<circle class="spark-end" cx="{}" cy="{}" r="2"/></svg>',
        css, label, width, height, width, height, height - 1, line, f"{points[-1][0]:.1f}",
        height - 1, line, f"{points[-1][0]:.1f}", f"{points[-1][1]:.1f}",
    )  # fmt: skip


@register.simple_tag
def bar(value: Number, whole: Number, label: str, tone: str = "accent") -> SafeString:
    """Draw `value` out of `whole`; tones: accent, ready, warning, failed, muted, 1..8."""
    css = f"series-{tone}" if str(tone).isdigit() else f"tone-{tone}"
    return format_html(
        '<svg class="bar" role="img" aria-label="{}" width="100%" height="6">'
        '<rect class="bar-track" width="100%" height="6" rx="3"/>'
        '<rect class="bar-fill {}" width="{}" height="6" rx="3"/></svg>',
        label, css, _percent(share_of(value, whole)),
    )  # fmt: skip


@register.simple_tag
def stack(parts: Sequence[Mapping[str, Any]], label: str, whole: Number = None) -> SafeString:
    """Draw parts side by side; each has `value`, `label` and optionally `tone` (a tone or 1..8).

    Without `whole` the parts fill the width.
    """
    figures = [decimal_of(part["value"]) or Decimal(0) for part in parts]
    total = decimal_of(whole) or sum(figures, Decimal(0))
    drawn, start = [], Decimal(0)
    for index, (part, figure) in enumerate(zip(parts, figures, strict=True)):
        width = share_of(figure, total)
        tone = str(part.get("tone") or index % SERIES + 1)
        css = f"series-{tone}" if tone.isdigit() else f"tone-{tone}"
        drawn.append((css, _percent(start), _percent(width), part["label"]))
        start += width
    return format_html(
        '<svg class="stack" role="img" aria-label="{}" width="100%" height="10">'
        '<rect class="bar-track" width="100%" height="10"/>{}</svg>',
        label,
        format_html_join(
            "", '<rect class="{}" x="{}" width="{}" height="10"><title>{}</title></rect>', drawn
        ),
    )


@register.simple_tag
def meter(budget: Any) -> SafeString:
    """Draw a budget line: actual, committed behind it, forecast with its band, the budget's end.

    `budget` has actual_share, committed_share, forecast_share and optionally forecast_low_share,
    forecast_high_share: shares of the budget, 1 is all of it, more is possible and is drawn.
    """
    names = ("actual", "committed", "forecast", "forecast_low", "forecast_high")
    shares = {name: _share(budget, name) for name in names}
    scale = max(Decimal(1), *(share * Decimal("1.04") for share in shares.values()))
    at = {name: _percent(share / scale) for name, share in shares.items()}
    low = min(shares["forecast_low"] or shares["forecast"], shares["forecast"])
    high = max(shares["forecast_high"], shares["forecast"])
    return format_html(
        '<svg class="meter {}" width="100%" height="14" aria-hidden="true">'
        '<rect class="bar-track" y="4" width="100%" height="6" rx="3"/>'
        '<rect class="meter-committed" y="4" width="{}" height="6" rx="3"/>'
        '<rect class="meter-band" y="4" x="{}" width="{}" height="6"/>'
        '<rect class="meter-actual" y="4" width="{}" height="6" rx="3"/>'
        '<line class="meter-forecast" x1="{}" x2="{}" y1="1" y2="13"/>'
        '<line class="meter-budget" x1="{}" x2="{}" y1="0" y2="14"/></svg>',
        tone_of(shares["actual"], shares["forecast"]), at["committed"],
        _percent(low / scale), _percent((high - low) / scale), at["actual"],
        at["forecast"], at["forecast"], _percent(1 / scale), _percent(1 / scale),
    )  # fmt: skip


def _share(budget: Any, name: str) -> Decimal:
    key = f"{name}_share"
    value = budget.get(key) if isinstance(budget, Mapping) else getattr(budget, key, None)
    return max(decimal_of(value) or Decimal(0), Decimal(0))


@register.filter
def budget_tone(budget: Any) -> str:
    """Return over, close or within: what a budget's colour and words say."""
    return tone_of(_share(budget, "actual"), _share(budget, "forecast"))


def tone_of(actual: Decimal, forecast: Decimal) -> str:
    """Return `over` when spent or forecast above the budget, `close` from 90 %, else `within`."""
    highest = max(actual, forecast)
    if highest > 1:
        return "over"
    return "close" if highest >= Decimal("0.9") else "within"


@register.simple_tag
def gauge(value: Number, whole: Number, label: str, band: Sequence[Number] = ()) -> SafeString:
    """Draw `value` out of `whole` as a half ring; `band` is the (low, high) of a forecast."""
    share = share_of(value, whole)
    over = (decimal_of(value) or 0) > (decimal_of(whole) or 0)
    tone = "failed" if over else "warning" if share >= Decimal("0.9") else "accent"
    outlook = ""
    if len(band) == 2:
        low, high = share_of(band[0], whole), share_of(band[1], whole)
        outlook = format_html(
            '<path class="gauge-band" pathLength="100" d="{}" stroke-dasharray="0 {} {} 200"/>',
            ARC, f"{low * 100:.1f}", f"{max(high - low, Decimal('0.01')) * 100:.1f}",
        )  # fmt: skip
    return format_html(
        '<svg class="gauge" role="img" aria-label="{}" viewBox="0 0 120 66">'
        '<path class="gauge-track" d="{}"/>{}'
        '<path class="gauge-fill tone-{}" pathLength="100" d="{}" stroke-dasharray="{} 200"/>'
        '<text class="gauge-word" x="60" y="58" text-anchor="middle">{}</text></svg>',
        label, ARC, outlook, tone, ARC, f"{share * 100:.1f}",
        percent(ratio_of(value, whole)),
    )  # fmt: skip


ARC = "M 10 60 A 50 50 0 0 1 110 60"


@register.simple_tag
def timeline(spans: Sequence[Mapping[str, Any]], label: str) -> SafeString:
    """Draw spans of time in one row: each has start and end (numbers or moments), state, label.

    The whole reaches from the earliest start to the latest end.
    """
    if not spans:
        return format_html('<span class="spark-empty">{}</span>', "nothing yet")
    first, last = min(span["start"] for span in spans), max(span["end"] for span in spans)
    whole = _length(first, last) or 1.0
    drawn = [
        (
            _word(span["state"]),
            f"{_length(first, span['start']) / whole * 100:.2f}%",
            f"{max(_length(span['start'], span['end']) / whole * 100, 0.5):.2f}%",
            span["label"],
        )
        for span in spans
    ]
    return format_html(
        '<svg class="spans" role="img" aria-label="{}" width="100%" height="10">'
        '<rect class="bar-track" width="100%" height="10" rx="3"/>{}</svg>',
        label,
        format_html_join(
            "",
            '<rect class="span-{}" x="{}" width="{}" height="10" rx="2"><title>{}</title></rect>',
            drawn,
        ),
    )


def _length(start: Any, end: Any) -> float:
    gap = end - start
    return float(gap.total_seconds()) if hasattr(gap, "total_seconds") else float(gap)


def _word(state: object) -> str:
    return re.sub(r"[^a-z-]", "", str(state).lower())

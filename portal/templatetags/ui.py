"""Icons, states, verdicts, moments, form fields, sortable headers and charts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from django import forms, template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.templatetags.money import UNKNOWN

register = template.Library()

# What a state looks like: tone, icon, the word shown. Words of resources, deployments and runs.
STATES: Mapping[str, tuple[str, str, str]] = {
    "pending": ("muted", "clock", "pending"),
    "creating": ("motion", "working", "creating"),
    "ready": ("ready", "ready", "ready"),
    "updating": ("motion", "working", "updating"),
    "deleting": ("motion", "working", "deleting"),
    "retiring": ("motion", "working", "retiring"),
    "gone": ("muted", "gone", "gone"),
    "retired": ("muted", "gone", "retired"),
    "failed": ("failed", "cross", "failed"),
    "running": ("motion", "working", "running"),
    "done": ("ready", "ready", "done"),
    "cancelled": ("muted", "gone", "cancelled"),
    "active": ("ready", "ready", "active"),
    "expired": ("muted", "clock", "expired"),
    "revoked": ("muted", "gone", "revoked"),
    "waiting": ("warning", "wait", "waiting"),
}
VERDICTS: Mapping[str, tuple[str, str, str]] = {
    "feasible": ("ready", "check", "feasible"),
    "infeasible": ("failed", "close", "infeasible"),
    "needs-quote": ("warning", "quote", "needs a quote"),
}
CONTROLS = (
    (forms.CheckboxInput, "check"),
    (forms.CheckboxSelectMultiple, ""),
    (forms.RadioSelect, ""),
    (forms.Select, "form-select"),
)
SCATTER = "scatter"


@register.simple_tag
def icon(name: str, label: str = "", css: str = "") -> SafeString:
    """Draw an icon of static/vendor/icons.json; with a label it speaks, otherwise it is hidden."""
    href = f"{static('icons.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="icon {}" role="img" aria-label="{}"><use href="{}"/></svg>',
            css, label, href,
        )  # fmt: skip
    return format_html('<svg class="icon {}" aria-hidden="true"><use href="{}"/></svg>', css, href)


@register.simple_tag
def badge(word: str, tone: str = "muted", symbol: str = "") -> SafeString:
    """Draw a badge; tones: muted, accent, motion, ready, warning, failed."""
    drawing = icon(symbol) if symbol else ""
    return format_html('<span class="badge-state tone-{}">{}{}</span>', tone, drawing, word)


@register.simple_tag
def state(word: object) -> SafeString:
    """Draw the badge of a state word such as `creating` or `ready`; unknown words stay plain."""
    key = str(word or "")
    tone, symbol, shown = STATES.get(key, ("muted", "empty", key or "unknown"))
    return badge(shown, tone, symbol)


@register.simple_tag
def verdict(word: object) -> SafeString:
    """Draw the chip of a verdict: feasible, infeasible, needs-quote."""
    key = str(word or "")
    tone, symbol, shown = VERDICTS.get(key, ("muted", "empty", key or "unknown"))
    return badge(shown, tone, symbol)


@register.simple_tag
def moment(value: datetime | date | None, relative: bool = True) -> SafeString:
    """Write a moment in UTC; app.js shows it in local time, relative within a day, UTC on hover."""
    if value is None:
        return UNKNOWN
    if not isinstance(value, datetime):
        shown = f"{value.day} {value:%b %Y}"
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), shown)
    utc = value.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}" data-moment="{}">{}</time>',
        utc.isoformat(timespec="seconds").replace("+00:00", "Z"),
        f"{utc:%Y-%m-%d %H:%M:%S} UTC",
        "relative" if relative else "absolute",
        f"{utc.day} {utc:%b %Y, %H:%M} UTC",
    )


@register.simple_tag
def as_of(value: datetime | date | None, source: str = "") -> SafeString:
    """Write `as of` a moment, and where the figure is from."""
    origin = format_html(", {}", source) if source else ""
    return format_html('<span class="as-of">as of {}{}</span>', moment(value), origin)


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, css: str = "", unit: str = "") -> dict[str, Any]:
    """Draw a form field: label, hint, the control, the sentence about what is wrong beside it."""
    widget = bound.field.widget
    group = isinstance(widget, forms.CheckboxSelectMultiple | forms.RadioSelect)
    notes = [
        f"{bound.auto_id}_{kind}"
        for kind, there in (("helptext", bound.help_text), ("error", bound.errors))
        if there and bound.auto_id
    ]
    attributes: dict[str, str | bool] = {
        "class": f"{widget.attrs.get('class', '')} {_control(widget)}".strip()
    }
    if bound.errors:
        attributes["class"] = f"{attributes['class']} is-invalid"
        attributes["aria-invalid"] = "true"
    if notes:
        attributes["aria-describedby"] = " ".join(notes)
    return {
        "field": bound,
        "control": bound.as_widget(attrs={} if group else attributes),
        "is_group": group,
        "is_checkbox": isinstance(widget, forms.CheckboxInput),
        "described_by": " ".join(notes),
        "css": css,
        "unit": unit,
    }


def _control(widget: forms.Widget) -> str:
    for kind, css in CONTROLS:
        if isinstance(widget, kind):
            return css
    return "form-control"


@register.simple_tag(takes_context=True)
def sort_header(context: template.Context, key: str, label: str, css: str = "") -> SafeString:
    """Draw a `<th>` whose link sorts by ?sort=key, and by ?sort=-key the second time."""
    request = context["request"]
    now = request.GET.get("sort") or str(context.get("sort") or "")
    query = request.GET.copy()
    query.pop("cursor", None)
    query["sort"] = f"-{key}" if now == key else key
    order = {key: "ascending", f"-{key}": "descending"}.get(now, "none")
    symbol = {"ascending": "arrow-up", "descending": "arrow-down", "none": "sort"}[order]
    return format_html(
        '<th scope="col" class="{}" aria-sort="{}"><a class="sort" href="?{}">{}{}</a></th>',
        css, order, query.urlencode(), label, icon(symbol),
    )  # fmt: skip


@register.inclusion_tag("components/chart.html")
def chart(data: Mapping[str, Any], id: str, title: str, note: str = "") -> dict[str, Any]:
    """Draw a chart with its table twin; the shapes of `data` are in components/README.md."""
    return {
        "id": id,
        "title": title,
        "note": note,
        "data_id": f"{id}-data",
        "data": json.loads(json.dumps(data, default=str)),
        "table": twin(data),
    }


def twin(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same figures as a table: its head and its rows."""
    if data["kind"] == SCATTER:
        head = ["Name", data.get("x_label", "x"), data.get("y_label", "y"), "Group"]
        rows = [
            [point["name"], point["x"], point["y"], point.get("series", "")]
            for point in data["points"]
        ]
        return {"head": head, "rows": rows}
    series = data["series"]
    head = [data.get("x_label", ""), *(line["name"] for line in series)]
    rows = [
        [label, *(line["values"][index] for line in series)]
        for index, label in enumerate(data["x"])
    ]
    return {"head": head, "rows": rows}

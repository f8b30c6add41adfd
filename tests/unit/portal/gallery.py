"""Everything the gallery shows, and its HTML."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

from django import forms
from django.template.loader import render_to_string
from django.test import RequestFactory

from portal.errors import Invalid

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FEATURES = ("Content moderation", "Article summarisation", "Chatbot", "Captioning", "Custom model")
NAV = ("Home", "Features", "Fleet", "Portfolio", "Cascades", "Spend", "Approvals", "Activity")


class Workload(forms.Form):
    """One field of every kind, some of them wrong."""

    name = forms.CharField(help_text="What people call it.")
    tier = forms.ChoiceField(choices=[("", "Choose one"), ("lambda", "Lambda + Bedrock")])
    requests = forms.DecimalField(min_value=0, help_text="At the busiest time of the day.")
    latency = forms.IntegerField(label="p99 latency", required=False)
    note = forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), required=False)
    scopes = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        choices=[("read", "read what you see"), ("launch", "launch, resize, retire")],
        help_text="What the key may be used for.",
    )
    streaming = forms.BooleanField(required=False, label="Needs streaming")


def frame(now: datetime) -> SimpleNamespace:
    """Return a frame with everything in it."""
    icons = [label.lower() for label in NAV]
    return SimpleNamespace(
        actor=SimpleNamespace(name="Ada Lovelace"),
        navigation=[
            SimpleNamespace(label=label, url="#", icon=icon, is_active=label == "Features")
            for label, icon in zip((*NAV, "Settings"), (*icons, "settings"), strict=True)
        ],
        sandbox=True,
        search_url="/search/",
        teams=[SimpleNamespace(name="Conversations", slug="chat")],
        team=None,
        budget={
            "actual_usd": Decimal("121844.12"),
            "committed_usd": Decimal("148000"),
            "forecast_usd": Decimal("176500"),
            "forecast_low_usd": Decimal("168000"),
            "forecast_high_usd": Decimal("184000"),
            "budget_usd": Decimal(200000),
            "actual_share": 0.609,
            "committed_share": 0.74,
            "forecast_share": 0.88,
            "forecast_low_share": 0.84,
            "forecast_high_share": 0.92,
            "as_of": now,
            "url": "#books",
        },
    )


def charts() -> dict[str, object]:
    """Return the data of three charts."""
    days = [f"{day} Nov" for day in range(1, 21)]
    return {
        "spend": {
            "kind": "area",
            "unit": "USD",
            "x_label": "Day",
            "x": days,
            "series": [
                {
                    "name": name,
                    "values": [
                        Decimal(900 + 400 * place + (day * 37 * (place + 2)) % 800)
                        for day in range(20)
                    ],
                }
                for place, name in enumerate(FEATURES)
            ],
            "mark": {"value": 11000, "label": "Budget a day"},
        },
        "costs": {
            "kind": "bars",
            "unit": "USD",
            "x": ["Lambda + Bedrock", "Bedrock on-demand", "SageMaker GPU", "Provisioned"],
            "series": [{"name": "USD a month", "values": [31412, 33980, 52110, 118000]}],
        },
        "pareto": {
            "kind": "scatter",
            "x_label": "p99",
            "x_unit": "ms",
            "y_label": "USD a month",
            "y_unit": "USD",
            "log": True,
            "y_log": True,
            "points": [
                {"name": "Nova Lite", "x": 1420, "y": 31412, "series": "feasible", "pick": True},
                {"name": "Claude Haiku", "x": 1900, "y": 96400, "series": "feasible"},
                {"name": "SageMaker GPU", "x": 640, "y": 52110, "series": "feasible"},
                {"name": "Claude Sonnet", "x": 4100, "y": 412880, "series": "too slow"},
            ],
        },
    }


def steps(now: datetime) -> list[dict[str, object]]:
    """Return one step in each of the states that matter."""
    return [
        {"label": "Role", "kind": "iam.role", "state": "ready", "at": now - timedelta(minutes=4)},
        {"label": "Model", "kind": "sagemaker.model", "state": "ready", "at": now},
        {
            "label": "Endpoint",
            "kind": "sagemaker.endpoint",
            "state": "creating",
            "detail": "Creating: instances are being allocated.",
            "progress": 45,
            "at": now,
            "attempts": 1,
            "next_at": now + timedelta(seconds=15),
        },
        {
            "label": "Scaling policy",
            "kind": "autoscaling.policy",
            "state": "failed",
            "detail": "ValidationException: No scalable target registered for the endpoint.",
            "meaning": "The target was removed outside of Slipway.",
            "todo": "Try again; the target is created anew.",
        },
        {"label": "Alarm", "kind": "cloudwatch.alarm", "state": "pending"},
    ]


def options(now: datetime) -> list[dict[str, object]]:
    """Return rows of a table."""
    kinds = [
        ("Lambda + Bedrock on-demand", "Nova Lite", "feasible", "ready", 1420, "31412.50"),
        ("SageMaker real-time endpoint", "Llama 3 8B", "feasible", "creating", 640, "52110"),
        ("Bedrock Provisioned Throughput", "Nova Pro", "needs-quote", "pending", 980, None),
        ("Bedrock on-demand", "Claude Sonnet 4.5", "infeasible", "failed", 4100, "412880"),
    ]
    return [
        {
            "tier": tier,
            "model": model,
            "verdict": verdict,
            "state": word,
            "p99": p99,
            "usd": usd and Decimal(usd),
            "pick": place == 0,
            "values": [place + 3, 5, 4, 8, 7, 9 + place, 12],
            "at": now - timedelta(hours=place * 13),
        }
        for place, (tier, model, verdict, word, p99, usd) in enumerate(kinds)
    ]


def context(now: datetime) -> dict[str, object]:
    """Return everything the gallery shows."""
    return {
        "frame": frame(now),
        "now": now,
        "earlier": now - timedelta(days=3),
        "usd_spent": Decimal("121844.12"),
        "usd_over": Decimal("2140.55"),
        "unit_cost": Decimal("0.000198"),
        "band": (168000, 184000),
        "rows": [
            {"label": name, "usd": Decimal(62000 - place * 13100), "url": "#", "hint": "of 70K"}
            for place, name in enumerate(FEATURES[:4])
        ],
        "options": options(now),
        "page": SimpleNamespace(rows=[], next_url="?cursor=b", previous_url="?cursor=a"),
        "steps": steps(now),
        "spans": [
            {"start": 0, "end": 20, "state": "ready", "label": "Role, 20 s"},
            {"start": 20, "end": 45, "state": "ready", "label": "Model, 25 s"},
            {"start": 45, "end": 100, "state": "creating", "label": "Endpoint"},
        ],
        "snippets": [
            ("curl", 'curl -X POST "$URL" \\\n  -d \'{"prompt": "Where is my order?"}\''),
            ("Python", 'import boto3\n\nclient = boto3.client("bedrock-runtime")\n'),
        ],
        "parts": [
            {"value": 15, "label": "Weights, 15 GiB", "tone": 1},
            {"value": 6, "label": "Cache, 6 GiB", "tone": 2},
            {"value": 3, "label": "Free, 3 GiB", "tone": "muted"},
        ],
        "lines": [
            {
                "label": "Input tokens, Nova Lite",
                "quantity": Decimal(94_800_000_000),
                "unit": "tokens",
                "price_usd": Decimal("0.06"),
                "per": "1M tokens",
                "usd": Decimal("5688.00"),
                "source": "AWS price list",
                "as_of": date(2026, 11, 20),
            }
        ],
        "total_usd": Decimal("5688.00"),
        "assumptions": ["730 hours a month.", "60 requests a second on average."],
        "form": Workload({"name": "Chatbot", "requests": "-3", "latency": "1800"}),
        "refusal": Invalid(
            "The load is negative; 0 or more is right.",
            fields={"requests": "A load of -3 requests a second cannot be."},
        ),
        "states": ["pending", "creating", "ready", "updating", "deleting", "gone", "failed"],
        "verdicts": ["feasible", "infeasible", "needs-quote"],
        **charts(),
    }


def rendered(**changes: object) -> str:
    """Return the gallery's HTML."""
    request = RequestFactory().get("/gallery/?sort=-usd")
    return render_to_string("components/gallery.html", {**context(NOW), **changes}, request)

"""What a person types to play traffic."""

from __future__ import annotations

from decimal import Decimal

from django import forms

from deployments.usecases.traffic import MOST_LOAD_SECONDS, MOST_REQUESTS

MOST_TRACE_BYTES = 20 * 1024 * 1024


class Play(forms.Form):
    """How much load, how fast, and (optionally) whose arrivals."""

    load_minutes = forms.DecimalField(
        label="Load to play",
        help_text="Minutes of the workload's own time.",
        initial=Decimal(60),
        min_value=Decimal("0.1"),
        max_value=Decimal(MOST_LOAD_SECONDS // 60),
        max_digits=8,
        decimal_places=1,
    )
    speed = forms.DecimalField(
        label="Speed",
        help_text="60 plays an hour in a minute.",
        initial=Decimal(60),
        min_value=Decimal("0.1"),
        max_value=Decimal(10_000),
        max_digits=7,
        decimal_places=1,
    )
    max_requests = forms.IntegerField(
        label="Requests at most",
        help_text="More arrivals than this are thinned evenly; the run says by how much.",
        initial=300,
        min_value=1,
        max_value=MOST_REQUESTS,
    )
    trace = forms.FileField(
        label="Trace",
        required=False,
        help_text="Optional CSV or CSV.gz with TIMESTAMP, ContextTokens, GeneratedTokens.",
    )

    def clean_trace(self) -> object:
        """Refuse a file too large to be read at once."""
        trace = self.cleaned_data["trace"]
        if trace is not None and trace.size > MOST_TRACE_BYTES:
            raise forms.ValidationError(
                f"The trace has {trace.size / 1024**2:.0f} MiB; at most 20 MiB are read. "
                "Cut it to the stretch to be played."
            )
        return trace

"""What a person says when launching, resizing and retiring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from deployments.domain.blueprint.names import LONGEST_SLUG
from deployments.domain.lifecycle import Environment
from deployments.domain.options import Check, Size
from portal.forms.choices import offer

LABELS = {
    "instances": ("Instances", "Kept running; the scaling policy never goes below."),
    "max_instances": ("Instances at most", "Where the scaling policy stops."),
    "model_units": (
        "Model units",
        "Another number is bought beside these; what was committed is owed to its end.",
    ),
    "max_concurrency": ("Requests at the same time", "More are throttled."),
    "memory_mb": ("Memory", "More memory is also more CPU."),
}
UNITS = {"memory_mb": "MB"}


class Launch(forms.Form):
    """Where the option is to run, under which name, and what is accepted."""

    recommendation = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    option = forms.CharField(widget=forms.HiddenInput, max_length=200)
    environment = forms.ChoiceField(
        choices=[(each.value, each.value.capitalize()) for each in Environment],
        initial=Environment.PRODUCTION.value,
        help_text="One deployment of a feature serves in each.",
    )
    slug = forms.CharField(
        label="Short name",
        required=False,
        max_length=LONGEST_SLUG,
        help_text="Part of every AWS name; made from feature and environment when left empty.",
    )
    accept = forms.MultipleChoiceField(
        label="What it breaks, and you accept",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Nothing is launched until each is ticked.",
    )

    def __init__(self, *args: Any, acceptable: Sequence[Check], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "accept", [(check.name, check.sentence) for check in acceptable])
        if not acceptable:
            del self.fields["accept"]


class Resize(forms.Form):
    """The parts of a size that the tier has, within AWS's bounds."""

    def __init__(
        self, *args: Any, bounds: Mapping[str, tuple[int, int]], size: Size, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, (least, most) in bounds.items():
            label, about = LABELS[name]
            self.fields[name] = forms.IntegerField(
                label=f"{label}, {UNITS[name]}" if name in UNITS else label,
                required=False,
                help_text=f"{about} From {least:,} to {most:,}.",
                min_value=least,
                max_value=most,
                initial=getattr(size, name) or None,
            )

    def size(self) -> dict[str, int]:
        """Return the parts that were changed."""
        return {
            name: self.cleaned_data[name]
            for name in self.changed_data
            if self.cleaned_data[name] is not None
        }

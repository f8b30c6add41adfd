"""What a person types about a price."""

from __future__ import annotations

from django import forms


class EnterQuote(forms.Form):
    """A price somebody was given."""

    sku = forms.CharField(
        max_length=160,
        label="SKU",
        help_text="As in bedrock-pt:amazon.nova-pro-v1:0:one-month:unit-second.",
    )
    usd = forms.DecimalField(
        label="Price",
        max_digits=24,
        decimal_places=12,
        help_text="In USD: for an hour of an instance or model unit, for a million tokens or "
        "requests, for one GB-second or GB.",
    )
    source = forms.CharField(
        max_length=500, help_text="Where it comes from: a quote's number, a mail, a person."
    )
    as_of = forms.DateField(label="As of", widget=forms.DateInput(attrs={"type": "date"}))
    is_example = forms.BooleanField(
        required=False, label="An example", help_text="Marked as such wherever it is used."
    )


class FindPrice(forms.Form):
    """Which prices to list."""

    search = forms.CharField(
        required=False,
        max_length=160,
        label="SKU contains",
        widget=forms.TextInput(attrs={"class": "form-control"}),
    )
    kind = forms.ChoiceField(
        required=False,
        choices=[
            ("", "all"),
            ("list", "published"),
            ("estimate", "estimates"),
            ("quote", "quotes"),
        ],
        widget=forms.Select(attrs={"class": "form-select"}),
    )

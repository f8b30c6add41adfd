"""Tiers as people call them."""

from __future__ import annotations

from django import template

from billing.domain import tiers

register = template.Library()


@register.filter
def tier_name(tier: str) -> str:
    """Return a tier in words."""
    return tiers.tier_name(tier)

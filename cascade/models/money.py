"""What each scope was charged in a month: the counters as PostgreSQL keeps them."""

from __future__ import annotations

from django.db import models


class ScopeMonth(models.Model):
    """Micro-dollars charged to a key, feature, team or the organisation in a month (UTC).

    Grows in the transaction that keeps the attempts, so it is always the sum of their `micro`. From
    it the counters are made again. `month` is as in `2026-11`, `scope` as in `feature:7`.
    """

    month = models.CharField(max_length=7)
    scope = models.CharField(max_length=40)
    micro = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["month", "scope"], name="scope_month_once")]

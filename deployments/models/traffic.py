"""Runs of a feature's load through its deployment."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from deployments.models.record import NEVER_LEASED, Deployment


class TrafficRun(models.Model):
    """One play of a feature's load through its deployment, compressed in time."""

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="traffic_runs")
    seed = models.PositiveIntegerField(default=7)
    shape = models.JSONField(null=True)  # of an uploaded trace; null: the workload's own pattern
    load_seconds = models.PositiveIntegerField()  # of the workload's own time
    speed = models.DecimalField(max_digits=10, decimal_places=2)  # load seconds per second
    max_requests = models.PositiveIntegerField(default=300)
    planned = models.PositiveIntegerField(default=0)  # to be sent, after thinning
    arrivals = models.PositiveBigIntegerField(default=0)  # before thinning: what the load would be
    sent = models.PositiveIntegerField(default=0)
    answered = models.PositiveIntegerField(default=0)
    throttled = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    latency_ms = models.JSONField(default=dict)  # p50, p95, p99 as the caller saw them
    note = models.TextField(blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    started_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(default=NEVER_LEASED)
    fence = models.PositiveIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    stop_requested = models.BooleanField(default=False)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["deployment"],
                condition=Q(ended_at__isnull=True),
                name="traffic_one_at_a_time",
            )
        ]

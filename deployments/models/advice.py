"""What was asked and advised: workloads, recommendations, plans, probes and proposed moves."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import models
from django.db.models import Q

from portal.models import Feature, Team

NEVER_LEASED = datetime(2000, 1, 1, tzinfo=UTC)


class WorkloadRow(models.Model):
    """A feature's workload as described at one moment; a change is a new row, the newest holds."""

    feature = models.ForeignKey(Feature, models.CASCADE, related_name="workloads")
    version = models.PositiveIntegerField()
    body = models.JSONField()  # deployments.domain.workload.Workload as JSON
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["feature", "version"], name="workload_version_once")
        ]


class Recommendation(models.Model):
    """The ranked options as they were on a day, with the prices used; never edited."""

    feature = models.ForeignKey(Feature, models.CASCADE, related_name="recommendations")
    workload = models.ForeignKey(WorkloadRow, models.PROTECT)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    prices_as_of = models.DateField()
    pick = models.CharField(max_length=200, blank=True)  # option_id; empty: none is feasible
    launch_pick = models.CharField(max_length=200, blank=True)  # the best that a launch can build
    tree_pick = models.CharField(max_length=200, blank=True)
    explanation = models.JSONField()  # sentences
    options = models.JSONField()  # ranked list of deployments.domain.options.Option as JSON

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["feature", "-created_at"], name="recommendation_newest")]


class CapacityPlan(models.Model):
    """A plan for hosting one language model, as it was on a day; never edited."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    feature = models.ForeignKey(Feature, models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    prices_as_of = models.DateField()
    request = models.JSONField()
    body = models.JSONField()  # deployments.domain.planner's plan as JSON

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["team", "-created_at"], name="capacity_plan_newest")]


class LoadPoint(models.Model):
    """One measured point of a load test; it recalibrates the plans of its configuration."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    configuration = models.CharField(max_length=200)  # of the planner, in its own words
    measured_at = models.DateTimeField()
    origin = models.CharField(max_length=20)  # entered, or the deployment's endpoint
    body = models.JSONField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)

    class Meta:
        ordering = ["-measured_at", "-pk"]
        indexes = [models.Index(fields=["team", "configuration"], name="load_point_of_team")]


class PortfolioPlan(models.Model):
    """One option for each feature under one budget, as solved on a day; never edited."""

    team = models.ForeignKey(Team, models.CASCADE, null=True, related_name="+")  # null: everybody's
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    prices_as_of = models.DateField()
    budget_usd = models.DecimalField(max_digits=24, decimal_places=12)
    objective = models.CharField(max_length=20)
    request = models.JSONField()
    body = models.JSONField()  # deployments.domain.portfolio's answer as JSON

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["team", "-created_at"], name="portfolio_plan_newest")]


class Probe(models.Model):
    """A small run of real requests against a managed model, and the percentiles it measured."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    feature = models.ForeignKey(Feature, models.CASCADE, related_name="+")  # pays for it
    model = models.CharField(max_length=120)  # catalog id
    route = models.CharField(max_length=20)
    region = models.CharField(max_length=30)
    input_tokens = models.PositiveIntegerField()
    output_tokens = models.PositiveIntegerField()
    requests = models.PositiveIntegerField()
    most_usd = models.DecimalField(max_digits=24, decimal_places=12)  # what it may cost at most
    spent_usd = models.DecimalField(max_digits=24, decimal_places=12, default=0)
    sent = models.PositiveIntegerField(default=0)
    answered = models.PositiveIntegerField(default=0)
    throttled = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    lost = models.PositiveIntegerField(default=0)  # sent, perhaps paid, never heard
    is_sandbox = models.BooleanField(default=False)
    measured = models.JSONField(default=dict)  # deployments.domain.probing's figures as JSON
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
                fields=["team", "model", "route", "region"],
                condition=Q(ended_at__isnull=True),
                name="probe_one_at_a_time",
            )
        ]
        indexes = [
            models.Index(fields=["model", "route", "region", "-ended_at"], name="probe_newest")
        ]


class Move(models.Model):
    """A change of option proposed by the nightly look at prices and metered load; never edited."""

    feature = models.ForeignKey(Feature, models.CASCADE, related_name="moves")
    deployment = models.CharField(max_length=40, blank=True)  # its short name; empty: none runs
    recommendation = models.ForeignKey(Recommendation, models.PROTECT)
    made_at = models.DateTimeField()
    saving_usd = models.DecimalField(max_digits=24, decimal_places=12)  # a month
    risk = models.PositiveSmallIntegerField()  # 1 none to speak of .. 5 think twice
    body = models.JSONField()  # from, to, reasons, load it stands on
    answered_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=200, blank=True)
    answer = models.CharField(max_length=20, blank=True)  # taken, dismissed, overtaken

    class Meta:
        ordering = ["-saving_usd", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["feature"], condition=Q(answered_at__isnull=True), name="move_open_once"
            )
        ]

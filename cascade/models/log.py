"""What happened: requests, the attempts they made, the verdicts on them, and their roll-ups."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from cascade.models.record import Cascade
from portal.models import Feature, Team, User


class Trial(models.Model):
    """One request of a client, with its whole decision; append-only.

    `usd` is the sum of its attempts that are not shadow calls, exact; `baseline_usd` what the
    strongest stage's model would have cost. `stage` answered; empty when none did.
    """

    uuid = models.UUIDField(unique=True)
    at = models.DateTimeField()
    cascade = models.ForeignKey(Cascade, models.PROTECT, related_name="trials")
    feature = models.ForeignKey(Feature, models.PROTECT, related_name="+")
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    key = models.CharField(max_length=12)
    policy = models.PositiveIntegerField()
    is_canary = models.BooleanField(default=False)
    status = models.CharField(max_length=12)
    http = models.PositiveSmallIntegerField()
    stage = models.CharField(max_length=40, blank=True)
    plan = models.JSONField(default=dict)
    tried = models.JSONField(default=list)
    prompt = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    is_streamed = models.BooleanField(default=False)
    first_token_ms = models.PositiveIntegerField(null=True)
    latency_ms = models.PositiveIntegerField(default=0)
    overhead_ms = models.FloatField(default=0)
    escalations = models.PositiveSmallIntegerField(default=0)
    usd = models.DecimalField(max_digits=24, decimal_places=12)
    shadow_usd = models.DecimalField(max_digits=24, decimal_places=12)
    baseline_model = models.CharField(max_length=120, blank=True)
    baseline_usd = models.DecimalField(max_digits=24, decimal_places=12)
    intent = models.CharField(max_length=250, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            BrinIndex(fields=["at"], name="trial_at"),
            models.Index(fields=["cascade", "-at", "-id"], name="trial_newest"),
            models.Index(fields=["cascade", "stage", "-at", "-id"], name="trial_of_stage"),
        ]


class Attempt(models.Model):
    """One call of a model; append-only. Its trial may never come (a gateway that was killed).

    `micro` is what the counters were charged: micro-dollars, rounded up; `usd` is exact.
    """

    uuid = models.UUIDField(unique=True)
    trial_uuid = models.UUIDField()
    at = models.DateTimeField()
    cascade = models.ForeignKey(Cascade, models.PROTECT, related_name="attempts")
    feature = models.ForeignKey(Feature, models.PROTECT, related_name="+")
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    key = models.CharField(max_length=12)
    policy = models.PositiveIntegerField()
    number = models.PositiveSmallIntegerField()
    role = models.CharField(max_length=12)
    stage = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=120)
    deployment = models.CharField(max_length=63, blank=True)
    outcome = models.CharField(max_length=12)
    trouble = models.CharField(max_length=40, blank=True)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    usd = models.DecimalField(max_digits=24, decimal_places=12)
    micro = models.PositiveBigIntegerField()
    latency_ms = models.PositiveIntegerField(default=0)
    price_version = models.CharField(max_length=64)

    class Meta:
        ordering = ["at", "pk"]
        indexes = [
            BrinIndex(fields=["at"], name="attempt_at"),
            models.Index(fields=["cascade", "-at", "-id"], name="attempt_newest"),
            models.Index(fields=["trial_uuid"], name="attempt_of_trial"),
        ]


class Verdict(models.Model):
    """How good a stage's answer to a trial was, 0 to 1, and who says so; append-only.

    `source` is human, judge or shadow. A correction is a new row that replaces the one before.
    """

    trial = models.ForeignKey(Trial, models.CASCADE, related_name="verdicts")
    stage = models.CharField(max_length=40)
    quality = models.FloatField()
    source = models.CharField(max_length=10)
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    by = models.CharField(max_length=200)
    at = models.DateTimeField()
    note = models.TextField(blank=True)
    replaces = models.OneToOneField("self", models.PROTECT, null=True, related_name="replaced_by")

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(quality__gte=0, quality__lte=1), name="verdict_quality_is_a_share"
            ),
            models.UniqueConstraint(
                fields=["trial", "stage", "source", "by"],
                condition=Q(replaces__isnull=True),
                name="verdict_once",
            ),
        ]


class CascadeHour(models.Model):
    """What a cascade's policy did in an hour, added up from its trials.

    `latency` and `first_token` count requests by bucket: upper bound in ms (text) to requests.
    """

    cascade = models.ForeignKey(Cascade, models.CASCADE, related_name="+")
    hour = models.DateTimeField()
    policy = models.PositiveIntegerField()
    requests = models.PositiveBigIntegerField(default=0)
    answered = models.PositiveBigIntegerField(default=0)
    short = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)
    cancelled = models.PositiveBigIntegerField(default=0)
    streamed = models.PositiveBigIntegerField(default=0)
    escalated = models.PositiveBigIntegerField(default=0)  # with one escalation or more
    usd = models.DecimalField(max_digits=24, decimal_places=12, default=0)
    shadow_usd = models.DecimalField(max_digits=24, decimal_places=12, default=0)
    baseline_usd = models.DecimalField(max_digits=24, decimal_places=12, default=0)
    latency = models.JSONField(default=dict)
    first_token = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cascade", "hour", "policy"], name="cascade_hour_once")
        ]


class StageHour(models.Model):
    """What one stage did in an hour, by role and model: attempts, tokens and money.

    `answered` and `rejected` are requests (of role stage): those it answered, and those whose
    answer here was not good enough. `saved_usd` is what the answered ones cost less than the
    strongest model would have.
    """

    cascade = models.ForeignKey(Cascade, models.CASCADE, related_name="+")
    hour = models.DateTimeField()
    policy = models.PositiveIntegerField()
    role = models.CharField(max_length=12)
    stage = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=120, blank=True)
    attempts = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    answered = models.PositiveBigIntegerField(default=0)
    rejected = models.PositiveBigIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    usd = models.DecimalField(max_digits=24, decimal_places=12, default=0)
    micro = models.PositiveBigIntegerField(default=0)
    saved_usd = models.DecimalField(max_digits=24, decimal_places=12, default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cascade", "hour", "policy", "role", "stage", "model"],
                name="stage_hour_once",
            )
        ]


class UnreadEvent(models.Model):
    """An entry of the gateway's stream that could not be booked, kept to be looked at."""

    entry = models.CharField(max_length=40, unique=True)
    body = models.TextField()
    why = models.TextField()
    seen_at = models.DateTimeField()

"""Work over logged or uploaded trials: replays, calibrations, training, and what they left."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import models
from django.db.models import Q

NEVER_LEASED = datetime(2000, 1, 1, tzinfo=UTC)
OVER = ("done", "failed")


class Upload(models.Model):
    """A file of trials as it was read, to replay over: gzipped JSON lines; never edited.

    `model_keys` are the models its outcomes are of, `source` says where the file came from.
    """

    cascade = models.ForeignKey("cascade.Cascade", models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=120)
    source = models.TextField(blank=True)
    trials = models.PositiveIntegerField()
    model_keys = models.JSONField(default=list)
    body = models.BinaryField()
    kept_at = models.DateTimeField()
    kept_by = models.CharField(max_length=200)

    class Meta:
        ordering = ["-kept_at", "-pk"]


class Replay(models.Model):
    """One policy walked over trials; frozen once it is over.

    `state` is waiting, running, done or failed; `request` says which trials and prices.
    """

    cascade = models.ForeignKey("cascade.Cascade", models.CASCADE, related_name="replays")
    body = models.JSONField()  # the policy
    digest = models.CharField(max_length=64)  # of the policy
    request = models.JSONField()
    state = models.CharField(max_length=10, default="waiting")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    result = models.JSONField(null=True)
    words = models.TextField(blank=True)  # why it failed
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=200)
    leased_until = models.DateTimeField(default=NEVER_LEASED)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-made_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=False, state__in=OVER)
                | (Q(ended_at__isnull=True) & ~Q(state__in=OVER)),
                name="replay_ends_once",
            )
        ]
        indexes = [
            models.Index(fields=["cascade", "-made_at", "-id"], name="replay_newest"),
            models.Index(
                fields=["leased_until"], name="replay_open", condition=Q(ended_at__isnull=True)
            ),
        ]


class Calibration(models.Model):
    """Thresholds for a policy that keep a promised quality; frozen once it is over."""

    cascade = models.ForeignKey("cascade.Cascade", models.CASCADE, related_name="calibrations")
    body = models.JSONField()  # the policy whose thresholds are sought
    digest = models.CharField(max_length=64)
    request = models.JSONField()  # target, confidence, which trials
    state = models.CharField(max_length=10, default="waiting")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    result = models.JSONField(null=True)
    words = models.TextField(blank=True)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=200)
    leased_until = models.DateTimeField(default=NEVER_LEASED)
    ended_at = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-made_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=False, state__in=OVER)
                | (Q(ended_at__isnull=True) & ~Q(state__in=OVER)),
                name="calibration_ends_once",
            )
        ]
        indexes = [
            models.Index(fields=["cascade", "-made_at", "-id"], name="calibration_newest"),
            models.Index(
                fields=["leased_until"], name="calibration_open", condition=Q(ended_at__isnull=True)
            ),
        ]


class Training(models.Model):
    """A router or gate to be trained on labelled trials; frozen once it is over."""

    cascade = models.ForeignKey("cascade.Cascade", models.CASCADE, related_name="trainings")
    kind = models.CharField(max_length=10)
    body = models.JSONField()  # the policy whose stages it is trained for
    request = models.JSONField()  # which trials
    state = models.CharField(max_length=10, default="waiting")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    result = models.JSONField(null=True)  # how it fits, and the version of the weights
    words = models.TextField(blank=True)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=200)
    leased_until = models.DateTimeField(default=NEVER_LEASED)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-made_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=False, state__in=OVER)
                | (Q(ended_at__isnull=True) & ~Q(state__in=OVER)),
                name="training_ends_once",
            )
        ]
        indexes = [
            models.Index(fields=["cascade", "-made_at", "-id"], name="training_newest"),
            models.Index(
                fields=["leased_until"], name="training_open", condition=Q(ended_at__isnull=True)
            ),
        ]


class DriftWatch(models.Model):
    """A value of a policy's requests under watch: what is usual, and the tests' state so far.

    `reference` is null until enough was seen; `read_to` is the last request that was looked at.
    """

    cascade = models.ForeignKey("cascade.Cascade", models.CASCADE, related_name="watches")
    policy = models.PositiveIntegerField()
    name = models.CharField(max_length=30)
    reference = models.JSONField(null=True)
    sums = models.JSONField(default=list)
    seen = models.PositiveIntegerField(default=0)
    read_to = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cascade", "policy", "name"], name="drift_watch_once")
        ]


class Weights(models.Model):
    """Trained weights as data; a policy names them by `version`. Never edited.

    `kind` is router or gate; `fit` holds the figures of the training.
    """

    cascade = models.ForeignKey("cascade.Cascade", models.CASCADE, related_name="weights")
    kind = models.CharField(max_length=10)
    version = models.CharField(max_length=64)
    body = models.BinaryField()
    fit = models.JSONField(default=dict)
    trained_at = models.DateTimeField()
    trained_by = models.CharField(max_length=200)

    class Meta:
        ordering = ["-trained_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["cascade", "version"], name="weights_version_once")
        ]


class Alert(models.Model):
    """Something about a cascade that drifted: what was seen, and what was done about it."""

    cascade = models.ForeignKey("cascade.Cascade", models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=30)
    sentence = models.TextField()
    figures = models.JSONField(default=dict)
    action = models.TextField(blank=True)
    at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["cascade", "kind"],
                condition=Q(closed_at__isnull=True),
                name="alert_open_once",
            )
        ]
        indexes = [models.Index(fields=["cascade", "-at", "-id"], name="alert_newest")]

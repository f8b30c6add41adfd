"""A cascade, its immutable policies, the draft of the next one, and what is rolled out."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from cascade.models.runs import Replay
from deployments.models import environments
from portal.access import Actor
from portal.models import Feature, User


class CascadeQuerySet(models.QuerySet["Cascade"]):
    def visible_to(self, actor: Actor) -> CascadeQuerySet:
        """Keep what the actor may see; nothing for a stranger."""
        if actor.sees_everything:
            return self
        return self.filter(feature__team_id__in=list(actor.team_roles))


class Cascade(models.Model):
    """A feature's stages of models behind one URL, in one environment.

    `slug` is its name in addresses, and the name under which the books keep what it spent.
    """

    feature = models.ForeignKey(Feature, models.PROTECT, related_name="cascades")
    environment = models.CharField(max_length=20, choices=environments)
    slug = models.SlugField(unique=True, max_length=63)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    retired_at = models.DateTimeField(null=True)

    objects = CascadeQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["feature", "environment"],
                condition=Q(retired_at__isnull=True),
                name="cascade_one_per_environment",
            )
        ]

    def __str__(self) -> str:
        return self.slug

    def get_absolute_url(self) -> str:
        return reverse("cascade:detail", args=[self.slug])


class PolicyVersion(models.Model):
    """One policy of a cascade, as it was published; never edited.

    `body` is cascade.domain.reading's JSON, `digest` the SHA-256 of it in canonical form.
    """

    cascade = models.ForeignKey(Cascade, models.CASCADE, related_name="policies")
    number = models.PositiveIntegerField()
    body = models.JSONField()
    digest = models.CharField(max_length=64)
    note = models.TextField(blank=True)
    replay = models.ForeignKey(Replay, models.PROTECT, null=True, related_name="+")
    made_by = models.CharField(max_length=200)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["cascade", "number"], name="policy_version_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="policy_version_counts"),
        ]


class Draft(models.Model):
    """The one policy of a cascade that may be edited; `edition` counts how often it was."""

    cascade = models.OneToOneField(Cascade, models.CASCADE, related_name="draft")
    body = models.JSONField()
    digest = models.CharField(max_length=64)
    note = models.TextField(blank=True)
    edition = models.PositiveIntegerField(default=1)
    updated_by = models.CharField(max_length=200)
    updated_at = models.DateTimeField()


class Rollout(models.Model):
    """Which policies answer from a moment on; append-only, the newest holds.

    `step` says what was done: live, canary, rollback or tighten. `canary_share` is of requests.
    """

    cascade = models.ForeignKey(Cascade, models.CASCADE, related_name="rollouts")
    step = models.CharField(max_length=12)
    live = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="+")
    canary = models.ForeignKey(PolicyVersion, models.PROTECT, null=True, related_name="+")
    canary_share = models.FloatField(default=0)
    why = models.TextField(blank=True)
    by = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(canary__isnull=True, canary_share=0)
                | Q(canary__isnull=False, canary_share__gt=0, canary_share__lt=1),
                name="rollout_share_of_a_canary",
            ),
            models.CheckConstraint(
                condition=Q(canary__isnull=True) | ~Q(canary=F("live")),
                name="rollout_canary_is_another",
            ),
        ]
        indexes = [models.Index(fields=["cascade", "-at", "-id"], name="rollout_newest")]


class FeatureLimit(models.Model):
    """What a feature's cascades may spend in a month (UTC); null: no limit of its own.

    Never edited: a change is a new row, the newest holds.
    """

    feature = models.ForeignKey(Feature, models.PROTECT, related_name="+")
    monthly_usd = models.DecimalField(max_digits=16, decimal_places=6, null=True)
    set_by = models.CharField(max_length=200)
    set_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(monthly_usd__isnull=True) | Q(monthly_usd__gte=0),
                name="feature_limit_not_negative",
            )
        ]
        indexes = [models.Index(fields=["feature", "-set_at"], name="feature_limit_newest")]


class VirtualKey(models.Model):
    """A secret with which a program asks the gateway: only its SHA-256 is kept.

    Limits are per minute and, in USD, per calendar month (UTC); null: none of its own.
    """

    cascade = models.ForeignKey(Cascade, models.CASCADE, related_name="keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    secret_sha256 = models.CharField(max_length=64, unique=True)
    requests_per_minute = models.PositiveIntegerField(null=True)
    tokens_per_minute = models.PositiveIntegerField(null=True)
    max_output_tokens = models.PositiveIntegerField(null=True)
    monthly_usd = models.DecimalField(max_digits=16, decimal_places=6, null=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(monthly_usd__isnull=True) | Q(monthly_usd__gte=0),
                name="virtual_key_limit_not_negative",
            )
        ]


class Snapshot(models.Model):
    """What the gateways were told, by number; a new row whenever its content changed."""

    version = models.BigAutoField(primary_key=True)
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField()

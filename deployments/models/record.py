"""The record: wishes, their immutable generations, the resources they need, what happened."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.urls import reverse

from deployments.domain.lifecycle import Environment, Phase, State
from deployments.models.advice import NEVER_LEASED, Recommendation
from portal.access import Actor
from portal.models import Feature, User


def phases() -> list[tuple[str, str]]:
    """Choices as a callable: a new phase needs no migration."""
    return [(phase.value, phase.value) for phase in Phase]


def states() -> list[tuple[str, str]]:
    """Choices as a callable: a new state needs no migration."""
    return [(state.value, state.value) for state in State]


def environments() -> list[tuple[str, str]]:
    """Choices as a callable: a new environment needs no migration."""
    return [(each.value, each.value) for each in Environment]


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def visible_to(self, actor: Actor) -> DeploymentQuerySet:
        """Keep what the actor may see; nothing for a stranger."""
        if actor.sees_everything:
            return self
        return self.filter(feature__team_id__in=list(actor.team_roles))


class Deployment(models.Model):
    """A team's wish that one option runs in one environment."""

    feature = models.ForeignKey(Feature, models.PROTECT, related_name="deployments")
    slug = models.SlugField(unique=True, max_length=40)
    environment = models.CharField(max_length=20, choices=environments)
    is_wanted = models.BooleanField(default=True)
    state = models.CharField(max_length=12, choices=states, default=State.PENDING.value)
    current = models.ForeignKey("Generation", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    retired_at = models.DateTimeField(null=True)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["feature", "environment"],
                condition=Q(is_wanted=True),
                name="deployment_one_per_environment",
            )
        ]
        indexes = [
            models.Index(fields=["feature", "-created_at"], name="deployment_of_feature"),
            models.Index(fields=["state", "-created_at"], name="deployment_in_state"),
        ]

    def __str__(self) -> str:
        return self.slug

    def get_absolute_url(self) -> str:
        return reverse("deployments:detail", args=[self.slug])


class Generation(models.Model):
    """One immutable version of a deployment: the option chosen and the blueprint made of it."""

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="generations")
    number = models.PositiveIntegerField()
    option = models.JSONField()
    recommendation = models.ForeignKey(Recommendation, models.PROTECT, null=True)
    tier = models.CharField(max_length=40)
    model = models.CharField(max_length=120)
    monthly_usd = models.DecimalField(max_digits=24, decimal_places=12)
    is_wanted = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["deployment", "number"], name="generation_once")
        ]


class ResourceQuerySet(models.QuerySet["Resource"]):
    def due(self, now: datetime) -> ResourceQuerySet:
        """Keep what should be looked at now and is not being looked at."""
        return self.filter(wake_at__lte=now, leased_until__lte=now).order_by("wake_at", "pk")


class Resource(models.Model):
    """One AWS object of a generation: what we want of it, and what we last saw.

    `key` is its name inside the blueprint, `name` its name in AWS, `kind` the adapter's word.
    `spec` may hold references `{"$ref": "key.output"}` to other resources' `outputs`.
    """

    generation = models.ForeignKey(Generation, models.CASCADE, related_name="resources")
    key = models.CharField(max_length=40)
    kind = models.CharField(max_length=60)
    name = models.CharField(max_length=250)
    spec = models.JSONField()
    past_specs = models.JSONField(default=list)  # what it was metered by, and until when
    needs = models.JSONField(default=list)  # keys that must be ready first
    position = models.PositiveSmallIntegerField()
    is_wanted = models.BooleanField(default=True)

    phase = models.CharField(max_length=10, choices=phases, default=Phase.PENDING.value)
    outputs = models.JSONField(default=dict)  # arn, url, version ... as AWS told
    detail = models.TextField(blank=True)  # the last word of AWS
    code = models.CharField(max_length=80, blank=True)  # AWS's error code, when it refused
    attempts = models.PositiveIntegerField(default=0)  # in a row, refused for now
    absences = models.PositiveSmallIntegerField(default=0)  # looks in a row that found nothing
    fence = models.PositiveIntegerField(default=0)
    wake_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(default=NEVER_LEASED)
    created_at = models.DateTimeField()
    began_at = models.DateTimeField(null=True)  # when we first asked AWS for it
    seen_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)

    objects = ResourceQuerySet.as_manager()

    class Meta:
        ordering = ["generation", "position"]
        constraints = [
            models.UniqueConstraint(fields=["generation", "key"], name="resource_key_once"),
            models.UniqueConstraint(fields=["kind", "name"], name="resource_name_once"),
        ]
        indexes = [
            models.Index(
                fields=["wake_at", "id"],
                name="resource_awake",
                condition=Q(wake_at__isnull=False),
            )
        ]


class Span(models.Model):
    """A stretch of time in which the reconciler saw a paid resource in service at one capacity.

    `capacity` counts instances or model units. `seen_until` moves forward with every look;
    `ended_at` closes the span when the capacity changes or the resource goes.
    """

    resource = models.ForeignKey(Resource, models.CASCADE, related_name="spans")
    sku = models.CharField(max_length=160)
    capacity = models.DecimalField(max_digits=12, decimal_places=3)
    started_at = models.DateTimeField()
    seen_until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["resource"], condition=Q(ended_at__isnull=True), name="span_open_once"
            ),
            models.CheckConstraint(
                condition=Q(seen_until__gte=models.F("started_at")), name="span_forward"
            ),
        ]


class Event(models.Model):
    """What happened to a deployment, in order; append-only.

    `words` is what AWS (or a person) said, `meaning` what it means, `advice` what to do.
    """

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="events")
    generation = models.ForeignKey(Generation, models.CASCADE, null=True, related_name="+")
    resource = models.ForeignKey(Resource, models.CASCADE, null=True, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    words = models.TextField(blank=True)
    meaning = models.TextField(blank=True)
    advice = models.TextField(blank=True)

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["deployment", "-at", "-id"], name="event_newest")]

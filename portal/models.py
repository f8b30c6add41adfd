"""Who (people, teams, keys), what (features), and what was done (the audit)."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.urls import reverse

from portal.access import EVERYWHERE, Actor, Role

FAR = datetime(9999, 1, 1, tzinfo=UTC)


def roles() -> list[tuple[str, str]]:
    """Choices as a callable: a new role needs no migration."""
    return [(role.value, role.value) for role in Role]


class Organisation(models.Model):
    """The one organisation of this installation."""

    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True)
    created_at = models.DateTimeField()
    is_only = models.BooleanField(default=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_only"], name="organisation_one"),
            models.CheckConstraint(condition=Q(is_only=True), name="organisation_only"),
        ]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person who signs in with an e-mail address."""

    email = models.EmailField(unique=True)

    def __str__(self) -> str:
        return self.get_full_name() or self.email


class Team(models.Model):
    """Owns features, and answers for what they cost."""

    slug = models.SlugField(unique=True, max_length=40)
    name = models.CharField(max_length=100)
    cost_centre = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField()
    members = models.ManyToManyField(User, through="Membership", related_name="teams")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("portal:team", args=[self.slug])


class Membership(models.Model):
    """A person's role: in one team, or (platform, finance) everywhere."""

    user = models.ForeignKey(User, models.CASCADE)
    team = models.ForeignKey(Team, models.CASCADE, null=True, blank=True)
    role = models.CharField(max_length=20, choices=roles)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "team"], condition=Q(team__isnull=False), name="membership_once"
            ),
            models.UniqueConstraint(
                fields=["user", "role"], condition=Q(team__isnull=True), name="membership_role_once"
            ),
            models.CheckConstraint(
                condition=Q(team__isnull=True, role__in=[role.value for role in EVERYWHERE])
                | Q(team__isnull=False, role__in=[Role.LEAD.value, Role.MEMBER.value]),
                name="membership_role_fits",
            ),
        ]


class ApiKey(models.Model):
    """A secret for automation: only its SHA-256 is kept, it expires, and it is shown once."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    secret_sha256 = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)


class FeatureQuerySet(models.QuerySet["Feature"]):
    def visible_to(self, actor: Actor) -> FeatureQuerySet:
        """Keep what the actor may see; nothing for a stranger."""
        if actor.sees_everything:
            return self
        return self.filter(team_id__in=list(actor.team_roles))


class Feature(models.Model):
    """One AI capability of a product."""

    team = models.ForeignKey(Team, models.PROTECT, related_name="features")
    slug = models.SlugField(unique=True, max_length=40)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, max_length=2000)
    cost_centre = models.CharField(max_length=40, blank=True)
    data_class = models.CharField(max_length=20, default="internal")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = FeatureQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        indexes = [models.Index(fields=["team", "name"], name="feature_of_team")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("portal:feature", args=[self.slug])


class AuditEvent(models.Model):
    """One thing somebody did; written in the same transaction, never changed."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=200)
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, related_name="+")
    team = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="+")
    verb = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    sentence = models.TextField()
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["-at", "-id"], name="audit_newest"),
            models.Index(fields=["team", "-at", "-id"], name="audit_of_team"),
            models.Index(fields=["subject", "-at", "-id"], name="audit_of_subject"),
        ]


class IdempotentReply(models.Model):
    """The answer once given to a POST with an Idempotency-Key, kept to be given again."""

    owner = models.CharField(max_length=80)
    key = models.CharField(max_length=200)
    request_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="idempotent_reply_once")
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotent_reply_age")]

"""The books: dated prices, metered usage, charges, and the money held and allowed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.domain import money, skus
from portal.models import Feature, Team, User


class PriceRow(models.Model):
    """A price in force from a moment until the next row of its SKU; never edited."""

    region = models.CharField(max_length=30)
    sku = models.CharField(max_length=160)
    unit = models.CharField(max_length=30)
    per = models.DecimalField(max_digits=20, decimal_places=0)
    usd = models.DecimalField(max_digits=24, decimal_places=12)
    kind = models.CharField(max_length=10)
    source = models.TextField()
    as_of = models.DateField()
    is_example = models.BooleanField(default=False)
    effective_from = models.DateTimeField()
    entered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    entered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["region", "sku", "effective_from"], name="price_one_at_a_time"
            ),
            models.CheckConstraint(condition=Q(usd__gte=0), name="price_not_negative"),
            models.CheckConstraint(condition=Q(per__gt=0), name="price_per_positive"),
        ]

    @property
    def label(self) -> str:
        """Return the SKU in words."""
        return skus.label_of(self.sku)

    @property
    def unit_words(self) -> str:
        """Return what people call many of the unit."""
        return skus.words_of(self.unit)

    @property
    def exact_usd(self) -> str:
        """Return every digit of the price: a rounded price would be another price."""
        return money.exact(self.usd)


class UsageEvent(models.Model):
    """A metered quantity with an id of its own; asked twice, it counts once. Append-only.

    `uid` is derived from source and interval. `deployment`, `tier` and `resource` are text:
    the books are told, they never go looking.
    """

    uid = models.CharField(max_length=250, unique=True)
    fingerprint = models.CharField(max_length=64)
    feature = models.ForeignKey(Feature, models.PROTECT, related_name="+")
    deployment = models.CharField(max_length=63)
    environment = models.CharField(max_length=20)
    tier = models.CharField(max_length=40)
    model = models.CharField(max_length=120, blank=True)
    resource = models.CharField(max_length=250)
    sku = models.CharField(max_length=160)
    quantity = models.DecimalField(max_digits=28, decimal_places=9)
    unit = models.CharField(max_length=30)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gte=0), name="usage_not_negative"),
            models.CheckConstraint(
                condition=Q(ended_at__gt=models.F("started_at")), name="usage_forward"
            ),
        ]
        indexes = [
            models.Index(fields=["feature", "-started_at", "-id"], name="usage_of_feature"),
            models.Index(fields=["-started_at", "-id"], name="usage_newest"),
        ]


class UsageRefusal(models.Model):
    """Usage that was not booked: what was sent, why, and how often; finance sees it."""

    uid = models.CharField(max_length=250)
    fingerprint = models.CharField(max_length=64)
    code = models.CharField(max_length=40)
    sentence = models.TextField()
    body = models.JSONField()
    feature = models.ForeignKey(Feature, models.PROTECT, null=True, related_name="+")
    times = models.PositiveIntegerField(default=1)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["uid", "fingerprint"], name="usage_refusal_once")
        ]
        indexes = [models.Index(fields=["-last_seen_at", "-id"], name="usage_refusal_newest")]


class Charge(models.Model):
    """Usage of one hour times one dated price; the ledger. Append-only: a correction is a new row.

    One row per recorded batch, hour, deployment, SKU and price: `quantity` is what that batch
    added. `price` is null while the SKU has no price: the quantity waits, visible, at 0 USD. When a
    price arrives, a correction of quantity 0 adds the money of the row it `corrects`.
    """

    hour = models.DateTimeField()
    feature = models.ForeignKey(Feature, models.PROTECT, related_name="+")
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    deployment = models.CharField(max_length=63)
    environment = models.CharField(max_length=20)
    tier = models.CharField(max_length=40)
    model = models.CharField(max_length=120, blank=True)
    sku = models.CharField(max_length=160)
    unit = models.CharField(max_length=30)
    quantity = models.DecimalField(max_digits=28, decimal_places=9)
    price = models.ForeignKey(PriceRow, models.PROTECT, null=True, related_name="+")
    usd = models.DecimalField(max_digits=24, decimal_places=12)
    kind = models.CharField(max_length=12, default="usage")
    corrects = models.OneToOneField("self", models.PROTECT, null=True, related_name="correction")
    booked_at = models.DateTimeField()

    class Meta:
        ordering = ["-hour", "-pk"]
        indexes = [
            models.Index(fields=["-hour", "-id"], name="charge_newest"),
            models.Index(fields=["team", "-hour", "-id"], name="charge_of_team"),
            models.Index(fields=["feature", "-hour", "-id"], name="charge_of_feature"),
            models.Index(fields=["deployment", "-hour", "-id"], name="charge_of_deployment"),
            models.Index(fields=["sku"], name="charge_unpriced", condition=Q(price__isnull=True)),
        ]

    @property
    def label(self) -> str:
        """Return the SKU in words."""
        return skus.label_of(self.sku)

    @property
    def unit_words(self) -> str:
        """Return what people call many of the unit."""
        return skus.words_of(self.unit)


class SpendHour(models.Model):
    """The roll-up every page reads: the sum of charges by hour, deployment and SKU.

    Written in the transaction that writes the charges, so it always equals their sum, also by team,
    feature, tier, model and environment: a deployment may change any of these within an hour.
    """

    hour = models.DateTimeField()
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    feature = models.ForeignKey(Feature, models.PROTECT, related_name="+")
    deployment = models.CharField(max_length=63)
    environment = models.CharField(max_length=20)
    tier = models.CharField(max_length=40)
    model = models.CharField(max_length=120, blank=True)
    sku = models.CharField(max_length=160)
    quantity = models.DecimalField(max_digits=28, decimal_places=9)
    usd = models.DecimalField(max_digits=24, decimal_places=12)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "hour",
                    "deployment",
                    "sku",
                    "tier",
                    "model",
                    "environment",
                    "feature",
                    "team",
                ],
                name="spend_hour_once",
            )
        ]
        indexes = [
            models.Index(fields=["team", "hour"], name="spend_of_team"),
            models.Index(fields=["feature", "hour"], name="spend_of_feature"),
        ]


class SpendDay(models.Model):
    """The same roll-up by day: what month-to-date pages add up."""

    day = models.DateField()
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    feature = models.ForeignKey(Feature, models.PROTECT, related_name="+")
    deployment = models.CharField(max_length=63)
    environment = models.CharField(max_length=20)
    tier = models.CharField(max_length=40)
    model = models.CharField(max_length=120, blank=True)
    usd = models.DecimalField(max_digits=24, decimal_places=12)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "deployment", "tier", "model", "environment", "feature", "team"],
                name="spend_day_once",
            )
        ]
        indexes = [
            models.Index(fields=["team", "day"], name="spend_day_of_team"),
            models.Index(fields=["feature", "day"], name="spend_day_of_feature"),
        ]


class Budget(models.Model):
    """What may be spent in a month: of a team, or (team null) of the organisation.

    Never edited: a change is a new row with a later `set_at`; the newest row holds.
    """

    team = models.ForeignKey(Team, models.PROTECT, null=True, related_name="+")
    monthly_usd = models.DecimalField(max_digits=16, decimal_places=2)
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(monthly_usd__gte=0), name="budget_not_negative")
        ]
        indexes = [models.Index(fields=["team", "-set_at"], name="budget_newest")]


class BudgetLock(models.Model):
    """One row that everyone who reserves money locks first, so that two cannot overspend."""

    name = models.CharField(max_length=20, unique=True)


class Reservation(models.Model):
    """Money held for a deployment: its expected monthly cost, until it is released."""

    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    feature = models.ForeignKey(Feature, models.PROTECT, related_name="+")
    deployment = models.CharField(max_length=63)
    monthly_usd = models.DecimalField(max_digits=24, decimal_places=12)
    held_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["deployment"],
                condition=Q(released_at__isnull=True),
                name="reservation_held_once",
            ),
            models.CheckConstraint(
                condition=Q(monthly_usd__gte=0), name="reservation_not_negative"
            ),
        ]
        indexes = [
            models.Index(
                fields=["team"], name="reservation_held", condition=Q(released_at__isnull=True)
            )
        ]


class Watermark(models.Model):
    """How far a meter has read its source; it only moves forward."""

    source = models.CharField(max_length=250, unique=True)
    read_to = models.DateTimeField()
    read_at = models.DateTimeField()

"""The tables of the books."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("portal", "0001_people_teams_features"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BudgetLock",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=20, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Watermark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=250, unique=True)),
                ("read_to", models.DateTimeField()),
                ("read_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="PriceRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("region", models.CharField(max_length=30)),
                ("sku", models.CharField(max_length=160)),
                ("unit", models.CharField(max_length=30)),
                ("per", models.DecimalField(decimal_places=0, max_digits=20)),
                ("usd", models.DecimalField(decimal_places=12, max_digits=24)),
                ("kind", models.CharField(max_length=10)),
                ("source", models.TextField()),
                ("as_of", models.DateField()),
                ("is_example", models.BooleanField(default=False)),
                ("effective_from", models.DateTimeField()),
                ("entered_at", models.DateTimeField()),
                (
                    "entered_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Charge",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("deployment", models.CharField(max_length=63)),
                ("environment", models.CharField(max_length=20)),
                ("tier", models.CharField(max_length=40)),
                ("model", models.CharField(blank=True, max_length=120)),
                ("sku", models.CharField(max_length=160)),
                ("unit", models.CharField(max_length=30)),
                ("quantity", models.DecimalField(decimal_places=9, max_digits=28)),
                ("usd", models.DecimalField(decimal_places=12, max_digits=24)),
                ("kind", models.CharField(default="usage", max_length=12)),
                ("booked_at", models.DateTimeField()),
                (
                    "corrects",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="correction",
                        to="billing.charge",
                    ),
                ),
                (
                    "feature",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.feature",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.team",
                    ),
                ),
                (
                    "price",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.pricerow",
                    ),
                ),
            ],
            options={
                "ordering": ["-hour", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("deployment", models.CharField(max_length=63)),
                ("monthly_usd", models.DecimalField(decimal_places=12, max_digits=24)),
                ("held_at", models.DateTimeField()),
                ("released_at", models.DateTimeField(null=True)),
                (
                    "feature",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.feature",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.team",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SpendDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("deployment", models.CharField(max_length=63)),
                ("environment", models.CharField(max_length=20)),
                ("tier", models.CharField(max_length=40)),
                ("model", models.CharField(blank=True, max_length=120)),
                ("usd", models.DecimalField(decimal_places=12, max_digits=24)),
                (
                    "feature",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.feature",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.team",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SpendHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("deployment", models.CharField(max_length=63)),
                ("environment", models.CharField(max_length=20)),
                ("tier", models.CharField(max_length=40)),
                ("model", models.CharField(blank=True, max_length=120)),
                ("sku", models.CharField(max_length=160)),
                ("quantity", models.DecimalField(decimal_places=9, max_digits=28)),
                ("usd", models.DecimalField(decimal_places=12, max_digits=24)),
                (
                    "feature",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.feature",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.team",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UsageEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.CharField(max_length=250, unique=True)),
                ("fingerprint", models.CharField(max_length=64)),
                ("deployment", models.CharField(max_length=63)),
                ("environment", models.CharField(max_length=20)),
                ("tier", models.CharField(max_length=40)),
                ("model", models.CharField(blank=True, max_length=120)),
                ("resource", models.CharField(max_length=250)),
                ("sku", models.CharField(max_length=160)),
                ("quantity", models.DecimalField(decimal_places=9, max_digits=28)),
                ("unit", models.CharField(max_length=30)),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                (
                    "feature",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.feature",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UsageRefusal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uid", models.CharField(max_length=250)),
                ("fingerprint", models.CharField(max_length=64)),
                ("code", models.CharField(max_length=40)),
                ("sentence", models.TextField()),
                ("body", models.JSONField()),
                ("times", models.PositiveIntegerField(default=1)),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                (
                    "feature",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.feature",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Budget",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("monthly_usd", models.DecimalField(decimal_places=2, max_digits=16)),
                ("set_at", models.DateTimeField()),
                ("set_by", models.CharField(max_length=200)),
                (
                    "team",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.team",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["team", "-set_at"], name="budget_newest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("monthly_usd__gte", 0)), name="budget_not_negative"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="pricerow",
            constraint=models.UniqueConstraint(
                fields=("region", "sku", "effective_from"), name="price_one_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="pricerow",
            constraint=models.CheckConstraint(
                condition=models.Q(("usd__gte", 0)), name="price_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="pricerow",
            constraint=models.CheckConstraint(
                condition=models.Q(("per__gt", 0)), name="price_per_positive"
            ),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(fields=["-hour", "-id"], name="charge_newest"),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(fields=["team", "-hour", "-id"], name="charge_of_team"),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(fields=["feature", "-hour", "-id"], name="charge_of_feature"),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(fields=["deployment", "-hour", "-id"], name="charge_of_deployment"),
        ),
        migrations.AddIndex(
            model_name="charge",
            index=models.Index(
                condition=models.Q(("price__isnull", True)), fields=["sku"], name="charge_unpriced"
            ),
        ),
        migrations.AddIndex(
            model_name="reservation",
            index=models.Index(
                condition=models.Q(("released_at__isnull", True)),
                fields=["team"],
                name="reservation_held",
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("released_at__isnull", True)),
                fields=("deployment",),
                name="reservation_held_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(("monthly_usd__gte", 0)), name="reservation_not_negative"
            ),
        ),
        migrations.AddIndex(
            model_name="spendday",
            index=models.Index(fields=["team", "day"], name="spend_day_of_team"),
        ),
        migrations.AddIndex(
            model_name="spendday",
            index=models.Index(fields=["feature", "day"], name="spend_day_of_feature"),
        ),
        migrations.AddConstraint(
            model_name="spendday",
            constraint=models.UniqueConstraint(
                fields=("day", "deployment", "tier", "model", "environment", "feature", "team"),
                name="spend_day_once",
            ),
        ),
        migrations.AddIndex(
            model_name="spendhour",
            index=models.Index(fields=["team", "hour"], name="spend_of_team"),
        ),
        migrations.AddIndex(
            model_name="spendhour",
            index=models.Index(fields=["feature", "hour"], name="spend_of_feature"),
        ),
        migrations.AddConstraint(
            model_name="spendhour",
            constraint=models.UniqueConstraint(
                fields=(
                    "hour",
                    "deployment",
                    "sku",
                    "tier",
                    "model",
                    "environment",
                    "feature",
                    "team",
                ),
                name="spend_hour_once",
            ),
        ),
        migrations.AddIndex(
            model_name="usageevent",
            index=models.Index(fields=["feature", "-started_at", "-id"], name="usage_of_feature"),
        ),
        migrations.AddIndex(
            model_name="usageevent",
            index=models.Index(fields=["-started_at", "-id"], name="usage_newest"),
        ),
        migrations.AddConstraint(
            model_name="usageevent",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gte", 0)), name="usage_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="usageevent",
            constraint=models.CheckConstraint(
                condition=models.Q(("ended_at__gt", models.F("started_at"))), name="usage_forward"
            ),
        ),
        migrations.AddIndex(
            model_name="usagerefusal",
            index=models.Index(fields=["-last_seen_at", "-id"], name="usage_refusal_newest"),
        ),
        migrations.AddConstraint(
            model_name="usagerefusal",
            constraint=models.UniqueConstraint(
                fields=("uid", "fingerprint"), name="usage_refusal_once"
            ),
        ),
    ]

# Trainings as rows, and what watches over drift.

import datetime

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cascade", "0002_money_of_scopes"),
    ]

    operations = [
        migrations.CreateModel(
            name="DriftWatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("policy", models.PositiveIntegerField()),
                ("name", models.CharField(max_length=30)),
                ("reference", models.JSONField(null=True)),
                ("sums", models.JSONField(default=list)),
                ("seen", models.PositiveIntegerField(default=0)),
                ("read_to", models.BigIntegerField(default=0)),
                (
                    "cascade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="watches",
                        to="cascade.cascade",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("cascade", "policy", "name"), name="drift_watch_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Training",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=10)),
                ("body", models.JSONField()),
                ("request", models.JSONField()),
                ("state", models.CharField(default="waiting", max_length=10)),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("result", models.JSONField(null=True)),
                ("words", models.TextField(blank=True)),
                ("made_at", models.DateTimeField()),
                ("made_by", models.CharField(max_length=200)),
                (
                    "leased_until",
                    models.DateTimeField(
                        default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.UTC)
                    ),
                ),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "cascade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="trainings",
                        to="cascade.cascade",
                    ),
                ),
            ],
            options={
                "ordering": ["-made_at", "-pk"],
                "indexes": [
                    models.Index(fields=["cascade", "-made_at", "-id"], name="training_newest"),
                    models.Index(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=["leased_until"],
                        name="training_open",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("ended_at__isnull", False), ("state__in", ("done", "failed"))
                            ),
                            models.Q(
                                ("ended_at__isnull", True),
                                models.Q(("state__in", ("done", "failed")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="training_ends_once",
                    )
                ],
            },
        ),
    ]

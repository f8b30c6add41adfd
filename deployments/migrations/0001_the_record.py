"""The tables of the record."""

import datetime

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import deployments.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("portal", "0001_people_teams_features"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Deployment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=40, unique=True)),
                (
                    "environment",
                    models.CharField(choices=deployments.models.environments, max_length=20),
                ),
                ("is_wanted", models.BooleanField(default=True)),
                (
                    "state",
                    models.CharField(
                        choices=deployments.models.states, default="pending", max_length=12
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("retired_at", models.DateTimeField(null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "feature",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deployments",
                        to="portal.feature",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Generation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("option", models.JSONField()),
                ("tier", models.CharField(max_length=40)),
                ("model", models.CharField(max_length=120)),
                ("monthly_usd", models.DecimalField(decimal_places=12, max_digits=24)),
                ("is_wanted", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=200)),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="generations",
                        to="deployments.deployment",
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
            },
        ),
        migrations.AddField(
            model_name="deployment",
            name="current",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="deployments.generation",
            ),
        ),
        migrations.CreateModel(
            name="Recommendation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=200)),
                ("prices_as_of", models.DateField()),
                ("pick", models.CharField(blank=True, max_length=200)),
                ("tree_pick", models.CharField(blank=True, max_length=200)),
                ("explanation", models.JSONField()),
                ("options", models.JSONField()),
                (
                    "feature",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="recommendations",
                        to="portal.feature",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-pk"],
            },
        ),
        migrations.AddField(
            model_name="generation",
            name="recommendation",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="deployments.recommendation",
            ),
        ),
        migrations.CreateModel(
            name="Resource",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=40)),
                ("kind", models.CharField(max_length=60)),
                ("name", models.CharField(max_length=250)),
                ("spec", models.JSONField()),
                ("needs", models.JSONField(default=list)),
                ("position", models.PositiveSmallIntegerField()),
                ("is_wanted", models.BooleanField(default=True)),
                (
                    "phase",
                    models.CharField(
                        choices=deployments.models.phases, default="pending", max_length=10
                    ),
                ),
                ("outputs", models.JSONField(default=dict)),
                ("detail", models.TextField(blank=True)),
                ("code", models.CharField(blank=True, max_length=80)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("absences", models.PositiveSmallIntegerField(default=0)),
                ("fence", models.PositiveIntegerField(default=0)),
                ("wake_at", models.DateTimeField(null=True)),
                (
                    "leased_until",
                    models.DateTimeField(
                        default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.UTC)
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("began_at", models.DateTimeField(null=True)),
                ("seen_at", models.DateTimeField(null=True)),
                ("ready_at", models.DateTimeField(null=True)),
                ("gone_at", models.DateTimeField(null=True)),
                (
                    "generation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="resources",
                        to="deployments.generation",
                    ),
                ),
            ],
            options={
                "ordering": ["generation", "position"],
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("kind", models.CharField(max_length=40)),
                ("words", models.TextField(blank=True)),
                ("meaning", models.TextField(blank=True)),
                ("advice", models.TextField(blank=True)),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="deployments.deployment",
                    ),
                ),
                (
                    "generation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="deployments.generation",
                    ),
                ),
                (
                    "resource",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="deployments.resource",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Span",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sku", models.CharField(max_length=160)),
                ("capacity", models.DecimalField(decimal_places=3, max_digits=12)),
                ("started_at", models.DateTimeField()),
                ("seen_until", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "resource",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="spans",
                        to="deployments.resource",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TrafficRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("seed", models.PositiveIntegerField(default=7)),
                ("shape", models.JSONField(null=True)),
                ("load_seconds", models.PositiveIntegerField()),
                ("speed", models.DecimalField(decimal_places=2, max_digits=10)),
                ("max_requests", models.PositiveIntegerField(default=300)),
                ("planned", models.PositiveIntegerField(default=0)),
                ("arrivals", models.PositiveBigIntegerField(default=0)),
                ("sent", models.PositiveIntegerField(default=0)),
                ("answered", models.PositiveIntegerField(default=0)),
                ("throttled", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
                ("latency_ms", models.JSONField(default=dict)),
                ("note", models.TextField(blank=True)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=200)),
                ("started_at", models.DateTimeField(null=True)),
                (
                    "leased_until",
                    models.DateTimeField(
                        default=datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.UTC)
                    ),
                ),
                ("ended_at", models.DateTimeField(null=True)),
                ("stop_requested", models.BooleanField(default=False)),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="traffic_runs",
                        to="deployments.deployment",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="WorkloadRow",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("body", models.JSONField()),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=200)),
                (
                    "feature",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="workloads",
                        to="portal.feature",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="recommendation",
            name="workload",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="deployments.workloadrow"
            ),
        ),
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(fields=["feature", "-created_at"], name="deployment_of_feature"),
        ),
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(fields=["state", "-created_at"], name="deployment_in_state"),
        ),
        migrations.AddConstraint(
            model_name="deployment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_wanted", True)),
                fields=("feature", "environment"),
                name="deployment_one_per_environment",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.UniqueConstraint(
                fields=("deployment", "number"), name="generation_once"
            ),
        ),
        migrations.AddIndex(
            model_name="resource",
            index=models.Index(
                condition=models.Q(("wake_at__isnull", False)),
                fields=["wake_at", "id"],
                name="resource_awake",
            ),
        ),
        migrations.AddConstraint(
            model_name="resource",
            constraint=models.UniqueConstraint(
                fields=("generation", "key"), name="resource_key_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="resource",
            constraint=models.UniqueConstraint(fields=("kind", "name"), name="resource_name_once"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["deployment", "-at", "-id"], name="event_newest"),
        ),
        migrations.AddConstraint(
            model_name="span",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("resource",),
                name="span_open_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="span",
            constraint=models.CheckConstraint(
                condition=models.Q(("seen_until__gte", models.F("started_at"))), name="span_forward"
            ),
        ),
        migrations.AddConstraint(
            model_name="trafficrun",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("deployment",),
                name="traffic_one_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="workloadrow",
            constraint=models.UniqueConstraint(
                fields=("feature", "version"), name="workload_version_once"
            ),
        ),
        migrations.AddIndex(
            model_name="recommendation",
            index=models.Index(fields=["feature", "-created_at"], name="recommendation_newest"),
        ),
    ]

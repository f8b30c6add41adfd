# The cascade: policies, keys, what happened, and the work over it.

import datetime

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import deployments.models.record


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("portal", "0001_people_teams_features"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                ("version", models.BigAutoField(primary_key=True, serialize=False)),
                ("digest", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="UnreadEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("entry", models.CharField(max_length=40, unique=True)),
                ("body", models.TextField()),
                ("why", models.TextField()),
                ("seen_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Cascade",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "environment",
                    models.CharField(choices=deployments.models.record.environments, max_length=20),
                ),
                ("slug", models.SlugField(max_length=63, unique=True)),
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
                        related_name="cascades",
                        to="portal.feature",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Calibration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("body", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
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
                ("applied_at", models.DateTimeField(null=True)),
                (
                    "cascade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="calibrations",
                        to="cascade.cascade",
                    ),
                ),
            ],
            options={
                "ordering": ["-made_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(unique=True)),
                ("trial_uuid", models.UUIDField()),
                ("at", models.DateTimeField()),
                ("key", models.CharField(max_length=12)),
                ("policy", models.PositiveIntegerField()),
                ("number", models.PositiveSmallIntegerField()),
                ("role", models.CharField(max_length=12)),
                ("stage", models.CharField(blank=True, max_length=40)),
                ("model", models.CharField(max_length=120)),
                ("deployment", models.CharField(blank=True, max_length=63)),
                ("outcome", models.CharField(max_length=12)),
                ("trouble", models.CharField(blank=True, max_length=40)),
                ("input_tokens", models.PositiveBigIntegerField(default=0)),
                ("output_tokens", models.PositiveBigIntegerField(default=0)),
                ("cached_tokens", models.PositiveBigIntegerField(default=0)),
                ("usd", models.DecimalField(decimal_places=12, max_digits=24)),
                ("micro", models.PositiveBigIntegerField()),
                ("latency_ms", models.PositiveIntegerField(default=0)),
                ("price_version", models.CharField(max_length=64)),
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
                    "cascade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="cascade.cascade",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=30)),
                ("sentence", models.TextField()),
                ("figures", models.JSONField(default=dict)),
                ("action", models.TextField(blank=True)),
                ("at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("closed_by", models.CharField(blank=True, max_length=200)),
                (
                    "cascade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="alerts",
                        to="cascade.cascade",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="CascadeHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("policy", models.PositiveIntegerField()),
                ("requests", models.PositiveBigIntegerField(default=0)),
                ("answered", models.PositiveBigIntegerField(default=0)),
                ("short", models.PositiveBigIntegerField(default=0)),
                ("failed", models.PositiveBigIntegerField(default=0)),
                ("refused", models.PositiveBigIntegerField(default=0)),
                ("cancelled", models.PositiveBigIntegerField(default=0)),
                ("streamed", models.PositiveBigIntegerField(default=0)),
                ("escalated", models.PositiveBigIntegerField(default=0)),
                ("usd", models.DecimalField(decimal_places=12, default=0, max_digits=24)),
                ("shadow_usd", models.DecimalField(decimal_places=12, default=0, max_digits=24)),
                ("baseline_usd", models.DecimalField(decimal_places=12, default=0, max_digits=24)),
                ("latency", models.JSONField(default=dict)),
                ("first_token", models.JSONField(default=dict)),
                (
                    "cascade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="cascade.cascade",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Draft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("body", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                ("note", models.TextField(blank=True)),
                ("edition", models.PositiveIntegerField(default=1)),
                ("updated_by", models.CharField(max_length=200)),
                ("updated_at", models.DateTimeField()),
                (
                    "cascade",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="draft",
                        to="cascade.cascade",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="FeatureLimit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("monthly_usd", models.DecimalField(decimal_places=6, max_digits=16, null=True)),
                ("set_by", models.CharField(max_length=200)),
                ("set_at", models.DateTimeField()),
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
            name="Replay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("body", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
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
                        related_name="replays",
                        to="cascade.cascade",
                    ),
                ),
            ],
            options={
                "ordering": ["-made_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("body", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                ("note", models.TextField(blank=True)),
                ("made_by", models.CharField(max_length=200)),
                ("made_at", models.DateTimeField()),
                (
                    "cascade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="policies",
                        to="cascade.cascade",
                    ),
                ),
                (
                    "replay",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cascade.replay",
                    ),
                ),
            ],
            options={
                "ordering": ["-number"],
            },
        ),
        migrations.CreateModel(
            name="Rollout",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("step", models.CharField(max_length=12)),
                ("canary_share", models.FloatField(default=0)),
                ("why", models.TextField(blank=True)),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                (
                    "canary",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cascade.policyversion",
                    ),
                ),
                (
                    "cascade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rollouts",
                        to="cascade.cascade",
                    ),
                ),
                (
                    "live",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cascade.policyversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="StageHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("policy", models.PositiveIntegerField()),
                ("role", models.CharField(max_length=12)),
                ("stage", models.CharField(blank=True, max_length=40)),
                ("model", models.CharField(blank=True, max_length=120)),
                ("attempts", models.PositiveBigIntegerField(default=0)),
                ("failed", models.PositiveBigIntegerField(default=0)),
                ("answered", models.PositiveBigIntegerField(default=0)),
                ("rejected", models.PositiveBigIntegerField(default=0)),
                ("input_tokens", models.PositiveBigIntegerField(default=0)),
                ("output_tokens", models.PositiveBigIntegerField(default=0)),
                ("cached_tokens", models.PositiveBigIntegerField(default=0)),
                ("usd", models.DecimalField(decimal_places=12, default=0, max_digits=24)),
                ("micro", models.PositiveBigIntegerField(default=0)),
                ("saved_usd", models.DecimalField(decimal_places=12, default=0, max_digits=24)),
                (
                    "cascade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="cascade.cascade",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Trial",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(unique=True)),
                ("at", models.DateTimeField()),
                ("key", models.CharField(max_length=12)),
                ("policy", models.PositiveIntegerField()),
                ("is_canary", models.BooleanField(default=False)),
                ("status", models.CharField(max_length=12)),
                ("http", models.PositiveSmallIntegerField()),
                ("stage", models.CharField(blank=True, max_length=40)),
                ("plan", models.JSONField(default=dict)),
                ("tried", models.JSONField(default=list)),
                ("prompt", models.TextField(blank=True)),
                ("answer", models.TextField(blank=True)),
                ("is_streamed", models.BooleanField(default=False)),
                ("first_token_ms", models.PositiveIntegerField(null=True)),
                ("latency_ms", models.PositiveIntegerField(default=0)),
                ("overhead_ms", models.FloatField(default=0)),
                ("escalations", models.PositiveSmallIntegerField(default=0)),
                ("usd", models.DecimalField(decimal_places=12, max_digits=24)),
                ("shadow_usd", models.DecimalField(decimal_places=12, max_digits=24)),
                ("baseline_model", models.CharField(blank=True, max_length=120)),
                ("baseline_usd", models.DecimalField(decimal_places=12, max_digits=24)),
                ("intent", models.CharField(blank=True, max_length=250)),
                (
                    "cascade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="trials",
                        to="cascade.cascade",
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
            ],
            options={
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Upload",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("source", models.TextField(blank=True)),
                ("trials", models.PositiveIntegerField()),
                ("model_keys", models.JSONField(default=list)),
                ("body", models.BinaryField()),
                ("kept_at", models.DateTimeField()),
                ("kept_by", models.CharField(max_length=200)),
                (
                    "cascade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="uploads",
                        to="cascade.cascade",
                    ),
                ),
            ],
            options={
                "ordering": ["-kept_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Verdict",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stage", models.CharField(max_length=40)),
                ("quality", models.FloatField()),
                ("source", models.CharField(max_length=10)),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
                ("note", models.TextField(blank=True)),
                (
                    "replaces",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="cascade.verdict",
                    ),
                ),
                (
                    "trial",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="verdicts",
                        to="cascade.trial",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["at", "pk"],
            },
        ),
        migrations.CreateModel(
            name="VirtualKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("prefix", models.CharField(max_length=12, unique=True)),
                ("secret_sha256", models.CharField(max_length=64, unique=True)),
                ("requests_per_minute", models.PositiveIntegerField(null=True)),
                ("tokens_per_minute", models.PositiveIntegerField(null=True)),
                ("max_output_tokens", models.PositiveIntegerField(null=True)),
                ("monthly_usd", models.DecimalField(decimal_places=6, max_digits=16, null=True)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=200)),
                ("expires_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("revoked_by", models.CharField(blank=True, max_length=200)),
                (
                    "cascade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="keys",
                        to="cascade.cascade",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Weights",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(max_length=10)),
                ("version", models.CharField(max_length=64)),
                ("body", models.BinaryField()),
                ("fit", models.JSONField(default=dict)),
                ("trained_at", models.DateTimeField()),
                ("trained_by", models.CharField(max_length=200)),
                (
                    "cascade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="weights",
                        to="cascade.cascade",
                    ),
                ),
            ],
            options={
                "ordering": ["-trained_at", "-pk"],
            },
        ),
        migrations.AddConstraint(
            model_name="cascade",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retired_at__isnull", True)),
                fields=("feature", "environment"),
                name="cascade_one_per_environment",
            ),
        ),
        migrations.AddIndex(
            model_name="calibration",
            index=models.Index(fields=["cascade", "-made_at", "-id"], name="calibration_newest"),
        ),
        migrations.AddIndex(
            model_name="calibration",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True)),
                fields=["leased_until"],
                name="calibration_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="calibration",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", False), ("state__in", ("done", "failed"))),
                    models.Q(
                        ("ended_at__isnull", True),
                        models.Q(("state__in", ("done", "failed")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="calibration_ends_once",
            ),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["at"], name="attempt_at"),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(fields=["cascade", "-at", "-id"], name="attempt_newest"),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(fields=["trial_uuid"], name="attempt_of_trial"),
        ),
        migrations.AddIndex(
            model_name="alert",
            index=models.Index(fields=["cascade", "-at", "-id"], name="alert_newest"),
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at__isnull", True)),
                fields=("cascade", "kind"),
                name="alert_open_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="cascadehour",
            constraint=models.UniqueConstraint(
                fields=("cascade", "hour", "policy"), name="cascade_hour_once"
            ),
        ),
        migrations.AddIndex(
            model_name="featurelimit",
            index=models.Index(fields=["feature", "-set_at"], name="feature_limit_newest"),
        ),
        migrations.AddConstraint(
            model_name="featurelimit",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("monthly_usd__isnull", True), ("monthly_usd__gte", 0), _connector="OR"
                ),
                name="feature_limit_not_negative",
            ),
        ),
        migrations.AddIndex(
            model_name="replay",
            index=models.Index(fields=["cascade", "-made_at", "-id"], name="replay_newest"),
        ),
        migrations.AddIndex(
            model_name="replay",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True)),
                fields=["leased_until"],
                name="replay_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="replay",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", False), ("state__in", ("done", "failed"))),
                    models.Q(
                        ("ended_at__isnull", True),
                        models.Q(("state__in", ("done", "failed")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="replay_ends_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.UniqueConstraint(
                fields=("cascade", "number"), name="policy_version_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="policyversion",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__gte", 1)), name="policy_version_counts"
            ),
        ),
        migrations.AddIndex(
            model_name="rollout",
            index=models.Index(fields=["cascade", "-at", "-id"], name="rollout_newest"),
        ),
        migrations.AddConstraint(
            model_name="rollout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("canary__isnull", True), ("canary_share", 0)),
                    models.Q(
                        ("canary__isnull", False), ("canary_share__gt", 0), ("canary_share__lt", 1)
                    ),
                    _connector="OR",
                ),
                name="rollout_share_of_a_canary",
            ),
        ),
        migrations.AddConstraint(
            model_name="rollout",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("canary__isnull", True),
                    models.Q(("canary", models.F("live")), _negated=True),
                    _connector="OR",
                ),
                name="rollout_canary_is_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="stagehour",
            constraint=models.UniqueConstraint(
                fields=("cascade", "hour", "policy", "role", "stage", "model"),
                name="stage_hour_once",
            ),
        ),
        migrations.AddIndex(
            model_name="trial",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["at"], name="trial_at"),
        ),
        migrations.AddIndex(
            model_name="trial",
            index=models.Index(fields=["cascade", "-at", "-id"], name="trial_newest"),
        ),
        migrations.AddIndex(
            model_name="trial",
            index=models.Index(fields=["cascade", "stage", "-at", "-id"], name="trial_of_stage"),
        ),
        migrations.AddConstraint(
            model_name="verdict",
            constraint=models.CheckConstraint(
                condition=models.Q(("quality__gte", 0), ("quality__lte", 1)),
                name="verdict_quality_is_a_share",
            ),
        ),
        migrations.AddConstraint(
            model_name="verdict",
            constraint=models.UniqueConstraint(
                condition=models.Q(("replaces__isnull", True)),
                fields=("trial", "stage", "source", "by"),
                name="verdict_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="virtualkey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("monthly_usd__isnull", True), ("monthly_usd__gte", 0), _connector="OR"
                ),
                name="virtual_key_limit_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="weights",
            constraint=models.UniqueConstraint(
                fields=("cascade", "version"), name="weights_version_once"
            ),
        ),
    ]

"""What a probe sent, one row a request, and the teams that have their models probed regularly."""

from __future__ import annotations

from django.db import models

from deployments.models.advice import Probe
from portal.models import Feature, Team


class ProbeRequest(models.Model):
    """One request of a probe: written down before it is sent, so that none is ever paid unseen.

    Until it was heard (`outcome` empty) `usd` is the most it can cost; then what it did cost.
    """

    probe = models.ForeignKey(Probe, models.CASCADE, related_name="asked")
    number = models.PositiveIntegerField()
    sent_at = models.DateTimeField()
    heard_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, blank=True)  # answered, throttled, failed, lost
    first_token_ms = models.FloatField(null=True)
    answer_ms = models.FloatField(null=True)
    tokens_per_s = models.FloatField(null=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    usd = models.DecimalField(max_digits=24, decimal_places=12)
    words = models.TextField(blank=True)  # AWS's, when it did not answer

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["probe", "number"], name="probe_request_once")
        ]


class ProbeSchedule(models.Model):
    """A team's wish to have the models it runs on probed again every so many days."""

    team = models.OneToOneField(Team, models.CASCADE, related_name="+")
    feature = models.ForeignKey(Feature, models.CASCADE, related_name="+")  # pays for it
    every_days = models.PositiveSmallIntegerField(default=7)
    requests = models.PositiveIntegerField()
    input_tokens = models.PositiveIntegerField()
    output_tokens = models.PositiveIntegerField()
    most_usd = models.DecimalField(max_digits=24, decimal_places=12)  # of one run
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=200)

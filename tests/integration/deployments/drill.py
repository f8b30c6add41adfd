"""A launch to practise on: rows, a clock that is moved by hand, a cloud, and a tireless worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from billing.models import Budget
from deployments import reconciler
from deployments.adapters.memory import Cloud
from deployments.domain.options import Option
from deployments.domain.records import option_to_json
from deployments.models import Deployment, Recommendation, Resource, WorkloadRow
from deployments.queries import operations
from deployments.usecases import launch
from portal.access import SYSTEM, Actor
from portal.models import Feature


@dataclass(slots=True)
class Clock:
    """The time, which moves when it is told to."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@dataclass(slots=True)
class Drill:
    """Everything a test of the reconciler needs."""

    feature: Feature
    clock: Clock
    cloud: Cloud = field(default_factory=Cloud)

    def budget(self, usd: int) -> None:
        """Set the organisation's budget."""
        Budget.objects.create(
            monthly_usd=Decimal(usd), set_at=self.clock.now, set_by="the controller"
        )

    def recommendation(self, *options: Option) -> Recommendation:
        """Keep a recommendation of these options, the first one picked."""
        version = WorkloadRow.objects.filter(feature=self.feature).count() + 1
        workload = WorkloadRow.objects.create(
            feature=self.feature,
            version=version,
            body={"region": "us-east-1"},
            created_at=self.clock.now,
            created_by="test",
        )
        return Recommendation.objects.create(
            feature=self.feature,
            workload=workload,
            created_at=self.clock.now,
            created_by="test",
            prices_as_of=self.clock.now.date(),
            pick=options[0].option_id,
            launch_pick=options[0].option_id,
            explanation=[],
            options=[option_to_json(each) for each in options],
        )

    def launch(
        self, option: Option, *, environment: str = "production", actor: Actor = SYSTEM, **more
    ) -> Deployment:
        """Launch an option."""
        found = self.recommendation(option)
        return launch.launch(
            actor=actor,
            feature=self.feature,
            recommendation_id=found.pk,
            option_id=option.option_id,
            environment=environment,
            now=self.clock.now,
            **more,
        )

    def step(self, resource_id: int) -> str:
        """Take one step with a resource, as a worker would."""
        try:
            outcome = reconciler.reconcile(
                resource_id=resource_id, clock=self.clock, find=self.cloud.target_for
            )
        except reconciler.Busy:
            return "busy"
        return outcome.step.value

    def sweep(self) -> int:
        """Take a step with everything that is due until nothing is; return how many."""
        taken = 0
        while due := operations.due_resources(now=self.clock.now):
            for pk in due:
                self.step(pk)
                taken += 1
            assert taken < 1000, "steps without end"
        return taken

    def run(self, rounds: int = 12, seconds: float = 60) -> None:
        """Sweep again and again while AWS goes on."""
        for _ in range(rounds):
            self.sweep()
            self.cloud.settle()
            self.clock.forward(seconds)
        self.sweep()

    def resource(self, key: str, generation: int | None = None) -> Resource:
        """Return a resource by its key, of the newest generation."""
        found = Resource.objects.filter(key=key).order_by("-generation__number")
        if generation is not None:
            found = found.filter(generation__number=generation)
        return found[0]


Build = Callable[..., Deployment]


def state(deployment: Deployment) -> str:
    return Deployment.objects.get(pk=deployment.pk).state

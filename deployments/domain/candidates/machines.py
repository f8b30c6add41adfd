"""Every tier that runs a model on machines: planned once, then offered tier by tier. Pure."""

from __future__ import annotations

from deployments.domain.candidates import gpu, seats, serverless
from deployments.domain.candidates.question import Question
from deployments.domain.options import Option


def options(question: Question) -> list[Option]:
    """Return the options of SageMaker, containers and own hardware."""
    models = seats.all_seats(question)
    return [*gpu.options(question, models), *serverless.options(question)]

"""What is kept as JSON comes back as it was."""

from __future__ import annotations

import json

import pytest

from deployments.domain.options import Option
from deployments.domain.records import (
    option_from_json,
    option_to_json,
    workload_from_json,
    workload_to_json,
)
from tests.unit.deployments.advice_facts import ask, of_scenario, scenario


@pytest.mark.parametrize("slug", list(scenario()))
def test_a_workload_survives_json(slug: str) -> None:
    workload = of_scenario(slug)

    assert workload_from_json(json.loads(json.dumps(workload_to_json(workload)))) == workload


def test_every_option_survives_json() -> None:
    options = ask(of_scenario("content-moderation")).options

    kept: list[Option] = [
        option_from_json(json.loads(json.dumps(option_to_json(option)))) for option in options
    ]

    assert tuple(kept) == options


def test_an_older_row_without_newer_fields_is_still_read() -> None:
    body = workload_to_json(of_scenario("chatbot"))
    del body["residency"], body["latency_of"]
    body["from_a_newer_release"] = 1

    workload = workload_from_json(body)

    assert workload.residency.value == "anywhere"
    assert workload.latency_of.value == "whole-answer"


def test_a_row_without_a_needed_field_is_no_workload() -> None:
    body = workload_to_json(of_scenario("chatbot"))
    del body["mean_rps"]

    with pytest.raises(KeyError, match="mean_rps"):
        workload_from_json(body)

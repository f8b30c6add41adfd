"""What is sent to a deployment, and how answers are counted."""

import pytest

from deployments.domain.invocation import Request, percentiles, prompt


def test_no_answers_have_no_percentiles():
    assert percentiles([]) == {}


def test_percentiles_are_answers_that_were_really_given():
    assert percentiles([40, 10, 20, 30]) == {"p50": 20, "p95": 40, "p99": 40}
    assert percentiles(list(range(1, 101))) == {"p50": 50, "p95": 95, "p99": 99}


@pytest.mark.parametrize("tokens", [20, 200, 3000])
def test_a_prompt_grows_word_by_word_with_its_tokens(tokens):
    text = prompt(Request(input_tokens=tokens, output_tokens=7))
    assert text.count("load ") == tokens - 12
    assert "[slipway tokens=7]" in text

"""Pretend models answer as well as they are good."""

import random

from sandbox.runtime import replies, skills

EASY = "Where is my order number {}?"
HARD = "Analyse a year of usage of account {} and draft an agreement."


def _bad_share(model: str, question: str) -> float:
    asked = [question.format(number) for number in range(400)]
    lapses = [skills.lapse(model, each, random.Random(f"{model}{each}")) for each in asked]
    return sum(1 for each in lapses if each) / len(lapses)


def test_a_small_model_fails_hard_questions_and_a_large_one_rarely():
    small, large = "amazon.nova-micro-v1:0", "anthropic.claude-opus-5-5"
    assert _bad_share(small, EASY) < 0.1
    assert _bad_share(small, HARD) > 0.8
    assert _bad_share(large, HARD) < 0.15


def test_a_mark_in_the_prompt_says_how_hard_it_is():
    assert skills.difficulty("hello [slipway difficulty=0.85]") == 0.85
    assert skills.difficulty("hello") < 0.2


def test_each_way_of_failing_can_be_told_from_the_text():
    found = {
        replies.say("amazon.nova-micro-v1:0", HARD.format(number), 200).text for number in range(60)
    }
    assert any("I can't help" in each or "I am not sure" in each for each in found)
    assert any("gardening" in each or "recipe" in each for each in found)


def test_the_same_question_gets_the_same_answer():
    first, second = (replies.say("amazon.nova-micro-v1:0", HARD, 200) for _ in range(2))
    assert first == second

"""What is broken gets nothing, what rules object to little, what nobody objects to much."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.domain.gate import literals
from cascade.domain.gate.agreement import Agreement, Kind
from cascade.domain.gate.assessing import (
    REFUSED,
    Verdict,
    assess,
    prefix,
    with_agreement,
    with_earlier,
    with_judgement,
)
from cascade.domain.gate.judge import JudgeReply
from cascade.domain.request import Stop, Tool
from tests.unit.cascade.gate.said import WEATHER, answered, asked, called

ORDER = asked("Where is my order 4711? I bought a lamp last week.")
CAPITAL = {
    "type": "object",
    "properties": {"capital": {"type": "string"}},
    "required": ["capital"],
    "additionalProperties": False,
}
GOOD = "Here is a short answer about order. Your order follows a clear next step as you asked."


def rules_of(verdict) -> set[str]:
    return {finding.rule for finding in verdict.findings}


def test_an_answer_nobody_objects_to_passes_the_usual_thresholds():
    verdict = assess(ORDER, answered("Your order 4711 with the lamp left our store on Monday."))
    assert verdict.findings == ()
    assert verdict.p_good > 0.95


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("I'm sorry, but I can't help with that. The team shows two open points.", "refusal"),
        ("As an AI language model, I cannot answer that.", "refusal"),
        ("I am not sure about this, please contact support. Your order is late.", "hedging"),
        ("Thanks for asking about gardening. The team shows a clear next step.", "topic"),
        ("In brief about the weather. Your order names the main idea for now.", "topic"),
        ("Good point about order. " + "The team needs the main idea once more. " * 6, "repetition"),
        ("Die Bestellung ist nicht mehr bei uns, sie kommt mit der Post und ist da.", "language"),
        ("Su pedido no está en el almacén, pero llega con el correo de la tarde.", "language"),
        ("Ваш заказ уже отправлен и скоро прибудет к вам домой.", "language"),
        ("Your order costs 12 * 3 = 37 dollars and the lamp is in it.", "arithmetic"),
    ],
)
def test_a_bad_answer_stays_below_every_threshold(text, rule):
    verdict = assess(ORDER, answered(text))
    assert rule in rules_of(verdict)
    assert verdict.p_good < 0.85


def test_a_good_answer_of_the_kind_that_pretend_models_give_passes():
    assert assess(ORDER, answered(GOOD)).p_good > 0.9


def test_an_apology_that_goes_on_to_answer_is_no_refusal():
    text = (
        "I'm sorry your order is late. I cannot find a delay at our side, the lamp is on its way."
    )
    assert "refusal" not in rules_of(assess(ORDER, answered(text)))


def test_an_answer_cut_by_a_stage_is_broken_and_one_cut_as_asked_is_not():
    cut = answered("Your order left on", stop=Stop.LENGTH, output=64)
    assert assess(ORDER, cut).p_good == 0
    wished = asked(ORDER.question, max_output_tokens=64)
    assert 0.5 < assess(wished, cut).p_good < 0.95


def test_a_filtered_answer_is_broken():
    assert assess(ORDER, answered("Your order", stop=Stop.FILTERED)).p_good == 0


@pytest.mark.parametrize(
    "text",
    [
        "Paris",
        '{"capital": 3}',
        "{}",
        '{"capital": "Paris", "river": "Seine"}',
        '{"capital": "Paris"',
        '{"capital": NaN}',
        "[" * 100_000,
    ],
)
def test_an_answer_that_breaks_the_demanded_schema_is_broken(text):
    verdict = assess(asked("Capital of France?", schema=CAPITAL), answered(text))
    assert verdict.p_good == 0
    assert rules_of(verdict) & {"json", "schema"}


@pytest.mark.parametrize("text", ['{"capital": "Paris"}', '```json\n{"capital": "Paris"}\n```'])
def test_an_answer_that_keeps_its_schema_is_good(text):
    assert assess(asked("Capital of France?", schema=CAPITAL), answered(text)).p_good > 0.9


def test_wanted_json_is_an_object():
    chat = asked("Capital of France as JSON?", wants_json=True)
    assert assess(chat, answered('{"capital": "Paris"}')).p_good > 0.9
    assert assess(chat, answered('"Paris"')).p_good == 0


def test_a_grounded_call_of_a_fitting_tool_is_good():
    chat = asked("What will the weather in Lyon be for three days?", tools=(WEATHER,))
    verdict = assess(chat, called("get_weather", city="Lyon", days=3))
    assert verdict.findings == ()


@pytest.mark.parametrize(
    "answer",
    [
        called("get_wether", city="Lyon"),
        called("get_weather"),
        called("get_weather", city=7),
        called("get_weather", city="Lyon", unit="kelvin"),
        called("get_weather", city="Lyon", town="Lyon"),
    ],
)
def test_an_invalid_tool_call_is_broken(answer):
    chat = asked("What is the weather in Lyon?", tools=(WEATHER,))
    verdict = assess(chat, answer)
    assert verdict.p_good == 0
    assert "tool_call" in rules_of(verdict)


def test_an_argument_nobody_said_is_doubted():
    chat = asked("What is the weather in Lyon?", tools=(WEATHER,))
    assert "grounding" in rules_of(assess(chat, called("get_weather", city="Marseille")))


def test_a_fitting_tool_that_is_not_called_is_missed():
    chat = asked("Please get the weather in Lyon for me.", tools=(WEATHER,))
    verdict = assess(chat, answered("The weather in Lyon is fine, as it always is there."))
    assert "tool_missing" in rules_of(verdict)
    assert verdict.p_good < 0.85


def test_a_question_back_is_no_missing_call():
    chat = asked("Please get the weather for me.", tools=(WEATHER,))
    assert assess(chat, answered("For which city do you want the weather?")).p_good > 0.9


def test_a_demanded_tool_that_is_not_called_breaks_the_answer():
    chat = asked("Hello", tools=(WEATHER,), tool_choice="required")
    assert assess(chat, answered("Hello to you as well.")).p_good == 0


def test_a_tool_that_does_not_fit_is_doubted():
    chat = asked("Solve my equation with coefficients 1, 2 and 3.", tools=(WEATHER,))
    assert "tool_unfit" in rules_of(assess(chat, called("get_weather", city="1")))


def test_agreement_lifts_and_difference_lowers():
    verdict = assess(ORDER, answered(GOOD))
    same = with_agreement(verdict, Agreement(Kind.NUMBER, 1.0))
    other = with_agreement(verdict, Agreement(Kind.NUMBER, 0.0))
    assert other.p_good < 0.85 < verdict.p_good < same.p_good
    assert same.findings[-1].rule == "agreement"


def test_of_several_earlier_answers_the_most_alike_counts():
    verdict = assess(ORDER, answered(GOOD))
    unlike, alike = Agreement(Kind.TEXT, 0.1), Agreement(Kind.TEXT, 0.9)
    both = with_earlier(verdict, {"small": unlike, "medium": alike})
    assert both.p_good == with_agreement(verdict, alike).p_good > verdict.p_good
    assert both.findings[-1].words == (
        "Stage medium agrees by 90%, comparing the words they share."
    )
    assert with_earlier(verdict, {}) == verdict


def test_whoever_speaks_against_it_an_answer_is_still_none_that_refuses():
    doubted = Verdict(0.03)
    unlike = with_agreement(doubted, Agreement(Kind.NUMBER, 0.0))
    judged = with_judgement(unlike, JudgeReply(0.0, ""))
    assert REFUSED < judged.p_good <= unlike.p_good < doubted.p_good
    assert not judged.is_final


@pytest.mark.parametrize("text", ["", "I'm sorry, but I can't help with that."])
def test_nobody_speaks_a_broken_or_refusing_answer_good(text):
    verdict = assess(ORDER, answered(text))
    lifted = with_agreement(verdict, Agreement(Kind.TEXT, 1.0))
    lifted = with_judgement(lifted, JudgeReply(1.0, "The judge says 1.00."))
    assert lifted.p_good == verdict.p_good < 0.05


def test_a_judge_decides_more_than_half_and_a_judge_without_a_score_nothing():
    verdict = assess(ORDER, answered(GOOD))
    assert with_judgement(verdict, JudgeReply(0.0, "")).p_good < 0.5
    assert with_judgement(verdict, JudgeReply(None, "Prose.")).p_good == verdict.p_good


def test_a_stream_is_stopped_at_a_first_sentence_that_refuses_or_strays():
    assert prefix(ORDER, "I'm sorry, but I can't help with that.").p_good < 0.5
    assert prefix(ORDER, "I am not sure about this, please contact support.").p_good < 0.5
    assert prefix(ORDER, "Thanks for asking about football.").p_good < 0.5
    assert prefix(ORDER, "Good point about order.").p_good > 0.5
    assert prefix(asked("Capital?", schema=CAPITAL), "The capital is").p_good == 0
    assert prefix(asked("Capital?", schema=CAPITAL), ' {"capi').p_good > 0.5


MANY = 2_500_000


@pytest.mark.parametrize(
    "text",
    [
        "The sky is blue and 2 + 2 = 5 as we know. " * (MANY // 10),
        "1" * 4 * MANY,
        "(1+" * MANY,
        "= " * 2 * MANY,
        "I am not " * MANY,
        "`" * 4 * MANY,
        "\n" * 4 * MANY + "x",
        json.dumps([{"a": [1] * 10}] * (MANY // 30)),
    ],
)
def test_ten_megabytes_take_seconds_at_the_worst(text):
    began = time.process_time()
    assess(asked("Why is the sky blue?", tools=(WEATHER,)), answered(text))
    assess(asked("Why is the sky blue?", wants_json=True), answered(text))
    assert time.process_time() - began < 10


@given(st.text(), st.text(), st.sampled_from(Stop), st.booleans())
def test_no_text_makes_the_gate_stumble(question, text, stop, is_json):
    verdict = assess(asked(question, wants_json=is_json), answered(text, stop=stop))
    assert 0 <= verdict.p_good <= 1
    assert 0 <= prefix(asked(question, wants_json=is_json), text).p_good <= 1


@pytest.mark.parametrize("schema", [{"required": [["x"]]}, {"required": 5}, {"properties": []}])
def test_an_odd_schema_of_a_client_breaks_nothing(schema: dict[str, Any]) -> None:
    chat = asked("Weather in Lyon?", tools=(Tool("get_weather", "Weather", schema),))
    assert 0 <= assess(chat, called("get_weather", city="Lyon")).p_good <= 1


def test_a_literal_that_python_cannot_hold_breaks_nothing() -> None:
    chat = asked("def f(x): return x\nassert f('\\\\\", {[]}, \"') == ??")
    found = literals.signs(chat, answered('{"answer": "{[]}"}'))
    assert len(found) == literals.COUNT

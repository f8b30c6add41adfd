"""Files of outcomes become trials as they are, or are refused line by line."""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.domain.gate.agreement import Agreement, Kind
from cascade.domain.request import Tokens
from cascade.domain.trial import Outcome, Trial
from cascade.domain.uploads.lines import MOST_FAULTS, UploadFaulty
from cascade.domain.uploads.own import as_csv, as_jsonl
from cascade.domain.uploads.reading import Shape, read, renamed, with_texts

OWN = {
    "trial_id": "one",
    "prompt": "Where is my parcel?",
    "outcomes": {"small": {"quality": 1, "input_tokens": 9, "output_tokens": 4}},
}
TOLD = {"input_tokens": 1, "output_tokens": 1}
ZEROEVAL = {
    "id": "gsm-0",
    "task": "gsm",
    "question": "1 + 1?",
    "prompt_chars": 380,
    "models": {"haiku": {"correct": 1, "answer": "2", "out_chars": 38}},
    "bucket": 4,
}
BFCL = {
    "category": "simple",
    "idx": 3,
    "question": None,
    "models": {"haiku": {"correct": 0, "in_tok": 356, "out_tok": 22, "latency_s": 0.7}},
    "bucket": 6,
}


def packed(*rows: object) -> io.BytesIO:
    return io.BytesIO("\n".join(json.dumps(row) for row in rows).encode())


def faults(stream: io.BytesIO, **bounds: int) -> list[str]:
    with pytest.raises(UploadFaulty) as caught:
        read(stream, **bounds)
    return [str(each) for each in caught.value.faults]


def test_zeroeval_loads_with_characters_standing_for_tokens() -> None:
    found = read(packed(ZEROEVAL))
    (trial,) = found.trials
    assert (found.shape, found.judged) == (Shape.ZEROEVAL, {"haiku": 1})
    assert trial.outcomes["haiku"] == Outcome(quality=1, tokens=Tokens(100, 10), text="2")
    assert (trial.intent, trial.bucket) == ("gsm", 4)


def test_the_function_calling_leaderboard_loads_with_its_own_tokens_and_latency() -> None:
    (trial,) = read(packed(BFCL)).trials
    assert trial.outcomes["haiku"] == Outcome(quality=0, tokens=Tokens(356, 22), latency_s=0.7)
    assert (trial.trial_id, trial.prompt) == ("simple-3", "")


def test_routellm_loads_as_csv_and_as_lines_of_json_packed_or_not() -> None:
    text = (
        "domain,prompt,weak_mixtral8x7b_correct,strong_gpt4_1106_correct,contaminated,bucket\n"
        'law,"Which?\nA. one, or\nB. two",0,1,0,5\n'
    )
    row = {
        "prompt": "How many?",
        "weak_correct": 1,
        "strong_correct": 1,
        "weak_response": "3",
        "strong_response": "Three.",
        "bucket": 0,
    }
    (one,) = read(io.BytesIO(gzip.compress(text.encode()))).trials
    (other,) = read(packed(row)).trials
    assert [each.quality for each in one.outcomes.values()] == [0, 1]
    assert (one.intent, one.bucket, "\n" in one.prompt) == ("law", 5, True)
    assert [each.text for each in other.outcomes.values()] == ["3", "Three."]


def test_marks_of_mt_bench_are_shares_of_ten() -> None:
    row = {
        "question_id": 81,
        "category": "writing",
        "turns": ["Write.", "Again."],
        "scores": {"large": {"1": 10, "2": 9}},
    }
    (trial,) = read(packed(row)).trials
    assert trial.outcomes["large"].quality == pytest.approx(0.95)


def test_whole_answers_are_joined_from_the_companion_file() -> None:
    trials = read(packed(ZEROEVAL)).trials
    texts = packed({"id": "gsm-0", "texts": {"haiku": "It is 2."}})
    assert with_texts(trials, texts)[0].outcomes["haiku"].text == "It is 2."
    calls = {
        "category": "simple",
        "idx": 3,
        "function": [{"name": "f"}],
        "outputs": {"haiku": "[]"},
    }
    (joined,) = with_texts(read(packed(BFCL)).trials, packed(calls))
    assert (joined.outcomes["haiku"].text, joined.schema) == ("[]", {"functions": [{"name": "f"}]})


def test_old_outcomes_may_stand_for_the_models_of_today() -> None:
    (trial,) = renamed(read(packed(ZEROEVAL)).trials, {"haiku": "haiku-4-5"})
    assert list(trial.outcomes) == ["haiku-4-5"]


def test_a_new_name_is_used_where_other_answers_are_spoken_of() -> None:
    like = {"haiku": Agreement(Kind.NUMBER, 1.0)}
    sonnet = Outcome(1.0, Tokens(1, 1), score=0.9, alone=0.6, heard=("haiku",), like=like)
    trials = [Trial("one", "1 + 1?", {"haiku": Outcome(1.0, Tokens(1, 1)), "sonnet": sonnet})]
    (found,) = renamed(trials, {"haiku": "small"})
    assert found.outcomes["sonnet"].heard == ("small",)
    assert found.outcomes["sonnet"].like == {"small": like["haiku"]}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"outcomes": {}}, "outcomes must be an object with at least one entry."),
        ({"trial_id": ""}, "trial_id is empty; each trial has its own."),
        ({"weight": 0}, "weight is 0; it must be a number from 0.001 to 1,000,000."),
        ({"at": "yesterday"}, "at is 'yesterday'; it must be a moment like"),
        ({"bucket": 0.5}, "bucket is 0.5; it must be a whole number."),
        (
            {"outcomes": {"small": {"input_tokens": 1, "output_tokens": 1, "cached_tokens": 2}}},
            "cached_tokens is 2; at most the 1 input tokens can be cached.",
        ),
        (
            {
                "outcomes": {
                    "small": {"input_tokens": 1, "output_tokens": 1, "like": {"a": [2, "x"]}}
                }
            },
            "like holds [2, 'x']; it must be [a degree from 0 to 1, one of tools, json,",
        ),
        (
            {"outcomes": {"a": {**TOLD, "like": "[1"}}},
            'like must be as in {"small": [1.0, "number"]}, 16 entries at most.',
        ),
        (
            {"outcomes": {"a": {**TOLD, "alone": 0.5, "heard": ["large"]}}},
            "heard names 'large'; like must say how alike its answer is.",
        ),
        (
            {"outcomes": {"a": {**TOLD, "heard": ["b"], "like": {"b": [1, "text"]}}}},
            "heard names models; alone must say what the score was without them.",
        ),
        ({"outcomes": {"a": {**TOLD, "heard": [["b"]]}}}, "heard must hold names of models."),
        (
            {"outcomes": {"small": {"input_tokens": -1, "output_tokens": 1}}},
            "input_tokens is -1; it must be a number from 0 to 10,000,000.",
        ),
    ],
)
def test_a_wrong_value_is_told_with_its_line_and_what_would_be_right(changed, words) -> None:
    (found,) = faults(packed(OWN, {**OWN, "trial_id": "two", **changed}))
    assert found.startswith("Line 2: ")
    assert words in found


def test_many_wrong_lines_are_told_at_once_but_not_without_end() -> None:
    rows = [{**OWN, "trial_id": str(at), "bucket": -1} for at in range(50)]
    assert len(faults(packed(*rows))) == MOST_FAULTS


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "The file is empty"),
        (b"\n \n", "The file is empty"),
        (b'{"a": 1}', "It has a. Known are our export"),
        (b"x,y\n1,2\n", "It has x, y. Known are"),
        (b'{"trial_id": ', "It is not JSON"),
        (b'{"trial_id": "a", "outcomes": NaN}', "NaN is no number in JSON"),
        (b'{"trial_id": "\xff"}', "It is not UTF-8"),
        (gzip.compress(b'{"a": 1}' * 999, mtime=0)[:-20], "damaged or cut short"),
        (b'{"a":' + b"[" * 100_000, "It is not JSON"),
        (b'{"a": "' + b"x" * (2**21 + 1), "longer than 2 MiB"),
        (b"trial_id,model,input_tokens,output_tokens\na,b,1\n", "Line 2: It has 3 fields"),
        (b'trial_id,model,input_tokens,output_tokens\n"a"b,c,1,2\n', "It is not CSV"),
    ],
)
def test_a_file_that_is_none_is_refused_with_a_sentence(body, words) -> None:
    assert words in faults(io.BytesIO(body))[0]


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    rows = "".join(json.dumps({**OWN, "trial_id": str(at)}) + "\n" for at in range(20_000))
    big = io.BytesIO(gzip.compress(rows.encode()))
    assert len(big.getvalue()) < 2**18
    assert "larger than 1 MiB unpacked" in faults(big, most_bytes=2**20)[0]


def test_too_many_rows_and_one_trial_twice_are_refused() -> None:
    rows = [{**OWN, "trial_id": str(at)} for at in range(3)]
    assert "more than 2 rows" in faults(packed(*rows), most_trials=2)[0]
    assert faults(packed(OWN, OWN))[0].startswith("Line 2: The trial 'one' stood above")


texts = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\x00\r"), max_size=30
).map(str.strip)
made_outcomes = st.builds(
    Outcome,
    quality=st.none() | st.floats(0, 1),
    tokens=st.builds(
        lambda used, made, share: Tokens(used, made, int(used * share)),
        st.integers(0, 10**6),
        st.integers(0, 10**6),
        st.floats(0, 1),
    ),
    latency_s=st.none() | st.floats(0, 900),
    text=texts,
    score=st.none() | st.floats(0, 1),
    failed=st.sampled_from(["", "throttled"]),
    alone=st.none() | st.floats(0, 1),
)
likes = st.dictionaries(
    st.sampled_from(["small", "=odd model"]),
    st.builds(Agreement, st.sampled_from(list(Kind)), st.floats(0, 1)),
)
made_outcomes = st.builds(
    lambda outcome, like, count: replace(
        outcome, like=like, heard=() if outcome.alone is None else tuple(like)[:count]
    ),
    made_outcomes,
    likes,
    st.integers(0, 2),
)
made_trials = st.lists(
    st.builds(
        Trial,
        trial_id=st.uuids().map(str),
        prompt=texts,
        outcomes=st.dictionaries(
            st.sampled_from(["small", "large"]), made_outcomes, min_size=1, max_size=2
        ),
        intent=st.sampled_from(["", "refund"]),
        bucket=st.integers(0, 9),
        weight=st.sampled_from([1.0, 50.0]),
        at=st.none() | st.just(datetime(2026, 11, 20, tzinfo=UTC)),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=30)
@given(made_trials, st.sampled_from([as_csv, as_jsonl]))
def test_an_export_reads_back_as_it_was(trials, write) -> None:
    body = "".join(write(trials)).encode()
    assert list(read(io.BytesIO(body)).trials) == trials


@settings(max_examples=30)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_trials_or_a_sentence(body: bytes) -> None:
    try:
        found = read(io.BytesIO(body))
    except UploadFaulty as wrong:
        found = wrong
    assert found.faults if isinstance(found, UploadFaulty) else found.trials


def test_a_text_that_looks_like_a_formula_is_quoted_in_csv() -> None:
    outcome = Outcome(quality=1, tokens=Tokens(1, 1), text="=HYPERLINK(1)")
    lines = "".join(as_csv([Trial("one", "+1", {"small": outcome})]))
    assert "'=HYPERLINK(1)" in lines
    assert "'+1" in lines

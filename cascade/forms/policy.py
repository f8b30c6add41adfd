"""A policy as a form: stages one below the other, then what holds for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.forms import BoundField

from cascade.forms.choices import CLASSIFIERS, FALLBACKS, PARTNERS, STREAMINGS, WITHOUT
from cascade.queries.targets import target_of, value_of
from portal.errors import Refusal

MOST_SLOTS = 6
STEPS = 2
NUMBER = {"inputmode": "decimal", "autocomplete": "off"}
STAGE_FIELDS = (
    *("name", "target", "threshold", "max_output_tokens", "timeout_s"),
    *("partner", "partner_when"),
)
NUMBERS = ("skip_gain", "most_escalations", "shadow_share", "deadline_s")
FLAGS = ("may_skip", "hears_earlier", "logs_text")
WORDS = ("classifier", "streaming", "fallback", "without_counters", "router", "scorer")


def _number(label: str, *, initial: Any = "", required: bool = False, hint: str = "") -> Any:
    return forms.CharField(
        label=label,
        initial=initial,
        required=required,
        max_length=20,
        help_text=hint,
        widget=forms.TextInput(attrs=NUMBER),
    )


def _choice(label: str, choices: Iterable[tuple[str, str]], *, hint: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=list(choices), required=False, help_text=hint)


class Policy(forms.Form):
    """The whole policy; a stage without a model is left out."""

    note = forms.CharField(label="What this changes, and why", required=False, max_length=2000)
    edition = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        body: Mapping[str, Any],
        targets: Sequence[tuple[str, str]],
        routers: Sequence[str] = (),
        scorers: Sequence[str] = (),
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self.targets = [("", "none"), *_with(targets, body)]
        stages = list(body.get("stages", ()))
        shown = _posted(data) if data is not None else min(MOST_SLOTS, len(stages) + 1)
        self.slots = range(shown)
        for place in self.slots:
            self._add_stage(place, stages[place] if place < len(stages) else {})
        self._add_classifier(body, routers, scorers)
        self._add_judging(body)
        self._add_edges(body, [stage["name"] for stage in stages])

    def _add_stage(self, place: int, stage: Mapping[str, Any]) -> None:
        add = {
            "name": forms.CharField(label="Name", required=False, max_length=40),
            "target": _choice("Model or deployment", self.targets),
            "threshold": _number("Accept from", hint="0 to 1; the last stage answers anyway."),
            "max_output_tokens": _number("Most tokens out"),
            "timeout_s": _number("Seconds at most"),
            "partner": _choice("Second model to compare with", self.targets),
            "partner_when": _choice("Compare", PARTNERS),
        }
        usual = {"max_output_tokens": 1024, "timeout_s": 30, "partner_when": "unsure"}
        for name, made in add.items():
            value = stage.get(name, usual.get(name, ""))
            made.initial = value_of(value) if name in ("target", "partner") and value else value
            self.fields[f"stages.{place}.{name}"] = made

    def _add_classifier(
        self, body: Mapping[str, Any], routers: Sequence[str], scorers: Sequence[str]
    ) -> None:
        add = {
            "classifier": _choice("Who looks first", CLASSIFIERS),
            "classifier_target": _choice("Model that classifies", self.targets),
            "router": _choice("Trained router", _versions(routers, body.get("router", ""))),
            "scorer": _choice("Trained scorer", _versions(scorers, body.get("scorer", ""))),
        }
        for name, made in add.items():
            made.initial = body.get(name) or ""
            self.fields[name] = made
        self.fields["classifier_target"].initial = value_of(body.get("classifier_target"))
        self.fields["may_skip"] = forms.BooleanField(
            label="Stages may be skipped",
            required=False,
            initial=body.get("may_skip", True),
            help_text="A request that a stage will likely miss goes on at once.",
        )

    def _add_judging(self, body: Mapping[str, Any]) -> None:
        self.fields["hears_earlier"] = forms.BooleanField(
            label="Earlier answers count",
            required=False,
            initial=body.get("hears_earlier", False),
            help_text="A stage that says what the rejected one said is believed sooner, and one "
            "that says something else later: a second opinion that is paid for already.",
        )
        self._add_judge(body.get("judge") or {})

    def _add_judge(self, judge: Mapping[str, Any]) -> None:
        add = {
            "judge.target": _choice("Judge", self.targets, hint="A model that scores answers."),
            "judge.low": _number("Ask it from", initial=0.4, hint="Scores below need no judge."),
            "judge.high": _number("Up to", initial=0.8, hint="Scores from here on need none."),
            "judge.sample_share": _number("And for this share", initial=0),
        }
        for name, made in add.items():
            key = name.removeprefix("judge.")
            if key in judge:
                value = judge[key]
                made.initial = value_of(value) if key == "target" else value
            self.fields[name] = made

    def _add_edges(self, body: Mapping[str, Any], names: Sequence[str]) -> None:
        add = {
            "skip_gain": _number("Least gain of an escalation", initial=0),
            "most_escalations": _number("Escalations at most", initial=2),
            "streaming": _choice("Streams", STREAMINGS),
            "fallback": _choice("When no answer is good enough", FALLBACKS),
            "without_counters": _choice("When budgets cannot be checked", WITHOUT),
            "shadow_share": _number(
                "Shadow share",
                initial=0.01,
                hint="Of all requests, answered by every stage for labels.",
            ),
            "deadline_s": _number("Deadline in seconds", initial=60),
        }
        for name, made in add.items():
            made.initial = body.get(name, made.initial)
            self.fields[name] = made
        self.fields["logs_text"] = forms.BooleanField(
            label="Keep prompts and answers",
            required=False,
            initial=body.get("logs_text", True),
            help_text="Without them nobody can review, replay or train.",
        )
        steps = list(body.get("step_down", ()))
        for place in range(STEPS):
            step = steps[place] if place < len(steps) else {}
            share, highest = f"step_down.{place}.at_share", f"step_down.{place}.highest"
            self.fields[share] = _number("From this share of the budget", hint="0.85 is 85 %.")
            self.fields[share].initial = step.get("at_share", "")
            self.fields[highest] = _choice(
                "use no stage above", [("", "any"), *((each, each) for each in names)]
            )
            self.fields[highest].initial = step.get("highest", "")

    @property
    def stages(self) -> Iterator[tuple[int, dict[str, BoundField]]]:
        """Yield each stage's number (from 1) and its fields by name."""
        for place in self.slots:
            yield place + 1, {name: self[f"stages.{place}.{name}"] for name in STAGE_FIELDS}

    @property
    def judge_fields(self) -> list[BoundField]:
        """Return the fields about the judge."""
        return [self[f"judge.{name}"] for name in ("target", "low", "high", "sample_share")]

    @property
    def steps(self) -> Iterator[tuple[BoundField, BoundField]]:
        """Yield the fields of each step down."""
        for place in range(STEPS):
            yield self[f"step_down.{place}.at_share"], self[f"step_down.{place}.highest"]

    def clean(self) -> dict[str, Any]:
        """Refuse words where numbers belong; what they may be is the domain's to say."""
        cleaned = dict(super().clean() or {})
        for name, value in cleaned.items():
            is_number = name in NUMBERS or name.rpartition(".")[2] in _NUMBER_ENDS
            if is_number and value:
                try:
                    float(value.replace(",", "."))
                except ValueError:
                    self.add_error(name, "This is a number, as in 0.85.")
        return cleaned

    def body(self) -> dict[str, Any]:
        """Return the policy as JSON, as it was typed."""
        given = self.cleaned_data
        made: dict[str, Any] = {name: given[name] for name in WORDS if given[name]}
        made |= {name: _float(given[name]) for name in NUMBERS if given[name]}
        made |= {name: given[name] for name in FLAGS}
        made["stages"] = [self._stage(place) for place in self._used()]
        made["classifier_target"] = target_of(given["classifier_target"])
        made["step_down"] = [
            {
                "at_share": _float(given[f"step_down.{place}.at_share"]),
                "highest": given[f"step_down.{place}.highest"],
            }
            for place in range(STEPS)
            if given[f"step_down.{place}.at_share"] and given[f"step_down.{place}.highest"]
        ]
        if judge := target_of(given["judge.target"]):
            ends = ("low", "high", "sample_share")
            made["judge"] = {"target": judge} | {
                end: _float(given[f"judge.{end}"]) for end in ends if given[f"judge.{end}"]
            }
        return made

    def _used(self) -> list[int]:
        given = self.cleaned_data
        return [place for place in self.slots if given[f"stages.{place}.target"]]

    def _stage(self, place: int) -> dict[str, Any]:
        given = {name: self.cleaned_data[f"stages.{place}.{name}"] for name in STAGE_FIELDS}
        made: dict[str, Any] = {
            "name": given["name"],
            "target": target_of(given["target"]),
            "partner": target_of(given["partner"]),
        }
        made |= {
            name: _float(given[name])
            for name in ("threshold", "max_output_tokens", "timeout_s")
            if given[name]
        }
        if given["partner_when"]:
            made["partner_when"] = given["partner_when"]
        return made

    def explain(self, refusal: Refusal) -> None:
        """Put each sentence beside the field of the slot it is about, or on top."""
        used = self._used()
        for path, sentence in refusal.fields.items():
            self.add_error(self._field_of(path, used), sentence)
        if not refusal.fields:
            self.add_error(None, str(refusal))

    def _field_of(self, path: str, used: Sequence[int]) -> str | None:
        parts = path.split(".")
        if parts[0] == "stages" and len(parts) > 1 and int(parts[1]) < len(used):
            parts[1] = str(used[int(parts[1])])
        for length in range(len(parts), 0, -1):
            if (name := ".".join(parts[:length])) in self.fields:
                return name
        return None


_NUMBER_ENDS = (
    *("threshold", "max_output_tokens", "timeout_s", "at_share"),
    *("low", "high", "sample_share"),
)


def _float(text: str) -> float:
    return float(text.replace(",", "."))


def _posted(data: Mapping[str, Any]) -> int:
    """Return how many stages a form came with; one more when another is asked for."""
    count = sum(1 for place in range(MOST_SLOTS) if f"stages.{place}.name" in data)
    return min(MOST_SLOTS, max(1, count + ("more" in data)))


def _versions(known: Sequence[str], held: str) -> list[tuple[str, str]]:
    named = list(dict.fromkeys([*known, held] if held else known))
    return [("", "none"), *zip(named, named, strict=True)]


def _with(targets: Sequence[tuple[str, str]], body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the choices, with what a policy names but nobody offers any more."""
    known = {value for value, _ in targets}
    stages = body.get("stages", ())
    held = [stage.get("target") for stage in stages] + [stage.get("partner") for stage in stages]
    held += [body.get("classifier_target"), (body.get("judge") or {}).get("target")]
    lost = {value_of(each) for each in held if each} - known
    return [*targets, *((value, f"{value.partition(':')[2]} (gone)") for value in sorted(lost))]

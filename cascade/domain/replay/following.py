"""One trial through a policy by the walk that answers live, every call booked. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from cascade.domain import planning
from cascade.domain.gate.assessing import REFUSED
from cascade.domain.policy import Classifier
from cascade.domain.replay.ground import Ground, Incomplete, outcome_of, price
from cascade.domain.replay.senses import Draws, draws, heard_beside
from cascade.domain.request import Tokens
from cascade.domain.trial import Outcome, Trial
from cascade.domain.walk import BROKEN, Move, Plan, Step, Tried, next_move, opinions


class Role(StrEnum):
    """What a call was for."""

    STAGE = "stage"
    RETRY = "retry"
    PARTNER = "partner"
    JUDGE = "judge"
    CLASSIFIER = "classifier"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class Call:
    """One paid call; `pico` in pico-dollars."""

    role: Role
    stage: int
    model: str
    pico: int


@dataclass(frozen=True, slots=True)
class Followed:
    """What a policy made of a trial.

    `stage` gave the answer (None: nobody did). `pico` sums all calls; `latency_s` is None when one
    was not measured. `is_supposed` says that a model was called of whose answer nothing is known,
    `is_unheard` that two answers were given of which nobody knows whether they say the same.
    """

    trial: Trial
    plan: Plan
    tried: tuple[Tried, ...]
    calls: tuple[Call, ...]
    end: Move
    pico: int
    latency_s: float | None
    is_supposed: bool = False
    is_unheard: bool = False

    @property
    def stage(self) -> int | None:
        """Return the stage whose answer was given."""
        return self.end.stage if self.end.step is Step.ACCEPT else None

    @property
    def escalations(self) -> int:
        """Count the answers that were followed by another stage; a failed call is none."""
        return sum(1 for each in self.tried[:-1] if each.score is not None)


def follow(ground: Ground, trial: Trial) -> Followed:
    """Walk a trial through the policy. Raises Incomplete when something needed is not known."""
    return _Walker(ground, trial).walk()


class _Walker:
    """The state of one walk: what was tried and what it cost."""

    __slots__ = (
        "calls", "draws", "ground", "is_supposed", "is_unheard", "latency_s", "policy", "trial",
        "tried", "unknown",
    )  # fmt: skip

    def __init__(self, ground: Ground, trial: Trial) -> None:
        self.ground = ground
        self.policy = ground.policy
        self.trial = trial
        self.draws: Draws = draws(trial.trial_id, seed=ground.seed)
        self.tried: list[Tried] = []
        self.calls: list[Call] = []
        self.latency_s: float | None = 0.0
        self.is_supposed = self.is_unheard = False
        self.unknown: set[int] = set()

    def walk(self) -> Followed:
        for stage in self.policy.stages:
            outcome_of(self.ground, self.trial, stage.target.model)
        plan = self._plan()
        move = next_move(self.policy, plan, (), left_s=self.policy.deadline_s)
        while move.step not in {Step.ACCEPT, Step.FAIL}:
            self._do(move, plan)
            move = next_move(self.policy, plan, self.tried, left_s=self._left_s())
        self._aside(move, plan)
        return Followed(
            trial=self.trial,
            plan=plan,
            tried=tuple(self.tried),
            calls=tuple(self.calls),
            end=move,
            pico=sum(call.pico for call in self.calls),
            latency_s=self.latency_s,
            is_supposed=self.is_supposed,
            is_unheard=self.is_unheard,
        )

    def _plan(self) -> Plan:
        policy, model = self.policy, self.policy.stages[0].target.model
        first = outcome_of(self.ground, self.trial, model).tokens
        target = policy.classifier_target
        if policy.classifier is Classifier.LLM and target is not None:
            extra = self.ground.overheads.classifier
            tokens = Tokens(input=first.input + extra.input, output=extra.output)
            self._pay(Role.CLASSIFIER, 0, target.model, tokens)
            self._wait(self.ground.overheads.classifier_s)
        return planning.plan(
            policy,
            p_right=self.ground.senses.foresee(self.trial),
            prices=self.ground.prices,
            input_tokens=first.input,
            output_tokens=first.output,
            highest=policy.highest_at(self.ground.budget_share),
        )

    def _do(self, move: Move, plan: Plan) -> None:
        stage = self.policy.stages[move.stage]
        model = stage.target.model
        if move.step is Step.ASK:
            self._ask(move.stage, model, plan)
            return
        last = self.tried[-1]
        score = last.score or BROKEN
        if move.step is Step.COMPARE and stage.partner is not None:
            partner = stage.partner.model
            self._spend(Role.PARTNER, move.stage, partner, self._asked(partner))
            is_known = {model, partner} <= self.trial.outcomes.keys()
            score = (
                self.ground.senses.compare(self.trial, model, partner, score)
                if is_known
                else BROKEN
            )
            self.tried[-1] = replace(last, score=score, is_compared=True)
        elif move.step is Step.JUDGE:
            self._judge(move.stage)
            score = self.ground.senses.judge(self.trial, model, score, self.draws.judge)
            self.tried[-1] = replace(last, score=score, is_judged=True)

    def _ask(self, place: int, model: str, plan: Plan) -> None:
        outcome = self._asked(model)
        if self.draws.retry(len(self.tried)) < self.ground.overheads.retried_share:
            self._pay(Role.RETRY, place, model, replace(outcome.tokens, output=0))
        self._spend(Role.STAGE, place, model, outcome)
        if outcome.failed:
            self.tried.append(Tried(place, failed=outcome.failed))
            return
        self.tried.append(Tried(place, self._score(place, model, plan)))

    def _score(self, place: int, model: str, plan: Plan) -> float:
        score = self._gate_score(place, model)
        if score is not None:
            return score
        if place == len(self.policy.stages) - 1:
            return 1.0  # Its answer is given whatever a gate would say.
        if plan.p_right:
            return plan.p_right[place]
        if self.ground.supposes:
            self.is_supposed = True
            return BROKEN
        raise Incomplete(f"{model} has no gate score here, and no text to score.")

    def _gate_score(self, place: int, model: str) -> float | None:
        """Return the gate's score beside the earlier answers that count; None without a score.

        Where nobody knows what was said earlier, or whether it was the same, a score stands as it
        is; but a replay that supposes takes the answer as not good enough.
        """
        if model not in self.trial.outcomes:
            self.unknown.add(place)
            return None
        hears = self.policy.hears_earlier and place < len(self.policy.stages) - 1
        asked = opinions(self.policy, self.tried, place=place) if hears else ()
        earlier = tuple(
            self.policy.stages[each].target.model for each in asked if each not in self.unknown
        )
        found = heard_beside(self.trial, model, earlier)
        score = self.ground.senses.score(found or self.trial, model, earlier)
        is_heard = found is not None and not (hears and self.unknown)
        if score is None or score <= REFUSED or is_heard:
            return score
        self.is_unheard = True
        if not self.ground.supposes:
            return score
        self.unknown.add(place)
        self.is_supposed = True
        return BROKEN

    def _aside(self, move: Move, plan: Plan) -> None:
        """Book what the client does not wait for: the sampled judge and the shadow calls."""
        policy, last = self.policy, len(self.policy.stages) - 1
        if move.step is not Step.ACCEPT:
            return
        if policy.judge is not None and self.draws.sample < policy.judge.sample_share:
            self._judge(move.stage, is_aside=True)
        if plan.highest < last or self.draws.shadow >= policy.shadow_share:
            return
        for place in set(range(last + 1)) - {each.stage for each in self.tried} if last else ():
            model = policy.stages[place].target.model
            tokens = outcome_of(self.ground, self.trial, model).tokens
            self._pay(Role.SHADOW, place, model, tokens)

    def _judge(self, place: int, *, is_aside: bool = False) -> None:
        judge = self.policy.judge
        if judge is None:
            return
        read = outcome_of(self.ground, self.trial, self.policy.stages[place].target.model).tokens
        extra = self.ground.overheads.judge
        tokens = Tokens(input=read.input + read.output + extra.input, output=extra.output)
        self._pay(Role.JUDGE, place, judge.target.model, tokens)
        if not is_aside:
            self._wait(self.ground.overheads.judge_s)

    def _asked(self, model: str) -> Outcome:
        self.is_supposed = self.is_supposed or model not in self.trial.outcomes
        return outcome_of(self.ground, self.trial, model)

    def _spend(self, role: Role, place: int, model: str, outcome: Outcome) -> None:
        self._pay(role, place, model, outcome.tokens)
        self._wait(outcome.latency_s)

    def _pay(self, role: Role, place: int, model: str, tokens: Tokens) -> None:
        self.calls.append(Call(role, place, model, price(self.ground.prices, model, tokens)))

    def _wait(self, seconds: float | None) -> None:
        if seconds is None or self.latency_s is None:
            self.latency_s = None
        else:
            self.latency_s += seconds

    def _left_s(self) -> float:
        return self.policy.deadline_s - (self.latency_s or 0.0)

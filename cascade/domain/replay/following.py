"""One trial through a policy by the walk that answers live, every call booked. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from cascade.domain import planning
from cascade.domain.policy import Classifier, Policy
from cascade.domain.prices import PriceTable, cost_pico
from cascade.domain.replay.senses import Draws, Overheads, Senses, draws, likeness
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


class Incomplete(ValueError):
    """A trial lacks what this policy would need to know of it; the words say what."""


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


@dataclass(frozen=True, slots=True)
class Ground:
    """What all trials of a replay share.

    Where it `supposes`, a model of whose answer nothing is known is booked with the tokens of the
    answer that is known, and its answer taken as not good enough but at the last stage: the cost is
    then at most what is found. Elsewhere such a trial is Incomplete.
    """

    policy: Policy
    prices: PriceTable
    senses: Senses = field(default_factory=Senses)
    overheads: Overheads = field(default_factory=Overheads)
    seed: int = 0
    budget_share: float = 0.0
    supposes: bool = False


def outcome_of(ground: Ground, trial: Trial, model: str) -> Outcome:
    """Return what a model made of a trial, or (where that is allowed) what it may have cost.

    Raises Incomplete when that cannot be told.
    """
    known = trial.outcomes.get(model)
    if known is not None:
        return known
    return alone(ground, trial, model)


def alone(ground: Ground, trial: Trial, model: str) -> Outcome:
    """Return what a model would make of a trial that it answers alone: a failure says nothing.

    Raises Incomplete when that cannot be told.
    """
    known = trial.outcomes.get(model)
    if known is not None and not (known.failed and ground.supposes):
        return known
    if not ground.supposes:
        raise Incomplete(f"What {model} would have answered is not known.")
    stages = reversed(ground.policy.stages)
    found = (trial.outcomes.get(stage.target.model) for stage in stages)
    every = (each for each in (*found, *trial.outcomes.values()) if each)
    like = next((each for each in every if not each.failed), None)
    if like is None:
        raise Incomplete("Nobody answered it, so nobody knows how long an answer is.")
    return Outcome(quality=None, tokens=like.tokens)


def follow(ground: Ground, trial: Trial) -> Followed:
    """Walk a trial through the policy. Raises Incomplete when something needed is not known."""
    return _Walker(ground, trial).walk()


def price(prices: PriceTable, model: str, tokens: Tokens) -> int:
    """Return what tokens of a model cost in pico-dollars. Raises Incomplete without a price."""
    tariff = prices.find(model)
    if tariff is None:
        raise Incomplete(f"{model} has no price in the table {prices.version}.")
    return cost_pico(tariff, tokens)


class _Walker:
    """The state of one walk: what was tried and what it cost."""

    __slots__ = (
        "calls", "draws", "ground", "is_supposed", "is_unheard", "latency_s", "policy", "trial",
        "tried",
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
        score = self._gate_score(place, model) if model in self.trial.outcomes else None
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
        """Return the gate's score beside the earlier answers that count; None without a score."""
        hears = self.policy.hears_earlier
        asked = opinions(self.policy, self.tried, place=place) if hears else ()
        earlier = tuple(self.policy.stages[each].target.model for each in asked)
        score = self.ground.senses.score(self.trial, model, earlier)
        if score is None or all(self._compares(model, each) for each in earlier):
            return score
        self.is_unheard = True
        self.is_supposed = self.ground.supposes
        return BROKEN if self.ground.supposes else score

    def _compares(self, model: str, other: str) -> bool:
        return other in self.trial.outcomes and likeness(self.trial, model, other) is not None

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

"""A gateway of its own process that holds, settles, gives back and forgets, until it is killed.

`python -m tests.faults.money_gateway URL SEED CASCADE FEATURE TEAM`
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from dataclasses import replace
from uuid import UUID

from cascade.adapters.counters import Counters
from cascade.domain.events import Attempt, Trial, encode
from cascade.domain.prices import Tariff, cost_pico, worst_micro
from cascade.domain.request import Tokens
from cascade.domain.scopes import Hold, limits_of, names_of

MODEL = "us.amazon.nova-pro-v1:0"
# The product's list price: 0.80 and 3.20 USD a million, 0.20 from the cache.
TARIFF = Tariff(800_000_000_000, 3_200_000_000_000, 200_000_000_000)
EXPIRES_S = 2.0
AT_ONCE = 16


async def main() -> None:
    url, *numbers = sys.argv[1:]
    seed, cascade, feature, team = map(int, numbers)
    counters = Counters(url)
    dice = random.Random(seed)
    await asyncio.gather(*(_client(counters, dice, cascade, feature, team) for _ in range(AT_ONCE)))


async def _client(
    counters: Counters, dice: random.Random, cascade: int, feature: int, team: int
) -> None:
    while True:
        attempt = _attempt(dice, cascade, feature, team)
        await _attempted(counters, attempt, dice)
        await counters.append(event=encode(_trial(attempt)))


async def _attempted(counters: Counters, attempt: Attempt, dice: random.Random) -> None:
    who = {"key": attempt.key, "feature": attempt.feature, "team": attempt.team}
    asked = Tokens(input=attempt.tokens.input)
    lost = replace(attempt, outcome="lost", tokens=asked, pico=cost_pico(TARIFF, asked))
    hold = Hold(
        hold_id=str(attempt.id),
        scopes=limits_of(**who, limits={}),
        micro=worst_micro(TARIFF, input_tokens=attempt.tokens.input, max_output_tokens=900),
        expires_s=EXPIRES_S,
        on_loss=encode(lost),
    )
    await counters.reserve(hold=hold)
    await asyncio.sleep(dice.random() * 0.05)
    fate = dice.random()
    if fate < 0.05:
        return  # never settled: the sweep must
    if fate < 0.1:
        await counters.release(hold_id=hold.hold_id)
        return
    told = encode(attempt)
    for _ in range(1 + (fate > 0.9)):  # some settle twice, as after a lost reply
        await counters.settle(
            hold_id=hold.hold_id, scopes=names_of(**who), micro=attempt.micro, event=told
        )


def _attempt(dice: random.Random, cascade: int, feature: int, team: int) -> Attempt:
    tokens = dice.randint(1, 4_000)
    used = Tokens(tokens, dice.randint(0, 900), dice.randint(0, tokens))
    return Attempt(
        id=UUID(int=dice.getrandbits(128), version=4),
        trial=UUID(int=dice.getrandbits(128), version=4),
        at_us=time.time_ns() // 1000,
        cascade=cascade,
        feature=feature,
        team=team,
        key="ab12cd34",
        policy=1,
        number=1,
        role="stage",
        stage="small",
        model=MODEL,
        outcome="answered",
        tokens=used,
        pico=cost_pico(TARIFF, used),
        price_version="1",
    )


def _trial(attempt: Attempt) -> Trial:
    return Trial(
        id=attempt.trial,
        at_us=attempt.at_us,
        cascade=attempt.cascade,
        feature=attempt.feature,
        team=attempt.team,
        key=attempt.key,
        policy=1,
        status="answered",
        http=200,
        stage="small",
        pico=attempt.pico,
    )


if __name__ == "__main__":
    asyncio.run(main())

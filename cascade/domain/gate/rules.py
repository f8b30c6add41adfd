"""All rules on one answer: what each of them finds, and the numbers a scorer learns from."""

from __future__ import annotations

from collections.abc import Iterator

from cascade.domain.gate import arithmetic, language, manners, structure, tools, topic
from cascade.domain.gate.findings import Finding
from cascade.domain.gate.words import clipped
from cascade.domain.request import Answer, Chat, Stop, Tokens

# In the order of a scorer's columns: a new rule goes to the end, and scorers are trained again.
NAMES = (
    "empty", "filtered", "truncation", "cut", "json", "schema", "tool_call", "tool_missing",
    "tool_unfit", "grounding", "arithmetic", "refusal", "hedging", "repetition", "language",
    "topic",
)  # fmt: skip


def look(chat: Chat, answer: Answer) -> tuple[Finding, ...]:
    """Return what speaks against an answer; empty when no rule finds anything."""
    return tuple(_all(chat, answer))


def _all(chat: Chat, answer: Answer) -> Iterator[Finding]:
    text = answer.text
    found = [manners.empty(answer), manners.truncation(chat, answer)]
    found += [structure.of_answer(chat, answer), tools.invalid(chat, answer)]
    if chat.tools or answer.tool_calls:
        found += [tools.missing(chat, answer), tools.unfit(chat, answer)]
        found.append(tools.ungrounded(chat, answer))
    if text and not answer.tool_calls:
        found += [topic.finding(chat, text), language.finding(chat, answer)]
        found += [manners.refusal(text), manners.hedging(text)]
    if text:
        found.append(manners.repetition(text))
        found.append(arithmetic.finding(arithmetic.sums(clipped(text))))
    yield from (one for one in found if one is not None)


def look_at_beginning(chat: Chat, text: str) -> tuple[Finding, ...]:
    """Return what speaks against the first sentence of an answer that is still being written."""
    answer = Answer(text=text, stop=Stop.END, tokens=Tokens())
    found = (
        structure.of_beginning(chat, text),
        manners.refusal(text),
        manners.hedging(text),
        manners.repetition(text),
        language.finding(chat, answer),
        topic.finding(chat, text),
    )
    return tuple(one for one in found if one is not None)

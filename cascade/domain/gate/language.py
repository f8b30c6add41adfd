"""Which language a text is written in, by script and small words; unknown stays unknown."""

from __future__ import annotations

import re
from collections import Counter

from cascade.domain.gate.findings import Finding
from cascade.domain.gate.words import clipped, remembered, words
from cascade.domain.request import Answer, Chat

LEAST_WORDS = 5
LEAST_LETTERS = 4
_READ = 4_000

_SMALL = {
    "English": """the and is of to in that it you for are with this was be have not your on can we
        what how my do does please from will would which""",
    "German": """der die das und ist nicht ein eine ich sie mit von zu den dem für auf wie was wir
        haben kann bitte sind im auch werden wird mein ihre""",
    "French": """le la les et est une des pas vous je pour dans que qui sur avec votre nous il ce
        sont du au mon comment peut être cette""",
    "Spanish": """el la los las y es una no que de por para con su en se como mi puede está qué
        usted son del al pero más cómo""",
    "Italian": """il lo gli e è una non che di per con un sono del della mi come può si nel alla
        questo ho grazie più""",
    "Portuguese": """o os as e é uma não que de por para com um em se como meu você está são do da
        mas mais seu isso""",
    "Dutch": """de het een en is niet van ik u met voor op dat zijn wat hoe mijn kan worden aan
        naar wij deze bij""",
}
_NOBODY: tuple[str, ...] = ()
_WHOSE = {
    word: tuple(name for name, told in _SMALL.items() if word in told.split())
    for word in {word for told in _SMALL.values() for word in told.split()}
}
_SCRIPTS = {
    "Russian": re.compile(r"[\u0400-\u04ff]"),
    "Greek": re.compile(r"[\u0370-\u03ff]"),
    "Arabic": re.compile(r"[\u0600-\u06ff]"),
    "Hebrew": re.compile(r"[\u0590-\u05ff]"),
    "Hindi": re.compile(r"[\u0900-\u097f]"),
    "Thai": re.compile(r"[\u0e00-\u0e7f]"),
    "Korean": re.compile(r"[\uac00-\ud7af]"),
    "Japanese": re.compile(r"[\u3040-\u30ff]"),
    "Chinese": re.compile(r"[\u4e00-\u9fff]"),
}
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_CODE = re.compile(r"```[^`]*(?:```|\Z)|`[^`\n]{1,200}`")
_ABOUT = re.compile(r"translat|übersetz|tradu[ciz]|\blanguage\b|sprache|vertaal|перевед|翻訳|翻译")


@remembered
def of(text: str) -> str:
    """Return a language's English name; empty when it cannot be told."""
    read = _CODE.sub(" ", clipped(text)[:_READ])
    script = _script(read)
    if script != "Latin":
        return script
    found = words(read)
    if len(found) < LEAST_WORDS:
        return ""
    counts = dict.fromkeys(_SMALL, 0)
    for word in found:
        for name in _WHOSE.get(word, _NOBODY):
            counts[name] += 1
    second, most = sorted(counts.values())[-2:]
    if most < 2 or most < 0.12 * len(found) or most < 1.3 * second:
        return ""
    return next(name for name, count in counts.items() if count == most)


def _script(text: str) -> str:
    """Return the language of a script of its own, `Latin`, or nothing."""
    if text.isascii():
        return "Latin" if _LATIN.search(text) else ""
    latin = len(_LATIN.findall(text))
    counts = Counter({name: len(script.findall(text)) for name, script in _SCRIPTS.items()})
    if counts["Japanese"] * 5 >= counts["Chinese"] and counts["Japanese"]:
        counts["Japanese"] += counts.pop("Chinese", 0)
    name, most = counts.most_common(1)[0]
    if most >= LEAST_LETTERS and most * 3 >= latin:
        return name
    return "Latin" if latin else ""


def finding(chat: Chat, answer: Answer) -> Finding | None:
    """Say whether an answer is in another language than the question, which speaks of none."""
    said = of(answer.text)
    if not said or chat.schema is not None:
        return None
    asked = of(chat.question)
    if not asked or asked == said:
        return None
    everything = clipped(chat.text).lower()
    if said.lower() in everything or _ABOUT.search(everything):
        return None
    return Finding("language", f"The question is in {asked}, the answer in {said}.")

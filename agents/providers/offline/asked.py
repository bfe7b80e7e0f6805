"""Answering a question about a case in words, by plain rules: which facts that were read have to do with what is asked."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agents.providers.base import ModelRequest, UserText

_FENCE = re.compile(r'<foreign source="([^"]*)">\s*(.*?)\s*</foreign>', re.DOTALL)
_CALL = re.compile(r"^You called (\S+) with:\n(.*)$", re.MULTILINE)
_WORD = re.compile(r"[^\W_]+")
_WHY = frozenset({"why", "reason", "because", "warum", "wieso", "weshalb", "grund"})
_STOP = frozenset(
    _WORD.findall(
        "a an and are as at be by can did do does for from has have how i in is it its me much of on or our that the their"
        " there this to was we were what which who whose with you your der die das den dem des ein eine ist sind war wer wie"
        " was und oder von mit zu im in auf du sie ihr es hat haben"
    )
)
# What people say, and the words that fields use for it.
_MEANS: Mapping[str, frozenset[str]] = {
    "much": frozenset({"amount", "total", "price"}),
    "money": frozenset({"amount", "total", "price", "refunded"}),
    "betrag": frozenset({"amount", "total"}),
    "customer": frozenset({"customer", "name", "email"}),
    "kunde": frozenset({"customer", "name", "email"}),
    "kundin": frozenset({"customer", "name", "email"}),
    "who": frozenset({"customer", "name", "email"}),
    "wer": frozenset({"customer", "name", "email"}),
    "when": frozenset({"date", "at", "day", "days", "sent", "placed"}),
    "wann": frozenset({"date", "at", "day", "days", "sent", "placed"}),
    "where": frozenset({"address", "city", "street", "country"}),
    "paid": frozenset({"payment", "paid"}),
    "bestellung": frozenset({"order"}),
    "say": frozenset({"message", "text", "body"}),
    "write": frozenset({"message", "text", "body"}),
    "wrote": frozenset({"message", "text", "body"}),
    "proof": frozenset({"message", "text", "photos", "pictures"}),
}
_MOST_FACTS, _LONGEST = 5, 220


@dataclass(frozen=True, slots=True)
class _Fact:
    source: str
    path: str
    value: str

    @property
    def words(self) -> frozenset[str]:
        return frozenset(_WORD.findall(self.path.lower().replace("_", " ")))


def answer(request: ModelRequest) -> str:
    """Return a few sentences made of what the case holds; that nothing fits is said as well."""
    told = "\n\n".join(message.text for message in request.messages if isinstance(message, UserText))
    told = told.removesuffix(request.question)
    facts, calls = list(_facts(told)), _calls(told)
    sentences = [*_reason(request.question, calls), *_fitting(request.question, facts)]
    return " ".join(["By plain rules, without a model:", *(sentences or [_nothing(facts)])])


def _reason(question: str, calls: list[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Yield the reason of the last call that gave one, when that is what is asked."""
    if not _WHY & set(_WORD.findall(question.lower())):
        return
    for name, arguments in reversed(calls):
        said = arguments.get("reason") or arguments.get("summary") or arguments.get("why")
        if said:
            yield f"For {name} my reason was: {_short(str(said))}"
            return


def _fitting(question: str, facts: list[_Fact]) -> Iterator[str]:
    wanted = _wanted(question)
    scored = [(_score(fact, wanted), -index, fact) for index, fact in enumerate(facts)]
    best = sorted((one for one in scored if one[0] > 0), key=lambda one: one[:2], reverse=True)[:_MOST_FACTS]
    for _, _, fact in best:
        yield f"{fact.source} says {fact.path.replace('_', ' ')}: {_short(fact.value)}."


def _score(fact: _Fact, wanted: frozenset[str]) -> int:
    in_value = set(_WORD.findall(fact.value.lower()[:2_000]))
    return 2 * len(wanted & fact.words) + (1 if wanted & in_value else 0)


def _wanted(question: str) -> frozenset[str]:
    said = set(_WORD.findall(question.lower()))
    meant = {word for one in said for word in _MEANS.get(one, ())}
    return frozenset((said - _STOP) | meant)


def _nothing(facts: list[_Fact]) -> str:
    if not facts:
        return "I have read nothing yet that could answer this."
    sources = ", ".join(dict.fromkeys(fact.source for fact in facts))
    return f"Nothing that I have read answers this. I have read {sources}; ask about a field of it."


def _facts(told: str) -> Iterator[_Fact]:
    for source, text in _FENCE.findall(told):
        try:
            value = json.loads(text)
        except ValueError:
            continue
        for path, leaf in _leaves(value):
            yield _Fact(f"the {source}" if source == "event" else source, path, leaf)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from _leaves(child, f"{path} {name}".strip())
    elif isinstance(value, list):
        for child in value:
            yield from _leaves(child, path)
    elif value not in (None, ""):
        yield path, str(value)


def _calls(told: str) -> list[tuple[str, Mapping[str, Any]]]:
    found = []
    for name, text in _CALL.findall(told):
        try:
            given = json.loads(text)
        except ValueError:
            continue
        if isinstance(given, Mapping):
            found.append((name, given))
    return found


def _short(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

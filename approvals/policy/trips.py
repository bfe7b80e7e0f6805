"""Which parts of a condition were met, and by which values: the reviewer's "why this one"."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import cel

from approvals.policy.canonical import NotCanonical, canonical_bytes, exact
from approvals.policy.cel_text import ConditionError, Kind, Token, source, split_at, tokens, unwrapped
from approvals.policy.conditions import Condition, Facts
from approvals.policy.verdict import Trip

COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
_LONGEST_VALUE = 200


def trips_of(condition: Condition, facts: Facts) -> tuple[Trip, ...]:
    """Return the met parts of a condition that holds, each with the value on its open side.

    Of an "or" the parts that hold, of an "and" all of them; anything else counts as one part.
    """
    words = tokens(condition.text)
    return tuple(_met(condition.text, words, facts)) if words else ()


def is_choice(words: Sequence[Token]) -> bool:
    """Return whether the words are `a ? b : c`, which binds less than "or" and is left whole."""
    return len(split_at(words, "?")) > 1


def _met(text: str, words: Sequence[Token], facts: Facts) -> Iterator[Trip]:
    words = unwrapped(words)
    for sign in ("||", "&&"):
        parts = split_at(words, sign)
        if len(parts) > 1 and not is_choice(words):
            for part in parts:
                if _answer(source(text, part), facts) is True:
                    yield from _met(text, part, facts)
            return
    yield Trip(source(text, words), _value(text, words, facts))


def _value(text: str, words: Sequence[Token], facts: Facts) -> str:
    sides = _sides(words)
    if sides is None:
        return shown(_answer(source(text, words), facts))
    left, right = sides
    return shown(_answer(source(text, right if _is_literal(left) else left), facts))


def _sides(words: Sequence[Token]) -> tuple[Sequence[Token], Sequence[Token]] | None:
    for sign in (*COMPARISONS, "in"):
        parts = split_at(words, sign) if sign != "in" else _around_in(words)
        if len(parts) == 2 and all(parts) and not is_choice(words):
            return parts[0], parts[1]
    return None


def _around_in(words: Sequence[Token]) -> list[Sequence[Token]]:
    depth = 0
    for index, word in enumerate(words):
        depth += word.is_sign("(", "[", "{") - word.is_sign(")", "]", "}")
        if depth == 0 and word.kind is Kind.NAME and word.text == "in":
            return [words[:index], words[index + 1 :]]
    return []


def _is_literal(words: Sequence[Token]) -> bool:
    return all(word.kind in (Kind.TEXT, Kind.NUMBER) for word in words)


@lru_cache(maxsize=4096)
def _program(text: str) -> cel.Program:
    return cel.compile(text)


def _answer(text: str, facts: Facts) -> Any:
    # parts of a checked condition: they cannot be heavier than the whole
    try:
        return facts.answer(_program(text))
    except (ConditionError, ValueError):
        return None


def shown(value: Any) -> str:
    """Return the value as JSON, cut where it is too long to read; the length is then given."""
    try:
        text = canonical_bytes(exact(value)).decode()
    except NotCanonical:
        return f"a {type(value).__name__} that cannot be written down"
    if len(text) <= _LONGEST_VALUE:
        return text
    return f"{text[:_LONGEST_VALUE]}… ({len(text)} characters)"

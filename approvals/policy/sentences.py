"""The policy in words: what people read beside the text that is judged."""

import re
from collections.abc import Sequence

from approvals.policy.cel_text import ConditionError, Kind, Token, source, split_at, tokens, unwrapped
from approvals.policy.trips import is_choice
from approvals.policy.verdict import Level
from approvals.states import RequestClass

_SHORT = {
    Level.ALONE: "it runs alone",
    Level.NOTIFY: "it runs and people are told",
    Level.ESCALATE: "a person takes over",
    Level.DENY: "it never runs",
}
_COMPARED = {
    "==": "is",
    "!=": "is not",
    "<=": "is at most",
    ">=": "is at least",
    "<": "is under",
    ">": "is over",
}


def level_words(level: Level, *, votes: int, approvers: str, cls: RequestClass, deadline_s: int) -> str:
    """Return what a level means: "1 person of finance countersigns within 24 h"."""
    if level is not Level.PERSON:
        return _SHORT[level]
    who = f"{votes} {'person' if votes == 1 else 'people'}{f' of {approvers}' if approvers else ''}"
    high = " after signing in again" if cls is RequestClass.HIGH else ""
    return f"{who} {'countersigns' if votes == 1 else 'countersign'}{high} within {hours(deadline_s)}"


def tool_words(pattern: str) -> str:
    """Return which tools a pattern means."""
    if pattern == "*":
        return "any tool"
    return f"any of {pattern}" if "*" in pattern else pattern


def hours(seconds: int) -> str:
    """Return a deadline as people say it: "24 h", "30 min"."""
    return f"{seconds // 3600} h" if seconds % 3600 == 0 else f"{seconds // 60} min"


def condition_words(text: str) -> str:
    """Return a condition read aloud where that is possible; what has no simple reading stays as it is."""
    try:
        words = tokens(text)
    except ConditionError:
        return text
    return _read(text, words) if words else "always"


def _read(text: str, words: Sequence[Token], inside: bool = False) -> str:
    words = unwrapped(words)
    if is_choice(words):
        return source(text, words)
    for sign, joint in (("||", " or "), ("&&", " and ")):
        parts = split_at(words, sign)
        if len(parts) > 1:
            joined = joint.join(_read(text, part, inside=True) for part in parts)
            return f"({joined})" if inside and sign == "||" else joined
    return _read_part(text, words)


def _read_part(text: str, words: Sequence[Token]) -> str:
    if _is_has(words):
        return f"{_name(source(text, words[2:-1]))} is given"
    if words and words[0].is_sign("!"):
        inner = unwrapped(words[1:])
        if _is_has(inner):
            return f"{_name(source(text, inner[2:-1]))} is not given"
        return f"not {_name(source(text, inner))}" if _is_simple(inner) else source(text, words)
    return _read_comparison(text, words)


def _read_comparison(text: str, words: Sequence[Token]) -> str:
    for sign, word in _COMPARED.items():
        sides = split_at(words, sign)
        if len(sides) == 2 and all(_is_simple(side) for side in sides):
            return f"{_name(source(text, sides[0]))} {word} {_name(source(text, sides[1]))}"
    return source(text, words)


def _is_has(words: Sequence[Token]) -> bool:
    return len(words) > 3 and words[0].text == "has" and words[1].is_sign("(") and _is_simple(words[2:-1])


def _is_simple(words: Sequence[Token]) -> bool:
    """Return whether the words are values, paths and sums of them, without calls or brackets."""
    return bool(words) and all(word.kind is not Kind.SIGN or word.is_sign(".", "+", "-") for word in words)


def _name(text: str) -> str:
    return re.sub(r"\bargs\.", "", text)


def and_list(parts: Sequence[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)

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
    for sign, word in _COMPARED.items():
        sides = split_at(words, sign)
        if len(sides) == 2 and all(_is_simple(side) for side in sides):
            return f"{_name(source(text, sides[0]))} {word} {_name(source(text, sides[1]))}"
    return source(text, words)


def _is_simple(words: Sequence[Token]) -> bool:
    kinds = {word.kind for word in words}
    return bool(words) and (
        len(words) == 1 or (Kind.NAME in kinds and all(word.kind is Kind.NAME or word.is_sign(".") for word in words))
    )


def _name(text: str) -> str:
    return re.sub(r"^args\.", "", text)


def and_list(parts: Sequence[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)

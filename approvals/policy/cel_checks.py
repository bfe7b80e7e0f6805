"""What a condition may contain, checked before it is stored.

The CEL library has no cost limit, holds the GIL and cannot be interrupted: six nested maps over
ten items ran for seconds. So whatever can grow faster than its input is refused here, and
approvals.policy.conditions bounds the input.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from approvals.policy.cel_text import ConditionError, Kind, Token, closing

FUNCTIONS = frozenset(
    {
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "int",
        "double",
        "string",
        "timestamp",
        "duration",
    }
)
SEARCHES = frozenset({"all", "exists", "exists_one"})
COPIES = frozenset({"map", "filter"})  # each element copied anew for every element: quadratic
MACROS = SEARCHES | COPIES
KEYWORDS = frozenset({"true", "false", "null", "in"})
_LOGIC = frozenset({"_&&_", "_||_", "!_", "_?_:_", "@not_strictly_false"})
_COMPARISONS = frozenset({"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"})
_ARITHMETIC = frozenset({"-_", "_+_", "_-_", "_*_", "_/_", "_%_", "_[_]"})
OPERATORS = _LOGIC | _COMPARISONS | _ARITHMETIC
MAX_PATTERN = 100
_MAX_REPEAT = 50


@dataclass(frozen=True, slots=True)
class Macro:
    """One `list.exists(x, …)`: the index of its name, of its brackets, and the loop variable."""

    name: Token
    at: int
    opens: int
    closes: int
    variable: str

    def encloses(self, index: int) -> bool:
        return self.opens < index < self.closes


@dataclass(frozen=True, slots=True)
class Weight:
    """How the cost of a condition grows with its input, so that the input can be bounded."""

    searches: bool = False
    copies: bool = False
    nested: bool = False
    pattern: bool = False


def check_words(words: Sequence[Token], variables: Collection[str]) -> Weight:
    """Return how heavy the condition is. Raises ConditionError at the word that is not allowed."""
    macros = list(_macros(words))
    for macro in macros:
        _check_macro(macro, words, macros, variables)
    for index, word in enumerate(words):
        if word.kind is Kind.NAME:
            _check_name(index, words, macros, variables)
    return Weight(
        searches=any(macro.name.text in SEARCHES for macro in macros),
        copies=any(macro.name.text in COPIES for macro in macros),
        nested=any(_depth(macro, macros) for macro in macros),
        pattern=any(word.text == "matches" for word in words),
    )


def _macros(words: Sequence[Token]) -> Iterator[Macro]:
    pairs = closing(words)
    for index, word in enumerate(words):
        if word.text in MACROS and _is_method(index, words) and index + 1 in pairs:
            yield Macro(word, index, index + 1, pairs[index + 1], _variable(index, words))


def _variable(index: int, words: Sequence[Token]) -> str:
    inside = words[index + 2 : index + 4]
    if len(inside) == 2 and inside[0].kind is Kind.NAME and inside[1].is_sign(","):
        return inside[0].text
    raise ConditionError(f"Write {words[index].text}(x, …) with a name for one element.", words[index].start)


def _check_macro(macro: Macro, words: Sequence[Token], macros: Sequence[Macro], variables: Collection[str]) -> None:
    depth = _depth(macro, macros)
    if depth > 1 or (depth and macro.name.text in COPIES):
        raise ConditionError(
            "Searches may be inside each other once at most, and map and filter not at all.", macro.name.start
        )
    if macro.variable in variables or macro.variable in KEYWORDS:
        raise ConditionError(f"{macro.variable} already has a meaning; use another name.", words[macro.opens + 1].start)
    _check_list(macro, words)
    if macro.name.text == "map":
        _check_map(macro, words)


def _depth(macro: Macro, macros: Sequence[Macro]) -> int:
    return sum(other.encloses(macro.at) for other in macros)


def _check_list(macro: Macro, words: Sequence[Token]) -> None:
    """What is searched must be a path, a literal list or the result of another search."""
    before = words[macro.at - 2]
    if before.kind is Kind.NAME:
        return
    opening = next((start for start, end in closing(words).items() if end == macro.at - 2), 0)
    name = words[opening - 1] if opening else None
    if before.is_sign("]") and (_is_index(opening, words) or _is_plain(words[opening + 1 : macro.at - 2])):
        return
    if before.is_sign(")") and name is not None and name.text in COPIES:
        return
    raise ConditionError("Only a list from the data or a list of plain values can be searched.", macro.name.start)


def _is_index(opening: int, words: Sequence[Token]) -> bool:
    return opening > 0 and (words[opening - 1].kind is Kind.NAME or words[opening - 1].is_sign(")", "]"))


def _is_plain(words: Sequence[Token]) -> bool:
    return all(word.kind in (Kind.TEXT, Kind.NUMBER) or word.is_sign(",", "-") for word in words)


def _check_map(macro: Macro, words: Sequence[Token]) -> None:
    body = words[macro.opens + 3 : macro.closes]
    path = body and all(word.kind is Kind.NAME or word.is_sign(".") for word in body)
    if not path or body[0].text != macro.variable:
        raise ConditionError("map can only pick a field of the element: map(x, x.field).", macro.name.start)


def _check_name(index: int, words: Sequence[Token], macros: Sequence[Macro], variables: Collection[str]) -> None:
    word = words[index]
    following = words[index + 1] if index + 1 < len(words) else None
    if following and following.is_sign("{"):
        raise ConditionError("Objects with a type are not allowed.", word.start)
    if following and following.is_sign("("):
        _check_call(index, words, macros)
    elif not _is_field(index, words) and not _is_known(index, word, macros, variables):
        names = ", ".join(sorted(variables))
        raise ConditionError(f"{word.text} is not known here. Known are: {names}.", word.start)


def _is_known(index: int, word: Token, macros: Sequence[Macro], variables: Collection[str]) -> bool:
    loop = any(macro.variable == word.text and macro.encloses(index) for macro in macros)
    return loop or word.text in variables or word.text in KEYWORDS


def _check_call(index: int, words: Sequence[Token], macros: Sequence[Macro]) -> None:
    word = words[index]
    if word.text == "in":
        return
    method = _is_method(index, words)
    if word.text == "matches":
        _check_pattern(index, words, macros)
    known = word.text in FUNCTIONS or (word.text in MACROS and method) or (word.text == "has" and not method)
    if not known:
        raise ConditionError(f"The function {word.text} is not allowed in a condition.", word.start)


def _check_pattern(index: int, words: Sequence[Token], macros: Sequence[Macro]) -> None:
    word = words[index]
    literal = words[index + 2 : index + 3]
    if not literal or literal[0].kind is not Kind.TEXT or not words[index + 3].is_sign(")"):
        raise ConditionError("matches takes one pattern, written out in quotes.", word.start)
    if any(macro.encloses(index) for macro in macros):
        raise ConditionError("matches cannot stand inside a search; use startsWith or contains.", word.start)
    pattern = literal[0].text
    if len(pattern) > MAX_PATTERN or _repeats(pattern) > _MAX_REPEAT:
        raise ConditionError("This pattern is too heavy.", literal[0].start)


def _repeats(pattern: str) -> int:
    """Return how often the pattern may be written out by its {n} counts, as if all were nested."""
    product = 1
    for count in re.findall(r"\{[^}]*?(\d+)\s*\}", pattern):
        product *= max(int(count[:6]), 1)
    return product


def _is_method(index: int, words: Sequence[Token]) -> bool:
    return _is_field(index, words)


def _is_field(index: int, words: Sequence[Token]) -> bool:
    return index > 0 and words[index - 1].is_sign(".")

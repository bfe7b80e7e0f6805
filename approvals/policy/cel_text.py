"""A condition cut into its words, each with its place, so that checks can point at a character."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class ConditionError(ValueError):
    """A condition that cannot be accepted, or could not be judged.

    position: 0-based character of the text, None where no single place is at fault.
    """

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


class Kind(StrEnum):
    NAME = "name"
    NUMBER = "number"
    TEXT = "text"
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def is_sign(self, *signs: str) -> bool:
        return self.kind is Kind.SIGN and self.text in signs


# CEL knows more spellings (r"", b"", triple quotes, comments, hex, exponents). They are refused,
# because a text that hides what it says has no place in a rule, and this reader stays small.
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<number>\d+(?:\.\d+)?(?![\w.]))
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<text>"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*')
    |(?P<sign>&&|\|\||==|!=|<=|>=|//|[-+*/%<>!?:.,()\[\]{}])""",
    re.VERBOSE,
)
_INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def tokens(text: str) -> tuple[Token, ...]:
    """Return the words of a condition in order. Raises ConditionError at the first that is not allowed."""
    _check_visible(text)
    found: list[Token] = []
    position = 0
    while position < len(text):
        position = _take(text, position, found)
    return tuple(found)


def _take(text: str, position: int, found: list[Token]) -> int:
    match = _TOKEN.match(text, position)
    if match is None or match.lastgroup is None:
        raise ConditionError(_cannot_read(text[position]), position)
    if match.lastgroup != "space":
        token = Token(Kind(match.lastgroup), match.group(), position)
        _check_token(token, found[-1] if found else None)
        found.append(token)
    return match.end()


def _cannot_read(letter: str) -> str:
    if letter.isdigit() or letter == ".":
        return "Write numbers in plain digits, such as 5000 or 0.5."
    if letter in "\"'":
        return "This text has no closing quote."
    return f"The character {letter} means nothing here."


def _check_token(token: Token, before: Token | None) -> None:
    if token.is_sign("//"):
        raise ConditionError("Comments belong in the rule's note.", token.start)
    if token.kind is Kind.TEXT and before and before.end == token.start and before.kind is not Kind.SIGN:
        raise ConditionError("Only plain quoted texts are allowed: no r, b or triple quotes.", before.start)
    if token.is_sign(".") and (before is None or not _can_have_fields(before)):
        raise ConditionError("A dot needs a name before it.", token.start)
    if token.kind is Kind.NUMBER and len(token.text) > 18:
        raise ConditionError("This number is too long.", token.start)


def _can_have_fields(token: Token) -> bool:
    return token.kind in (Kind.NAME, Kind.TEXT) or token.is_sign(")", "]", "}")


def _check_visible(text: str) -> None:
    for position, letter in enumerate(text):
        if letter not in " \t\r\n" and unicodedata.category(letter) in _INVISIBLE:
            name = f"U+{ord(letter):04X}"
            raise ConditionError(f"The invisible character {name} is not allowed.", position)


def closing(words: Sequence[Token]) -> dict[int, int]:
    """Return, for each opening bracket's index, the index of its closing one."""
    pairs: dict[int, int] = {}
    open_at: list[int] = []
    for index, word in enumerate(words):
        if word.is_sign("(", "[", "{"):
            open_at.append(index)
        elif word.is_sign(")", "]", "}") and open_at:
            pairs[open_at.pop()] = index
    return pairs


def split_at(words: Sequence[Token], sign: str) -> list[Sequence[Token]]:
    """Return the parts of words between the signs that stand outside all brackets."""
    parts: list[Sequence[Token]] = []
    depth, start = 0, 0
    for index, word in enumerate(words):
        depth += word.is_sign("(", "[", "{") - word.is_sign(")", "]", "}")
        if depth == 0 and word.is_sign(sign):
            parts.append(words[start:index])
            start = index + 1
    return [*parts, words[start:]]


def unwrapped(words: Sequence[Token]) -> Sequence[Token]:
    """Return words without the round brackets that enclose all of them."""
    while len(words) > 2 and words[0].is_sign("(") and closing(words).get(0) == len(words) - 1:
        words = words[1:-1]
    return words


def source(text: str, words: Sequence[Token]) -> str:
    """Return the piece of text that words were cut from."""
    return text[words[0].start : words[-1].end] if words else ""

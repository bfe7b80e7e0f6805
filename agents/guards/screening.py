"""Text from outside, looked at for signs of manipulation. Pure.

A signal, never a licence: what it finds can put a person in front of a write, and what it does not find
says nothing at all.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from agents.guards.phrases import MAX_PHRASE, phrases_in
from approvals.visible_text import Mark, pieces

MAX_TEXT_CHARS = 24_000
MAX_ALL_CHARS = 200_000
MAX_TEXTS = 500
MAX_FINDINGS = 12
_SPACES = re.compile("[ \t\r\n]+")
_BLOB = re.compile(
    r"[A-Za-z0-9+/_=-]{200,}|(?:[0-9a-fA-F]{2}){120,}|(?:%[0-9a-fA-F]{2}){40,}|(?:\\u[0-9a-fA-F]{4}){20,}"
)
_HARMLESS = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class Finding:
    """One sign: where it stands (a path), what it does in our words, and its own words."""

    where: str
    what: str
    phrase: str

    def as_json(self) -> dict[str, str]:
        return {"where": self.where, "what": self.what, "phrase": self.phrase}


def screen(value: Any, source: str) -> list[Finding]:
    """Return what looks manipulated in the texts of a value, keys among them; at most twelve findings.

    Reads at most 200,000 characters: a longer value is said to be so, because nobody has looked at its rest.
    """
    found: dict[tuple[str, str], Finding] = {}
    room = MAX_ALL_CHARS
    for path, text in islice(_texts(value, source), MAX_TEXTS):
        for finding in _signs(path, text[: min(room, MAX_TEXT_CHARS)]):
            found.setdefault((finding.what, finding.phrase), finding)
        room -= len(text)
        if room <= 0:
            found[("", "")] = Finding(path, "is too long to be looked at in full", "")
            break
    return list(found.values())[:MAX_FINDINGS]


def findings_from(rows: Any) -> list[Finding]:
    """Return the findings that a journal row holds; what is not one is left out."""
    names = ("where", "what", "phrase")
    good = [row for row in rows or () if isinstance(row, Mapping) and all(isinstance(row.get(n), str) for n in names)]
    return [Finding(row["where"], row["what"], row["phrase"]) for row in good]


def _signs(path: str, text: str) -> Iterator[Finding]:
    for what, phrase in phrases_in(text):
        yield Finding(path, what, phrase)
    strange = [word for word in _SPACES.split(text) if not (word.isascii() and word.isprintable())]
    if strange:
        yield from _hidden(path, " ".join(strange))
    blob = _BLOB.search(text)
    if blob and not _is_address(text, blob.start()):
        yield Finding(path, "holds a long encoded block", f"{blob[0][:40]}…")


def _hidden(path: str, text: str) -> Iterator[Finding]:
    odd = [piece for piece in pieces(text) if piece.mark in (Mark.HIDDEN, Mark.ODD)]
    hidden = [piece for piece in odd if piece.mark is Mark.HIDDEN and not _is_everyday(piece.source)]
    pretending = [piece for piece in odd if piece.mark is Mark.ODD]
    if hidden:
        yield Finding(
            path, "holds characters that nobody sees", ", ".join(dict.fromkeys(p.shown for p in hidden))[:MAX_PHRASE]
        )
    if pretending:
        note = pretending[0].note.partition(":")[0] or "mixed scripts"
        yield Finding(path, f"holds letters that read as others ({note})", pretending[0].source[:MAX_PHRASE])


def _is_everyday(char: str) -> bool:
    """A no-break space or a soft hyphen is what word processors write."""
    return char in "\u00a0\u202f\u00ad\u2009\r"


def _is_address(text: str, start: int) -> bool:
    before = text[max(0, start - 300) : start].rsplit(None, 1)
    return bool(before) and before[-1].startswith(_HARMLESS)


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield f"{path}, a name", str(key)
            yield from _texts(child, f"{path}.{key}"[:200])
    elif isinstance(value, (list, tuple)):
        for index, child in enumerate(value):
            yield from _texts(child, f"{path}[{index}]"[:200])

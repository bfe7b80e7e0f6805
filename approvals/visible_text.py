"""Foreign text taken apart so that nothing in it stays unseen. Pure: returns pieces, draws nothing.

Invisible, reordering and control characters, look-alike letters and long gaps become marked pieces; every other
character is kept as it is. Joining the pieces' `source` gives the text back (with \r\n as \n).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    PLAIN = "plain"
    HIDDEN = "hidden"  # a character that draws nothing, reorders or controls: shown as its code point
    GAP = "gap"  # so much empty room that something could be out of sight behind it
    ODD = "odd"  # letters that read as others than they are


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of the text. `shown` is what to draw, `note` says in words what is strange about it."""

    mark: Mark
    source: str
    shown: str
    note: str = ""


_GAP_LINES, _GAP_SPACES = 4, 12
# Draw nothing although Unicode counts them among letters or symbols.
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159")
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\u180b-\u180d\u180f]")
_EMOJI_JOINERS = frozenset("\u200d\ufe0f")
_ACCENTS = "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]"
_TOKEN = re.compile(rf"\n{{{_GAP_LINES},}}|[ \t]{{{_GAP_SPACES},}}|{_ACCENTS}{{3,}}|\w+|.", re.DOTALL)
_STACKED = re.compile(_ACCENTS)
_ADDRESS_MARKS = frozenset("＠．／＼＿－")
_EVERYDAY = str.maketrans("", "", "²³¹½¼¾ªº™")
# Letters of other scripts that are drawn like Latin ones.
_LATIN_TWINS = frozenset(
    "авеіјклмнорсстухѕһԁԛԝьАВЕІЈКЛМНОРСТУХЅҺԀԚԜЬзЗгпоччαβεηικνορτυχγωΑΒΕΖΗΙΚΜΝΟΡΤΥΧօոսհքցՕՍԼᎪᏴᏟᎠᎬᎻᎫᏦᏞᎷᏢᏒᏚᎢᏙᎳᏃ"
)
_LOOKALIKE_SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})


def pieces(text: str) -> list[Piece]:
    """The whole text in order, with everything that hides or pretends in a piece of its own."""
    found: list[Piece] = []
    for token in _tokens(text):
        _add(found, token)
    return found


def is_plain(text: str) -> bool:
    """True when nothing in the text is hidden, missing or pretending."""
    return all(piece.mark is Mark.PLAIN for piece in pieces(text))


def notes(text: str) -> list[str]:
    """What is strange about the text, each thing said once, in order of appearance."""
    return list(dict.fromkeys(piece.note for piece in pieces(text) if piece.note))


def _add(found: list[Piece], piece: Piece) -> None:
    """Append, joining plain neighbours so that the page stays light."""
    last = found[-1] if found else None
    if last is not None and last.mark is Mark.PLAIN and piece.mark is Mark.PLAIN:
        found[-1] = Piece(Mark.PLAIN, last.source + piece.source, last.shown + piece.shown)
    else:
        found.append(piece)


def _tokens(text: str) -> Iterator[Piece]:
    before, at_home = "", _scripts_at_home(text)
    for match in _TOKEN.finditer(text.replace("\r\n", "\n")):
        token = match.group()
        yield from _judged(token, before, match.string[match.end() : match.end() + 1], at_home)
        before = token[-1]


def _scripts_at_home(text: str) -> frozenset[str]:
    """Scripts that the text really uses: one of their letters cannot be taken for a Latin one."""
    own = {char for char in text if not char.isascii() and char.isalpha() and char not in _LATIN_TWINS}
    return frozenset(_script(char) for char in own)


def _judged(token: str, before: str, after: str, at_home: frozenset[str]) -> Iterator[Piece]:
    if token[0] in "\n \t" and len(token) > 1:
        yield _gap(token)
    elif len(token) == 1:
        yield _character(token, before, after, at_home)
    elif _STACKED.match(token):
        yield Piece(Mark.HIDDEN, token, f"{len(token)} stacked accents", "stacked accents")
    else:
        yield from _word(token, at_home)


def _gap(token: str) -> Piece:
    kind = "empty lines" if token[0] == "\n" else "spaces"
    count = len(token) - 1 if token[0] == "\n" else len(token)
    return Piece(Mark.GAP, token, f"{count:,} {kind}", f"a gap of {count:,} {kind}")


def _character(char: str, before: str, after: str, at_home: frozenset[str]) -> Piece:
    if not _is_hidden(char) or _joins_emoji(char, before, after):
        note = _odd_note(char, at_home)
        return Piece(Mark.ODD, char, char, note) if note else Piece(Mark.PLAIN, char, char)
    return _code_point(char)


def _code_point(char: str) -> Piece:
    name = unicodedata.name(char, "control character").lower()
    return Piece(Mark.HIDDEN, char, f"U+{ord(char):04X}", f"U+{ord(char):04X} {name}")


def _is_hidden(char: str) -> bool:
    if char in "\n\t ":
        return False
    if char in _BLANK_LETTERS or _VARIATION.match(char):
        return True
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"}


def _joins_emoji(char: str, before: str, after: str) -> bool:
    """A joiner between two pictures, or one picture selector after a symbol, is how emoji are written."""
    if char not in _EMOJI_JOINERS or not before or before in _EMOJI_JOINERS - {"\ufe0f"}:
        return False
    is_picture = unicodedata.category(before) in {"So", "Sk"} or (char == "\u200d" and before == "\ufe0f")
    return is_picture and (char == "\ufe0f" or (bool(after) and unicodedata.category(after) == "So"))


def _word(word: str, at_home: frozenset[str]) -> Iterator[Piece]:
    """A word is one piece unless it carries hidden letters (fillers), which are cut out and marked."""
    if any(_is_hidden(char) for char in word):
        for char in word:
            yield _character(char, "", "", at_home)
        return
    note = _odd_note(word, at_home)
    yield Piece(Mark.ODD, word, word, note) if note else Piece(Mark.PLAIN, word, word)


def _odd_note(word: str, at_home: frozenset[str]) -> str:
    """Why these letters may be read wrongly, or ""."""
    if word.isascii():
        return ""
    everyday = word.translate(_EVERYDAY)
    if any(_reads_as_letter(char) or char in _ADDRESS_MARKS for char in everyday) and _folds_to_ascii(everyday):
        return "letters in disguise: " + unicodedata.normalize("NFKC", word)
    scripts = {_script(char) for char in word if char.isalpha()} & _LOOKALIKE_SCRIPTS
    if len(scripts) > 1:
        return "mixed scripts: " + ", ".join(sorted(name.lower() for name in scripts))
    if scripts and not scripts & {"LATIN", *at_home} and all(char in _LATIN_TWINS for char in word if char.isalpha()):
        return f"{next(iter(scripts)).lower()} letters that look latin"
    return ""


def _reads_as_letter(char: str) -> bool:
    return char.isalnum() or unicodedata.normalize("NFKC", char).isalpha()


def _folds_to_ascii(word: str) -> bool:
    return not word.isascii() and unicodedata.normalize("NFKC", word).isascii()


def _script(char: str) -> str:
    return unicodedata.name(char, "").split(" ")[0]

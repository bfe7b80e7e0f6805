"""Words from a stranger's document, made fit for a model's prompt and a person's screen."""

import re
import unicodedata

_UNSEEN = ("Cc", "Cf", "Co", "Cs")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")


def plain(text: object, limit: int) -> str:
    """Return the text on one line, without characters that nobody sees, at most limit characters long."""
    if not isinstance(text, str):
        return ""
    seen = "".join(
        " " if char.isspace() else char
        for char in text[: limit * 4]
        if char.isspace() or unicodedata.category(char) not in _UNSEEN
    )
    line = " ".join(seen.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def as_name(text: str) -> str:
    """Return the text as a name of letters, digits, underscores and hyphens; "" when none is left."""
    return _NOT_IN_A_NAME.sub("_", text).strip("_")

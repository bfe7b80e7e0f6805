"""Foreign text made harmless for a message: nothing unseen, nothing that a mail reader or Slack would act on. Pure."""

import re

from approvals.visible_text import Mark, pieces

_LINK = re.compile(r"\b([a-z][a-z0-9+.-]{1,20}):(?=//)|\b(mailto|javascript|data|tel):", re.IGNORECASE)
_CALLS = re.compile(r"@(?=channel\b|here\b|everyone\b)", re.IGNORECASE)


def defused(text: str, *, longest: int = 600, one_line: bool = False) -> str:
    """Return the text with hidden characters named, links and calls broken, cut with the count of what is left out."""
    shown = "".join(
        piece.shown if piece.mark in (Mark.PLAIN, Mark.ODD) else f"⟦{piece.shown}⟧" for piece in pieces(text[:20_000])
    )
    if one_line:
        shown = " ".join(shown.split())
    shown = _CALLS.sub("@ ", _LINK.sub(lambda match: f"{match[1] or match[2]}[:]", shown))
    left_out = len(shown) - longest
    return shown if left_out <= 0 else f"{shown[:longest]}… ({left_out:,} more characters)"


def is_whole(text: str, *, longest: int = 600) -> bool:
    """Return whether defused() shows all of it."""
    return len(text) <= 20_000 and len(defused(text, longest=10**6)) <= longest


def escaped(text: str) -> str:
    """Return the text as Slack wants it: its three control characters as entities, so that none makes a mention or link.

    Source: docs.slack.dev, "Formatting message text", read 2026-11-21.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

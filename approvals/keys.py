"""The keys of the product, in one table: the sheet that `?` opens is drawn from it, and the scripts act by it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """keys: as the browser names them; shown: as a person reads them; does: in words; act: what the script runs."""

    keys: tuple[str, ...]
    does: str
    act: str
    shown: tuple[str, ...] = ()

    @property
    def faces(self) -> tuple[str, ...]:
        return self.shown or self.keys


MOVE = (
    Key(("j",), "next request, or next line of a table", "next"),
    Key(("k",), "the one before", "previous"),
    Key(("Enter",), "into the card", "into", ("↵",)),
    Key(("Escape",), "back to the list", "back", ("Esc",)),
    Key((".",), "show new requests", "showNew"),
    Key(("/",), "search and narrow", "search"),
    Key(("x",), "select, or leave out of a group", "leaveOut"),
    Key(("b",), "group alike, ungroup", "group"),
)
DECIDE = (
    Key(("Ctrl+Enter",), "approve what stands on the card, or submit", "submit", ("Ctrl", "↵")),
    Key(("e",), "edit the arguments", "press"),
    Key(("r",), "reject: 1 to 9 for a reason, then Ctrl ↵", "press"),
    Key(("q",), "ask the agent", "press"),
    Key(("a",), "assign", "press"),
    Key(("h",), "snooze", "press"),
    Key(("m",), "make a rule of it", "press"),
    Key(("y",), "settle an unknown outcome: it happened", "press"),
    Key(("n",), "it did not happen", "press"),
    Key(("z",), "undo, while the banner shows", "undo"),
    Key(
        ("1", "2", "3", "4", "5", "6", "7", "8", "9"), "a reason; on a high-risk card: begin to type", "digit", ("1–9",)
    ),
)
LOOK = (
    Key(("t",), "run as a story", "story"),
    Key(("v",), "evidence in full", "evidence"),
    Key(("c",), "copy the link", "copyLink"),
)
SECTIONS = (("Move", MOVE), ("Decide", DECIDE), ("Look", LOOK))
# After g. The letter is drawn only when the place exists; the sidebar's links carry the same letters.
PLACES = (
    ("h", "monitoring:home", "home"),
    ("i", "approvals:inbox", "inbox"),
    ("r", "agents:runs", "runs"),
    ("a", "agents:agents", "agents"),
    ("p", "approvals:policy", "policy"),
    ("e", "integrations:events", "events"),
    ("u", "approvals:audit", "audit"),
    ("d", "monitoring:dashboard", "dashboard"),
    ("o", "approvals:desk", "desk"),
    ("s", "monitoring:subjects", "subjects"),
)


def acts() -> dict[str, str]:
    """Return the table as the script reads it: key → what it does."""
    return {key: row.act for _, rows in SECTIONS for row in rows for key in row.keys}

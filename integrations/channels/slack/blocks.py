"""A message as Slack draws it. Every text is plain_text and escaped: foreign words can style, mention and link nothing.

Source: docs.slack.dev, Block Kit reference, read 2026-11-21 (limits: 50 blocks, 3000 characters a text, 150 a header).
"""

from typing import Any

from integrations.channels.defused import escaped
from integrations.channels.wording import Message

LONGEST_TEXT = 2900
MOST_BLOCKS = 45
Block = dict[str, Any]


def card_blocks(message: Message) -> list[Block]:
    """Return the blocks of an open card: what is signed, what the agent claims, what can be pressed."""
    blocks = [_section(message.title), *[_section(_line(name, text)) for name, text in message.lines]]
    if message.claim:
        blocks.append(_section(f"The agent's claim (not checked): {message.claim}"))
    if message.note:
        blocks.append(_section(message.note))
    return [*blocks[:MOST_BLOCKS], _actions(message)] if message.link else blocks[:MOST_BLOCKS]


def settled_blocks(message: Message, outcome: str) -> list[Block]:
    """Return the blocks of a card that is over: what it was and how it ended. Nothing can be pressed but the link."""
    return [_section(message.title), _section(outcome), *([_link_only(message)] if message.link else [])]


def reject_modal(request_id: str, digest: str, title: str, reasons: tuple[tuple[str, str], ...]) -> Block:
    """Return the form that asks why; what was pressed travels in private_metadata, which comes back signed."""
    options = [{"text": plain(words, 75), "value": code} for code, words in reasons]
    return {
        "type": "modal",
        "callback_id": "reject",
        "private_metadata": value_of(request_id, digest),
        "title": plain("Reject", 24),
        "submit": plain("Reject", 24),
        "close": plain("Back", 24),
        "blocks": [
            _section(title),
            {
                "type": "input",
                "block_id": "reason",
                "label": plain("Why", 80),
                "element": {"type": "static_select", "action_id": "code", "options": options},
            },
            {
                "type": "input",
                "block_id": "words",
                "optional": True,
                "label": plain("In your words; it goes back to the agent", 80),
                "element": {"type": "plain_text_input", "action_id": "text", "multiline": True, "max_length": 2000},
            },
        ],
    }


def fallback(message: Message, outcome: str = "") -> str:
    """Return the one line that notifications and screen readers show."""
    return escaped(f"{message.title} {outcome}".strip())[:LONGEST_TEXT]


def value_of(request_id: str, digest: str) -> str:
    """Return what a button carries: which request, and what exactly was shown to be signed."""
    return f"{request_id}.{digest}"


def plain(text: str, longest: int = LONGEST_TEXT) -> Block:
    return {"type": "plain_text", "text": escaped(text)[:longest] or "-", "emoji": False}


def _actions(message: Message) -> Block:
    value = value_of(message.request_id, message.digest)
    pressed = [
        {"type": "button", "action_id": "approve", "style": "primary", "text": plain("Approve", 75), "value": value},
        {"type": "button", "action_id": "reject", "style": "danger", "text": plain("Reject…", 75), "value": value},
    ]
    return {"type": "actions", "elements": [*(pressed if message.decidable else []), _open_button(message)]}


def _link_only(message: Message) -> Block:
    return {"type": "actions", "elements": [_open_button(message)]}


def _open_button(message: Message) -> Block:
    return {"type": "button", "action_id": "open", "text": plain("Open in the browser", 75), "url": message.link}


def _section(text: str) -> Block:
    return {"type": "section", "text": plain(text)}


def _line(name: str, text: str) -> str:
    return f"{name}: {text}" if name else text

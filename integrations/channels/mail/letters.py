"""The mail itself. Fixed templates and plain text; a header never carries what could end its line. Pure."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from integrations.channels.defused import defused
from integrations.channels.retrying import NotDelivered
from integrations.channels.wording import Message

# Regulation (EU) 2024/1689, article 50: people are told where text comes from an AI system.
DISCLOSURE = "Text marked as the agent's claim was written by an AI system. Nobody has checked it."
_FOOT = (
    "This link opens the request after you sign in. Nothing in this mail decides anything, and replies are not read.\n"
    "What you are told by mail is set under Profile, Notifications."
)


def letter(
    message: Message, *, sender: str, to: str, message_id: str, installation: str, at: datetime, kind: str
) -> EmailMessage:
    """Return the mail. Raises NotDelivered for an address that is none, or a header that would break out of its line."""
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = _address(sender)
        mail["To"] = _address(to)
        mail["Subject"] = defused(message.title, longest=150, one_line=True)
        mail["Date"] = at
        mail["Message-ID"] = f"<{message_id}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail["List-Id"] = f"Countersign <{kind}.{installation}>"
        mail["Precedence"] = "bulk"
    except (ValueError, IndexError, AttributeError) as problem:
        raise NotDelivered(f"The mail cannot be written: {type(problem).__name__}.", final=True) from None
    mail.set_content(_text(message))
    return mail


def _address(text: str) -> Address:
    """Return the address, refused unless it is exactly one plain one: no list, no name, no second line."""
    user, at, host = text.strip().rpartition("@")
    if not (user and at and host) or any(char <= " " or char in ',;<>"()\\' or char > "~" for char in text.strip()):
        raise ValueError("no plain mail address")
    return Address(username=user, domain=host)


def _text(message: Message) -> str:
    parts = [message.title, "\n".join(_line(name, text) for name, text in message.lines)]
    if message.claim:
        parts += [f"The agent's claim (not checked):\n{_quoted(message.claim)}", DISCLOSURE]
    if message.note and message.request_id:
        parts.append(message.note)
    if message.link:
        parts.append(f"Open it:\n{message.link}")
    return "\n\n".join(part for part in [*parts, f"-- \n{_FOOT}"] if part) + "\n"


def _line(name: str, text: str) -> str:
    """Return a labelled value; a second line is set in, so that it cannot pass for a label of its own."""
    return f"{name}: {text.replace(chr(10), chr(10) + '    ')}" if name else text


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())

"""Mail: plain text, fixed wording, a link that opens the card and decides nothing."""

from integrations.channels.mail.sender import Sender

__all__ = ["Sender"]

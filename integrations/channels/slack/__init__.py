"""Slack: cards with buttons go out, signed presses come back."""

from integrations.channels.slack.sender import Sender, rewrite

__all__ = ["Sender", "rewrite"]

"""Slack's Web API: one method, one answer, through the guarded client."""

import json
from collections.abc import Mapping
from typing import Any

from agents.tools.base import NotSent, OutcomeUnknown
from config import bounded_json
from integrations.channels.retrying import NotDelivered
from integrations.channels.secrets import secret_of
from integrations.http import Outgoing, client_for
from integrations.models import Connection
from integrations.openapi.call import host_of

BASE_URL = "https://slack.com/api"
SEND_S = 10.0
# What no second attempt with the same message can mend.
# Source: docs.slack.dev, chat.postMessage and chat.update, errors, read 2026-11-21.
_FINAL = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_too_long", "no_text", "message_not_found", "cant_update_message"}
)


def call(connection: Connection, method: str, payload: Mapping[str, Any], *, within_s: float = SEND_S) -> Any:
    """Return what Slack answers. Raises NotDelivered with what to do, SecretMissing."""
    base = connection.base_url or BASE_URL
    token = secret_of(connection, host=host_of(base))
    outgoing = Outgoing(
        "POST",
        f"{base.rstrip('/')}/{method}",
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"},
        json.dumps(payload).encode(),
    )
    try:
        answer = client_for(connection.name).send(outgoing, deadline_s=within_s)
    except (NotSent, OutcomeUnknown) as problem:
        raise NotDelivered(str(problem)) from None
    if answer.status == 429:
        raise NotDelivered("Slack asks us to slow down.", retry_after_s=_seconds(answer.headers.get("retry-after")))
    if answer.status != 200 or answer.problem:
        raise NotDelivered(f"Slack answered {answer.status}. {answer.problem}".strip())
    return _read(answer.body)


def _read(body: bytes) -> Any:
    try:
        said = bounded_json.loads(body)
    except bounded_json.BadJson:
        raise NotDelivered("Slack's answer is no JSON. Is the address Slack's?") from None
    if isinstance(said, dict) and said.get("ok") is True:
        return said
    code = str(said.get("error", "no reason"))[:80] if isinstance(said, dict) else "no reason"
    raise NotDelivered(f"Slack refused: {code}. {_ADVICE.get(code, '')}".strip(), final=code in _FINAL)


_ADVICE = {
    "invalid_auth": "Enter the bot token again.",
    "not_authed": "Enter the bot token.",
    "token_revoked": "Enter a new bot token.",
    "account_inactive": "Enter a new bot token.",
    "missing_scope": "Give the Slack app the scope chat:write.",
    "channel_not_found": "Check the channel, and invite the app to it.",
    "not_in_channel": "Invite the app to the channel.",
    "is_archived": "Name another channel.",
}


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None

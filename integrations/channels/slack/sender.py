"""Posting a card and rewriting it once it is settled, wherever that happened."""

from typing import Any

from approvals.models import Request
from approvals.states import RequestState
from integrations.channels.claiming import Sent
from integrations.channels.retrying import NotDelivered
from integrations.channels.slack.api import call
from integrations.channels.slack.blocks import card_blocks, fallback, settled_blocks
from integrations.channels.topics import FOR_DECIDERS, topic_of
from integrations.channels.wording import message_of, outcome_of
from integrations.models import Delivery

# Slack looks for nothing in our text: no names, no links, no previews.
_INERT = {"mrkdwn": False, "parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}


class Sender:
    def send(self, delivery: Delivery, request: Request | None) -> Sent:
        """Post it, once as far as Slack keeps our id. Raises NotDelivered, SecretMissing."""
        message = message_of(delivery.notice, request)
        payload = {
            "channel": account_of(delivery.address),
            "text": fallback(message),
            "blocks": card_blocks(message),
            "client_msg_id": str(delivery.pk),
            **_INERT,
        }
        said = call(delivery.connection, "chat.postMessage", payload)
        place, stamp = said.get("channel"), said.get("ts")
        if not isinstance(place, str) or not isinstance(stamp, str):
            raise NotDelivered("Slack's answer does not say where the message is.", final=True)
        shows = request is not None and topic_of(delivery.notice.kind) in FOR_DECIDERS
        return Sent(place[:80], stamp[:200], live=shows, shown=RequestState.OPEN if shows else "")


def rewrite(delivery: Delivery, request: Request | None) -> None:
    """Make the message say how its request ended; after an undo, show the card again. Raises NotDelivered, SecretMissing."""
    message = message_of(delivery.notice, request)
    is_open = request is not None and request.state == RequestState.OPEN
    outcome = "" if is_open else outcome_of(request) if request else "It is not there any more."
    payload: dict[str, Any] = {
        "channel": delivery.external_place,
        "ts": delivery.external_id,
        "text": fallback(message, outcome),
        "blocks": card_blocks(message) if is_open else settled_blocks(message, outcome),
        **{name: _INERT[name] for name in ("parse", "link_names")},
    }
    call(delivery.connection, "chat.update", payload)


def account_of(address: str) -> str:
    """Return the Slack id to post to: a channel, or the person of "workspace/person"."""
    return address.rpartition("/")[2]

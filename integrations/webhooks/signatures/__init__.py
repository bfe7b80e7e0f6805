"""Who sent this? One shape for all signature schemes: `verify` proves a delivery or raises SignatureProblem.

Everything here is pure. A scheme is one file; to add one, copy its nearest neighbour and name it in SCHEMES.
"""

import secrets as _random
from collections.abc import Mapping, Sequence
from datetime import datetime

from integrations.webhooks.signatures.github import GitHub
from integrations.webhooks.signatures.hubspot import HubSpot
from integrations.webhooks.signatures.plain import PlainHmac
from integrations.webhooks.signatures.proof import base64_code, same
from integrations.webhooks.signatures.shape import (
    Delivery,
    NotConfigured,
    Scheme,
    SignatureProblem,
    SignedRequest,
    Verified,
)
from integrations.webhooks.signatures.shopify import Shopify
from integrations.webhooks.signatures.slack import Slack
from integrations.webhooks.signatures.standard import StandardWebhooks
from integrations.webhooks.signatures.stripe import Stripe
from integrations.webhooks.signatures.twilio import Twilio
from integrations.webhooks.signatures.zendesk import Zendesk

__all__ = [
    "SCHEMES",
    "Delivery",
    "NotConfigured",
    "Scheme",
    "SignatureProblem",
    "SignedRequest",
    "Verified",
    "labels",
    "scheme_named",
    "sign",
    "verify",
    "waste_as_much",
]

_ALL: tuple[Scheme, ...] = (
    StandardWebhooks(),
    GitHub(),
    Stripe(),
    PlainHmac(),
    Slack(),
    Shopify(),
    HubSpot(),
    Twilio(),
    Zendesk(),
)
SCHEMES: Mapping[str, Scheme] = {scheme.name: scheme for scheme in _ALL}
_NOBODYS_KEY = _random.token_bytes(32)


def scheme_named(name: str) -> Scheme:
    """Return the scheme. Raises NotConfigured when there is none of that name."""
    try:
        return SCHEMES[name]
    except KeyError:
        raise NotConfigured("unknown_scheme", f"There is no signature scheme called {name}.") from None


def labels() -> list[tuple[str, str]]:
    """Return name and label of every scheme, for a choice on a form."""
    return [(scheme.name, scheme.label) for scheme in _ALL]


def verify(scheme: str, request: SignedRequest, secrets: Sequence[str], now: datetime) -> Verified:
    """Return what is proven about the request. Raises SignatureProblem, NotConfigured when we lack the means."""
    return scheme_named(scheme).verify(request, secrets, now)


def sign(scheme: str, body: bytes, secret: str, *, event_id: str, now: datetime, url: str) -> Delivery:
    """Return the headers (and URL) with which a sender of this scheme would deliver the JSON body."""
    return scheme_named(scheme).sign(body, secret, event_id=event_id, now=now, url=url)


def waste_as_much(body: bytes) -> None:
    """Do the work of one check for nothing, so that the time does not tell whether a source exists."""
    same(base64_code(_NOBODYS_KEY, body), base64_code(_NOBODYS_KEY, body[:0]))

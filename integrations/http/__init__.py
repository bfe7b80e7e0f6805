"""The one outbound client: guarded addresses, one deadline, one size, and honest failures."""

from integrations.http.client import Answer, OutboundClient, Outgoing, client_for
from integrations.http.guard import AddressRefused
from integrations.http.transport import GuardedTransport, OutboundRefused, attempt_until, guarded_transport

__all__ = [
    "AddressRefused",
    "Answer",
    "GuardedTransport",
    "OutboundClient",
    "OutboundRefused",
    "Outgoing",
    "attempt_until",
    "client_for",
    "guarded_transport",
]

"""What must be right before anything starts."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from integrations.http.guard import AddressRefused
from integrations.http.rules import allowed_networks


@register()
def outbound_allow_can_be_read(app_configs: Sequence[Any] | None, **_later: Any) -> list[CheckMessage]:
    """OUTBOUND_ALLOW is a list of networks, optionally with ports."""
    try:
        allowed_networks()
    except AddressRefused as error:
        hint = "Write networks with commas between them, as 10.0.0.0/8,127.0.0.1:8711,[::1]:8000-8010."
        return [Error(error.message, hint=hint, id="integrations.E001")]
    return []

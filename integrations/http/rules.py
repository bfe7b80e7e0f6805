"""The guard's rules as the installation sets them: OUTBOUND_ALLOW and OUTBOUND_PORTS."""

from functools import lru_cache

from django.conf import settings

from integrations.http.guard import PUBLIC_PORTS, AddressRefused, AllowedNetwork, parse_allowed


def allowed_networks() -> tuple[AllowedNetwork, ...]:
    """Return the private networks that may be called. Raises AddressRefused while the setting cannot be read."""
    try:
        return _parsed(tuple(settings.OUTBOUND_ALLOW))
    except ValueError as error:
        raise AddressRefused(str(error)) from None


def public_ports() -> tuple[int, ...]:
    """Return the ports of public addresses that may be called (by https only)."""
    return tuple(getattr(settings, "OUTBOUND_PORTS", PUBLIC_PORTS))


@lru_cache(maxsize=8)
def _parsed(entries: tuple[str, ...]) -> tuple[AllowedNetwork, ...]:
    return parse_allowed(entries)

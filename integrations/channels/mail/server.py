"""A connection to a mail server, at an address that may be called: OUTBOUND_ALLOW holds for mail as for everything."""

import smtplib
import socket
import ssl
from typing import Any

from django.conf import settings

from integrations.channels.retrying import NotDelivered
from integrations.http.guard import AddressRefused, Endpoint, checked_host, pinned
from integrations.http.resolver import NameNotFound, system_resolver
from integrations.http.rules import allowed_networks

# Ports of mail servers that may be called on public addresses, by an encrypted session only.
PORTS = (25, 465, 587, 2525)


def open_server(host: str, port: int, *, security: str, timeout_s: float) -> smtplib.SMTP:
    """Return an open session. Raises NotDelivered for an address that may not be called, and what smtplib raises."""
    address = _pinned(host, port, encrypted=security != "none", timeout_s=timeout_s)
    if security == "tls":
        return _PinnedTls(address, host, port, timeout_s)
    return _Pinned(address, host, port, timeout_s)


def tls_context() -> ssl.SSLContext:
    """Return what the server's certificate is checked by: the system's authorities, or those of MAIL_CA_FILE."""
    return ssl.create_default_context(cafile=settings.MAIL_CA_FILE or None)


class _Pinned(smtplib.SMTP):
    """Connects to the address that was judged; the name stays what the certificate must be for."""

    def __init__(self, address: str, host: str, port: int, timeout_s: float) -> None:
        self._address = address
        super().__init__(host, port, timeout=timeout_s)

    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
        return socket.create_connection((self._address, port), timeout)


class _PinnedTls(smtplib.SMTP_SSL):
    def __init__(self, address: str, host: str, port: int, timeout_s: float) -> None:
        self._address = address
        super().__init__(host, port, timeout=timeout_s, context=tls_context())

    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
        plain = socket.create_connection((self._address, port), timeout)
        return tls_context().wrap_socket(plain, server_hostname=host)


def _pinned(host: str, port: int, *, encrypted: bool, timeout_s: float) -> str:
    try:
        endpoint = Endpoint("https" if encrypted else "http", checked_host(host), port)
        found = system_resolver(endpoint.host, port, timeout_s)
        return pinned(endpoint, found, allowed_networks(), public_ports=PORTS)[0]
    except AddressRefused as refusal:
        raise NotDelivered(refusal.message) from None
    except NameNotFound as refusal:
        raise NotDelivered(str(refusal)) from None

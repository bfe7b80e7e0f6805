"""Opening a connection step by step without sending anything, for "test now"."""

import httpcore2

from integrations.http.guard import AddressRefused, Endpoint, endpoint_of, pinned
from integrations.http.resolver import NameNotFound, system_resolver
from integrations.http.rules import allowed_networks, public_ports
from integrations.http.transport import guarded_socket


class ProbeFailed(Exception):
    """This step does not work; the message says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def find_address(url: str, *, timeout_s: float) -> list[str]:
    """Return the addresses of a URL that may be called. Raises ProbeFailed."""
    try:
        endpoint = endpoint_of(url)
        return pinned(
            endpoint,
            system_resolver(endpoint.host, endpoint.port, timeout_s),
            allowed_networks(),
            public_ports=public_ports(),
        )
    except AddressRefused as error:
        raise ProbeFailed(error.message) from None
    except NameNotFound as error:
        raise ProbeFailed(str(error)) from None


def open_connection(url: str, *, timeout_s: float) -> str:
    """Open and close a connection, with TLS where the URL says so. Returns what was agreed. Raises ProbeFailed."""
    endpoint = endpoint_of(url)
    try:
        return _opened(endpoint, timeout_s)
    except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
        raise ProbeFailed(_in_words(endpoint, error)) from None


def _opened(endpoint: Endpoint, timeout_s: float) -> str:
    stream = guarded_socket(endpoint, timeout_s)
    try:
        tls = stream.get_extra_info("ssl_object")
        return f"{tls.version()}, certificate valid for {endpoint.host}" if tls else "open, without encryption"
    finally:
        stream.close()


def _in_words(endpoint: Endpoint, error: Exception) -> str:
    text = str(error)
    where = f"{endpoint.host}, port {endpoint.port}"
    if "certificate" in text.lower():
        return f"The certificate of {where} is not trusted: {text}. Renew it, or install its authority on this machine."
    if "ssl" in text.lower():
        return f"{where} does not speak TLS. Check the scheme and the port of the base URL."
    if isinstance(error, httpcore2.ConnectTimeout):
        return f"{where} did not answer in time. Check the address, and that a firewall lets this machine through."
    return f"{where} refused the connection. Check that the system runs there, and the port."

"""Which addresses the product may talk to. Pure: no settings, no network.

A public address is reached by https on a listed port. A network named in OUTBOUND_ALLOW is the exception,
also for http and on any of its ports. Everything else is refused: an address is judged after it was resolved,
so a name, a decimal number or a mapped form of a private address all end in the same question.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DEFAULT_PORTS = {"http": 80, "https": 443}
PUBLIC_PORTS = (443, 8443)

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
# Ranges that an older standard library still calls global.
_SPECIAL = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
        "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fec0::/10",
    )
)  # fmt: skip
_NUMBER_LIKE = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*\.?", re.IGNORECASE)
_HOST_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*\.?", re.IGNORECASE
)


class AddressRefused(Exception):
    """The address may not be called; the message says why and what would allow it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class AllowedNetwork:
    """One entry of OUTBOUND_ALLOW. No ports means every port."""

    network: Network
    ports: frozenset[int] = frozenset()

    def covers(self, address: Address, port: int) -> bool:
        return (
            address.version == self.network.version
            and address in self.network
            and (not self.ports or port in self.ports)
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a URL points, before its name is resolved."""

    scheme: str
    host: str
    port: int


def parse_allowed(entries: Iterable[str]) -> tuple[AllowedNetwork, ...]:
    """Return OUTBOUND_ALLOW as networks: "10.0.0.0/8", "127.0.0.1:8711", "[::1]:8000-8010+9000".

    Raises ValueError for an entry that is none of these.
    """
    return tuple(_allowed(entry.strip()) for entry in entries if entry.strip())


def endpoint_of(url: str) -> Endpoint:
    """Return where a URL points. Raises AddressRefused for a form that two parsers could read differently."""
    if any(char <= " " or char == "\\" or char == "\x7f" for char in url):
        raise AddressRefused("The address contains a space, a backslash or a control character.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("The address is not a valid URL.") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise AddressRefused("The address must begin with https.")
    if "@" in parts.netloc:
        raise AddressRefused("The address must not carry a user name or password.")
    return Endpoint(
        parts.scheme, checked_host(parts.hostname or ""), DEFAULT_PORTS[parts.scheme] if port is None else port
    )


def pinned(
    endpoint: Endpoint,
    addresses: Sequence[str],
    allowed: Sequence[AllowedNetwork],
    *,
    public_ports: Sequence[int] = PUBLIC_PORTS,
) -> list[str]:
    """Return the addresses that may be connected to.

    Those that OUTBOUND_ALLOW names (localhost is often two addresses, of which one is named), or else all that the
    name resolved to: one out of bounds refuses the whole answer, because a name that points inside and outside at
    once is a trick. Raises AddressRefused.
    """
    if not addresses:
        raise AddressRefused(f"{endpoint.host} has no address.")
    parsed = {text: unwrapped(ipaddress.ip_address(text)) for text in addresses}
    named = [text for text, inner in parsed.items() if any(entry.covers(inner, endpoint.port) for entry in allowed)]
    if named:
        return named
    for inner in parsed.values():
        _check_public(endpoint, inner, public_ports)
    return list(parsed)


def _check_public(endpoint: Endpoint, inner: Address, public_ports: Sequence[int]) -> None:
    if not is_public(inner):
        raise AddressRefused(
            f"{endpoint.host} is a private or reserved address. Name its network in OUTBOUND_ALLOW if it is meant."
        )
    if endpoint.scheme != "https":
        raise AddressRefused(
            f"{endpoint.host} would be called without encryption. Use https, or name its network in OUTBOUND_ALLOW."
        )
    if endpoint.port not in public_ports:
        raise AddressRefused(
            f"Port {endpoint.port} is not among the ports that may be called ({', '.join(map(str, public_ports))})."
        )


def unwrapped(address: Address) -> Address:
    """Return the IPv4 address inside a mapped, NAT64, 6to4 or compatible IPv6 address, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Return whether an (unwrapped) address is one that anybody on the internet could reach."""
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    return not any(address.version == network.version and address in network for network in _SPECIAL)


def checked_host(host: str) -> str:
    """Return the host in its plain form. Raises AddressRefused for a number or name in disguise."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    if _NUMBER_LIKE.fullmatch(host):
        raise AddressRefused("A numeric address must be written in its usual form.")
    if not _HOST_NAME.fullmatch(host):
        raise AddressRefused(
            "The host name has characters that a host name cannot have. Write an international name in its xn-- form."
        )
    return host.lower().rstrip(".")


def _allowed(entry: str) -> AllowedNetwork:
    try:
        text, port_text = _split_ports(entry)
        return AllowedNetwork(ipaddress.ip_network(text, strict=False), frozenset(_port_numbers(port_text)))
    except ValueError:
        raise ValueError(f"OUTBOUND_ALLOW: {entry} is not a network, or a network and ports.") from None


def _split_ports(entry: str) -> tuple[str, str]:
    """Return network and ports; an IPv6 network with ports stands in brackets."""
    if entry.startswith("["):
        network, bracket, rest = entry[1:].partition("]")
        if not bracket:
            raise ValueError
        mask, _, ports = rest.partition(":")
        return network + mask, ports
    if entry.count(":") == 1:
        network, _, ports = entry.partition(":")
        return network, ports
    return entry, ""


def _port_numbers(text: str) -> Iterator[int]:
    """Yield the ports of "8080+8443" or "8000-8010"."""
    for part in filter(None, text.split("+")):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)

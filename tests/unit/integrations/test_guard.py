"""Server-side request forgery: sixty ways to say "inside", none of which reaches a local listener."""

import socket
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from pytest_django import Settings

from agents.tools.base import NotSent
from integrations.checks import outbound_allow_can_be_read
from integrations.http import GuardedTransport, OutboundClient, Outgoing
from integrations.http.guard import AddressRefused, endpoint_of, is_public, parse_allowed, pinned, unwrapped
from tests.stranger import Stranger, answer, stranger

# {port} is a listener on loopback that must never hear of any of these.
SPELLINGS = [
    "http://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0x7f.1:{port}/",
    "http://017700000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0177.0.0.01:{port}/",
    "http://127.000.000.001:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://00000000:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2002:7f00:0001::1]:{port}/",
    "http://[2001:0:7f00:1::]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://[fec0::1]:{port}/",
    "http://[fc00::1]:{port}/",
    "http://[fd12:3456::1]:{port}/",
    "http://[ff02::1]:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://10.0.0.1:{port}/",
    "http://192.168.0.1:{port}/",
    "http://172.16.0.1:{port}/",
    "http://100.64.0.1:{port}/",
    "http://198.18.0.1:{port}/",
    "http://192.0.0.1:{port}/",
    "http://224.0.0.1:{port}/",
    "http://255.255.255.255:{port}/",
    "http://user:password@127.0.0.1:{port}/",
    "http://public.example@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@public.example/",
    "http://public.example\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@public.example/",
    "http://127.0.0.1:{port}?@public.example/",
    "http://127。0。0。1:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://127.0.0.1 :{port}/",
    "http://127.0.0.1\t:{port}/",
    "http://127.0.0.1%09:{port}/",
    "http://127.0.0.1%00.public.example:{port}/",
    "http:127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/",
    "unix:///run/postgresql",
    "HTTP://127.0.0.1:{port}/",
    "https://localhost:{port}/",
]


@pytest.fixture
def listener(settings: Settings) -> Iterator[Stranger]:
    settings.OUTBOUND_ALLOW = ()
    with stranger() as running:
        running.on("*", answer(200, {"reached": True}))
        yield running


@pytest.fixture
def client() -> Iterator[OutboundClient]:
    made = OutboundClient()
    yield made
    made.close()


def test_there_are_sixty_spellings() -> None:
    assert len(set(SPELLINGS)) >= 60


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_guard_when_a_url_leads_inside_nothing_reaches_the_listener(
    spelling: str, listener: Stranger, client: OutboundClient
) -> None:
    with pytest.raises(NotSent):
        client.send(Outgoing("GET", spelling.replace("{port}", str(listener.port))), deadline_s=2)
    assert listener.connections == 0


def test_guard_when_the_network_is_allowed_the_same_listener_is_reached(
    listener: Stranger, settings: Settings, client: OutboundClient
) -> None:
    settings.OUTBOUND_ALLOW = (f"127.0.0.1:{listener.port}",)
    assert client.send(Outgoing("GET", listener.url)).status == 200
    assert listener.connections == 1


def test_guard_when_only_another_port_is_allowed_the_listener_is_not_reached(
    listener: Stranger, settings: Settings, client: OutboundClient
) -> None:
    settings.OUTBOUND_ALLOW = (f"127.0.0.1:{listener.port + 1}",)
    with pytest.raises(NotSent, match="OUTBOUND_ALLOW"):
        client.send(Outgoing("GET", listener.url))
    assert listener.connections == 0


class RebindingResolver:
    """Answers with a public address first and with loopback ever after."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, host: str, port: int, timeout_s: float | None) -> list[str]:
        self.asked += 1
        return ["203.0.114.7"] if self.asked == 1 else ["127.0.0.1"]


def test_guard_when_a_name_rebinds_it_connects_to_the_address_it_checked(
    listener: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[str] = []

    def refuse(address: tuple[str, int], *rest: object, **more: object) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    resolver = RebindingResolver()
    client = OutboundClient(transport=GuardedTransport(resolver=resolver))
    for _ in range(5):
        with pytest.raises(NotSent):
            client.send(Outgoing("GET", "https://rebinding.example/"))
    assert connected == ["203.0.114.7"]
    assert resolver.asked == 5
    assert listener.connections == 0


def test_guard_when_one_of_many_addresses_is_inside_refuses_them_all() -> None:
    with pytest.raises(AddressRefused, match="private"):
        pinned(endpoint_of("https://mixed.example"), ["203.0.114.7", "10.0.0.1"], ())


def test_guard_when_some_addresses_are_named_connects_to_those_alone() -> None:
    allowed = parse_allowed(["127.0.0.1:8711"])
    assert pinned(endpoint_of("http://localhost:8711"), ["::1", "127.0.0.1"], allowed) == ["127.0.0.1"]
    assert pinned(endpoint_of("http://localhost:8711"), ["10.0.0.1", "127.0.0.1"], allowed) == ["127.0.0.1"]
    with pytest.raises(AddressRefused):
        pinned(endpoint_of("http://localhost:8712"), ["::1", "127.0.0.1"], allowed)


def test_setting_when_it_cannot_be_read_stops_the_start_and_every_call(
    settings: Settings, client: OutboundClient
) -> None:
    settings.OUTBOUND_ALLOW = ("shop.example:80",)
    (error,) = outbound_allow_can_be_read(None)
    assert error.id == "integrations.E001" and "shop.example:80" in error.msg
    with pytest.raises(NotSent, match="OUTBOUND_ALLOW"):
        client.send(Outgoing("GET", "https://127.0.0.1/"))


def test_guard_when_public_wants_https_and_a_listed_port() -> None:
    assert pinned(endpoint_of("https://a.example"), ["203.0.114.7"], ()) == ["203.0.114.7"]
    with pytest.raises(AddressRefused, match="https"):
        pinned(endpoint_of("http://a.example"), ["203.0.114.7"], ())
    with pytest.raises(AddressRefused, match="Port 22"):
        pinned(endpoint_of("https://a.example:22"), ["203.0.114.7"], ())


def test_guard_when_redirected_inside_does_not_follow(settings: Settings, client: OutboundClient) -> None:
    with stranger() as inside, stranger() as outside:
        settings.OUTBOUND_ALLOW = (f"127.0.0.1:{outside.port}",)
        outside.on("GET /", answer(302, {}, Location=f"{inside.url}/"))
        assert client.send(Outgoing("GET", f"{outside.url}/")).status == 302
        assert inside.connections == 0


def test_guard_when_a_proxy_is_in_the_environment_ignores_it(
    listener: Stranger, settings: Settings, monkeypatch: pytest.MonkeyPatch, client: OutboundClient
) -> None:
    with stranger() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        settings.OUTBOUND_ALLOW = (f"127.0.0.1:{listener.port}",)
        client.send(Outgoing("GET", listener.url))
        assert (listener.connections, proxy.connections) == (1, 0)


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("64:ff9b::a00:1", "10.0.0.1"),
        ("2002:a00:1::", "10.0.0.1"),
        ("::10.0.0.1", "10.0.0.1"),
        ("::1", "::1"),
        ("2606:4700::1111", "2606:4700::1111"),
    ],
)
def test_unwrapped_when_an_address_hides_another_returns_it(text: str, inner: str) -> None:
    assert unwrapped(ip_address(text)) == ip_address(inner)


@pytest.mark.parametrize("text", ["8.8.8.8", "2606:4700::1111", "203.0.114.7"])
def test_is_public_when_anybody_can_reach_it(text: str) -> None:
    assert is_public(ip_address(text))


def test_allowed_networks_when_written_in_every_way_are_understood() -> None:
    one, two, three, four = parse_allowed(["10.0.0.0/8", "127.0.0.1:8711", "[fd00::/8]:8000-8002+9000", "::1"])
    assert one.covers(ip_address("10.1.2.3"), 1) and not one.covers(ip_address("11.0.0.1"), 1)
    assert two.covers(ip_address("127.0.0.1"), 8711) and not two.covers(ip_address("127.0.0.1"), 8712)
    assert three.ports == {8000, 8001, 8002, 9000} and three.covers(ip_address("fd00::1"), 9000)
    assert four.covers(ip_address("::1"), 5)


@pytest.mark.parametrize("entry", ["shop.example", "10.0.0.0/99", "127.0.0.1:http", "[::1"])
def test_allowed_networks_when_not_networks_are_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="OUTBOUND_ALLOW"):
        parse_allowed([entry])

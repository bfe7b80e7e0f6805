"""The outbound client against a stranger with faults: it always ends in time and says honestly what may have happened."""

import logging
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from agents.tools.base import NotSent, OutcomeUnknown, ToolError
from integrations.http import GuardedTransport, OutboundClient, Outgoing, client_for
from tests.stranger import Play, Stranger, answer, broken_off, drip, gibberish, gzip_bomb, huge, reset, slow, stranger

MIB = 1024 * 1024


@pytest.fixture
def other(settings: Settings) -> Iterator[Stranger]:
    settings.OUTBOUND_ALLOW = ("127.0.0.0/8",)
    with stranger() as running:
        yield running


@pytest.fixture
def client() -> Iterator[OutboundClient]:
    made = OutboundClient()
    yield made
    made.close()


def test_send_when_answered_returns_status_headers_and_body(other: Stranger, client: OutboundClient) -> None:
    other.on("POST /x", answer(201, {"done": True}, X_Place="here"))
    got = client.send(Outgoing("POST", f"{other.url}/x", {"A": "b"}, b"body"))
    assert (got.status, got.body, got.headers["x-place"], got.problem) == (201, b'{"done": true}', "here", "")
    assert (other.asked[0].body, other.asked[0].headers["A"]) == (b"body", "b")


def test_send_when_repeated_reuses_the_connection_unless_a_fresh_one_is_asked_for(
    other: Stranger, client: OutboundClient
) -> None:
    other.on("GET /x", answer(200, {}))
    for _ in range(3):
        client.send(Outgoing("GET", f"{other.url}/x"))
    assert other.connections == 1
    for _ in range(3):
        client.send(Outgoing("GET", f"{other.url}/x"), fresh=True)
    assert other.connections == 4


@pytest.mark.parametrize(
    "play",
    [slow(1.5, answer(200, {})), reset, drip("head"), drip("body"), broken_off, gibberish],
    ids=["acts then answers too late", "reset", "dripping headers", "dripping body", "broken off", "not HTTP"],
)
def test_send_when_bytes_left_and_no_answer_came_says_unknown_and_ends_in_time(
    play: Play, other: Stranger, client: OutboundClient
) -> None:
    other.on("POST /x", play)
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        client.send(Outgoing("POST", f"{other.url}/x", {}, b"{}"), deadline_s=0.4)
    assert time.monotonic() - began < 1.0
    assert len(other.asked) == 1


def test_send_when_nobody_listens_says_not_sent(other: Stranger, client: OutboundClient) -> None:
    with pytest.raises(NotSent, match="Connection refused"):
        client.send(Outgoing("POST", "http://127.0.0.1:9/", {}, b"{}"))


def test_send_when_the_name_is_unknown_says_not_sent(client: OutboundClient, settings: Settings) -> None:
    with pytest.raises(NotSent, match="not known|not found"):
        client.send(Outgoing("POST", "https://nobody.invalid/", {}, b"{}"))


def test_send_when_the_name_server_hangs_ends_in_time(settings: Settings) -> None:
    def hanging(host: str, port: int, timeout_s: float | None) -> list[str]:
        time.sleep(min(timeout_s or 9, 9))
        return ["203.0.114.7"]

    began = time.monotonic()
    with pytest.raises(NotSent):
        OutboundClient(transport=GuardedTransport(resolver=hanging)).send(
            Outgoing("GET", "https://slow.example/"), deadline_s=0.3
        )
    assert time.monotonic() - began < 1


def test_send_when_the_answer_is_huge_stops_reading_and_says_so(other: Stranger, client: OutboundClient) -> None:
    other.on("GET /x", huge(30 * MIB))
    got = client.send(Outgoing("GET", f"{other.url}/x"))
    assert (len(got.body), got.problem) == (MIB, "the answer is longer than 1024 KiB")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_send_when_the_answer_is_a_decompression_bomb_unpacks_at_most_the_limit(
    coding: str, other: Stranger, client: OutboundClient
) -> None:
    if coding == "gzip":
        other.on("GET /x", gzip_bomb(500))
    else:
        other.on("GET /x", answer(200, b"\x1f\x8b garbage", Content_Encoding=coding))
    got = client.send(Outgoing("GET", f"{other.url}/x"))
    assert got.problem and len(got.body) <= MIB
    assert other.asked[0].headers["Accept-Encoding"] == "identity"


def test_send_when_a_refusal_breaks_off_it_stays_a_refusal(other: Stranger, client: OutboundClient) -> None:
    def half_refusal(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 422 No\r\nContent-Length: 500\r\n\r\nhalf")
        reset(handler)

    other.on("POST /x", half_refusal)
    got = client.send(Outgoing("POST", f"{other.url}/x", {}, b"{}"))
    assert (got.status, got.problem) == (422, "the answer broke off")


def test_send_when_cookies_are_set_forgets_them(other: Stranger, client: OutboundClient) -> None:
    other.on("GET /x", answer(200, {}, Set_Cookie="session=stolen"))
    client.send(Outgoing("GET", f"{other.url}/x"))
    client.send(Outgoing("GET", f"{other.url}/x"))
    assert "Cookie" not in other.asked[1].headers


def test_send_when_logged_shows_neither_path_nor_header_nor_body(
    other: Stranger, client: OutboundClient, caplog: pytest.LogCaptureFixture
) -> None:
    other.on("POST /secret-path", answer(200, {"a": "secret-answer"}))
    with caplog.at_level(logging.DEBUG, logger="countersign"):
        client.send(
            Outgoing(
                "POST", f"{other.url}/secret-path?q=secret-query", {"Authorization": "secret-token"}, b"secret-body"
            )
        )
        with pytest.raises(ToolError):
            client.send(
                Outgoing("POST", "http://127.0.0.1:9/secret-path", {"Authorization": "secret-token"}, b"secret-body")
            )
    ours = [record.getMessage() for record in caplog.records if record.name == "countersign.outbound"]
    assert len(ours) == 2 and not any("secret" in line for line in ours)
    assert "secret" not in repr(Outgoing("POST", other.url, {"Authorization": "secret-token"}, b"secret-body"))


def test_send_when_a_hundred_threads_share_a_client_every_answer_is_its_own(
    other: Stranger, client: OutboundClient
) -> None:
    other.on("*", lambda handler: answer(200, {"path": handler.path})(handler))
    wrong: list[int] = []

    def ask(number: int) -> None:
        if f'"/{number}"'.encode() not in client.send(Outgoing("GET", f"{other.url}/{number}"), deadline_s=10).body:
            wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and len(other.asked) == 100


def test_kept_client_is_one_per_connection() -> None:
    assert client_for("shop") is client_for("shop")
    assert client_for("shop") is not client_for("crm")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for tls.example."""
    path = tmp_path / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=tls.example", "-addext", "subjectAltName=DNS:tls.example", "-keyout", str(path), "-out", f"{path}.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[HTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"{self.headers['Host']} {self.server.sni}".encode()  # type: ignore[attr-defined]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda sock, name, ctx: setattr(server, "sni", name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def _to_loopback(host: str, port: int, timeout_s: float | None) -> list[str]:
    return ["127.0.0.1"]


def test_send_over_tls_connects_to_the_pinned_address_under_the_name_s_certificate(
    tls_server: HTTPServer, certificate: Path, settings: Settings
) -> None:
    settings.OUTBOUND_ALLOW = ("127.0.0.1",)
    trusting = ssl.create_default_context(cafile=f"{certificate}.crt")
    client = OutboundClient(transport=GuardedTransport(resolver=_to_loopback, ssl_context=trusting))
    port = tls_server.server_address[1]
    got = client.send(Outgoing("GET", f"https://tls.example:{port}/"))
    client.close()
    assert got.body.decode() == f"tls.example:{port} tls.example"


@pytest.mark.parametrize("host", ["tls.example", "other.example"])
def test_send_over_tls_when_the_certificate_is_not_trusted_sends_nothing(
    host: str, tls_server: HTTPServer, certificate: Path, settings: Settings
) -> None:
    settings.OUTBOUND_ALLOW = ("127.0.0.1",)
    context = ssl.create_default_context(cafile=f"{certificate}.crt") if host == "other.example" else None
    client = OutboundClient(transport=GuardedTransport(resolver=_to_loopback, ssl_context=context))
    with pytest.raises(NotSent, match="certificate"):
        client.send(Outgoing("GET", f"https://{host}:{tls_server.server_address[1]}/", {"Authorization": "secret"}))
    client.close()

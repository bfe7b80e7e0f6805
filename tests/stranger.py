"""A stranger's HTTP server on loopback, with the faults that strangers have. It counts what it was asked."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Asked:
    """One request as it arrived on the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


Play = Callable[["StrangerHandler"], None]


@dataclass
class Stranger:
    """The running server: `plays` maps "METHOD /path" (without query) to what happens there."""

    port: int
    plays: dict[str, Play] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def on(self, what: str, play: Play) -> None:
        self.plays[what] = play


class StrangerHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    stranger: Stranger

    def setup(self) -> None:
        super().setup()
        self.stranger.connections += 1

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.stranger.asked.append(Asked(self.command, self.path, dict(self.headers.items()), body))
        play = self.stranger.plays.get(f"{self.command} {self.path.partition('?')[0]}") or self.stranger.plays.get("*")
        if play is None:
            answer(404, {"error": "not found"})(self)
        else:
            play(self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def stranger() -> Iterator[Stranger]:
    """Run a stranger's server on a free port until the block ends."""
    handler = type("Handler", (StrangerHandler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.stranger = Stranger(port=server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield handler.stranger
    finally:
        server.shutdown()
        server.server_close()


def answer(status: int, content: Any, **headers: str) -> Play:
    """Answer at once with JSON (or bytes as they are)."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()

    def play(handler: StrangerHandler) -> None:
        handler.send_response(status)
        sent = {
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        for name, value in sent.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    return play


def slow(seconds: float, then: Play) -> Play:
    """Act (the request is counted) and answer too late."""

    def play(handler: StrangerHandler) -> None:
        time.sleep(seconds)
        then(handler)

    return play


def reset(handler: StrangerHandler) -> None:
    """Drop the connection with a reset instead of an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    handler.connection.close()
    handler.close_connection = True


def drip(where: str) -> Play:
    """Send one byte every 50 ms, in the headers or in the body, for ever."""

    def play(handler: StrangerHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        if where == "body":
            handler.wfile.write(b"Content-Length: 100000\r\n\r\n")
        else:
            handler.wfile.write(b"X-Slow: ")
        for _ in range(400):
            handler.wfile.write(b"a")
            handler.wfile.flush()
            time.sleep(0.05)

    return play


def broken_off(handler: StrangerHandler) -> None:
    """Promise more than is sent."""
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"half":')
    handler.wfile.flush()
    reset(handler)


def gibberish(handler: StrangerHandler) -> None:
    """Answer with something that is not HTTP."""
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    handler.close_connection = True


def huge(size: int) -> Play:
    return answer(200, b'{"text": "' + b"x" * size + b'"}')


def gzip_bomb(unpacked_mib: int) -> Play:
    packed = gzip.compress(b"0" * (unpacked_mib * 1024 * 1024))
    return answer(200, packed, Content_Encoding="gzip")

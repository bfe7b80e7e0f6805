"""The door behind the real web server: what only bytes on a socket can show."""

import gzip
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from config.supervisor.web import gunicorn
from integrations.models import Event
from integrations.webhooks import signatures
from tests.hooks import refund, source
from tests.unit.integrations.webhook_vectors import secret_of

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[4]
Raw = Callable[[bytes], bytes]


@pytest.fixture
def wire(transactional_db: None) -> Iterator[Raw]:
    """Send raw bytes to gunicorn and return everything that it answers until it hangs up."""
    port = _free_port()
    command = gunicorn("config.wsgi:application", bind=f"127.0.0.1:{port}", workers=1, threads=4)
    process = subprocess.Popen(
        command, cwd=ROOT, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, process)
        yield lambda raw: _exchange(port, raw)
    finally:
        process.terminate()
        process.wait(15)


def _environment() -> dict[str, str]:
    there = connection.settings_dict
    user = f"{there['USER']}:{there['PASSWORD']}" if there["PASSWORD"] else str(there["USER"])
    host, port = there["HOST"], there["PORT"] or 5432
    place = f"/{there['NAME']}?host={host}" if host.startswith("/") else f"{host}:{port}/{there['NAME']}"
    address = f"postgresql://{user}@{place}"
    keys = ",".join(settings.SECRET_KEYS)
    return {**os.environ, "DATABASE_URL": address, "REDIS_URL": settings.REDIS_URL, "SECRET_KEYS": keys}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, "the web server ended at once"
        try:
            answer = _exchange(port, b"GET /hooks/none/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        except OSError:
            answer = b""
        if b" 405 " in answer:
            return
        time.sleep(0.1)
    raise AssertionError("the web server did not start")


def _exchange(port: int, raw: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as sender:
        sender.sendall(raw)
        found = b""
        while part := sender.recv(65536):
            found += part
    return found


def request(body: bytes = refund(), *, length: int | None = None, chunked: bool = False, **headers: str) -> bytes:
    made = signatures.sign(
        "standard_webhooks",
        body,
        secret_of("standard_webhooks"),
        event_id="evt_1",
        now=datetime.now(tz=UTC),
        url="",
    )
    lines = {"Host": "127.0.0.1", "Connection": "close", "Content-Type": "application/json", **made.headers, **headers}
    lines |= (
        {"Transfer-Encoding": "chunked"}
        if chunked
        else {"Content-Length": str(len(body) if length is None else length)}
    )
    head = "POST /hooks/shop-orders/ HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return head.encode() + b"\r\n" + (_chunks(body) if chunked else body)


def _chunks(body: bytes) -> bytes:
    middle = len(body) // 2
    parts = [part for part in (body[:middle], body[middle:]) if part]
    return b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts) + b"0\r\n\r\n"


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_door_on_the_wire(wire: Raw) -> None:
    """One server for all, because starting it costs more than asking it."""
    source(max_bytes=100_000)
    accepted = wire(request())
    assert status(accepted) == 202
    assert json.loads(accepted.partition(b"\r\n\r\n")[2])["status"] == "accepted"
    assert status(wire(request(chunked=True))) == 200, "chunks are the same body"
    assert status(wire(request(b""))) == 400, "an empty body is no JSON"
    assert status(wire(request(refund(note="x" * 200_000)))) == 413
    assert status(wire(request(refund(note="x" * 200_000), chunked=True))) == 413
    assert status(wire(request(gzip.compress(b"0" * 50_000_000), **{"Content-Encoding": "gzip"}))) == 415
    twice = request().replace(b"webhook-id: evt_1\r\n", b"webhook-id: evt_1\r\nWebhook-Id: evt_1\r\n")
    assert status(wire(twice)) == 401
    assert Event.objects.count() == 1


def test_sender_that_drips_is_hung_up_on(wire: Raw) -> None:
    source()
    started = time.monotonic()
    answer = wire(request(b'{"never', length=50_000))
    took = time.monotonic() - started
    assert 9 < took < 14
    assert not answer or status(answer) == 400
    assert status(wire(request())) == 202, "and the thread is free again"

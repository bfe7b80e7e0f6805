"""R4, R8: the Redis-protocol server is emptied, killed and away; nothing is lost, and the bell rings again after."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as product
from django.db import connection, connections
from django.test import Client
from redis import Redis

from agents.claims import RunClaimer
from agents.models import Provider, Run
from agents.providers import registry
from agents.states import RunState
from config import queues, redis_client
from config.embedded.places import Places
from config.embedded.servers import Servers
from config.embedded.valkey import Valkey
from config.worker.doorbell import listen
from config.worker.driver import Driver
from integrations.webhooks import rate
from tests.audit_checker import history_problems
from tests.factories import refund_agent
from tests.faults.conversing import Clerk, clerk, order_runs
from tests.faults.crew import wait_until
from tests.hooks import deliver, refund, source, trigger
from tests.shop import Shop
from tests.vendors import Answer, Asked, VendorServer, call

BASE = Path(__file__).resolve().parent.parent.parent
# So long that only a ring can be the reason why work began.
POLL_S, SOON_S = 120.0, 15.0


class Bell:
    """A server of the test's own, to be killed at will."""

    def __init__(self, servers: Servers) -> None:
        assert servers.valkey is not None
        self.valkey: Valkey = servers.valkey
        self.url = servers.here.redis_url

    def kill(self) -> None:
        process = self.valkey._process
        assert process is not None
        process.kill()
        process.wait(10)

    def back(self) -> None:
        self.valkey.start()

    def empty(self) -> None:
        with Redis.from_url(self.url) as client:
            client.flushall()

    def heard_by_someone(self) -> bool:
        with Redis.from_url(self.url) as client:
            return any(
                b"blpop" in str(one["cmd"]).encode() or b"blmove" in str(one["cmd"]).encode()
                for one in client.client_list()
            )


def forget_clients() -> None:
    redis_client.redis_client.cache_clear()
    queues.kept_queue.cache_clear()
    rate._Rest.until = 0.0


@pytest.fixture
def bell(settings: Any) -> Iterator[Bell]:
    folder = Path(tempfile.mkdtemp(prefix="cs-bell-"))
    folder.chmod(0o755)
    servers = Servers(Places(folder / "data"), postgres=False)
    servers.start()
    settings.REDIS_URL = servers.here.redis_url
    forget_clients()
    yield Bell(servers)
    forget_clients()
    servers.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def listener(bell: Bell, shop: Shop) -> Iterator[int]:
    """A worker process that looks for work only when it hears the bell."""
    registry.put(Clerk(clerk()))
    refund_agent()
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        try:
            forget_clients()
            queues.stopping.clear()
            bell_rung = queues.rung
            Driver([RunClaimer()], threads=4, poll_s=POLL_S, rung=bell_rung, stopping=queues.stopping).start()
            listen(url=product.REDIS_URL, queue=queues.WORK, name="ears", on_refused=lambda *_: None)
        finally:
            os._exit(1)
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    registry.remove("scripted")


def done(count: int) -> bool:
    return Run.objects.filter(state=RunState.COMPLETED).count() == count


def test_bell_rings_before_after_it_was_emptied_and_after_it_was_killed(bell: Bell, listener: int, shop: Shop) -> None:
    wait_until(bell.heard_by_someone, "the worker listens")
    order_runs(1, first=100)
    wait_until(lambda: done(1), "the first ring is heard", seconds=SOON_S)
    bell.empty()
    order_runs(1, first=101)
    wait_until(lambda: done(2), "a ring after everything was emptied", seconds=SOON_S)
    bell.kill()
    order_runs(3, first=102)
    assert not done(5)
    bell.back()
    wait_until(bell.heard_by_someone, "the worker listens again", seconds=SOON_S)
    order_runs(1, first=105)
    wait_until(lambda: done(6), "a ring after the server's death wakes for all", seconds=SOON_S)
    assert len(shop.refunds) == 6
    assert history_problems() == []


def vendors_clerk(asked: Asked) -> Answer:
    said = str(asked.body)
    if "refund_id" in said:
        return Answer(text='{"decision": "refunded"}')
    order = said.split("order-")[1][:3]
    wish = {"order_id": f"order-{order}", "amount_minor": 4_000, "currency": "EUR", "reason": "x", "confidence": 0.9}
    return Answer(calls=(call("shop.refund_order", wish),))


def real_worker(bell: Bell, *allow: str) -> "subprocess.Popen[bytes]":
    asked = connection.settings_dict
    url = f"postgresql://{asked['USER']}@/{asked['NAME']}?host={asked['HOST']}&port={asked['PORT'] or 5432}"
    own = {"DATABASE_URL": url, "REDIS_URL": bell.url, "OUTBOUND_ALLOW": ",".join(allow), "WORKER_THREADS": "4"}
    return subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=BASE, env={**os.environ, **own})


def strike(bell: Bell, over: threading.Event) -> None:
    """Empty, kill, stay away for a while, come back; again and again."""
    while not over.is_set():
        bell.empty()
        over.wait(0.5)
        bell.kill()
        over.wait(2)
        bell.back()
        over.wait(0.5)


@pytest.mark.parametrize(("count", "seconds"), [(20, 90), pytest.param(800, 600, marks=pytest.mark.chaos)])
def test_real_worker_goes_on_by_itself_and_webhooks_are_taken(
    bell: Bell, shop: Shop, settings: Any, count: int, seconds: float
) -> None:
    trigger(source(rate_per_minute=100_000))
    over = threading.Event()
    striker = threading.Thread(target=strike, args=(bell, over))
    with VendorServer() as vendor:
        vendor.answer_with(vendors_clerk)
        Provider.objects.create(name="local", kind="openai_chat", base_url=vendor.url("openai_chat"))
        refund_agent(model="local/one")
        worker = real_worker(bell, *shop.allow, *vendor.allow)
        striker.start()
        try:
            for number in range(100, 100 + count):
                answer = deliver(Client(), refund(f"order-{number}"), event_id=f"evt_{number}")
                assert answer.status_code == 202
            wait_until(lambda: done(count), "every delivery became a finished run", seconds=seconds)
            assert worker.poll() is None
        finally:
            over.set()
            striker.join()
            worker.kill()
            worker.wait()
    assert Counter(len(shop.paid(f"order-{number}")) for number in range(100, 100 + count)) == {1: count}
    assert history_problems() == []

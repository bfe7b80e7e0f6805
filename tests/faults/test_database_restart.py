"""R14: PostgreSQL dies in immediate mode in the middle of runs; workers go on by themselves, nothing is lost or doubled."""

import contextlib
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError, connections

from agents.models import Run
from agents.providers import registry
from agents.providers.base import ModelReply, ModelRequest
from agents.states import RUN_ENDED, RunState
from approvals.models import Request
from approvals.services import decide_request
from config import env
from config.embedded.places import OWNER, Places
from config.embedded.servers import Servers
from tests.audit_checker import history_problems
from tests.factories import person, refund_agent, shop_connection
from tests.faults.conversing import LARGE, SMALL, Clerk, clerk, order_of, order_runs
from tests.faults.workers import striking
from tests.shop import Shop

# Unlike the session's server this one keeps what it has committed: it is going to be killed.
KEEPS = {"fsync": "off", "full_page_writes": "off"}
REDIRECTED = ("NAME", "USER", "PASSWORD", "HOST", "PORT")


@pytest.fixture
def own_database(django_db_blocker: Any) -> Iterator[Servers]:
    """A migrated PostgreSQL of the test's own, in place of the session's."""
    folder = Path(tempfile.mkdtemp(prefix="cs-restart-"))
    folder.chmod(0o755)
    servers = Servers(Places(folder / "data"), valkey=False, settings=KEEPS)
    servers.start()
    described = connections.settings["default"]
    before = {name: described[name] for name in REDIRECTED}
    connections.close_all()
    described.update(
        {name: env.database("NO_SUCH_SETTING", servers.here.database_url(OWNER)).get(name, "") for name in REDIRECTED}
    )
    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)
        yield servers
        connections.close_all()
    described.update(before)
    servers.stop()
    shutil.rmtree(folder, ignore_errors=True)


def restart(servers: Servers) -> None:
    """As `pg_ctl stop -m immediate` and start do: every session is cut, the log is replayed."""
    assert servers.postgres is not None and servers.postgres._process is not None
    process = servers.postgres._process
    process.send_signal(signal.SIGQUIT)
    process.wait(30)
    servers.restart_dead()


def tidy(signer: User) -> int:
    """Sign what waits, and return how many runs have not ended."""
    for request in Request.objects.filter(state="open", kind="approval"):
        decide_request(request_id=request.pk, user=signer, vote="approve", digest=request.action_digest, via="api")
    return Run.objects.exclude(state__in=RUN_ENDED).count()


def work_through(servers: Servers, signer: User, *, restarts: int, every_s: float, seconds: float) -> int:
    """Restart the database again and again while workers work; return how many runs did not end."""
    deadline, next_at, left = time.monotonic() + seconds, time.monotonic() + every_s, 1
    while (left or restarts) and time.monotonic() < deadline:
        if restarts and time.monotonic() > next_at:
            restart(servers)
            restarts, next_at = restarts - 1, time.monotonic() + every_s
        with contextlib.suppress(DatabaseError):
            left = tidy(signer)
        if left == 0 and restarts:
            break
        connections.close_all()
        time.sleep(0.05)
    assert restarts == 0, f"all was done before the last {restarts} restarts"
    return left


def slow_clerk(request: ModelRequest) -> ModelReply:
    """Takes a moment, so that the work lasts longer than the restarts."""
    time.sleep(0.3)
    return clerk(LARGE if order_of(request) >= "order-150" else SMALL)(request)


@pytest.mark.parametrize(
    ("count", "restarts", "seconds"), [(100, 3, 120), pytest.param(2_000, 20, 900, marks=pytest.mark.chaos)]
)
def test_immediate_restarts_lose_and_double_nothing(
    own_database: Servers, settings: Any, count: int, restarts: int, seconds: float
) -> None:
    settings.LEASE_S, settings.HEARTBEAT_S, settings.RETRY_BASE_S = 2, 0.5, 0.01
    registry.put(Clerk(slow_clerk))
    try:
        with Shop() as shop:
            settings.OUTBOUND_ALLOW = shop.allow
            shop_connection(shop)
            refund_agent(limits={"turns": 12, "actions": 12, "seconds": 300, "parallel_runs": 500})
            signer = person("second-operator", "operator", limits={"EUR": 1_000_000})
            order_runs(count)
            with striking(count=2, every_s=9, stall_s=0):
                left = work_through(own_database, signer, restarts=restarts, every_s=1.5, seconds=seconds)
    finally:
        registry.remove("scripted")
    states = Counter(Run.objects.values_list("state", "waiting_for"))
    assert left == 0, states
    assert Counter(Run.objects.values_list("state", flat=True)) == {RunState.COMPLETED: count}, states
    assert Counter(len(shop.paid(f"order-{number}")) for number in range(100, 100 + count)) == {1: count}
    assert history_problems() == []

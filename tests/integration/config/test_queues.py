import threading
import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import transaction
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from config import queues
from config.queues import RING, WORK, ring_after_commit, rung
from config.redis_client import redis_client
from config.worker import doorbell


@pytest.fixture
def kept(redis_server: Redis) -> Iterator[Redis]:
    queues.kept_queue.cache_clear()
    redis_client.cache_clear()
    yield redis_server
    queues.kept_queue.cache_clear()
    redis_client.cache_clear()


def _waiting(server: Redis) -> list[bytes]:
    return server.lrange("rq:queue:work", 0, -1)  # type: ignore[return-value]


def _hear(server: Redis, refused: list[str]) -> None:
    """Run the worker until the queue is empty."""
    worker = doorbell.DoorbellWorker(
        [Queue(WORK, connection=server, serializer=JSONSerializer)],
        connection=server,
        serializer=JSONSerializer,
        on_refused=lambda _job, problem: refused.append(problem),
    )
    worker.work(burst=True, logging_level="WARNING")


@pytest.mark.django_db(transaction=True)
def test_ring_waits_for_the_commit_and_dies_with_a_rollback(kept: Redis) -> None:
    with transaction.atomic():
        ring_after_commit()
        assert _waiting(kept) == []
    assert _waiting(kept) == [b"ring-work"]
    kept.flushdb()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        ring_after_commit()
        _ = 1 / 0
    assert _waiting(kept) == []


@pytest.mark.django_db(transaction=True)
def test_rings_that_nobody_heard_yet_are_one_ring(kept: Redis) -> None:
    for _ in range(5):
        ring_after_commit()
    assert _waiting(kept) == [b"ring-work"]
    assert 0 < kept.ttl("rq:job:ring-work") <= 10


@pytest.mark.django_db(transaction=True)
def test_ring_while_redis_is_away_fails_nobody(kept: Redis, settings: object) -> None:
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"  # type: ignore[attr-defined]
    redis_client.cache_clear()
    began = time.monotonic()
    ring_after_commit()
    assert time.monotonic() - began < 1


def test_only_allowed_jobs_can_be_enqueued() -> None:
    with pytest.raises(ValueError, match=r"os\.system is no job"):
        queues.enqueue_after_commit(WORK, "os.system", "x")


@pytest.mark.django_db(transaction=True)
def test_worker_hears_the_ring_and_its_id_is_free_again(kept: Redis) -> None:
    rung.clear()
    ring_after_commit()
    _hear(kept, [])
    assert rung.is_set()
    assert not kept.exists("rq:job:ring-work")
    ring_after_commit()
    assert _waiting(kept) == [b"ring-work"]


@pytest.mark.parametrize("serialized", [b'["os.system", null, ["touch /tmp/owned"], {}]', b"\x80\x04cos\nsystem\n."])
def test_forged_job_is_refused_and_reported(kept: Redis, serialized: bytes) -> None:
    import zlib

    kept.hset("rq:job:evil", mapping={"data": zlib.compress(serialized), "created_at": "2026-01-01T00:00:00.000000Z",
                                      "origin": "work", "status": "queued"})  # fmt: skip
    kept.rpush("rq:queue:work", "evil")
    refused: list[str] = []
    _hear(kept, refused)
    assert len(refused) == 1
    assert not kept.exists("rq:job:evil")


def test_listening_outlives_an_absent_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "RETRY_S", 0.05)
    queues.stopping.clear()
    ended = threading.Thread(
        target=doorbell.listen,
        kwargs={"url": "unix:///nowhere/valkey.sock", "queue": WORK, "name": "w", "on_refused": lambda *_: None},
    )
    ended.start()
    time.sleep(0.3)
    assert ended.is_alive()
    queues.stopping.set()
    ended.join(5)
    queues.stopping.clear()
    assert not ended.is_alive()


def test_job_path_of_the_ring_is_the_one_workers_import() -> None:
    from django.utils.module_loading import import_string

    assert import_string(RING).__name__ == "ring"
    assert settings.RQ_QUEUES[WORK]["SERIALIZER"] == "rq.serializers.JSONSerializer"


@pytest.mark.django_db(transaction=True)
def test_refused_job_stands_in_the_audit_trail() -> None:
    from approvals.models import AuditEvent
    from config.worker.process import record_refusal

    record_refusal("evil", "it names the function 'os.system'")
    row = AuditEvent.objects.get(verb="job.refused")
    assert (row.subject_id, row.data) == ("evil", {"why": "it names the function 'os.system'"})

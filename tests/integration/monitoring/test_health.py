from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from agents.models import WorkerBeat
from config.redis_client import redis_client
from config.worker.beats import Beats

pytestmark = pytest.mark.django_db


def _beat(role: str, *, ago_s: float = 0) -> None:
    WorkerBeat.objects.create(name=f"{role}-1", role=role, seen_at=timezone.now() - timedelta(seconds=ago_s))


def test_ready_is_ok_with_worker_clock_and_queue(client: Client) -> None:
    _beat("worker")
    _beat("clock")
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["newest_worker_s"] < 5


def test_ready_is_degraded_and_names_the_silent_worker(client: Client) -> None:
    _beat("worker", ago_s=120)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert any("newest worker was last seen 120 s ago" in trouble for trouble in answer.json()["troubles"])


def test_ready_stays_200_while_redis_is_away(client: Client, settings: object) -> None:
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"  # type: ignore[attr-defined]
    redis_client.cache_clear()
    answer = client.get("/readyz")
    redis_client.cache_clear()
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["queue"]) == ("degraded", "away")


def test_metrics_need_a_token_that_is_set(client: Client, settings: object) -> None:
    assert client.get("/metrics").status_code == 403
    settings.METRICS_TOKEN = "right"  # type: ignore[attr-defined]
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    _beat("worker")
    text = client.get("/metrics", headers={"Authorization": "Bearer right"}).content.decode()
    assert 'countersign_processes{state="worker"} 1.0' in text
    assert "countersign_oldest_due_run_seconds 0.0" in text


def test_alive_asks_nothing(client: Client, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert client.get("/healthz").json() == {"status": "ok"}


def test_beat_renews_one_row() -> None:
    beats = Beats(name="worker-x", role="worker", every_s=5, in_flight=lambda: 3)
    beats._beat()
    first = WorkerBeat.objects.get(name="worker-x")
    beats._beat()
    second = WorkerBeat.objects.get(name="worker-x")
    assert second.seen_at >= first.seen_at
    assert (second.pk, second.runs) == (first.pk, 3)

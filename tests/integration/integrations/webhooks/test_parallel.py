"""Many deliveries at once, and Redis away: one event, one run, nothing lost."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from django.test import Client

from agents.models import Run
from config import queues, redis_client
from integrations.models import Event
from integrations.services import process_event
from integrations.webhooks import rate
from tests.hooks import deliver, judge_all, source, trigger

pytestmark = pytest.mark.django_db(transaction=True)
PARALLEL = 64


def at_once(count: int, act: object) -> list[int]:
    """Call `act(number)` in that many threads at the same instant; return what each gave."""
    barrier = Barrier(count)

    def one(number: int) -> int:
        barrier.wait(30)
        try:
            return act(number)  # type: ignore[operator, no-any-return]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_64_identical_deliveries_at_once_make_one_event_and_one_run(clerk: None) -> None:
    trigger(source())
    codes = Counter(at_once(PARALLEL, lambda _n: deliver(Client()).status_code))
    assert codes == {202: 1, 200: PARALLEL - 1}
    assert Event.objects.get().duplicates == PARALLEL - 1
    judge_all()
    assert Run.objects.count() == 1


def test_64_equal_bodies_at_once_make_one_event_where_the_source_asks_for_that(clerk: None) -> None:
    trigger(source(signature="hmac_sha256", dedupe_by_body=True))
    codes = Counter(
        at_once(PARALLEL, lambda n: deliver(Client(), signature="hmac_sha256", event_id=str(n)).status_code)
    )
    assert codes == {202: 1, 200: PARALLEL - 1}


def test_event_judged_by_many_workers_at_once_makes_one_run(clerk: None) -> None:
    trigger(source())
    deliver(Client())
    event_id = Event.objects.get().pk

    def judge(_number: int) -> int:
        process_event(event_id=event_id)
        return 0

    at_once(16, judge)
    assert Run.objects.count() == 1
    assert Event.objects.get().state == "accepted"


def test_replay_of_a_captured_delivery_gives_one_run(clerk: None) -> None:
    trigger(source())
    client = Client()
    codes = Counter(deliver(client).status_code for _ in range(300))
    judge_all()
    assert codes == {202: 1, 200: 299}
    assert Run.objects.count() == 1


@pytest.fixture
def no_redis(settings: object) -> object:
    """Redis at an address where nothing listens."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    for kept in (redis_client.redis_client, queues.kept_queue):
        kept.cache_clear()
    rate._Rest.until = 0.0
    yield
    for kept in (redis_client.redis_client, queues.kept_queue):
        kept.cache_clear()
    rate._Rest.until = 0.0


def test_redis_away_is_no_reason_to_lose_a_delivery(clerk: None, no_redis: None) -> None:
    trigger(source(rate_per_minute=1))
    answers = [deliver(Client(), event_id=str(number)).status_code for number in range(5)]
    assert answers == [202] * 5
    assert judge_all() == 5
    assert Run.objects.count() == 5

import time

from django.core.cache import cache
from redis import Redis

from config.open_cache import OpenCache


def _away() -> OpenCache:
    return OpenCache("unix:///nowhere/valkey.sock", {})


def test_absent_server_answers_nothing_known() -> None:
    away = _away()
    assert away.get("k", "otherwise") == "otherwise"
    assert away.add("k", 1) is True
    assert away.get_many(["k"]) == {}
    assert away.incr("k") == 1
    away.set("k", 1)
    assert away.delete("k") is False
    assert away.has_key("k") is False


def test_absent_server_costs_one_try_a_second_not_one_a_question() -> None:
    away = OpenCache("redis://127.0.0.1:1/0", {})
    began = time.monotonic()
    for _ in range(200):
        away.get("k")
    assert time.monotonic() - began < 1


def test_present_server_counts_and_forgets(redis_server: Redis) -> None:
    assert cache.add("n", 1, 30)
    assert not cache.add("n", 5, 30)
    assert cache.incr("n") == 2
    assert 0 < redis_server.ttl("cs:1:n") <= 30
    cache.delete("n")
    assert cache.get("n") is None

"""The session's own servers are real ones."""

import pytest
from django.core.cache import cache
from django.db import connection
from redis import Redis


@pytest.mark.django_db
def test_database_is_postgres_18() -> None:
    assert connection.pg_version >= 180000  # type: ignore[attr-defined]


def test_cache_keeps_values_as_json_not_pickle(redis_server: Redis) -> None:
    cache.set("times", [1.5, 2.5])
    assert cache.get("times") == [1.5, 2.5]
    assert redis_server.get("cs:1:times") == b"[1.5, 2.5]"

"""How often a source may deliver, and what was refused at its door. Kept in Redis; with Redis away nothing is limited."""

import logging
import time
from datetime import datetime
from functools import partial
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from config.redis_client import redis_client

log = logging.getLogger(__name__)
_WINDOW_S = 60
_REFUSALS_KEPT_S = 2 * 24 * 3600
_REST_S = 1.0


class _Rest:
    """After a failure Redis is left alone for a second, so that no delivery waits for it time and again."""

    until = 0.0


def seconds_to_wait(source_id: int, per_minute: int, now: datetime) -> int:
    """Count this delivery; return 0 when it is within the source's rate, otherwise seconds until the next minute."""
    minute, second = divmod(int(now.timestamp()), _WINDOW_S)
    count = _ask(partial(_count, f"cs:hook-rate:{source_id}:{minute}"), 0)
    return _WINDOW_S - second if count > per_minute else 0


def note_refusal(source_id: int, code: str, now: datetime) -> None:
    """Count a refused delivery of a known source, for its page."""
    _ask(partial(_count_refusal, _refusals_key(source_id, now), code), 0)


def refusals_today(source_id: int, now: datetime) -> dict[str, int]:
    """Return how many deliveries were refused today, by code; nothing while Redis is away."""
    found: dict[Any, Any] = _ask(lambda redis: redis.hgetall(_refusals_key(source_id, now)), {})
    return {_text(code): int(count) for code, count in found.items()}


def _refusals_key(source_id: int, now: datetime) -> str:
    return f"cs:hook-refused:{source_id}:{now:%Y-%m-%d}"


def _count(key: str, redis: Redis) -> int:
    pipeline = redis.pipeline(transaction=False)
    pipeline.incr(key)
    pipeline.expire(key, 2 * _WINDOW_S)
    return int(pipeline.execute()[0])


def _count_refusal(key: str, code: str, redis: Redis) -> int:
    pipeline = redis.pipeline(transaction=False)
    pipeline.hincrby(key, code, 1)
    pipeline.expire(key, _REFUSALS_KEPT_S)
    pipeline.execute()
    return 0


def _ask(question: Any, otherwise: Any) -> Any:
    if time.monotonic() < _Rest.until:
        return otherwise
    try:
        return question(redis_client())
    except (RedisError, OSError) as problem:
        _Rest.until = time.monotonic() + _REST_S
        log.warning("Redis is away (%s); deliveries are not counted.", type(problem).__name__)
        return otherwise


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)

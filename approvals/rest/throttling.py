"""Counting calls per token and minute in the cache, which answers "never heard of it" while its server is away."""

import time

from django.conf import settings
from django.core.cache import cache


def seconds_to_wait(prefix: str) -> float | None:
    """Count one call of this token. Returns how long to wait when the minute is used up, otherwise None."""
    now = time.time()
    key = f"api-calls:{prefix}:{int(now // 60)}"
    cache.add(key, 0, timeout=120)
    try:
        calls = cache.incr(key)
    except ValueError:
        # Emptied between the two: a count that is lost is a count of one.
        return None
    return 60 - now % 60 if calls > settings.API_CALLS_PER_MINUTE else None

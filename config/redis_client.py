"""How this product talks to its Redis-protocol server: quickly or not at all, because it may be away at any moment."""

from functools import cache

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.redis_options import CONNECT_S, CONNECTIONS, REPLY_S


@cache
def redis_client() -> Redis:
    """Return this process's client. One retry: a server that was restarted closes the connections that were kept."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=CONNECT_S,
        socket_timeout=REPLY_S,
        retry=Retry(NoBackoff(), 1),
        max_connections=CONNECTIONS,
    )

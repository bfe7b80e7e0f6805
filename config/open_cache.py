"""A cache that answers "nothing known" while its server is away, so that only rate limits grow generous."""

import json
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from config.redis_options import CONNECT_S, CONNECTIONS, REPLY_S

T = TypeVar("T")
REST_S = 1.0
log = logging.getLogger(__name__)


class JsonValues:
    """Keep values as JSON: whoever can write to the server must not be able to run code here, as a pickle could."""

    def dumps(self, value: Any) -> Any:
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class OpenCache(RedisCache):
    """Django's Redis cache, failing open. After a failure it rests for a second, so that no page waits time and again."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = params.setdefault("OPTIONS", {})
        options.setdefault("socket_connect_timeout", CONNECT_S)
        options.setdefault("socket_timeout", REPLY_S)
        options.setdefault("max_connections", CONNECTIONS)
        options.setdefault("retry", Retry(NoBackoff(), 1))
        options.setdefault("serializer", JsonValues())
        super().__init__(server, params)
        self._rests_until = 0.0

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        return bool(self._try(lambda: super(OpenCache, self).add(key, value, timeout, version), True))

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return self._try(lambda: super(OpenCache, self).get(key, default, version), default)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> None:
        self._try(lambda: super(OpenCache, self).set(key, value, timeout, version), None)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        return bool(self._try(lambda: super(OpenCache, self).touch(key, timeout, version), False))

    def delete(self, key: Any, version: Any = None) -> bool:
        return bool(self._try(lambda: super(OpenCache, self).delete(key, version), False))

    def get_many(self, keys: Iterable[Any], version: Any = None) -> dict[Any, Any]:
        return self._try(lambda: super(OpenCache, self).get_many(keys, version), {})

    def has_key(self, key: Any, version: Any = None) -> bool:
        return bool(self._try(lambda: super(OpenCache, self).has_key(key, version), False))

    def incr(self, key: Any, delta: int = 1, version: Any = None) -> int:
        """Return the new count; while the server is away, the count of a first time."""
        return int(self._try(lambda: super(OpenCache, self).incr(key, delta, version), delta))

    def set_many(self, data: dict[Any, Any], timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> list[Any]:
        return self._try(lambda: super(OpenCache, self).set_many(data, timeout, version), list(data))

    def delete_many(self, keys: Iterable[Any], version: Any = None) -> None:
        self._try(lambda: super(OpenCache, self).delete_many(keys, version), None)

    def clear(self) -> None:
        self._try(lambda: super(OpenCache, self).clear(), None)

    def _try(self, ask: Callable[[], T], otherwise: T) -> T:
        if time.monotonic() < self._rests_until:
            return otherwise
        try:
            return ask()
        except (RedisError, OSError) as problem:
            self._rests_until = time.monotonic() + REST_S
            log.warning("The cache server is away (%s); going on without it.", type(problem).__name__)
            return otherwise

"""The doorbell. Redis carries no truth: a ring says "look for due work", and a lost ring costs two seconds.

`enqueue_after_commit` is the only way to enqueue. Each queue says what a job on it is promised.
"""

import logging
import threading
from dataclasses import dataclass
from functools import cache
from typing import Any

import django_rq
from django.db import transaction
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer

from config.redis_client import redis_client

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Promise:
    """What a job on a queue gets: seconds to run, and how often it is tried again."""

    timeout_s: int
    retries: int
    # Seconds until Redis forgets it: an id must not stay taken after a worker died with it.
    kept_s: int


WORK = "work"
QUEUES = {WORK: Promise(timeout_s=30, retries=0, kept_s=10)}
RING = "agents.jobs.ring"
# Redis names the function to run. Whoever can write there may name these and nothing else.
ALLOWED_JOBS = frozenset({RING})

# What the threads of one worker process tell each other: someone rang; finish the step you are in and claim nothing new.
rung = threading.Event()
stopping = threading.Event()


def ring_after_commit() -> None:
    """Tell a worker, once this transaction is committed, that there is work. Says nothing when Redis is away."""
    enqueue_after_commit(WORK, RING, f"ring-{WORK}")


def enqueue_after_commit(queue: str, path: str, job_id: str, **ids: str) -> None:
    """Enqueue a job once the current transaction is committed; at once outside of one.

    A job of the same id that still waits stands for this one. Never fails the caller: the row is the truth.
    """
    if path not in ALLOWED_JOBS:
        raise ValueError(f"{path} is no job that a worker runs.")
    transaction.on_commit(lambda: _enqueue(queue, path, job_id, ids), robust=True)


@cache
def kept_queue(name: str) -> Queue:
    """Return this process's queue object; a new one for each ring would reconnect each time."""
    return django_rq.get_queue(name, connection=redis_client(), commit_mode="auto", serializer=JSONSerializer)


def _enqueue(queue: str, path: str, job_id: str, ids: dict[str, Any]) -> None:
    promise = QUEUES[queue]
    try:
        kept_queue(queue).enqueue_call(
            path,
            kwargs=ids,
            timeout=promise.timeout_s,
            ttl=promise.kept_s,
            result_ttl=0,
            failure_ttl=0,
            job_id=job_id,
            unique=True,
        )
    except DuplicateJobError:
        return
    except (RedisError, OSError) as problem:
        log.warning("The doorbell did not ring (%s); workers look by themselves.", type(problem).__name__)

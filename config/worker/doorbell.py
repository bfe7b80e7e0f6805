"""RQ's worker, cut down to a doorbell: it never forks, runs only what is allowed, and outlives Redis.

Redis holds the name of the function to run, so whoever can write there could name any function. Here a job may name
the allowed ones and nothing else: no callback, no webhook, no object.
"""

import json
import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from config.queues import ALLOWED_JOBS, rung, stopping

log = logging.getLogger(__name__)
# How long one blocking look at the queue may take; also how soon a silent loss of the connection is noticed.
WORKER_TTL_S = 60
RETRY_S = 1.0
OnRefused = Callable[[str, str], None]


class DoorbellWorker(SimpleWorker):
    """Takes a job off Redis before it runs it, so that a ring's id is free again when the ring is heard."""

    max_connection_wait_time = 2.0

    def __init__(self, *args: Any, on_refused: OnRefused, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._on_refused = on_refused

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run an allowed job in this thread; report any other."""
        self._take_off(job, queue)
        problem = refusal(job)
        if problem:
            log.error("A job in Redis was refused: %s", problem)
            self._on_refused(job.id, problem)
            return
        try:
            job._execute()
        except Exception:
            log.exception("The job %s failed.", job.id)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        stopping.set()
        rung.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def run_maintenance_tasks(self) -> None:
        """Do nothing: RQ's own would call functions that forged jobs name, and there is nothing to recover."""

    def procline(self, message: str) -> None:
        """Keep the process's name, by which people find it."""

    def _take_off(self, job: Job, queue: Queue) -> None:
        with self.connection.pipeline() as pipe:
            pipe.delete(job.key)
            pipe.lrem(queue.intermediate_queue.key, 1, job.id)
            pipe.execute()


def refusal(job: Job) -> str:
    """Return why a job may not run, or an empty text. Imports nothing that the job names."""
    try:
        name, instance, args, kwargs = json.loads(job.data)
    except Exception:
        return "its content is not JSON of the known shape"
    if name not in ALLOWED_JOBS:
        return f"it names the function {name!r:.120}"
    callbacks = (job._success_callback_name, job._failure_callback_name, job._stopped_callback_name)
    if instance is not None or any(callbacks) or job.webhooks:
        return "it carries an object, a callback or a webhook"
    if args or not isinstance(kwargs, dict) or not all(isinstance(value, str) for value in kwargs.values()):
        return "it carries arguments other than named texts"
    return ""


def listen(*, url: str, queue: str, name: str, on_refused: OnRefused) -> None:
    """Hear the doorbell until the process is told to stop, whether Redis is there or not. Main thread only."""
    while not stopping.is_set():
        _install_stop()
        try:
            _listen_once(url, queue, name, on_refused)
        except (RedisError, OSError, ValueError) as problem:
            log.warning("No doorbell (%s); this worker looks for work by itself.", type(problem).__name__)
        stopping.wait(RETRY_S)
    _install_stop()


def _listen_once(url: str, queue: str, name: str, on_refused: OnRefused) -> None:
    # A client of its own: RQ waits on it for as long as WORKER_TTL_S, which nothing else here may.
    with Redis.from_url(url, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0), health_check_interval=15) as client:
        worker = DoorbellWorker(
            [Queue(queue, connection=client, serializer=JSONSerializer)],
            name=name,
            connection=client,
            serializer=JSONSerializer,
            worker_ttl=WORKER_TTL_S,
            on_refused=on_refused,
        )
        client.delete(worker.key)
        worker.work(logging_level="WARNING")


def _install_stop() -> None:
    """Take the signals back from RQ, which leaves its own handlers behind."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)


def _stop(_number: int, _frame: FrameType | None) -> None:
    stopping.set()
    rung.set()

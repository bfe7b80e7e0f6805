"""Two who act on one request at the same instant, and what a person without our guards would do instead."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from approvals.errors import ApprovalError
from approvals.models import Decision, Request
from approvals.services import decide_request

Act = Callable[[Request], object]


class Pair:
    """Two threads, each with its own connection, that begin each round together."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool, self._barrier = pool, threading.Barrier(2)

    def both(self, first: Act, second: Act, request: Request) -> tuple[object, object]:
        """Return what each came to: its answer, or the refusal or error it met."""
        futures = [self._pool.submit(self._one, act, request) for act in (first, second)]
        return futures[0].result(60), futures[1].result(60)

    def _one(self, act: Act, request: Request) -> object:
        self._barrier.wait(30)
        try:
            return act(request)
        except Exception as error:
            return error


@contextlib.contextmanager
def pair() -> Iterator[Pair]:
    with ThreadPoolExecutor(2) as pool:
        try:
            yield Pair(pool)
        finally:
            _close(pool)


def _close(pool: ThreadPoolExecutor) -> None:
    """Close both threads' connections: the barrier keeps one thread from doing it twice."""
    both = threading.Barrier(2)

    def close() -> None:
        connection.close()
        both.wait(10)

    for future in [pool.submit(close) for _ in range(2)]:
        future.result(10)


def voting(user: User, vote: str) -> Act:
    """Return the act of this person's vote through the product's own verb."""

    def act(request: Request) -> object:
        digest = request.action_digest
        return decide_request(request_id=request.pk, user=user, vote=vote, digest=digest, comment="why", via="api")

    return act


def unguarded(user: User, vote: str) -> Act:
    """The negative control: look, and write what follows from the look. No lock, no condition on the write."""
    becomes = {"approve": "approved", "reject": "rejected"}[vote]

    def act(request: Request) -> object:
        seen = Request.objects.get(pk=request.pk)
        if seen.state != "open":
            raise ApprovalError("settled")
        Decision.objects.create(request=seen, user=user, vote=vote, action_digest=seen.action_digest, via="api")
        Request.objects.filter(pk=seen.pk).update(state=becomes)
        return seen

    return act


def outcomes(request: Request) -> Sequence[Any]:
    """Return the votes that stand on this request, oldest first."""
    return list(request.decisions.order_by("at").values_list("user__username", "vote"))

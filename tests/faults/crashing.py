"""A database connection that dies at its n-th commit: before it, or after it but before anyone hears of it.

Used in a forked child, which is the worker that dies; the test's own process then looks at what is left.
"""

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator

import psycopg
from django.db import OperationalError, connections
from django.db.backends.postgresql.base import DatabaseWrapper

BEFORE, AFTER = "before", "after"
KILL, RAISE, DROP, STALL = "kill", "raise", "drop", "stall"


class Crasher:
    """Counts the commits of transactions and strikes at one of them."""

    def __init__(self, *, at: int, when: str, how: str) -> None:
        self.at, self.when, self.how, self.count = at, when, how, 0

    def commit(self, wrapper: DatabaseWrapper, really: Callable[[], None]) -> None:
        self.count += 1
        if self.count != self.at:
            return really()
        if self.how == STALL:
            return self._stall(really)
        if self.when == AFTER:
            really()
        self.strike(wrapper)

    def _stall(self, really: Callable[[], None]) -> None:
        if self.when == AFTER:
            really()
        os.kill(os.getpid(), signal.SIGSTOP)
        if self.when == BEFORE:
            really()

    def strike(self, wrapper: DatabaseWrapper) -> None:
        if self.how == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == DROP and wrapper.connection is not None:
            raw: psycopg.Connection[object] = wrapper.connection
            os.close(os.dup(raw.fileno()))
            raw.close()
        raise OperationalError("the connection was lost at a commit")


class AtIntent(Crasher):
    """Strikes at the first commit by which an action begins."""

    def __init__(self, *, when: str, how: str) -> None:
        super().__init__(at=0, when=when, how=how)

    def commit(self, wrapper: DatabaseWrapper, really: Callable[[], None]) -> None:
        if self.at == 0:
            with wrapper.cursor() as cursor:
                cursor.execute("SELECT 1 FROM agents_action WHERE state = 'executing' AND effect <> 'read'")
                self.at = self.count + 1 if cursor.fetchone() else 0
        super().commit(wrapper, really)


def in_child(work: Callable[[], None], *, crasher: Crasher | None = None) -> int:
    """Fork, do the work in the child with its own connections, and return the child's exit status (-9: killed)."""
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        _be_the_child(work, crasher)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


@contextlib.contextmanager
def stalled_child(work: Callable[[], None], *, crasher: Crasher | None = None) -> Iterator["Stalled"]:
    """Fork a child that stops itself (SIGSTOP) in the middle; the block runs while it stands still."""
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        _be_the_child(work, crasher)
    _, status = os.waitpid(pid, os.WUNTRACED)
    child = Stalled(pid, stopped=os.WIFSTOPPED(status))
    try:
        yield child
    finally:
        child.go_on()


class Stalled:
    """A child that stands still until `go_on`, which returns its exit code."""

    def __init__(self, pid: int, *, stopped: bool) -> None:
        self.pid, self.stopped, self._waits = pid, stopped, stopped

    def go_on(self) -> int:
        if not self._waits:
            return 0
        self._waits = False
        os.kill(self.pid, signal.SIGCONT)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)


def _be_the_child(work: Callable[[], None], crasher: Crasher | None) -> None:
    code = 0
    try:
        _leave_the_parents_connection()
        if crasher is not None:
            wrapper = connections["default"]
            really = wrapper._commit
            wrapper._commit = lambda: crasher.commit(wrapper, really)
        work()
    except OperationalError:
        code = 3
    except BaseException:
        traceback.print_exc()
        code = 4
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


_parents: list[object] = []


def _leave_the_parents_connection() -> None:
    """Forget what was inherited without closing it: a browser test before this one leaves an event loop behind, and
    Django keeps one connection for inside of a loop and one for outside. The child is outside, on the parent's socket.
    """
    for wrapper in connections.all(initialized_only=True):
        _parents.append(wrapper.connection)
        wrapper.connection = None

"""A process that ends with the one that started it, also when that one was killed and could not say goodbye."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_LOOK_EVERY_S = 1.0
# Found before any fork: between fork and exec nothing may be loaded.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def tie_to_parent(stop: signal.Signals) -> Callable[[], None]:
    """Return what a child runs between fork and exec, so that the kernel sends it `stop` when its parent dies."""
    parent = os.getpid()

    def tie() -> None:
        if _libc is None:
            return
        _libc.prctl(_PR_SET_PDEATHSIG, int(stop), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), stop)

    return tie


def when_parent_dies(act: Callable[[], None]) -> None:
    """Call `act` once, from a thread, when this process's parent is gone."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_EVERY_S)
        act()

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def stop_with_parent() -> None:
    """Send this process SIGTERM when its parent is gone; for systems whose kernel does not do it."""
    when_parent_dies(lambda: os.kill(os.getpid(), signal.SIGTERM))

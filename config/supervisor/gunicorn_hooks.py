"""gunicorn's last words. A process that has answered everything ends at once: taking a large program apart object by
object takes seconds on a busy machine, and nothing is left to save."""

import logging
import os
import sys


def worker_exit(_server: object, _worker: object) -> None:
    _end()


def on_exit(_server: object) -> None:
    _end()


def _end() -> None:
    logging.shutdown()
    sys.stderr.flush()
    os._exit(0)

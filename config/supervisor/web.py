"""The web role: gunicorn with threads, because pages wait for the database far more than they compute."""

import os
import subprocess
import sys
from pathlib import Path

from config import env
from config.embedded.accounts import CannotStart
from config.embedded.places import fill_environment

BASE = Path(__file__).resolve().parent.parent.parent
APPLICATION = "config.wsgi:application"
PRACTICE_APPLICATION = "integrations.practice.wsgi:application()"


def become_web_server() -> int:
    """Turn this process into gunicorn serving the product; never returns."""
    fill_environment()
    host, port = env.text("HOST", "127.0.0.1"), env.integer("PORT", 8000, low=1, high=65535)
    workers = env.integer("WEB_WORKERS", min(2, os.cpu_count() or 1), low=1, high=64)
    threads = env.integer("WEB_THREADS", 24, low=1, high=256)
    if env.web_address("PUBLIC_URL", "").startswith("https://"):
        _check_strictly()
    command = gunicorn(APPLICATION, bind=f"{host}:{port}", workers=workers, threads=threads)
    os.execv(command[0], command)  # noqa: S606


def _check_strictly() -> None:
    """Refuse to serve a public address with something missing; the check itself says what."""
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "ERROR"]
    done = subprocess.run(command, cwd=BASE, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise CannotStart(f"the check for a public installation failed.\n{done.stderr.strip()}")


def gunicorn(application: str, *, bind: str, workers: int, threads: int) -> list[str]:
    """Return the command line of one gunicorn."""
    options = {
        "--config": "python:config.supervisor.gunicorn_hooks",
        "--bind": bind,
        "--worker-class": "gthread",
        "--workers": str(workers),
        "--threads": str(threads),
        "--timeout": "60",
        "--graceful-timeout": "8",
        "--keep-alive": "5",
        "--log-level": "warning",
        # A process is replaced now and then, so that a slow leak in any library stays small.
        "--max-requests": "100000",
        "--max-requests-jitter": "10000",
    }
    return [
        sys.executable, "-m", "gunicorn", application, "--no-control-socket", "--preload", *(w for pair in options.items() for w in pair)
    ]  # fmt: skip

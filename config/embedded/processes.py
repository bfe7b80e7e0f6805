"""Server processes: found by the folder they work in, never by a number in a file that may by now mean another process."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from config.embedded.accounts import Account, CannotStart
from config.leash import tie_to_parent

_LOG_BYTES = 5_000_000


def servers_in(folder: Path, program: str) -> list[psutil.Process]:
    """Return the processes of a program that work in this folder and whose parent does not: the servers, not their helpers."""
    found = {process.pid: process for process in _named(program) if _works_in(process, folder)}
    return [process for process in found.values() if process.ppid() not in found]


def stop_process(pid: int, steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn, giving the process the seconds behind it, until it runs no more."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return
    for number, seconds in steps:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
        if _ends(process, seconds):
            return


def runs(process: psutil.Process) -> bool:
    """Return whether it runs: one that is dead but not yet collected by its parent does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _ends(process: psutil.Process, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while runs(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def start_server(
    command: Sequence[str],
    *,
    account: Account,
    folder: Path,
    log: Path,
    stop: signal.Signals,
    handles: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a server in a process group of its own (Ctrl-C is for the supervisor alone), tied to this process's life."""
    options: dict[str, Any] = account.process_options()
    with _open_log(log) as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=server_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
            pass_fds=handles,
            umask=0o077,
            # Safe here: the supervisor has no other thread yet, and the function only makes a system call.
            preexec_fn=tie_to_parent(stop),  # noqa: PLW1509
            **options,
        )


def server_environment() -> dict[str, str]:
    """Return what a server sees of the environment: no secrets, and a locale that sorts the same everywhere."""
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def last_lines(log: Path, count: int = 15) -> str:
    """Return the end of a server's log."""
    with suppress(OSError):
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])
    return ""


def failed(what: str, log: Path) -> CannotStart:
    """Return the error for a server that did not come up, with the end of its log."""
    return CannotStart(f"{what} did not start. The end of {log}:\n{last_lines(log)}")


def _open_log(log: Path) -> Any:
    mode = "ab" if log.exists() and log.stat().st_size < _LOG_BYTES else "wb"
    return log.open(mode)


def _named(program: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["name"]) if (process.info["name"] or "").startswith(program)]


def _works_in(process: psutil.Process, folder: Path) -> bool:
    with suppress(psutil.Error, OSError):
        return runs(process) and os.path.realpath(process.cwd()) == os.path.realpath(folder)
    return False

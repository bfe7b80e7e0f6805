"""The product's processes: started with their lines marked, started again when they die, stopped as whole trees."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from config.embedded.processes import runs
from config.leash import tie_to_parent

FIRST_PAUSE_S, LONGEST_PAUSE_S, HEALTHY_AFTER_S = 0.5, 30.0, 30.0


@dataclass
class Child:
    """One process of the product. `command` and `environment` never change; a dead one is started again from them."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    process: "subprocess.Popen[bytes] | None" = None
    buried: bool = False
    # It has closed its output: nothing will come any more, and asking again would spin.
    silent: bool = False
    _started_at: float = 0.0
    _pause_s: float = FIRST_PAUSE_S
    _restart_at: float = 0.0
    _rest: bytes = field(default=b"")

    @property
    def pipe(self) -> IO[bytes]:
        if self.process is None or self.process.stdout is None:
            raise RuntimeError(f"{self.name} was never started")
        return self.process.stdout

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it in a process group of its own: Ctrl-C is for the supervisor, which then stops them in order."""
        self.process = subprocess.Popen(  # noqa: S603
            self.command,
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
            # Safe here: the supervisor has one thread, and the function only makes a system call.
            preexec_fn=tie_to_parent(signal.SIGTERM),  # noqa: PLW1509
        )
        os.set_blocking(self.pipe.fileno(), False)
        self.buried = self.silent = False
        self._started_at = time.monotonic()

    def bury(self, now_s: float) -> float:
        """Note the death of a process that ended by itself; return the seconds until it is started again."""
        self.kill_tree()
        if now_s - self._started_at > HEALTHY_AFTER_S:
            self._pause_s = FIRST_PAUSE_S
        pause, self._pause_s = self._pause_s, min(self._pause_s * 2, LONGEST_PAUSE_S)
        self._restart_at = now_s + pause
        self.buried = True
        return pause

    def due(self, now_s: float) -> bool:
        return self.buried and now_s >= self._restart_at

    def lines(self) -> list[str]:
        """Return the complete lines it wrote since the last look."""
        read: bytes | None = b""
        with suppress(OSError, ValueError):
            read = self.pipe.read()
        self.silent = read == b""
        self._rest += read or b""
        *whole, self._rest = self._rest.split(b"\n")
        if len(self._rest) > 65536:
            whole, self._rest = [*whole, self._rest], b""
        return [line.decode("utf-8", "replace") for line in whole]

    def tell(self, number: signal.Signals) -> None:
        """Send a signal to the first process of the tree, which passes it on."""
        if self.alive and self.process is not None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def kill_tree(self) -> None:
        """Kill what is left of the tree: the first process may be gone while its own children live."""
        if self.process is None:
            return
        signal_group(self.process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self.pipe.close()


def signal_group(group: int, number: signal.Signals) -> None:
    """Signal every process of a group, if there is one left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


class Register:
    """The children's process ids with the moment each began, on disk, for a supervisor that comes after a killed one."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, children: Iterable[Child]) -> None:
        known = [facts for child in children if child.process and (facts := _facts(child.process.pid))]
        with suppress(OSError):
            self._file.write_text(json.dumps(known), encoding="utf-8")

    def clear(self) -> None:
        self._file.unlink(missing_ok=True)

    def stop_leftovers(self, within_s: float = 10.0) -> int:
        """Stop the process trees of a supervisor that was killed; return how many there were."""
        left = [pid for pid, began in self._read() if _is_same(pid, began)]
        for pid in left:
            signal_group(pid, signal.SIGTERM)
        deadline = time.monotonic() + within_s
        while any(_is_same(pid, began) for pid, began in self._read() if pid in left) and time.monotonic() < deadline:
            time.sleep(0.1)
        for pid in left:
            signal_group(pid, signal.SIGKILL)
        return len(left)

    def _read(self) -> list[tuple[int, float]]:
        try:
            return [(int(pid), float(began)) for pid, began in json.loads(self._file.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError):
            return []


def _facts(pid: int) -> tuple[int, float] | None:
    with suppress(psutil.Error):
        return pid, psutil.Process(pid).create_time()
    return None


def _is_same(pid: int, began: float) -> bool:
    """Return whether this number still means the process it meant then: numbers are used again."""
    facts = _facts(pid)
    return facts is not None and abs(facts[1] - began) < 0.5 and runs(psutil.Process(pid))


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]

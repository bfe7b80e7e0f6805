"""What the person who started it reads: one line a step with its seconds, then marked log lines, then how to sign in."""

import sys
import time

WIDTH = 9


class Screen:
    """Writes to stdout and never fails: a closed pipe must not stop the product."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def step(self, text: str) -> None:
        self._write(f"{time.monotonic() - self._began:6.1f} s  {text}")

    def log(self, name: str, line: str) -> None:
        self._write(f"{name:<{WIDTH}}| {line}")

    def block(self, lines: list[str]) -> None:
        self._write("\n".join(["", *lines, ""]))

    def _write(self, text: str) -> None:
        try:
            print(text, flush=True)
        except (BrokenPipeError, ValueError):
            sys.stdout = open("/dev/null", "w", encoding="utf-8")  # noqa: SIM115

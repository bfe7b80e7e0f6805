"""A provider that plays a list of replies: for tests only, registered by `registry.put`, never by a row.

It fails loudly on a question it has no line for, and `check_done` on a line that nobody asked for.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from agents.providers.base import ModelReply, ModelRequest, ProviderError

Line = ModelReply | ProviderError | Callable[[ModelRequest], "ModelReply | ProviderError"]


class ScriptError(AssertionError):
    """The conversation went otherwise than the script says."""


class ScriptedProvider:
    """Plays `lines` in order; a line may also be a function of the request."""

    kind = "scripted"

    def __init__(self, lines: Sequence[Line] = (), *, name: str = "scripted") -> None:
        self.name = name
        self.requests: list[ModelRequest] = []
        self._lines = list(lines)
        self._lock = threading.Lock()

    def say(self, *lines: Line) -> None:
        self._lines.extend(lines)

    def complete(self, request: ModelRequest) -> ModelReply:
        with self._lock:
            self.requests.append(request)
            if not self._lines:
                raise ScriptError(f"Question {len(self.requests)} was not expected: the script has no more lines.")
            line = self._lines.pop(0)
        said = line(request) if callable(line) else line
        if isinstance(said, ProviderError):
            raise said
        return replace(said, provider=self.name, model=request.model)

    def check_done(self) -> None:
        """Raise when lines are left that nobody asked for."""
        if self._lines:
            raise ScriptError(f"{len(self._lines)} lines of the script were not used.")

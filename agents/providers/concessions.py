"""What a server may decline without the question being lost: extras that are left out when it says no to them.

"OpenAI-compatible" servers differ, and so do the models of one vendor. A 400 that names an extra we sent is answered
by asking once more without it; what helped is remembered for that model as long as the process lives.
"""

import threading
from collections.abc import Mapping

Extras = Mapping[str, tuple[str, ...]]


class Concessions:
    """extras: what may be left out, with the words by which a refusal names it."""

    def __init__(self, extras: Extras, *, per_conversation: frozenset[str] = frozenset()) -> None:
        self._extras = extras
        self._per_conversation = per_conversation
        self._known: dict[str, frozenset[str]] = {}
        self._lock = threading.Lock()

    def known(self, model: str) -> frozenset[str]:
        return self._known.get(model, frozenset())

    def more(self, without: frozenset[str], said: str) -> frozenset[str] | None:
        """Return what to leave out next, or None when the refusal names nothing that we could."""
        named = {
            extra
            for extra, words in self._extras.items()
            if extra not in without and any(word in said for word in words)
        }
        return without | named if named else None

    def remember(self, model: str, without: frozenset[str]) -> None:
        lasting = without - self._per_conversation
        with self._lock:
            if lasting - self.known(model):
                self._known[model] = self.known(model) | lasting

"""Names of tools in an alphabet that every vendor takes, and back.

Ours have dots ("shop.refund_order"); vendors allow letters, digits, "_" and "-", at most 64 of them.
"""

import hashlib
import re
from collections.abc import Iterable

MAX_LENGTH = 64
_LEGAL = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
_MARK_LENGTH = 8


class NameMap:
    """The two-way map of one request. The same names give the same map, in whatever order they come."""

    def __init__(self, names: Iterable[str]) -> None:
        known = sorted(set(names))
        # A legal name keeps itself, so the others must go round it.
        taken = {name for name in known if _LEGAL.fullmatch(name)}
        self._to_wire: dict[str, str] = {name: name for name in taken}
        for name in known:
            if name not in self._to_wire:
                self._to_wire[name] = _free(name, taken)
                taken.add(self._to_wire[name])
        self._to_ours = {wire: name for name, wire in self._to_wire.items()}

    def to_wire(self, name: str) -> str:
        return self._to_wire[name]

    def to_ours(self, wire: str) -> str:
        """Return our name; a name we did not offer stays as it is, for the loop to answer."""
        return self._to_ours.get(wire, wire)


def _free(name: str, taken: set[str]) -> str:
    plain = _ILLEGAL.sub("_", name)
    if plain and len(plain) <= MAX_LENGTH and plain not in taken:
        return plain
    for salt in range(len(taken) + 1):
        mark = hashlib.sha256(f"{name}\0{salt}".encode("utf-8", "surrogatepass")).hexdigest()[:_MARK_LENGTH]
        candidate = f"{plain[: MAX_LENGTH - _MARK_LENGTH - 1]}_{mark}"
        if candidate not in taken:
            return candidate
    raise AssertionError("unreachable: there are more candidates than taken names")

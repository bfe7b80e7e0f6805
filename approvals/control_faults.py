"""What can be made plainly wrong about a call, so that a reader who reads sees it. Pure."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from approvals.arguments import at_path

_TIMES_TOO_MUCH = 10


@dataclass(frozen=True, slots=True)
class Fault:
    """The arguments with one of them wrong: which, what it was and what it is. is_name: it may stand in a sentence."""

    arguments: Mapping[str, Any]
    argument: str
    right: str
    wrong: str
    is_name: bool = False


def faults_of(
    arguments: Mapping[str, Any], money_paths: tuple[str, str], card: Mapping[str, Any], others: Sequence[str]
) -> list[Fault]:
    """Return the ways in which this call could be made wrong against what its card shows. Empty: none is plain.

    others: subjects of other cases, one of which may take the place of the right one.
    """
    found = [_too_much(arguments, money_paths[0]), _of_another(arguments, card, others)]
    return [fault for fault in found if fault is not None]


def _too_much(arguments: Mapping[str, Any], path: str) -> Fault | None:
    """Ten times the amount: far above anything that the order on the card comes to."""
    amount = at_path(arguments, path)
    if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0:
        return None
    wrong = amount * _TIMES_TOO_MUCH
    return Fault(_with(arguments, path, wrong), path, str(amount), str(wrong))


def _of_another(arguments: Mapping[str, Any], card: Mapping[str, Any], others: Sequence[str]) -> Fault | None:
    """A record of somebody else's: another than the event on the card, and all that was looked up, are about."""
    evidence = {str(value) for part in card.get("evidence") or () for _, value in part.get("fields", ())}
    named = [name for name, value in arguments.items() if isinstance(value, str) and value and value in evidence]
    taken = {str(value) for value in arguments.values()}
    other = next((subject for subject in others if subject not in taken | evidence), "")
    ids = [name for name in named if name.endswith(("_id", "id", "recipient", "to", "email"))]
    if not other or not ids:
        return None
    right = str(arguments[ids[0]])
    return Fault({**arguments, ids[0]: other}, ids[0], right, other, is_name=True)


def _with(arguments: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed: dict[str, Any] = deepcopy(dict(arguments))
    *parents, last = path.split(".")
    inner = changed
    for name in parents:
        inner = inner[name]
    inner[last] = value
    return changed

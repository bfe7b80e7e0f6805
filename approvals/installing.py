"""What must stand in the database before anything works. Run after every migrate; changes nothing twice."""

import hashlib
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone

from approvals.models import AllowedMove, Installation, PolicyVersion
from approvals.states import REQUEST_MOVES, Role

_MACHINES: dict[str, dict[str, frozenset[str]]] = {"request": REQUEST_MOVES}


def register_machine(name: str, moves: dict[str, frozenset[str]]) -> None:
    """Add the moves of another app's state machine to what the database trigger allows."""
    _MACHINES[name] = moves


def ensure_basics(**_kwargs: Any) -> None:
    """Write the legal moves, the four roles, the installation's id and the first, empty policy where missing."""
    _write_moves()
    for role in Role:
        Group.objects.get_or_create(name=role.value)
    Installation.objects.get_or_create(only=True)
    if not PolicyVersion.objects.exists():
        _first_policy()


def _write_moves() -> None:
    wanted = {
        (machine, before.value if hasattr(before, "value") else before, after)
        for machine, moves in _MACHINES.items()
        for before, allowed in moves.items()
        for after in allowed
    }
    present = {(m.machine, m.from_state, m.to_state): m.pk for m in AllowedMove.objects.all()}
    AllowedMove.objects.filter(pk__in=[pk for key, pk in present.items() if key not in wanted]).delete()
    AllowedMove.objects.bulk_create(
        [AllowedMove(machine=m, from_state=f, to_state=t) for m, f, t in sorted(wanted - present.keys())]
    )


def _first_policy() -> None:
    PolicyVersion.objects.create(
        number=1,
        rules=[],
        hash=hashlib.sha256(b"[]").hexdigest(),
        author_label="installation",
        note="No rule yet: reads run, everything else waits for a person.",
        active=True,
        activated_at=timezone.now(),
    )

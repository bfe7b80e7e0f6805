"""What approvals needs to know of actions without knowing agents: the agents app registers one ledger at start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser

from approvals.models import Request


@dataclass(frozen=True, slots=True)
class StoredAction:
    """One action as it stands. `canonical` are the bytes that are signed and sent; `schema` types their arguments."""

    id: UUID
    run_id: UUID
    run_number: int
    tool: str
    effect: str
    state: str
    canonical: bytes
    digest: str
    arguments: Mapping[str, Any]
    schema: Mapping[str, Any]
    money_paths: tuple[str, str]
    result: Any
    error: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Successor:
    """What became of an edit: the new action and, when it still needs a person, its open request."""

    action_id: UUID
    digest: str
    state: str
    request: Request | None
    same_target: bool = True


class ActionLedger(Protocol):
    def read(self, ids: Sequence[UUID]) -> Mapping[UUID, StoredAction]: ...

    def knows(self, kind: str, name: str) -> bool:
        """Return whether there is an agent, a tool or a connection (`kind`) of this name."""
        ...

    def in_flight(self, scope: str) -> int:
        """Return how many calls that a halt of this scope covers are on their way to another system now."""
        ...

    def edit(
        self, *, request: Request, arguments: Mapping[str, Any], editor: AbstractBaseUser, now: datetime
    ) -> Successor:
        """Supersede the request's action by one with these arguments, judged anew. Raises BadArguments."""
        ...


class _NoLedger:
    def read(self, ids: Sequence[UUID]) -> Mapping[UUID, StoredAction]:
        return {}

    def knows(self, kind: str, name: str) -> bool:
        return True

    def in_flight(self, scope: str) -> int:
        return 0

    def edit(self, **_kwargs: Any) -> Successor:
        raise LookupError("no action ledger is registered")


_ledger: ActionLedger = _NoLedger()


def register_ledger(ledger: ActionLedger) -> None:
    global _ledger
    _ledger = ledger


def actions() -> ActionLedger:
    return _ledger

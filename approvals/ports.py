"""What approvals needs to know of actions without knowing agents: the agents app registers one ledger at start."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser

from approvals.models import Request
from approvals.policy.action import ProposedAction


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
    # Why the rule, tool or account that it is bound to is no longer the same, or "".
    moved: str = ""
    can_be_looked_up: bool = False
    # The tool that takes it back; "" where there is none, or where it has not happened.
    undone_by: str = ""


@dataclass(frozen=True, slots=True)
class Successor:
    """What became of an edit: the new action and, when it still needs a person, its open request."""

    action_id: UUID
    digest: str
    state: str
    request: Request | None
    same_target: bool = True


@dataclass(frozen=True, slots=True)
class KnownTool:
    """One tool that some connection offers now, as the policy's editors need it."""

    name: str
    description: str
    effect: str
    schema: Mapping[str, Any]
    authority: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Past actions proposed from `since` up to `until`, in order, behind the one named by `at` and `after`."""

    since: datetime
    until: datetime
    at: datetime | None = None
    after: UUID | None = None


@dataclass(frozen=True, slots=True)
class PastAction:
    """One action as the policy was asked about it, and what became of it.

    proposed: the question built again from what was stored; None where that is not possible any more.
    unknown: what of it was not kept ("totals", "authority"); whoever judges must not guess these.
    people: what people made of it: approved, edited, rejected, expired, withdrawn, open or not_asked.
    """

    id: UUID
    at: datetime
    run_id: UUID
    run_number: int
    team_id: int | None
    tool: str
    agent: str
    sentence: str
    state: str
    level: str
    verdict: Mapping[str, Any] | None
    policy_id: UUID | None
    people: str
    proposed: ProposedAction | None
    unknown: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Looked:
    """What looking again brought: a sentence and, when the world had changed, the request that took the place."""

    message: str
    request: Request | None = None


class ActionLedger(Protocol):
    def read(self, ids: Sequence[UUID]) -> Mapping[UUID, StoredAction]: ...

    def tools(self) -> Sequence[KnownTool]:
        """Return every tool there is now, by name."""
        ...

    def past(self, span: Span) -> Iterator[PastAction]:
        """Yield what agents proposed in live or suggest mode, each once, however often it was superseded.

        Reads by a cursor of the database: call it inside a transaction.
        """
        ...

    def count_past(self, span: Span) -> int: ...

    def split_past(self, span: Span, parts: int) -> Sequence[datetime]:
        """Return the times that part the span into so many parts of about as many actions each."""
        ...

    def past_action(self, action_id: UUID) -> PastAction | None: ...

    def latest_past(self, *, tool: str, teams: Collection[int] | None, limit: int) -> Sequence[PastAction]:
        """Return the newest actions of a tool (all tools for ""), of these teams or of all, newest first."""
        ...

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

    def look_again(self, *, request: Request, user: AbstractBaseUser) -> Looked:
        """Read the request's world check once more, and supersede its action when the answer is another one."""
        ...

    def look_up(self, *, request: Request, user: AbstractBaseUser) -> str:
        """Return what the other system knows of a call whose answer was lost."""
        ...


class _NoLedger:
    def read(self, ids: Sequence[UUID]) -> Mapping[UUID, StoredAction]:
        return {}

    def tools(self) -> Sequence[KnownTool]:
        return ()

    def past(self, span: Span) -> Iterator[PastAction]:
        return iter(())

    def count_past(self, span: Span) -> int:
        return 0

    def split_past(self, span: Span, parts: int) -> Sequence[datetime]:
        return ()

    def past_action(self, action_id: UUID) -> PastAction | None:
        return None

    def latest_past(self, **_kwargs: Any) -> Sequence[PastAction]:
        return ()

    def knows(self, kind: str, name: str) -> bool:
        return True

    def in_flight(self, scope: str) -> int:
        return 0

    def edit(self, **_kwargs: Any) -> Successor:
        raise LookupError("no action ledger is registered")

    def look_again(self, **_kwargs: Any) -> Looked:
        raise LookupError("no action ledger is registered")

    def look_up(self, **_kwargs: Any) -> str:
        raise LookupError("no action ledger is registered")


_ledger: ActionLedger = _NoLedger()


def register_ledger(ledger: ActionLedger) -> None:
    global _ledger
    _ledger = ledger


def actions() -> ActionLedger:
    return _ledger

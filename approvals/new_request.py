"""What is known of a request before it opens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from approvals.states import RequestClass, RequestKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is known when a request opens. `card` is what the reviewer sees beside the arguments (templates/approvals)."""

    kind: RequestKind
    title: str
    card: Mapping[str, Any]
    team_id: int | None = None
    agent: str = ""
    subject: str = ""
    tool: str = ""
    connection: str = ""
    run_id: UUID | None = None
    action_id: UUID | None = None
    action_digest: str = ""
    money_minor: int | None = None
    currency: str = ""
    risk: str = "medium"
    rule: Mapping[str, Any] = field(default_factory=dict)
    level: str = ""
    cls: RequestClass = RequestClass.NORMAL
    approvers: str = ""
    votes_needed: int = 1
    barred: Sequence[int] = ()
    priority: str = "normal"
    reason_code: str = ""
    deadline_s: int | None = None
    proposal: Mapping[str, Any] | None = None

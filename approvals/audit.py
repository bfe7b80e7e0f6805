"""Writing the audit trail. One row per transition and outcome, in the transaction that makes it true."""

from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser

from approvals.models import AuditEvent


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a person, an agent, or the system itself."""

    label: str
    kind: str = "system"
    user_id: int | None = None

    @classmethod
    def person(cls, user: AbstractBaseUser) -> Self:
        return cls(label=user.get_username(), kind="person", user_id=user.pk)

    @classmethod
    def agent(cls, name: str, version: int) -> Self:
        return cls(label=f"{name} v{version}", kind="agent")


SYSTEM = Actor(label="countersign")
COMMAND_LINE = Actor(label="command line")


def record(
    *,
    actor: Actor,
    verb: str,
    subject_type: str,
    subject_id: object,
    subject: str = "",
    run_id: UUID | None = None,
    agent: str = "",
    from_state: str = "",
    to_state: str = "",
    digest: str = "",
    **data: Any,
) -> None:
    """Append one audit row. Call it inside the transaction of what it tells of."""
    AuditEvent.objects.bulk_create(
        [
            AuditEvent(
                actor=actor.label,
                actor_kind=actor.kind,
                verb=verb,
                subject_type=subject_type,
                subject_id=str(subject_id),
                subject=subject,
                run_id=run_id,
                agent=agent,
                from_state=from_state,
                to_state=to_state,
                digest=digest,
                data={key: value for key, value in data.items() if value is not None},
            )
        ]
    )

"""Telling people. A notice is written in the verb's transaction; integrations delivers it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from approvals.models import Notice


def tell(
    *,
    kind: str,
    title: str,
    body: str = "",
    link: str = "",
    subject: str = "",
    run_id: UUID | None = None,
    request_id: UUID | None = None,
    user: Any = None,
    team: Any = None,
) -> Notice:
    """Write one notice for a person, a team, or (neither given) everybody.

    request_id: the request that it is about; what is sent outside stops once that is settled.
    """
    return Notice.objects.create(
        kind=kind,
        title=title,
        body=body,
        link=link,
        subject=subject,
        run_id=run_id,
        request_id=request_id,
        user=user,
        team=team,
    )


def mark_routed(notices: Sequence[Notice], *, now: datetime) -> None:
    """Note that it was decided to whom outside these go; they are not looked at again."""
    Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(routed_at=now)

"""One delivery, one attempt: silence it, send it, or say why it could not be sent. No transaction is open meanwhile."""

import logging
from collections.abc import Mapping
from typing import Protocol

from approvals.database_clock import database_now
from approvals.models import Request
from approvals.states import RequestState
from config.secrets import SecretMissing
from integrations.channels import hook, mail, slack
from integrations.channels.claiming import (
    Sent,
    claim,
    claim_rewrite,
    is_silenced,
    settle_failed,
    settle_rewritten,
    settle_sent,
    settle_silenced,
)
from integrations.channels.retrying import NotDelivered
from integrations.channels.routing import may_still_decide
from integrations.channels.topics import FOR_DECIDERS, topic_of
from integrations.models import Connection, Delivery

log = logging.getLogger(__name__)
# Not a state: approved, and the voter may still take it back.
UNDOABLE = "undoable"


class Sender(Protocol):
    def send(self, delivery: Delivery, request: Request | None) -> Sent:
        """Deliver it. Raises NotDelivered, SecretMissing."""
        ...


SENDERS: Mapping[str, Sender] = {
    Connection.Kind.SLACK: slack.Sender(),
    Connection.Kind.MAIL: mail.Sender(),
    Connection.Kind.WEBHOOK: hook.Sender(),
}


def send_next(kinds: tuple[str, ...]) -> bool:
    """Attempt the next due delivery of these kinds; return whether there was one."""
    delivery = claim(kinds)
    if delivery is None:
        return False
    request = _request_of(delivery)
    if is_silenced(delivery, request) or _lost_authority(delivery, request):
        settle_silenced(delivery)
        return True
    try:
        settle_sent(delivery, SENDERS[delivery.connection.kind].send(delivery, request))
    except (NotDelivered, SecretMissing) as problem:
        settle_failed(delivery, _as_problem(problem))
    return True


def rewrite_next() -> bool:
    """Bring one sent Slack message to what its request is by now; return whether there was one."""
    delivery = claim_rewrite((Connection.Kind.SLACK,))
    if delivery is None:
        return False
    request = _request_of(delivery)
    try:
        slack.rewrite(delivery, request)
    except (NotDelivered, SecretMissing) as problem:
        settle_failed(delivery, _as_problem(problem))
    else:
        _settle_rewrite(delivery, request)
    return True


def _settle_rewrite(delivery: Delivery, request: Request | None) -> None:
    now = database_now()
    until = request.execute_after if request and request.state == RequestState.APPROVED else None
    undoable = until is not None and until > now
    open_ = request is not None and request.state == RequestState.OPEN
    shown = UNDOABLE if undoable else request.state if request else "gone"
    settle_rewritten(delivery, shown=shown, live=undoable or open_, next_at=until if undoable and until else now)


def _request_of(delivery: Delivery) -> Request | None:
    return Request.objects.filter(pk=delivery.request_id).first() if delivery.request_id else None


def _lost_authority(delivery: Delivery, request: Request | None) -> bool:
    """Return whether the person may not decide it any more: voted, left the team, or was switched off meanwhile."""
    if delivery.user is None:
        return False
    if not delivery.user.is_active:
        return True
    asks = topic_of(delivery.notice.kind) in FOR_DECIDERS
    return asks and request is not None and not may_still_decide(delivery.user, request)


def _as_problem(problem: Exception) -> NotDelivered:
    return problem if isinstance(problem, NotDelivered) else NotDelivered(str(problem))

"""Outgoing webhooks: notices as JSON, signed the way of Standard Webhooks, so that the receiver can prove and deduplicate."""

import json

from agents.tools.base import NotSent, OutcomeUnknown
from approvals.database_clock import database_now
from approvals.models import Request
from integrations.channels.claiming import Sent
from integrations.channels.retrying import NotDelivered
from integrations.channels.secrets import secret_of
from integrations.channels.wording import link_of
from integrations.http import Outgoing, client_for
from integrations.models import Delivery
from integrations.openapi.call import host_of
from integrations.webhooks import signatures
from integrations.webhooks.signatures import NotConfigured


class Sender:
    def send(self, delivery: Delivery, request: Request | None) -> Sent:
        """Post it; any 2xx is taken as received. Raises NotDelivered, SecretMissing."""
        connection = delivery.connection
        secret = secret_of(connection, host=host_of(connection.base_url))
        body = json.dumps(document_of(delivery, request), ensure_ascii=False).encode()
        try:
            signed = signatures.sign(
                "standard_webhooks",
                body,
                secret,
                event_id=str(delivery.pk),
                now=database_now(),
                url=connection.base_url,
            )
        except NotConfigured as problem:
            raise NotDelivered(problem.sentence) from None
        headers = {"Content-Type": "application/json", **signed.headers}
        _post(delivery, Outgoing("POST", signed.url, headers, body))
        return Sent(id=str(delivery.pk))


def document_of(delivery: Delivery, request: Request | None) -> dict[str, object]:
    """Return what is told: the notice, and of a request what identifies it. No arguments: a receiver reads them by API."""
    notice = delivery.notice
    about = (
        {"id": str(request.pk), "kind": request.kind, "state": request.state, "title": request.title}
        if request
        else None
    )
    return {
        "type": notice.kind,
        "timestamp": notice.created_at.isoformat(),
        "data": {
            "id": str(notice.pk),
            "title": notice.title,
            "body": notice.body,
            "subject": notice.subject,
            "link": link_of(notice.link),
            "run": str(notice.run_id) if notice.run_id else None,
            "request": about,
        },
    }


def _post(delivery: Delivery, outgoing: Outgoing) -> None:
    connection = delivery.connection
    try:
        answer = client_for(connection.name).send(outgoing, deadline_s=connection.timeout_s)
    except (NotSent, OutcomeUnknown) as problem:
        raise NotDelivered(str(problem)) from None
    if 200 <= answer.status < 300:
        return
    asked = answer.headers.get("retry-after", "")
    seconds = float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else None
    raise NotDelivered(f"The receiver answered {answer.status}.", retry_after_s=seconds, final=answer.status == 410)

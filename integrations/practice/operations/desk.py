"""The service desk: tickets, replies and the knowledge base."""

import re
from typing import Any

from integrations.practice.models import Article, Mail, Ticket, TicketReply
from integrations.practice.operations.base import (
    EMAIL,
    TICKET_ID,
    Answer,
    Call,
    Operation,
    conflict,
    not_found,
    one_of,
    text,
    whole,
)
from integrations.practice.operations.history import note_change
from integrations.practice.operations.intake import due_at
from integrations.practice.operations.records import moment, ticket_record
from integrations.practice.states import Priority, TicketStatus

PRIORITIES = [str(priority) for priority in Priority]
QUEUES = ["support", "refunds", "billing", "technical", "logistics", "sales", "legal", "security"]


def get_ticket(call: Call) -> Answer:
    return ticket_record(_ticket(call, lock=False), now=call.now)


def find_tickets(call: Call) -> Answer:
    rows = Ticket.objects.filter(requester_email__iexact=call.arguments["email"]).order_by("-created_at")
    if status := call.arguments.get("status"):
        rows = rows.filter(status=status)
    return {"tickets": [ticket_record(row, now=call.now) for row in rows[:20]]}


def update_ticket(call: Call) -> Answer:
    """Write what a ticket is about and how urgent it is. Its deadline follows the priority, never later than it was."""
    ticket = _open_ticket(call)
    ticket.category = call.arguments.get("category", ticket.category)
    ticket.order_number = call.arguments.get("order_id", ticket.order_number)
    _set_priority(ticket, call)
    return _saved(ticket, call, "update_ticket", f"Ticket {ticket.number} is {ticket.category}, {ticket.priority}")


def assign_ticket(call: Call) -> Answer:
    """Give a ticket to the people of a queue."""
    ticket = _open_ticket(call)
    ticket.queue = call.arguments["queue"]
    ticket.category = call.arguments.get("category", ticket.category)
    ticket.status = TicketStatus.ASSIGNED
    _set_priority(ticket, call)
    said = f"Assigned ticket {ticket.number} to {ticket.queue}, {ticket.priority}"
    return _saved(ticket, call, "assign_ticket", said)


def reply_to_ticket(call: Call) -> Answer:
    """Answer the person who opened the ticket; the words also go to the outbox."""
    ticket = _open_ticket(call)
    body = call.arguments["body"]
    TicketReply.objects.create(ticket=ticket, body=body, created_at=call.now)
    if ticket.requester_email:
        subject = f"Re: {ticket.subject or 'your request'} [{ticket.number}]"[:300]
        Mail.objects.create(
            to=ticket.requester_email, subject=subject, body=body, about=ticket.number, sent_at=call.now
        )
    ticket.status = TicketStatus.ANSWERED
    return _saved(ticket, call, "reply_to_ticket", f"Answered ticket {ticket.number}")


def close_ticket(call: Call) -> Answer:
    ticket = _ticket(call, lock=True)
    if ticket.status == TicketStatus.CLOSED:
        return ticket_record(ticket, now=call.now)
    ticket.status = TicketStatus.CLOSED
    ticket.resolution = call.arguments.get("resolution", "")
    ticket.category = call.arguments.get("category", ticket.category)
    return _saved(ticket, call, "close_ticket", f"Closed ticket {ticket.number}")


def _ticket(call: Call, *, lock: bool) -> Ticket:
    number = str(call.arguments["ticket_id"])
    rows = Ticket.objects.select_for_update() if lock else Ticket.objects.all()
    ticket = rows.filter(pk=number).first()
    if ticket is None:
        raise not_found("ticket", number)
    return ticket


def _open_ticket(call: Call) -> Ticket:
    ticket = _ticket(call, lock=True)
    if ticket.status == TicketStatus.CLOSED:
        raise conflict("closed", f"Ticket {ticket.number} is closed.")
    return ticket


def _set_priority(ticket: Ticket, call: Call) -> None:
    if given := call.arguments.get("priority"):
        ticket.priority = given
        ticket.sla_due_at = min(ticket.sla_due_at, due_at(Priority(given), now=call.now))


def _saved(ticket: Ticket, call: Call, operation: str, said: str) -> Answer:
    ticket.updated_at = call.now
    ticket.save()
    note_change(call, operation, ticket.number, said)
    return ticket_record(ticket, now=call.now)


def search_knowledge(call: Call) -> Answer:
    """Return the pages that share most words with the question. `score` is the share of its words that a page knows."""
    words = _words(call.arguments["query"])
    scored = [(_score(words, article), article) for article in Article.objects.order_by("slug")]
    best = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: (-pair[0], pair[1].slug))
    limit = int(call.arguments.get("limit", 3))
    return {"articles": [_article(article, score) for score, article in best[:limit]]}


def _words(raw: str) -> set[str]:
    return {word for word in re.findall(r"\w+", raw.lower()) if len(word) > 2}


def _score(words: set[str], article: Article) -> float:
    known = _words(f"{article.title} {article.words}")
    return len(words & known) / (len(words) or 1)


def _article(article: Article, score: float) -> dict[str, Any]:
    return {
        "slug": article.slug,
        "language": article.language,
        "title": article.title,
        "body": article.body,
        "score_percent": round(score * 100),
    }


def list_mail(call: Call) -> Answer:
    """Return the outbox, newest first."""
    rows = Mail.objects.order_by("-pk")
    if to := call.arguments.get("email"):
        rows = rows.filter(to__iexact=to)
    limit = int(call.arguments.get("limit", 50))
    return {"count": rows.count(), "mail": [mail_record(row) for row in rows[:limit]]}


def mail_record(row: Mail) -> dict[str, Any]:
    return {
        "mail_id": row.number,
        "to": row.to,
        "subject": row.subject,
        "body": row.body,
        "sent_at": moment(row.sent_at),
        "opened_at": moment(row.opened_at),
        "clicked_at": moment(row.clicked_at),
    }


CATEGORY = text("What it is about, one or two words.", max_length=40)
PRIORITY = one_of("How urgent.", PRIORITIES)


def _on_ticket(id_: str, path: str, summary: str, handler: Any, required: tuple[str, ...], **more: Any) -> Operation:
    return Operation(
        id=id_,
        method="POST",
        path=f"/tickets/{{ticket_id}}/{path}",
        summary=summary,
        arguments={"ticket_id": TICKET_ID, **more},
        required=required,
        answers="Ticket",
        handler=handler,
    )


OPERATIONS = (
    Operation(
        id="get_ticket",
        method="GET",
        path="/tickets/{ticket_id}",
        summary="Read one ticket with its replies and the minutes left until its deadline.",
        arguments={"ticket_id": TICKET_ID},
        answers="Ticket",
        handler=get_ticket,
    ),
    Operation(
        id="find_tickets",
        method="GET",
        path="/tickets",
        summary="List the latest tickets of one person.",
        arguments={"email": EMAIL, "status": one_of("Only these.", [str(word) for word in TicketStatus])},
        required=("email",),
        answers="TicketList",
        handler=find_tickets,
    ),
    _on_ticket(
        "update_ticket",
        "update",
        "Write a ticket's category, priority and order. The deadline follows the priority.",
        update_ticket,
        (),
        category=CATEGORY,
        priority=PRIORITY,
        order_id={"type": "string", "description": "Number of the order it is about.", "maxLength": 40},
    ),
    _on_ticket(
        "assign_ticket",
        "assignment",
        "Give a ticket to the people of a queue, with a priority.",
        assign_ticket,
        ("queue", "priority"),
        queue=one_of("Which people.", QUEUES),
        priority=PRIORITY,
        category=CATEGORY,
    ),
    _on_ticket(
        "reply_to_ticket",
        "replies",
        "Answer the person who opened the ticket. It goes to that person only.",
        reply_to_ticket,
        ("body",),
        body=text("The answer, plain text.", max_length=5000),
    ),
    _on_ticket(
        "close_ticket",
        "close",
        "Close a ticket that is settled.",
        close_ticket,
        (),
        resolution={"type": "string", "description": "How it was settled.", "maxLength": 300},
        category=CATEGORY,
    ),
    Operation(
        id="search_knowledge",
        method="GET",
        path="/knowledge",
        summary="Search the knowledge base; score_percent says how well a page fits the question.",
        arguments={"query": text("The question.", max_length=500), "limit": whole("How many.", minimum=1, maximum=10)},
        required=("query",),
        answers="ArticleList",
        handler=search_knowledge,
    ),
    Operation(
        id="list_mail",
        method="GET",
        path="/mail",
        summary="List the outbox, newest first.",
        arguments={"email": EMAIL, "limit": whole("How many.", minimum=1, maximum=500)},
        answers="MailList",
        handler=list_mail,
    ),
)

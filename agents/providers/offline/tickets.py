"""Tickets: what is wanted, what is known about it, then an answer, or the right people with the right priority."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.providers.offline import text as words
from agents.providers.offline import ticket_answers as answers
from agents.providers.offline.case import Case, Ended, Ending
from agents.providers.offline.endings import must_succeed
from agents.providers.offline.payload import email_of, given_email, kind_of, prose, text_at
from agents.providers.offline.refunds import as_given, order_number_of
from agents.providers.offline.ticket_kinds import Kind, kinds_in

_LADDER = ("low", "normal", "high", "urgent")
_TICKET_PATHS = (
    "ticket_id",
    "ticket.id",
    "ticket_number",
    "ticket.number",
    "ticket.ticket_id",
    "case_id",
    "number",
    "id",
)


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket as its event tells it."""

    number: str
    email: str
    given_email: str
    name: str
    subject: str
    body: str
    text: str
    orders: tuple[str, ...]
    language: str
    anger: str
    injection: str
    priority: str
    record: Mapping[str, Any] = field(default_factory=dict)


def play(case: Case) -> Ending:
    """Tell one ticket from its arrival to closed or assigned."""
    ticket = read_ticket(case.event)
    if not ticket.number:
        case.needs_person("missing_data", f"The event names no ticket. It says: {words.short(ticket.text)}")
    ticket = _on_the_desk(case, ticket)
    if _is_reminder(case.event):
        return _remind(case, ticket)
    if ticket.record.get("status") == "closed":
        return Ending(
            "already_closed", 0.95, f"Ticket {ticket.number} is closed already.", {"ticket_id": ticket.number}
        )
    _check_serious(case, ticket)
    if phrase := words.find_spam(ticket.text):
        return _close(case, ticket, "spam", f"Unwanted advertising (“{words.short(phrase, 50)}”).", 0.9)
    if not ticket.text.strip():
        case.needs_person("missing_data", f"Ticket {ticket.number} says nothing.")
    return _settle(case, ticket, kinds_in(ticket.text))


def read_ticket(event: Mapping[str, Any], record: Mapping[str, Any] | None = None) -> Ticket:
    """Return the ticket of a payload; what it leaves out comes from the desk's own record."""
    record = record or {}
    body = prose(event) or "\n".join(str(record.get(name) or "") for name in ("subject", "body"))
    given = order_number_of({key: value for key, value in event.items() if "order" in str(key).lower()})
    named = [*([given] if given else []), *words.find_order_numbers(body)]
    return Ticket(
        number=_ticket_number(event),
        email=email_of(event) or str(record.get("requester_email") or "").lower(),
        given_email=given_email(event),
        name=text_at(event, "customer.name", "name", "requester.name", "from.name")
        or str(record.get("requester_name") or ""),
        subject=text_at(event, "subject", "title", "betreff"),
        body=text_at(event, "body", "message", "description", "text", "content"),
        text=body,
        orders=tuple(dict.fromkeys(named)),
        language=words.language_of(body),
        anger=words.find_anger(body),
        injection=words.find_injection("\n".join(words.texts_in(event))),
        priority=text_at(event, "priority").lower(),
        record=record,
    )


def _ticket_number(event: Mapping[str, Any]) -> str:
    for path in _TICKET_PATHS:
        if raw := text_at(event, path):
            return raw[:-2] if raw.endswith(".0") else raw
    return ""


def _on_the_desk(case: Case, ticket: Ticket) -> Ticket:
    """Return the ticket with the desk's record of it; one that only the channel knows is opened."""
    found = case.read("get_ticket", ticket_id=ticket.number)
    if found.ok and found.data:
        return _checked_requester(case, ticket, read_ticket(case.event, found.data))
    if found.kind != "missing":
        case.needs_person("exception", f"Ticket {ticket.number} could not be read: {found.said}", priority="high")
    if not case.offers("open_ticket") or not ticket.given_email:
        case.needs_person(
            "missing_data", f"Ticket {ticket.number} is unknown, and the event does not say who wrote it."
        )
        raise Ended(Ending("unknown_ticket", 0.9, f"Ticket {ticket.number} is unknown.", {"ticket_id": ticket.number}))
    wanted = {
        **_about(case, ticket),
        "requester_email": ticket.given_email,
        "requester_name": ticket.name[:200] or None,
        "subject": ticket.subject[:300] or None,
        "body": ticket.text[:20000] or None,
    }
    opened = case.act(
        "open_ticket", wanted, reason=f"The desk does not have ticket {ticket.number} yet.", confidence=0.95
    )
    return read_ticket(
        case.event, must_succeed(case, opened, f"opening ticket {ticket.number}", ticket_id=ticket.number)
    )


def _checked_requester(case: Case, told: Ticket, ticket: Ticket) -> Ticket:
    owner = str(ticket.record.get("requester_email") or "").lower()
    if told.email and owner and told.email != owner:
        case.needs_person(
            "anomaly", f"The event says {told.email}, but ticket {ticket.number} belongs to somebody else."
        )
    return ticket


def _is_reminder(event: Mapping[str, Any]) -> bool:
    kind = kind_of(event)
    return any(word in kind for word in ("sla", "overdue", "reminder", "breach", "due"))


def _remind(case: Case, ticket: Ticket) -> Ending:
    """A deadline comes near or has passed: one step up, and the people are told."""
    record = ticket.record
    if record.get("status") == "closed":
        return Ending(
            "already_closed", 0.95, f"Ticket {ticket.number} was closed in time.", {"ticket_id": ticket.number}
        )
    now = str(record.get("priority") or "normal")
    raised = _LADDER[min(_LADDER.index(now) + 1, 3)] if now in _LADDER else "high"
    minutes = record.get("minutes_to_sla")
    when = f"{-minutes} minutes late" if isinstance(minutes, int) and minutes < 0 else f"due in {minutes} minutes"
    outcome = case.act(
        "update_ticket", {**_about(case, ticket), "priority": raised}, reason=f"It is {when}.", confidence=0.93
    )
    must_succeed(case, outcome, f"ticket {ticket.number} at priority {raised}", ticket_id=ticket.number)
    _tell(case, f"Ticket {ticket.number} is {when}; it is {raised} now.")
    return Ending(
        "reminded",
        0.93,
        f"Ticket {ticket.number} is {when}: raised to {raised}, support was told.",
        {"ticket_id": ticket.number, "priority": raised},
    )


def _check_serious(case: Case, ticket: Ticket) -> None:
    """What no clerk settles: it goes to the right queue at once, and a person takes it over."""
    checks = (
        (words.find_safety, "safety", "legal", "Somebody may have been hurt"),
        (words.find_legal, "legal", "legal", "The customer speaks of legal steps"),
        (words.find_security, "security", "security", "An account or a payment may be in foreign hands"),
        (words.find_privacy, "privacy", "legal", "The customer asks about personal data"),
    )
    for find, category, queue, what in checks:
        if phrase := find(ticket.text):
            said = f"{what} (“{words.short(phrase, 60)}”)."
            _assign(case, ticket, Kind(category, queue, "urgent", ()), said)
            case.needs_person("policy", f"Ticket {ticket.number}: {said}", priority="urgent")


def _settle(case: Case, ticket: Ticket, kinds: list[Kind]) -> Ending:
    if ticket.injection:
        said = f"The text tries to give orders (“{words.short(ticket.injection, 60)}”); people answer this one."
        return _assigned(case, ticket, kinds[0], said)
    if ticket.anger and kinds[0].name != "order_status":
        return _assigned(
            case, ticket, kinds[0], f"The customer is angry (“{words.short(ticket.anger, 40)}”).", at_least="high"
        )
    if len(kinds) > 1 or not kinds[0].answerable:
        wants = " and ".join(kind.name.replace("_", " ") for kind in kinds)
        return _assigned(case, ticket, kinds[0], f"It is about {wants}.{_order_remark(case, ticket)}")
    return (
        _status(case, ticket, kinds[0]) if kinds[0].name == "order_status" else _from_knowledge(case, ticket, kinds[0])
    )


def _order_remark(case: Case, ticket: Ticket) -> str:
    """Return what the shop knows of the order that the ticket names, for the people who take it."""
    if not ticket.orders:
        return ""
    found = case.read("get_order", order_id=ticket.orders[0])
    if not found.ok:
        return f" Order {ticket.orders[0]} is not known."
    return f" Order {ticket.orders[0]} is {found.data.get('status')}."


def _status(case: Case, ticket: Ticket, kind: Kind) -> Ending:
    order = _one_order(case, ticket)
    if order is None:
        found = "does not know the order" if ticket.orders else "cannot tell which order is meant"
        return (
            _from_knowledge(case, ticket, kind)
            if not ticket.orders
            else _assigned(case, ticket, kind, f"The desk {found}.")
        )
    if str(order.get("customer_email", "")).lower() != ticket.email:
        return _assigned(
            case,
            ticket,
            kind,
            f"Order {order.get('order_id')} belongs to another address; nothing was told.",
            at_least="high",
        )
    hours = order.get("hours_to_ship_by")
    is_late = order.get("status") in ("new", "picking", "backordered") and isinstance(hours, int) and hours < 0
    if is_late or (ticket.anger and order.get("status") != "shipped") or _says_lost(ticket, order):
        return _assigned(
            case,
            ticket,
            kind,
            f"Order {order.get('order_id')} is {order.get('status')}; the customer waits too long.",
            at_least="high",
        )
    return _answer(case, ticket, kind, answers.order_status(order, ticket.language, ticket.name), 0.9)


def _says_lost(ticket: Ticket, order: Mapping[str, Any]) -> bool:
    """A parcel that counts as delivered but is missed is nothing to answer with its status."""
    missed = (r"\b(?:not|never|hasn'?t|haven'?t|nothing)\b.{0,30}\b(?:arrived?|received?|delivered|got|came)\b",
              r"\bnicht\b.{0,30}\b(?:angekommen|erhalten|bekommen|da|eingetroffen|geliefert)\b|\bverloren\b|\blost\b",
              r"\bpas (?:encore )?(?:reçu|arrivée?)\b")  # fmt: skip
    return order.get("status") == "delivered" and bool(words.says(ticket.text, missed))


def _one_order(case: Case, ticket: Ticket) -> Mapping[str, Any] | None:
    if ticket.orders:
        found = case.read("get_order", order_id=ticket.orders[0])
        return found.data if found.ok and found.data else None
    if not ticket.email or not case.offers("find_orders"):
        return None
    listed = case.read("find_orders", email=ticket.email)
    orders = [order for order in listed.data.get("orders", ()) if order.get("status") not in ("delivered", "cancelled")]
    return orders[0] if listed.ok and len(orders) == 1 else None


def _from_knowledge(case: Case, ticket: Ticket, kind: Kind) -> Ending:
    query = words.short(f"{ticket.subject} {ticket.body or ticket.text}", 300)
    found = case.read("search_knowledge", query=query)
    article = answers.best_article(found.data.get("articles") or [], ticket.text, ticket.language) if found.ok else None
    if article is None:
        return _assigned(case, ticket, kind, "The knowledge base has no clear answer.")
    return _answer(
        case, ticket, kind, answers.from_article(article, ticket.language, ticket.name), answers.confidence_in(article)
    )


def _answer(case: Case, ticket: Ticket, kind: Kind, reply: str, confidence: float) -> Ending:
    outcome = case.act(
        "reply_to_ticket",
        {**_about(case, ticket), "body": reply},
        reason=f"A {kind.name.replace('_', ' ')} request that our own records answer.",
        confidence=confidence,
    )
    must_succeed(case, outcome, f"the answer to ticket {ticket.number}", ticket_id=ticket.number)
    return _close(case, ticket, kind.name, "Answered.", confidence)


def _close(case: Case, ticket: Ticket, category: str, resolution: str, confidence: float) -> Ending:
    wanted = {**_about(case, ticket), "resolution": resolution, "category": category}
    outcome = case.act("close_ticket", wanted, reason=resolution, confidence=confidence)
    must_succeed(case, outcome, f"closing ticket {ticket.number}", ticket_id=ticket.number)
    return Ending(
        "closed",
        confidence,
        f"Ticket {ticket.number} is closed: {resolution}",
        {"ticket_id": ticket.number, "category": category},
    )


def _assigned(case: Case, ticket: Ticket, kind: Kind, why: str, *, at_least: str = "low") -> Ending:
    priority = _assign(case, ticket, kind, why, at_least=at_least)
    parameters = {"ticket_id": ticket.number, "category": kind.name, "queue": kind.queue, "priority": priority}
    return Ending("assigned", 0.85, f"Ticket {ticket.number} went to {kind.queue}, {priority}. {why}", parameters)


def _assign(case: Case, ticket: Ticket, kind: Kind, why: str, *, at_least: str = "low") -> str:
    """Give the ticket to a queue and return the priority it has there; the pressing ones are announced."""
    priority = max(kind.priority, at_least, _priority_of_person(case, ticket), key=_LADDER.index)
    wanted = {**_about(case, ticket), "queue": kind.queue, "priority": priority, "category": kind.name}
    outcome = case.act("assign_ticket", wanted, reason=why, confidence=0.88)
    must_succeed(case, outcome, f"ticket {ticket.number} to {kind.queue}", ticket_id=ticket.number)
    if priority in ("high", "urgent"):
        due = {"urgent": "one hour", "high": "four hours"}[priority]
        _tell(
            case,
            f"Ticket {ticket.number} ({kind.name}) waits for {kind.queue}, {priority}: first answer within {due}. {why}",
        )
    return priority


def _priority_of_person(case: Case, ticket: Ticket) -> str:
    """Return the priority that the event or the customer's standing asks for."""
    wished = ticket.priority if ticket.priority in _LADDER[:3] else "low"
    if not ticket.email or not case.offers("find_customer"):
        return wished
    found = case.read("find_customer", email=ticket.email)
    return max(wished, "high" if found.ok and found.data.get("vip") else "low", key=_LADDER.index)


def _about(case: Case, ticket: Ticket) -> dict[str, Any]:
    return {"ticket_id": as_given(case.event, ticket.number, "ticket_id")}


def _tell(case: Case, text: str) -> None:
    if case.offers("post_notice"):
        case.act(
            "post_notice", {"channel": "support", "text": text[:1000]}, reason="Support should know.", confidence=0.95
        )

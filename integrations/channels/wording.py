"""What a message says about a notice and its request: the same card data that the page draws, as plain lines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from approvals.arguments import shown_arguments
from approvals.models import Notice, Request
from approvals.money import money_text
from approvals.policy.canonical import NotCanonical, digest_of, parse_canonical
from approvals.ports import StoredAction, actions
from approvals.states import RequestClass, RequestKind, RequestState
from integrations.channels.defused import defused, is_whole
from integrations.channels.topics import FOR_DECIDERS, topic_of

# So many characters of one value fit into a message; a longer one is read in the browser.
LONGEST_VALUE = 500
MOST_LINES = 30


@dataclass(frozen=True, slots=True)
class Message:
    """One message before a channel draws it; every text in it is harmless.

    lines: what our own code read from the signed bytes. claim: what the agent says, always labelled.
    decidable: it shows all that is signed, so buttons may stand below it. reason: why not.
    """

    title: str
    lines: tuple[tuple[str, str], ...] = ()
    claim: str = ""
    link: str = ""
    request_id: str = ""
    digest: str = ""
    decidable: bool = False
    note: str = ""


def message_of(notice: Notice, request: Request | None) -> Message:
    """Return what a notice says outside. A card only while its request is open and it asks for a decision."""
    title = defused(notice.title, longest=280, one_line=True)
    if request is None or topic_of(notice.kind) not in FOR_DECIDERS:
        body = defused(notice.body, longest=3000)
        return Message(title=title, lines=(("", body),) if body else (), link=link_of(notice.link))
    return card_of(request, title)


def card_of(request: Request, title: str = "") -> Message:
    """Return the card of a request, open or not: what is signed, why it waits, what the agent claims."""
    arguments = _arguments(request)
    values = [*_values(request, arguments or ())]
    whole = (
        arguments is not None
        and all(is_whole(text, longest=LONGEST_VALUE) for _, text in values)
        and len(values) <= MOST_LINES
    )
    lines = [(defused(name, longest=80, one_line=True), defused(text, longest=LONGEST_VALUE)) for name, text in values]
    note = _why_not(request, whole)
    return Message(
        title=title or defused(request.title, longest=280, one_line=True),
        lines=tuple(lines[:MOST_LINES]),
        claim=defused(str(_part(request.card, "claim").get("text") or ""), longest=LONGEST_VALUE),
        link=link_of(f"/inbox/{request.pk}/"),
        request_id=str(request.pk),
        digest=request.action_digest,
        decidable=not note,
        note=note,
    )


def outcome_of(request: Request) -> str:
    """Return how a request ended: who, what and when, in one sentence."""
    at = f" on {request.settled_at:%d %b at %H:%M} UTC" if request.settled_at else ""
    if request.state == RequestState.EXPIRED:
        return f"Expired{at}: nobody decided in time, so nothing runs."
    if request.state == RequestState.WITHDRAWN:
        return f"Withdrawn{at}. {defused(request.answer, longest=200, one_line=True)}".strip()
    who = ", ".join(_deciders(request)) or "somebody"
    return f"{request.state.capitalize()} by {who}{at}."


def link_of(path: str) -> str:
    """Return the whole address of one of our own pages; "" for none. The page asks for a sign-in, and decides nothing."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}" if path.startswith("/") and not path.startswith("//") else ""


def _why_not(request: Request, whole: bool) -> str:
    """Return why this cannot be decided from a message, or "" when it can."""
    if request.state != RequestState.OPEN:
        return "It is settled."
    if request.kind != RequestKind.APPROVAL:
        return "This is answered in the browser."
    if request.cls == RequestClass.HIGH:
        return "High risk: it is signed in the browser, after signing in again."
    if any(flag.get("severity") == "stop" for flag in _flags(request)):
        return "It carries a warning: read it in the browser before you decide."
    return "" if whole else "Not everything fits into a message: read it in the browser before you decide."


def _values(request: Request, arguments: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for flag in _flags(request):
        yield "Careful", str(flag.get("text", ""))
    if request.money_minor is not None:
        yield "Money", money_text(request.money_minor, request.currency)
    for name, value in _part(request.card, "target").get("facts") or ():
        yield f"Target: {name}", str(value)
    yield from arguments
    why = _part(request.card, "why")
    if why.get("text"):
        yield "Why it waits", f"{why['text']} {why.get('rule', '')}".strip()
    if request.votes_needed > 1:
        yield "Votes", f"{request.votes_needed} people sign this; votes stay hidden until all are in."
    if request.agent:
        yield "Agent", request.agent
    if request.decide_by:
        yield "Decide by", f"{request.decide_by:%d %b %Y, %H:%M} UTC; silence is no."


def _arguments(request: Request) -> Sequence[tuple[str, str]] | None:
    """Return every argument as the signed bytes say, or None when those are not what is to be signed."""
    if not request.action_id:
        return ()
    action = _action(request)
    if action is None or digest_of(bytes(action.canonical)) != action.digest:
        return None
    if request.kind == RequestKind.APPROVAL and action.digest != request.action_digest:
        return None
    try:
        arguments = parse_canonical(bytes(action.canonical))["arguments"]
    except (NotCanonical, KeyError, TypeError):
        return None
    return [(shown.label, shown.text) for shown in shown_arguments(arguments, action.schema, action.money_paths)]


def _flags(request: Request) -> list[Mapping[str, Any]]:
    return [flag for flag in request.card.get("flags") or () if isinstance(flag, Mapping)]


def _action(request: Request) -> StoredAction | None:
    try:
        return actions().read([request.action_id]).get(request.action_id) if request.action_id else None
    except NotCanonical:
        return None


def _deciders(request: Request) -> list[str]:
    votes = request.decisions.filter(withdrawn_at__isnull=True).select_related("user").order_by("at")
    return list(dict.fromkeys(vote.user.get_username() for vote in votes))


def _part(card: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = card.get(name)
    return part if isinstance(part, Mapping) else {}

"""The inbox: two panes, and the posts that settle what is on the card."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from approvals.argument_form import with_problems
from approvals.assignment import take_request
from approvals.ballots import Ballot, ballot_from, edited, missing
from approvals.database_clock import database_now
from approvals.errors import ApprovalError, BadArguments, NotFound
from approvals.inbox import InboxList, Wanted, changes_for, decided_today, inbox_list, wanted_from
from approvals.models import Request
from approvals.reviewing import REASONS, CardView, card_view, with_typed
from approvals.selectors import request_for
from approvals.services import Settlement, decide_request, undo_decision
from approvals.states import RequestClass, RequestKind, RequestState, Vote
from config.web import page_or_fragment, see_other, signed_in, wants_fragment

PAGE = "approvals/inbox.html"
SETTLE_PARTS = (
    ("happened", "It happened: how do you know?", "It happened"),
    ("did_not_happen", "It did not happen: how do you know?", "It did not happen"),
)


@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """The list, with its first request opened beside it where there is room."""
    person, wanted = signed_in(request).user, wanted_from(request.GET)
    found = inbox_list(person, wanted)
    opened = _uuid(request.GET.get("open", ""))
    first = opened or (found.rows[0].request.pk if found.rows else None)
    view = _view(person, first) if first else None
    pane = "list" if found.rows else "empty"
    # The last of the list was just decided: there is no next card to carry the banner that takes it back.
    undo = _undoable(person, _uuid(request.GET.get("undo", "")))
    return page_or_fragment(request, PAGE, _context(request, found, view, pane=pane, undo=undo), fragment="list")


@require_GET
def request_page(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """One request. GET never decides; `?do=reject` only opens the form."""
    person = signed_in(request).user
    view = _view(person, request_id, mode=request.GET.get("do", ""))
    if view is None:
        raise Http404
    wanted = wanted_from(request.GET)
    found = _list_for(person, wanted, fragment=wants_fragment(request))
    undo = _undoable(person, _uuid(request.GET.get("undo", "")))
    return page_or_fragment(request, PAGE, _context(request, found, view, pane="card", undo=undo), fragment="card")


@require_GET
def changes(request: HttpRequest) -> HttpResponse:
    """What an open inbox must learn; 204 when nothing changed since the version it knows."""
    person, wanted = signed_in(request).user, wanted_from(request.GET)
    found = changes_for(person, wanted)
    if found.version == request.GET.get("v"):
        return HttpResponse(status=204)
    context = {"changes": found, "list": {"wanted": wanted}, "now": timezone.now()}
    return render(request, f"{PAGE}#changes", context)


@require_POST
def decide(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """One vote, bound to the digest that was on the card."""
    person, ballot = signed_in(request).user, ballot_from(request.POST)
    view = _view(person, request_id, mode="edit" if ballot.editing else ballot.mode)
    if view is None:
        raise Http404
    arguments = None
    if ballot.editing:
        fields, arguments, clean = edited(view, request.POST)
        view = replace(view, fields=fields)
        if ballot.reshaping:
            return _refused(request, with_typed(view, ballot.typed), 200)
        if not clean:
            return _refused(request, with_typed(view, ballot.typed, banner="Mend what is marked."), 422)
    lacking = missing(ballot, view) if view.is_open else ""
    if lacking:
        return _refused(request, with_typed(view, ballot.typed, banner=lacking), 422)
    if _must_sign_in_again(request, ballot, view.request):
        return _sign_in_again(request, request_id)
    return _vote(request, view, ballot, arguments)


@require_POST
def undo(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Take the settling approval back while it can be."""
    person = signed_in(request).user
    try:
        undo_decision(request_id=request_id, user=person)
        messages.info(request, "Taken back: nothing ran. It waits again.")
    except NotFound:
        raise
    except ApprovalError as refusal:
        messages.error(request, refusal.message)
    return see_other("approvals:request", request_id)


@require_POST
def take(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Put the person's name on a request; a fragment gets its card again."""
    person = signed_in(request).user
    take_request(request_id=request_id, user=person)
    if not wants_fragment(request):
        return see_other("approvals:request", request_id)
    view = _view(person, request_id)
    found = inbox_list(person, wanted_from(request.POST))
    return render(request, f"{PAGE}#card", _context(request, found, view, pane="card"))


def _vote(request: HttpRequest, view: CardView, ballot: Ballot, arguments: dict[str, Any] | None) -> HttpResponse:
    try:
        settlement = decide_request(
            request_id=view.request.pk,
            user=signed_in(request).user,
            vote=ballot.vote,
            digest=ballot.digest,
            comment=ballot.words,
            reason_code=ballot.reason_code,
            answer=ballot.answer,
            arguments=arguments,
            result_code=ballot.result_code,
            stepped_up=did_recently_reauthenticate(request),
        )
    except BadArguments as refusal:
        fields, rest = with_problems(view.fields, refusal.extra.get("problems", ()))
        view = with_typed(replace(view, fields=fields), ballot.typed, banner=refusal.message, problems=rest)
        return _refused(request, view, refusal.status)
    except ApprovalError as refusal:
        return _refused(request, _fresh(request, view, ballot, refusal), refusal.status)
    return _went_on(request, view.request, settlement)


def _fresh(request: HttpRequest, view: CardView, ballot: Ballot, refusal: ApprovalError) -> CardView:
    """The card as it is now, with what was typed and the sentence that says why it was not counted."""
    now_open = _view(signed_in(request).user, view.request.pk, mode="") or view
    return with_typed(now_open, ballot.typed, banner=refusal.message)


def _refused(request: HttpRequest, view: CardView, status: int) -> HttpResponse:
    found = _list_for(signed_in(request).user, wanted_from(request.POST), fragment=wants_fragment(request))
    return page_or_fragment(request, PAGE, _context(request, found, view, pane="card"), fragment="card", status=status)


def _went_on(request: HttpRequest, decided: Request, settlement: Settlement) -> HttpResponse:
    """After a vote: the next request, the banner that takes it back, the counts; all in one answer."""
    person, wanted = signed_in(request).user, wanted_from(request.POST)
    found = inbox_list(person, wanted)
    following = _following(person, found, decided, _uuid(request.POST.get("next", "")))
    undoable = _undoable(person, settlement.request.pk if settlement.request else None)
    if not undoable:
        messages.info(request, settlement.message)
    if not wants_fragment(request):
        return _next_page(following, undoable)
    view = _view(person, following)
    context = _context(request, found, view, pane="card", undo=undoable)
    response = render(request, f"{PAGE}#decided", {**context, "decided": decided, "said": settlement.message})
    response["HX-Push-Url"] = (
        reverse("approvals:request", args=[following]) if following else reverse("approvals:inbox")
    )
    patch_vary_headers(response, ("HX-Request",))
    return response


def _next_page(following: UUID | None, undoable: Request | None) -> HttpResponse:
    url = reverse("approvals:request", args=[following]) if following else reverse("approvals:inbox")
    response = HttpResponseRedirect(f"{url}?{urlencode({'undo': str(undoable.pk)})}" if undoable else url)
    response.status_code = 303
    return response


def _following(person: Any, found: InboxList, decided: Request, asked: UUID | None) -> UUID | None:
    """The row below the decided one as the person's list showed it, when it still waits; else the next of the list."""
    waiting = {row.request.pk for row in found.rows if row.is_open}
    if asked in waiting and asked != decided.pk:
        return asked
    row = found.after(decided.pk)
    return row.request.pk if row else None


def _must_sign_in_again(request: HttpRequest, ballot: Ballot, subject: Request) -> bool:
    high = subject.cls == RequestClass.HIGH and ballot.vote == Vote.APPROVE and subject.state == RequestState.OPEN
    return high and not did_recently_reauthenticate(request)


def _sign_in_again(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Send the person to the password page and back to this card; the vote is not kept."""
    back = reverse("approvals:request", args=[request_id])
    url = f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}"
    if wants_fragment(request):
        return HttpResponse(status=200, headers={"HX-Redirect": url})
    return see_other(url)


def _view(person: Any, request_id: UUID | None, mode: str = "") -> CardView | None:
    found = request_for(person, request_id) if request_id else None
    return card_view(person, found, now=timezone.now(), mode=mode) if found else None


def _list_for(person: Any, wanted: Wanted, *, fragment: bool) -> Any:
    """A fragment of the card needs to know the tab only; the page draws the list as well."""
    return {"wanted": wanted} if fragment else inbox_list(person, wanted)


def _undoable(person: Any, request_id: UUID | None) -> Request | None:
    found = request_for(person, request_id) if request_id else None
    if found is None or found.state != RequestState.APPROVED or found.execute_after is None:
        return None
    mine = found.decisions.filter(user=person, withdrawn_at__isnull=True, vote=Vote.APPROVE).exists()
    return found if mine and found.consumed_at is None and found.execute_after > database_now() else None


def _context(
    request: HttpRequest, found: Any, view: CardView | None, *, pane: str, undo: Request | None = None
) -> dict[str, Any]:
    return {
        "list": found,
        "view": view,
        "pane": pane,
        "undo": undo,
        "kinds": list(RequestKind),
        "reasons": REASONS,
        "settle_parts": SETTLE_PARTS,
        "now": timezone.now(),
        "quiet": None if view else _quiet(request),
    }


def _quiet(request: HttpRequest) -> dict[str, Any]:
    """What an empty inbox can say: what was done today, what others have."""
    person = signed_in(request).user
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    others = inbox_list(person, Wanted(tab="others")).rows
    deadlines = [row.request.decide_by for row in others if row.request.decide_by]
    return {"decided": decided_today(person, midnight), "next_deadline": min(deadlines, default=None)}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

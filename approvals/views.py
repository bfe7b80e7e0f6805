"""The inbox: two panes, and the posts that settle what is on the card."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from approvals.alike_groups import GroupCard, group_card
from approvals.argument_form import with_problems
from approvals.assignment import take_request
from approvals.ballots import Ballot, as_typed, ballot_from, edited, missing
from approvals.database_clock import database_now
from approvals.errors import ApprovalError, BadArguments, NotFound
from approvals.inbox import Counts, counts_of, first_of, inbox_list
from approvals.inbox_live import changes_for, pulse_of
from approvals.inbox_quiet import quiet_of
from approvals.inbox_wanted import Wanted, wanted_from
from approvals.kept_typing import keep_typed, typed_before
from approvals.models import Request
from approvals.reason_codes import REASONS
from approvals.reviewing import CardView, bare_view, card_view, with_typed
from approvals.saved_filters import saved_filters
from approvals.selectors import request_for
from approvals.services import Settlement, decide_request, undo_decision
from approvals.states import RequestClass, RequestKind, RequestState, Vote
from config.step_up import stepped_up
from config.web import page_or_fragment, see_other, signed_in, wants_fragment

PAGE = "approvals/inbox.html"
ALIKE = "alike-"
SETTLE_PARTS = (
    ("happened", "It happened: how do you know?", "It happened"),
    ("did_not_happen", "It did not happen: how do you know?", "It did not happen"),
)


@dataclass(frozen=True, slots=True)
class Opened:
    """What stands in the card pane: one request, or several alike ones."""

    view: CardView | None = None
    group: GroupCard | None = None

    @property
    def place(self) -> str:
        if self.group:
            return f"{ALIKE}{self.group.key}"
        return str(self.view.request.pk) if self.view else ""


@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """The list, with its first row opened beside it where there is room."""
    person, wanted = signed_in(request).user, wanted_from(request.GET)
    found = inbox_list(person, wanted)
    place = request.GET.get("open") or (found.rows[0].place if found.rows else "")
    # The list alone only marks what stands open beside it.
    opened = Opened() if wants_fragment(request) else opened_at(person, place)
    pane = "list" if found.rows else "empty"
    # The last of the list was just decided: there is no next card to carry the banner that takes it back.
    undo = _undoable(person, _uuid(request.GET.get("undo", "")))
    context = pane_context(request, found, opened, pane=pane, undo=undo)
    return page_or_fragment(
        request, PAGE, context | ({"place": place} if wants_fragment(request) else {}), fragment="list"
    )


@require_GET
def request_page(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """One request. GET never decides; `?do=reject` only opens the form."""
    person = signed_in(request).user
    kept = typed_before(request.session, request_id)
    view = _view(person, request_id, mode=request.GET.get("do", kept.get("mode", "")))
    if view is None:
        raise Http404
    view = as_typed(view, kept) if kept else view
    undo = _undoable(person, _uuid(request.GET.get("undo", "")))
    return _drawn(request, wanted_from(request.GET), Opened(view), undo=undo)


@require_GET
def alike(request: HttpRequest, key: str) -> HttpResponse:
    """A group of alike requests that wait for this person, with what differs among them."""
    person = signed_in(request).user
    picked = [found for text in request.GET.get("only", "").split(",") if (found := _uuid(text))]
    group = group_card(person, key, timezone.now(), only=picked)
    if group is None:
        raise Http404
    return _drawn(request, wanted_from(request.GET), Opened(group=group))


@require_GET
def changes(request: HttpRequest) -> HttpResponse:
    """What an open inbox must learn; 204 when nothing changed since the version it knows."""
    person, wanted = signed_in(request).user, wanted_from(request.GET)
    version = pulse_of(person)
    if version == request.GET.get("v"):
        return HttpResponse(status=204)
    found = changes_for(person, wanted, request.GET.get("since", ""))
    context = {"changes": found, "version": version, "list": _after(person, wanted), "now": timezone.now()}
    return render(request, f"{PAGE}#changes", context)


@require_POST
def decide(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """One vote, bound to the digest that was on the card."""
    person, ballot = signed_in(request).user, ballot_from(request.POST)
    found = request_for(person, request_id)
    if found is None:
        raise Http404
    now, arguments = timezone.now(), None
    view = card_view(person, found, now=now, mode="edit") if ballot.editing else bare_view(person, found, now=now)
    if ballot.editing:
        fields, arguments, clean = edited(view, request.POST)
        view = replace(view, fields=fields)
        if ballot.reshaping:
            return _refused(request, with_typed(view, ballot.typed), 200)
        if not clean:
            return _refused(request, with_typed(view, ballot.typed, banner="Mend what is marked."), 422)
    lacking = missing(ballot, view) if view.is_open else ""
    if lacking:
        drawn = view if ballot.editing else card_view(person, found, now=now, mode=ballot.mode)
        return _refused(request, with_typed(drawn, ballot.typed, banner=lacking), 422)
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
    return _drawn(request, wanted_from(request.POST), Opened(_view(person, request_id)))


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
            # Asked only where it counts: it costs six questions.
            stepped_up=view.is_high and stepped_up(request),
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
    return _drawn(request, wanted_from(request.POST), Opened(view), status=status)


def _drawn(
    request: HttpRequest, wanted: Wanted, opened: Opened, *, undo: Request | None = None, status: int = 200
) -> HttpResponse:
    """The card pane alone for htmx, which needs to know the list's address only; else the page with its list."""
    person = signed_in(request).user
    found = {"wanted": wanted} if wants_fragment(request) else inbox_list(person, wanted)
    context = pane_context(request, found, opened, pane="card", undo=undo)
    return page_or_fragment(request, PAGE, context, fragment="card", status=status)


def _went_on(request: HttpRequest, decided: Request, settlement: Settlement) -> HttpResponse:
    """After a vote: the next request, the banner that takes it back, the counts; all in one answer."""
    person, wanted = signed_in(request).user, wanted_from(request.POST)
    undoable = _undoable(person, settlement.request.pk if settlement.request else None)
    if not undoable:
        messages.info(request, settlement.message)
    opened = next_opened(person, wanted, request.POST.get("next", ""))
    address = address_of(opened.place, wanted)
    if not wants_fragment(request):
        return _see(address, undoable)
    # The next card does not wait for the counts: the page asks for them once it stands (inbox.js).
    listed = {"wanted": wanted} if opened.place else _after(person, wanted)
    context = pane_context(request, listed, opened, pane="card", undo=undoable)
    response = render(request, f"{PAGE}#decided", {**context, "decided": decided.pk, "said": settlement.message})
    response["HX-Push-Url"] = address
    patch_vary_headers(response, ("HX-Request",))
    return response


def _after(person: Any, wanted: Wanted) -> dict[str, Any]:
    """What the answer to a vote says about the list: its address and the counts, not its rows."""
    counts: Counts = counts_of(person)
    return {"wanted": wanted, "counts": counts, "mine": counts.mine, "others": counts.others}


def next_opened(person: Any, wanted: Wanted, asked: str) -> Opened:
    """The row below the decided one as the person's list showed it, when it still waits for them; else the first."""
    return _waiting_at(person, asked) or opened_at(person, first_of(person, wanted))


def opened_at(person: Any, place: str) -> Opened:
    """What a row of the list opens."""
    if place.startswith(ALIKE):
        return Opened(group=group_card(person, place.removeprefix(ALIKE), timezone.now()))
    return Opened(_view(person, _uuid(place)))


def address_of(place: str, wanted: Wanted) -> str:
    if place.startswith(ALIKE):
        return reverse("approvals:alike", args=[place.removeprefix(ALIKE)]) + wanted.suffix
    return (reverse("approvals:request", args=[place]) if place else reverse("approvals:inbox")) + wanted.suffix


def _waiting_at(person: Any, place: str) -> Opened | None:
    opened = opened_at(person, place)
    if opened.group or (opened.view and opened.view.is_open):
        return opened
    return None


def _see(address: str, undoable: Request | None) -> HttpResponse:
    undo = urlencode({"undo": str(undoable.pk)}) if undoable else ""
    joint = ("&" if "?" in address else "?") if undo else ""
    return HttpResponse(status=303, headers={"Location": f"{address}{joint}{undo}"})


def _must_sign_in_again(request: HttpRequest, ballot: Ballot, subject: Request) -> bool:
    high = subject.cls == RequestClass.HIGH and ballot.vote == Vote.APPROVE and subject.state == RequestState.OPEN
    return high and not stepped_up(request)


def _sign_in_again(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Send the person to the password page and back to this card; what was typed is kept, the vote is not."""
    keep_typed(request.session, request_id, request.POST)
    back = reverse("approvals:request", args=[request_id])
    url = f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}"
    if wants_fragment(request):
        return HttpResponse(status=200, headers={"HX-Redirect": url})
    return see_other(url)


def _view(person: Any, request_id: UUID | None, mode: str = "") -> CardView | None:
    found = request_for(person, request_id) if request_id else None
    return card_view(person, found, now=timezone.now(), mode=mode) if found else None


def _undoable(person: Any, request_id: UUID | None) -> Request | None:
    found = request_for(person, request_id) if request_id else None
    if found is None or found.state != RequestState.APPROVED or found.execute_after is None:
        return None
    mine = found.decisions.filter(user=person, withdrawn_at__isnull=True, vote=Vote.APPROVE).exists()
    return found if mine and found.consumed_at is None and found.execute_after > database_now() else None


def pane_context(
    request: HttpRequest, found: Any, opened: Opened, *, pane: str, undo: Request | None = None
) -> dict[str, Any]:
    """What inbox.html and its fragments are drawn from. `list` is an InboxList, or its address for a fragment."""
    person = signed_in(request).user
    part = wants_fragment(request)
    whole, has_pane = not part or pane != "card", not part or pane == "card"
    return {
        "list": found,
        "view": opened.view,
        "group": opened.group,
        "place": opened.place,
        "pane": pane,
        "undo": undo,
        "kinds": list(RequestKind),
        "reasons": REASONS,
        "settle_parts": SETTLE_PARTS,
        "now": timezone.now(),
        "version": pulse_of(person) if whole else "",
        "filters": saved_filters(person) if whole else (),
        "quiet": quiet_of(person, _midnight()) if has_pane and not opened.place else None,
    }


def _midnight() -> datetime:
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

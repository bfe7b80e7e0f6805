"""Deciding a group of alike requests, and taking that back. Posts carry what stood on the screen, item by item."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST

from approvals.alike_groups import group_card
from approvals.ballots import ballot_from
from approvals.bulk import Outcome, decide_together, summary, undo_together
from approvals.errors import ApprovalError, WrongVote
from approvals.inbox import counts_of, inbox_list
from approvals.inbox_wanted import wanted_from
from approvals.services import UNDO_WINDOW_S
from approvals.states import RequestKind, RequestState, Vote
from approvals.views import PAGE, Opened, address_of, pane_context
from config.web import signed_in, wants_fragment

_DONE = {Vote.APPROVE: "approved", Vote.REJECT: "rejected"}


@require_POST
def decide_alike(request: HttpRequest, key: str) -> HttpResponse:
    """One vote on each item that was left in, and a report that names what became of every one."""
    person, ballot = signed_in(request).user, ballot_from(request.POST)
    try:
        outcomes = decide_together(
            user=person,
            items=_items(request.POST.getlist("item")),
            vote=ballot.vote,
            comment=ballot.words,
            reason_code=ballot.reason_code,
        )
    except WrongVote as refusal:
        return _refused(request, key, refusal)
    return _reported(request, key, outcomes, ballot.vote)


@require_POST
def undo_alike(request: HttpRequest) -> HttpResponse:
    """Take back what was approved together, as far as nothing of it was handed over."""
    person = signed_in(request).user
    ids = [UUID(text) for text in request.POST.getlist("item") if _is_uuid(text)]
    outcomes = undo_together(user=person, request_ids=ids)
    back = sum(outcome.done for outcome in outcomes)
    messages.info(request, f"{back} taken back: nothing of it ran. They wait again.")
    for outcome in outcomes:
        if not outcome.done:
            messages.error(request, outcome.message)
    return HttpResponse(status=303, headers={"Location": address_of("", wanted_from(request.POST))})


def _reported(request: HttpRequest, key: str, outcomes: Sequence[Outcome], vote: str) -> HttpResponse:
    person, wanted = signed_in(request).user, wanted_from(request.POST)
    said = summary(outcomes, _DONE[Vote(vote)])
    report = {"outcomes": outcomes, "said": said, **_figures(outcomes, vote), **_undo_of(outcomes)}
    whole = not wants_fragment(request)
    counts = counts_of(person)
    found = inbox_list(person, wanted) if whole else {"wanted": wanted, "mine": counts.mine, "others": counts.others}
    context = pane_context(request, found, Opened(), pane="card") | {"report": report, "said": said, "quiet": None}
    context |= {"decided": f"alike-{key}", "left": group_card(person, key, timezone.now())}
    response = render(request, PAGE if whole else f"{PAGE}#decided", context)
    patch_vary_headers(response, ("HX-Request",))
    return response


def _refused(request: HttpRequest, key: str, refusal: ApprovalError) -> HttpResponse:
    """The group again with the sentence; the page that was sent without a group of that key is not there."""
    person, wanted = signed_in(request).user, wanted_from(request.POST)
    group = group_card(person, key, timezone.now())
    if group is None:
        raise Http404
    found = {"wanted": wanted} if wants_fragment(request) else inbox_list(person, wanted)
    context = pane_context(request, found, Opened(group=group), pane="card") | {"banner": refusal.message}
    name = f"{PAGE}#card" if wants_fragment(request) else PAGE
    response = render(request, name, context, status=422)
    patch_vary_headers(response, ("HX-Request",))
    return response


def _figures(outcomes: Sequence[Outcome], vote: str) -> dict[str, Any]:
    """What of the money went through, when the items move money of one currency."""
    moved = [row for row in outcomes if row.request is not None and row.request.money_minor is not None]
    total = sum(row.request.money_minor or 0 for row in moved if row.request)
    done = sum(row.request.money_minor or 0 for row in moved if row.done and row.request)
    currency = moved[0].request.currency if moved and moved[0].request else ""
    return {"total_minor": total, "done_minor": done, "currency": currency, "approved": vote == Vote.APPROVE}


def _undo_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    waits = [
        row.request
        for row in outcomes
        if row.done
        and row.request is not None
        and row.request.state == RequestState.APPROVED
        and row.request.kind == RequestKind.APPROVAL
    ]
    ends = min((row.execute_after for row in waits if row.execute_after), default=None)
    return {"undo_items": waits, "undo_until": ends, "undo_s": UNDO_WINDOW_S}


def _items(sent: Sequence[str]) -> list[tuple[UUID, str]]:
    """Read "id:digest" as the table's boxes send it."""
    pairs = [text.partition(":") for text in sent]
    if not all(_is_uuid(pk) and digest for pk, _, digest in pairs):
        raise WrongVote("An item came without its digest. Load the page again.")
    return [(UUID(pk), digest) for pk, _, digest in pairs]


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True

"""What a person does about a request without deciding it: looks, takes, gives, puts aside, reads the world again."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from approvals.assignment import assign_request, give_back_request, renew_claim, snooze_request, unsnooze_request
from approvals.database_clock import database_now
from approvals.errors import ApprovalError, NotFound
from approvals.models import Request
from approvals.people import signer
from approvals.ports import actions
from approvals.presence import look, lookers
from approvals.selectors import request_for
from approvals.snoozing import until_when
from approvals.states import RequestState
from config.web import see_other, signed_in

STOP_POLLING = 286


@require_POST
def looking(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """This person has the card before them; answered with who else has, until the request is settled."""
    person, found = signed_in(request).user, _found(request, request_id)
    if found.state != RequestState.OPEN:
        return HttpResponse(status=STOP_POLLING)
    now = database_now()
    look(found, person, now)
    renew_claim(request_id=found.pk, user=person, now=now)
    return render(request, "approvals/_lookers.html", {"item": found, "lookers": lookers(found, person, now)})


@require_POST
def assign(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Make it one person's work; an empty name: nobody's in particular."""
    name = request.POST.get("to", "")

    def give() -> str:
        to = User.objects.filter(username=name, is_active=True).first()
        if name and to is None:
            raise NotFound("There is no such person.")
        assign_request(request_id=request_id, user=signed_in(request).user, to=to)
        return f"It is {name}'s work now; they are told." if name else "It is nobody's in particular now."

    return _done(request, request_id, give)


@require_POST
def give_back(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Take one's own name off it again."""

    def free() -> str:
        give_back_request(request_id=request_id, user=signed_in(request).user)
        return "You no longer hold it."

    return _done(request, request_id, free)


@require_POST
def snooze(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Put it aside for this person alone, or (`wake`) show it again. Its deadline goes on."""

    def put() -> str:
        person = signed_in(request).user
        if "wake" in request.POST:
            unsnooze_request(request_id=request_id, user=person)
            return "It is in your list again."
        until = until_when(request.POST.get("until", ""), database_now())
        snooze_request(request_id=request_id, user=person, until=until)
        return "Put aside for you. Others still see it, and its deadline goes on."

    return _done(request, request_id, put)


@require_POST
def look_again(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Read the world check once more; when the answer is another one, a successor takes the request's place."""
    found, following = _found(request, request_id), request_id

    def read() -> str:
        nonlocal following
        looked = actions().look_again(request=found, user=_decider(request))
        following = looked.request.pk if looked.request else request_id
        return looked.message

    return _done(request, request_id, read, follow=lambda: following)


@require_POST
def look_up(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Ask the other system whether a lost call arrived. It settles nothing: a person does, knowing the answer."""
    found = _found(request, request_id)
    return _done(request, request_id, lambda: actions().look_up(request=found, user=_decider(request)))


def _decider(request: HttpRequest) -> User:
    person = signed_in(request).user
    if not signer(person).decides:
        raise ApprovalError("Operators and admins look things up in other systems.")
    return person


def _found(request: HttpRequest, request_id: UUID) -> Request:
    found = request_for(signed_in(request).user, request_id)
    if found is None:
        raise Http404
    return found


def _done(
    request: HttpRequest, request_id: UUID, verb: Callable[[], str], follow: Callable[[], UUID] | None = None
) -> HttpResponse:
    """Do it and show the card as it is then, with a sentence that says what was done or why it was not."""
    _found(request, request_id)
    try:
        messages.info(request, verb())
    except ApprovalError as refusal:
        messages.error(request, refusal.message)
    return see_other("approvals:request", follow() if follow else request_id)

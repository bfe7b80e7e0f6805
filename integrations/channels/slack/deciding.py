"""From a proven press to a vote: a linked person, the exact request, and every rule of the inbox."""

import logging

from django.contrib.auth.models import User
from django.db import transaction

from approvals.errors import ApprovalError
from approvals.halts import not_halted
from approvals.models import Request
from approvals.notices import tell
from approvals.people import signer
from approvals.permissions import check_can_decide, visible_requests
from approvals.reason_codes import REASONS
from approvals.reviewing import rejection_words
from approvals.services import decide_request, settled_sentence
from approvals.states import RequestState, Vote
from config.queues import ring_after_commit
from config.secrets import SecretMissing
from integrations.channels.links import person_behind
from integrations.channels.retrying import NotDelivered
from integrations.channels.slack.api import call
from integrations.channels.slack.blocks import plain, reject_modal
from integrations.channels.slack.pressed import Pressed, Submitted, Target, address_of
from integrations.channels.wording import card_of
from integrations.models import Connection

log = logging.getLogger("countersign.slack")
# Slack waits three seconds for our answer; what we ask of it meanwhile gets less.
WITHIN_S = 1.5
NOT_LINKED = (
    "Your Slack account is not linked to a person here. In Countersign, open Profile, Notifications, and link it."
)
FOREIGN = "This workspace is not the one that is connected. Nothing was decided."
STALE = "This button is from another time. Open the request in the browser."


class Refusal(Exception):
    """Nothing was decided; the sentence is for the person who pressed."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def press(connection: Connection, pressed: Pressed) -> str:
    """Carry out a press and return what to tell the person alone, "" when the message itself will say it."""
    try:
        if pressed.action == "approve":
            return _vote(connection, pressed, Vote.APPROVE)
        if pressed.action == "reject":
            _ask_why(connection, pressed)
        return ""
    except (Refusal, ApprovalError) as refusal:
        return str(refusal)


def submit(connection: Connection, submitted: Submitted) -> str:
    """Carry out the form and return what to say beside its field, "" when it was taken."""
    codes = {code for code, _ in REASONS}
    try:
        _vote(
            connection,
            submitted,
            Vote.REJECT,
            submitted.reason_code if submitted.reason_code in codes else "",
            submitted.words,
        )
    except (Refusal, ApprovalError) as refusal:
        return str(refusal)
    return ""


def tell_alone(connection: Connection, pressed: Pressed, sentence: str) -> None:
    """Say something that only this person sees. When it cannot be said, nothing depends on it."""
    payload = {"channel": pressed.channel, "user": pressed.person, "text": plain(sentence)["text"], "parse": "none"}
    try:
        call(connection, "chat.postEphemeral", payload, within_s=WITHIN_S)
    except (NotDelivered, SecretMissing) as problem:
        log.warning("Slack did not take a word to one person: %s", problem)


def _vote(connection: Connection, done: Pressed | Submitted, vote: Vote, reason_code: str = "", words: str = "") -> str:
    user, target = _who(connection, done), _target(done)
    request = _visible(user, target)
    if request.state != RequestState.OPEN and _was_mine(user, request, vote):
        # Slack sends a press again when our answer was late. The first one counted.
        return ""
    if vote == Vote.APPROVE:
        _check_can_be_read_here(request)
    with transaction.atomic():
        settlement = decide_request(
            request_id=target.request_id,
            user=user,
            vote=vote,
            digest=target.digest,
            comment=rejection_words(reason_code, words) if vote == Vote.REJECT else "",
            reason_code=reason_code,
            via="slack",
        )
        _confirm(user, request, vote)
        ring_after_commit()
    return "" if settlement.settled else settlement.message


def _confirm(user: User, request: Request, vote: str) -> None:
    """Tell the person in the product that a vote was cast in their name: who held Slack's keys could have."""
    tell(
        kind="request.voted",
        title=f"Your vote from Slack was counted ({vote}): {request.title}",
        link=f"/inbox/{request.pk}/",
        subject=request.subject,
        run_id=request.run_id,
        request_id=request.pk,
        user=user,
    )


def _ask_why(connection: Connection, pressed: Pressed) -> None:
    user, target = _who(connection, pressed), _target(pressed)
    request = _visible(user, target)
    if request.state != RequestState.OPEN:
        raise Refusal(settled_sentence(request))
    check_can_decide(user, request, via="slack")
    view = reject_modal(str(target.request_id), target.digest, card_of(request).title, REASONS)
    try:
        call(connection, "views.open", {"trigger_id": pressed.trigger, "view": view}, within_s=WITHIN_S)
    except (NotDelivered, SecretMissing) as problem:
        log.warning("Slack did not open the form: %s", problem)
        raise Refusal("Slack did not open the form. Press again, or reject it in the browser.") from None


def _who(connection: Connection, done: Pressed | Submitted) -> User:
    address = address_of(done.workspace, done.person)
    wanted = connection.options.get("workspace", "")
    if wanted and done.workspace != wanted:
        raise Refusal(FOREIGN)
    user = person_behind(connection, address) if address else None
    if user is None:
        raise Refusal(NOT_LINKED)
    return user


def _target(done: Pressed | Submitted) -> Target:
    if done.target is None:
        raise Refusal(STALE)
    return done.target


def _visible(user: User, target: Target) -> Request:
    request = visible_requests(signer(user)).filter(pk=target.request_id).first()
    if request is None:
        raise Refusal("There is no such request, or it belongs to a team you are not in.")
    return request


def _was_mine(user: User, request: Request, vote: str) -> bool:
    return request.decisions.filter(user=user, vote=vote, via="slack", withdrawn_at__isnull=True).exists()


def _check_can_be_read_here(request: Request) -> None:
    """Refuse an approval of what a message does not show whole, and of anything while agents are halted."""
    if not Request.objects.filter(not_halted(), pk=request.pk).exists():
        raise Refusal("This is halted. Nothing is approved from a message meanwhile; open it in the browser.")
    if request.state == RequestState.OPEN and (note := card_of(request).note):
        raise Refusal(note)

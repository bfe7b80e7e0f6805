"""What Slack calls: presses and forms, and the command that links an account. Signed, answered within three seconds."""

import re
from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from integrations.channels.links import BadCode, link_account
from integrations.channels.slack.deciding import FOREIGN, press, submit, tell_alone
from integrations.channels.slack.door import Proven, json_of, prove
from integrations.channels.slack.pressed import Pressed, Submitted, address_of, read
from integrations.webhooks import answers
from integrations.webhooks.answers import Refused

_HOW = "Write: link CODE. The code is under Profile, Notifications, in Countersign."
_LINK = re.compile(r"\s*link\s+([A-Za-z0-9]{4,20})\s*", re.IGNORECASE)


def _refusals_answered(view: Callable[[HttpRequest, str], HttpResponse]) -> Callable[[HttpRequest, str], HttpResponse]:
    def answered(request: HttpRequest, name: str) -> HttpResponse:
        try:
            return view(request, name)
        except Refused as refusal:
            return refusal.response()

    return answered


@csrf_exempt
@login_not_required
@_refusals_answered
def interactions(request: HttpRequest, name: str) -> HttpResponse:
    """A button or a form. An empty 200 takes note; the message is rewritten by a worker."""
    proven = prove(request, name)
    if request.content_type == "application/json":
        return _challenge(proven)
    done = read(json_of(proven.fields().get("payload", "")))
    if isinstance(done, Submitted):
        return _form_answer(submit(proven.connection, done))
    if isinstance(done, Pressed) and (sentence := press(proven.connection, done)):
        tell_alone(proven.connection, done, sentence)
    return HttpResponse()


@csrf_exempt
@login_not_required
@_refusals_answered
def commands(request: HttpRequest, name: str) -> HttpResponse:
    """The slash command: `link CODE` from the account that is to be linked."""
    proven = prove(request, name)
    if request.content_type == "application/json":
        return _challenge(proven)
    return JsonResponse({"response_type": "ephemeral", "text": _linked(proven)})


def _linked(proven: Proven) -> str:
    fields = proven.fields()
    workspace, code = fields.get("team_id", ""), _LINK.fullmatch(fields.get("text", ""))
    address = address_of(workspace, fields.get("user_id", ""))
    wanted = proven.connection.options.get("workspace", "")
    if wanted and workspace != wanted:
        return FOREIGN
    if code is None or not address:
        return _HOW
    try:
        link = link_account(connection=proven.connection, code=code[1], address=address, now=timezone.now())
    except BadCode as problem:
        return problem.message
    return f"Linked to {link.user.get_username()}. Requests that you may settle come here from now on."


def _form_answer(problem: str) -> HttpResponse:
    if not problem:
        return HttpResponse()
    return JsonResponse({"response_action": "errors", "errors": {"reason": problem[:150]}})


def _challenge(proven: Proven) -> HttpResponse:
    said = json_of(proven.body)
    return answers.challenge(said.get("challenge")) if said.get("type") == "url_verification" else HttpResponse()

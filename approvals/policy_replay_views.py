"""Replays over HTTP: asked for from the draft, watched while they work, stopped. For those who may change the policy."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from approvals.errors import BadArguments
from approvals.models import PolicyReplay
from approvals.policy_drafts import draft_of
from approvals.policy_replay_pages import replay_page
from approvals.policy_rights import check_can_change
from approvals.policy_versions import active_policy
from approvals.replays import cancel_replay, start_replay
from config.web import page_or_fragment, see_other, signed_in

PAGE = "approvals/policy_replay.html"


@require_POST
def replay_start(request: HttpRequest) -> HttpResponse:
    """Have the draft judged over what agents did in the last 90 days. Nothing changes by it."""
    person, active = signed_in(request).user, active_policy()
    check_can_change(person)
    draft = draft_of(request.session, active)
    if not draft.kept or draft.base != active.number:
        raise BadArguments("There is no draft made from the version in force.")
    return see_other("approvals:policy_replay", start_replay(rules=draft.rules, base=draft.base, user=person).pk)


@require_GET
def replay(request: HttpRequest, replay_id: UUID) -> HttpResponse:
    """How far it is and what it found; the live part is fetched again until it has ended."""
    check_can_change(signed_in(request).user)
    found = PolicyReplay.objects.filter(pk=replay_id).select_related("asked_by").first()
    if found is None:
        raise Http404
    return page_or_fragment(request, PAGE, {"replayed": replay_page(found)}, fragment="replayed")


@require_POST
def replay_cancel(request: HttpRequest, replay_id: UUID) -> HttpResponse:
    cancel_replay(replay_id=replay_id, user=signed_in(request).user)
    return see_other("approvals:policy_replay", replay_id)

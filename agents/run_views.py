"""Runs: the list and the story. Posts stop a run or take it out of the dead letters."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from agents.errors import BadAgent
from agents.models import Run
from agents.selectors import actions_of_run, agents_visible_to, run_timeline, runs_visible_to
from agents.services import cancel_run, retry_run
from agents.spec import AgentSpec, parse_spec
from agents.states import RUN_ENDED, RunState
from agents.story import material, plain_words, story, version_of
from approvals.arguments import flat_text, json_text
from approvals.errors import NotAllowed
from approvals.models import Request
from approvals.people import signer
from config.web import page_or_fragment, see_other, signed_in, wants_fragment

PER_PAGE = 50
GROUPS: dict[str, frozenset[str]] = {
    "now": frozenset({RunState.RUNNING, RunState.QUEUED}),
    "waiting": frozenset(
        {
            RunState.WAITING_PERSON,
            RunState.WAITING_EVENT,
            RunState.WAITING_TIME,
            RunState.WAITING_CHILD,
            RunState.PAUSED,
        }
    ),
    "handed_off": frozenset({RunState.ESCALATED}),
    "trouble": frozenset({RunState.FAILED, RunState.DEAD_LETTER}),
    "ended": frozenset({RunState.COMPLETED, RunState.CANCELLED}),
}


@require_GET
def runs(request: HttpRequest) -> HttpResponse:
    """The runs of this person's teams, newest first, by state, agent and words."""
    person = signed_in(request).user
    wanted = _wanted(request)
    page = Paginator(_found(runs_visible_to(person), wanted), PER_PAGE).get_page(request.GET.get("page"))
    version = _list_version(list(page))
    if wants_fragment(request) and request.GET.get("v") == version:
        return HttpResponse(status=204)
    names = agents_visible_to(person).order_by("name").values_list("name", flat=True)
    context = {
        "page": page,
        "wanted": wanted,
        "tabs": _tabs(wanted),
        "agents": names,
        "version": version,
        "now": timezone.now(),
    }
    return page_or_fragment(request, "agents/run_list.html", context, fragment="rows")


@require_GET
def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """One run as a story; `?view=raw` is its journal as it is stored."""
    found = _run_for(request, run_id)
    actions = actions_of_run(found.pk)
    version = version_of(found, actions)
    if wants_fragment(request) and request.GET.get("v") == version:
        return HttpResponse(status=204)
    raw = request.GET.get("view") == "raw"
    context = {**_run_context(request, found, actions), "version": version, "raw": raw}
    return page_or_fragment(request, "agents/run_detail.html", context, fragment="live")


@require_POST
def cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    person = signed_in(request).user
    found = _run_for(request, run_id)
    _check_may_act(person)
    cancel_run(run_id=found.pk, user=person, reason=request.POST.get("reason", "").strip()[:500])
    messages.success(request, "Cancelled. What was already handed over to another system is not undone.")
    return see_other("agents:run", found.pk)


@require_POST
def retry(request: HttpRequest, run_id: UUID) -> HttpResponse:
    person = signed_in(request).user
    found = _run_for(request, run_id)
    _check_may_act(person)
    retry_run(run_id=found.pk, user=person)
    messages.success(request, "Back in the queue.")
    return see_other("agents:run", found.pk)


@dataclass(frozen=True, slots=True)
class _Wanted:
    group: str = ""
    agent: str = ""
    words: str = ""


def _wanted(request: HttpRequest) -> _Wanted:
    group = request.GET.get("state", "")
    return _Wanted(
        group=group if group in GROUPS else "",
        agent=request.GET.get("agent", "")[:80],
        words=request.GET.get("q", "").strip()[:200],
    )


def _found(rows: QuerySet[Run], wanted: _Wanted) -> QuerySet[Run]:
    if wanted.group:
        rows = rows.filter(state__in=GROUPS[wanted.group])
    if wanted.agent:
        rows = rows.filter(agent__name=wanted.agent)
    for word in wanted.words.split():
        number = Q(number=int(word)) if word.isdecimal() and len(word) < 18 else Q()
        rows = rows.filter(Q(subject__icontains=word) | Q(goal__icontains=word) | number)
    return rows.order_by("-created_at", "-pk")


def _tabs(wanted: _Wanted) -> list[dict[str, Any]]:
    labels = {
        "": "All",
        "now": "Now",
        "waiting": "Waiting",
        "handed_off": "Handed off",
        "trouble": "Trouble",
        "ended": "Ended",
    }
    return [
        {"url": f"?state={key}" if key else "?", "label": label, "current": key == wanted.group}
        for key, label in labels.items()
    ]


def _list_version(rows: Sequence[Run]) -> str:
    text = "|".join(f"{row.pk}{row.state}{row.steps_written}" for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _run_for(request: HttpRequest, run_id: UUID) -> Run:
    found = (
        runs_visible_to(signed_in(request).user)
        .select_related("agent", "version", "initiator", "parent")
        .filter(pk=run_id)
        .first()
    )
    if found is None:
        raise Http404
    return found


def _run_context(request: HttpRequest, found: Run, actions: Sequence[Any]) -> dict[str, Any]:
    now = timezone.now()
    steps = run_timeline(found.pk)
    requests = list(Request.objects.filter(run_id=found.pk).prefetch_related("decisions__user").order_by("created_at"))
    told = material(found, steps, actions, requests, now)
    return {
        "run": found,
        "lines": story(told),
        "words": plain_words(told),
        "steps": [(step, json_text(step.data)) for step in steps],
        "spec": _spec(found),
        "actions_used": sum(1 for action in actions if action.attempts and action.effect != "read"),
        "children": found.children.select_related("agent").order_by("created_at"),
        "outcome": flat_text(found.outcome) if found.outcome else "",
        "ended": found.state in RUN_ENDED,
        "refusal": _refusal(signed_in(request).user),
        "now": now,
    }


def _spec(found: Run) -> AgentSpec | None:
    try:
        return parse_spec(found.version.document)
    except BadAgent:
        return None


def _refusal(person: Any) -> str:
    return "" if signer(person).decides else "Operators and admins stop or retry runs."


def _check_may_act(person: Any) -> None:
    sentence = _refusal(person)
    if sentence:
        raise NotAllowed(sentence)

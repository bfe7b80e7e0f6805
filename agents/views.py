"""Agents: the list, one agent with its versions, saving a version, starting a run by hand, the agent's own halt."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agents import agent_page
from agents.changes import widening_of
from agents.errors import AgentError, BadAgent
from agents.forms import NewAgentForm, RunForm, VersionForm
from agents.models import Agent, AgentVersion, Provider
from agents.permissions import (
    check_may_configure,
    check_may_work,
    refusal_to_configure,
    refusal_to_release,
    refusal_to_work,
)
from agents.publishing import Saved, create_agent, save_version, switch_agent
from agents.selectors import agents_visible_to
from agents.services import start_run
from agents.side_by_side import FieldDifference, differences
from agents.spec import AgentSpec, normal_document, parse_spec
from agents.tools.registry import tools_matching
from approvals.database_clock import database_now
from approvals.errors import ApprovalError
from approvals.halt_release import ask_release
from approvals.halts import engage_halt, open_halts
from approvals.models import Halt
from approvals.policy.canonical import canonical_bytes, exact
from approvals.policy_versions import active_policy
from config.step_up import sign_in_again, stepped_up
from config.web import page_or_fragment, see_other, signed_in

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Preview:
    """What saving would change. `digest` binds the button to exactly the document that is shown."""

    document: Mapping[str, Any]
    digest: str
    fields: list[FieldDifference]
    widens: list[str]
    warnings: list[str]


ASKED = "Asked for. Another admin signs it in the inbox; until then nothing changes."


@require_GET
def agents(request: HttpRequest) -> HttpResponse:
    """The agents of this person's teams."""
    person = signed_in(request).user
    rows = agents_visible_to(person).order_by("disabled", "name")
    context = {
        "rows": agent_page.list_rows(rows, database_now()),
        "refusal": refusal_to_configure(person),
        "providers": Provider.objects.count(),
        "now": timezone.now(),
    }
    return page_or_fragment(request, "agents/agent_list.html", context, fragment="rows")


@require_GET
def agent(request: HttpRequest, name: str) -> HttpResponse:
    """One agent: what it may do, what it used, with which version."""
    found, person, now = _agent(request, name), signed_in(request).user, database_now()
    unknown, waiting = agent_page.waiting_requests(found, person)
    context = {**_head(request, found), "tab": "overview", "unknown": unknown, "waiting": waiting}
    spec = _spec(found.current.document if found.current else None)
    if spec is not None:
        policy = active_policy()
        context |= {
            "spec": spec,
            "policy": policy.number,
            "tools": agent_page.tool_rows(found, spec, policy, now),
            "limits": agent_page.limit_rows(found, spec, now),
            "guards": agent_page.guard_rows(spec),
            "models": agent_page.model_rows(spec),
            "figures": agent_page.figures_of(found, now),
            "document": found.current.document if found.current else {},
        }
    context["latest"] = found.versions.select_related("author").order_by("-number")[:4]
    return render(request, "agents/agent.html", context)


@require_GET
def versions(request: HttpRequest, name: str) -> HttpResponse:
    found = _agent(request, name)
    rows = found.versions.select_related("author").order_by("-number")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "agents/agent_versions.html", {**_head(request, found), "tab": "versions", "page": page})


@require_GET
def version(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """One version whole, beside another: the one before, or `?against=`."""
    found = _agent(request, name)
    shown = _version(found, number)
    against = _against(found, shown, request.GET.get("against", ""))
    old = against.document if against else {}
    context = {
        **_head(request, found),
        "tab": "versions",
        "shown": shown,
        "against": against,
        "left": f"v{against.number}" if against else "",
        "right": f"v{shown.number}",
        "fields": differences(old, shown.document) if against else [],
        "numbers": found.versions.order_by("-number").values_list("number", flat=True)[:200],
    }
    return render(request, "agents/agent_version.html", context)


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, name: str) -> HttpResponse:
    """The current version (or `?from=` another) as a form; saving first shows what would change."""
    found = _agent(request, name)
    if request.method != "POST":
        return _edit_page(request, found, VersionForm(initial=_initial(request, found)))
    check_may_configure(signed_in(request).user)
    form = VersionForm(request.POST)
    preview = _preview(form, found.current.document if found.current else {})
    if preview is None:
        return _edit_page(request, found, form, status=422)
    if request.POST.get("save") != preview.digest:
        return _edit_page(request, found, form, preview)
    return _save(request, found, form, preview)


@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    person = signed_in(request).user
    check_may_configure(person)
    first = Provider.objects.filter(disabled=False).values_list("name", flat=True).first()
    form = NewAgentForm(
        request.POST or None, initial={"model": f"{first}/" if first else "offline/refunds", "mode": "suggest"}
    )
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        about = {"name": said["name"], "team": said["team"], "purpose": said["purpose"], "category": said["category"]}
        try:
            made = create_agent(**about, document=form.document(), user=person)
        except BadAgent as refusal:
            form.add_problems(refusal.extra["problems"])
        else:
            messages.success(request, f"{made.name} is there, in mode {said['mode']}.")
            return see_other("agents:agent", made.name)
    context = {"form": form, "known": _known(), "now": timezone.now()}
    return render(request, "agents/agent_new.html", context, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "POST"])
def start(request: HttpRequest, name: str) -> HttpResponse:
    """Start a run by hand. Whoever starts it may not sign what it proposes."""
    found, person = _agent(request, name), signed_in(request).user
    form = RunForm(request.POST or None)
    if request.method == "POST":
        check_may_work(person)
        if form.is_valid():
            said = form.cleaned_data
            try:
                run = start_run(
                    agent=found.name, goal=said["goal"], input=said["input"], subject=said["subject"], initiator=person
                )
                return see_other("agents:run", run.pk)
            except AgentError as refusal:
                form.add_error(None, refusal.message)
    context = {**_head(request, found), "tab": "", "form": form, "refusal": refusal_to_work(person)}
    return render(request, "agents/agent_start.html", context, status=422 if form.is_bound else 200)


@require_POST
def halt(request: HttpRequest, name: str) -> HttpResponse:
    """Stop this agent. Takes effect before the answer is written."""
    found = _agent(request, name)
    try:
        engage_halt(scope=f"agent:{found.name}", reason=request.POST.get("reason", ""), user=signed_in(request).user)
        messages.warning(request, f"{found.name} is halted. Nothing of it starts until two admins release it.")
    except ApprovalError as refusal:
        messages.error(request, refusal.message)
    return see_other("agents:agent", found.name)


@require_POST
def release(request: HttpRequest, name: str) -> HttpResponse:
    """Ask a second admin to let this agent work again, under supervision first."""
    found = _agent(request, name)
    present = _halt_of(found)
    try:
        if present is not None:
            asked = ask_release(halt_id=present.pk, user=signed_in(request).user, stepped_up=stepped_up(request))
            messages.success(request, "Done: there is no second admin to ask." if asked.done else ASKED)
    except ApprovalError as refusal:
        if refusal.extra.get("step_up"):
            return sign_in_again(reverse("agents:agent", args=[found.name]))
        messages.error(request, refusal.message)
    return see_other("agents:agent", found.name)


@require_POST
def switch(request: HttpRequest, name: str) -> HttpResponse:
    """Switch the agent off for new work, or on again. What runs already goes on."""
    found = _agent(request, name)
    off = request.POST.get("disabled") == "1"
    switch_agent(agent=found, disabled=off, user=signed_in(request).user)
    messages.info(request, f"{found.name} takes {'no new work' if off else 'work again'}.")
    return see_other("agents:agent", found.name)


def _save(request: HttpRequest, found: Agent, form: VersionForm, preview: Preview) -> HttpResponse:
    person, base = signed_in(request).user, request.POST.get("base", "")
    try:
        saved = save_version(
            agent=found,
            document=preview.document,
            base=int(base) if base.isdecimal() else -1,
            user=person,
            note=form.cleaned_data["note"],
        )
    except (ApprovalError, BadAgent) as refusal:
        form.add_error(None, refusal.message)
        status = refusal.status if isinstance(refusal, ApprovalError) else 422
        return _edit_page(request, found, form, preview, status=status)
    return _went_on(request, found, saved)


def _went_on(request: HttpRequest, found: Agent, saved: Saved) -> HttpResponse:
    if saved.request is not None:
        messages.info(request, "This lets the agent do more, so another admin signs it first. It waits in the inbox.")
        return see_other("approvals:request", saved.request.pk)
    if saved.version is not None:
        messages.success(
            request, f"{found.name} v{saved.version.number} is in force. Runs under way keep their version."
        )
    return see_other("agents:agent", found.name)


def _preview(form: VersionForm, old: Mapping[str, Any]) -> Preview | None:
    """Return what the form would change, or None with the problems beside its fields."""
    if not form.is_valid():
        return None
    document = normal_document(form.document())
    try:
        spec = parse_spec(document)
        digest = hashlib.sha256(canonical_bytes(exact(document))).hexdigest()
    except BadAgent as refusal:
        form.add_problems(refusal.extra["problems"])
        return None
    except ValueError as error:
        form.add_error(None, str(error))
        return None
    return Preview(
        document,
        digest,
        differences(normal_document(old), document),
        widening_of(old or None, document),
        _warnings(spec),
    )


def _warnings(spec: AgentSpec) -> list[str]:
    """Return what is allowed and yet probably a slip: a tool or a provider that is not there."""
    missing = [f"No tool is called {pattern} today." for pattern in spec.tools if not tools_matching([pattern])]
    return missing + [f"{row.model}: {row.problem}" for row in agent_page.model_rows(spec) if row.problem]


def _edit_page(
    request: HttpRequest, found: Agent, form: VersionForm, preview: Preview | None = None, *, status: int = 200
) -> HttpResponse:
    refusal = refusal_to_configure(signed_in(request).user)
    if refusal:
        for field in form.fields.values():
            field.disabled = True
    base = request.POST.get("base") or (found.current.number if found.current else 0)
    context = {
        **_head(request, found),
        "tab": "edit",
        "form": form,
        "preview": preview,
        "refusal": refusal,
        "base": base,
    }
    return render(request, "agents/agent_edit.html", {**context, "known": _known()}, status=status)


def _initial(request: HttpRequest, found: Agent) -> dict[str, Any]:
    number = request.GET.get("from", "")
    start = _version(found, int(number)) if number.isdecimal() else found.current
    note = f"Back to version {number}." if number.isdecimal() else ""
    return {**VersionForm.fields_of(start.document if start else {}), "note": note}


def _head(request: HttpRequest, found: Agent) -> dict[str, Any]:
    """What every page of one agent shows: its state, and what this person may do with it."""
    person = signed_in(request).user
    return {
        "agent": found,
        "version_count": found.versions.count(),
        "run_count": found.runs.count(),
        "halt": _halt_of(found),
        "mode": (found.current.document.get("mode") or "suggest") if found.current else "",
        "refusal_to_configure": refusal_to_configure(person),
        "refusal_to_work": refusal_to_work(person),
        "refusal_to_release": refusal_to_release(person),
        "now": timezone.now(),
    }


def _known() -> dict[str, Any]:
    """What the form offers: models' providers and tools that exist."""
    tools = tools_matching(["*"])
    providers = list(Provider.objects.filter(disabled=False).order_by("name"))
    models = [f"{row.name}/{model}" for row in providers for model in sorted(row.prices or {})]
    in_use = Agent.objects.filter(current__isnull=False).values_list("current__document__model", flat=True)
    return {
        "tools": list(tools.values()),
        "providers": providers,
        "models": sorted({*models, *(str(model) for model in in_use if model)}),
    }


def _agent(request: HttpRequest, name: str) -> Agent:
    found = agents_visible_to(signed_in(request).user).filter(name=name).first()
    if found is None:
        raise Http404
    return found


def _version(found: Agent, number: int) -> AgentVersion:
    row = found.versions.select_related("author").filter(number=number).first()
    if row is None:
        raise Http404
    return row


def _against(found: Agent, shown: AgentVersion, wanted: str) -> AgentVersion | None:
    if wanted.isdecimal():
        return _version(found, int(wanted))
    return found.versions.filter(number__lt=shown.number).order_by("-number").first()


def _spec(document: Mapping[str, Any] | None) -> AgentSpec | None:
    try:
        return parse_spec(document) if document else None
    except BadAgent:
        return None


def _halt_of(found: Agent) -> Halt | None:
    return next((halt for halt in open_halts() if halt.scope == f"agent:{found.name}"), None)

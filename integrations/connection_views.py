"""Connections: the list, one connection with its tools, what is said about a tool, and "test now"."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from approvals.people import signer
from config.web import page_or_fragment, see_other, signed_in, wants_fragment
from integrations import channel_documents, channel_views
from integrations import connection_trial as trial
from integrations.connection_forms import ConnectionForm, ToolForm
from integrations.connection_page import EFFECT_WORDS, ConnectionView, ToolRow, Trial, arguments_of, connection_view
from integrations.connections import (
    check_can_configure,
    configuring_objection,
    connection_for,
    put_connection,
    put_override,
    retire_connection,
    trying_objection,
    visible_connections,
)
from integrations.models import Connection
from integrations.package.applying import Outcome, Result
from integrations.package.problems import BadPackage
from integrations.package.rows import connection_document

LIST, PAGE = "integrations/connections.html", "integrations/connection.html"
FORM, TOOL = "integrations/connection_form.html", "integrations/connection_tool.html"


@require_GET
def connections(request: HttpRequest) -> HttpResponse:
    """Every connection this person may see."""
    who = signer(signed_in(request).user)
    views = [connection_view(row) for row in visible_connections(who)]
    return render(request, LIST, {"views": views, "refusal": configuring_objection(who)})


@require_http_methods(["GET", "POST"])
def new_connection(request: HttpRequest) -> HttpResponse:
    """Add a system from its OpenAPI document."""
    user = signed_in(request).user
    check_can_configure(signer(user))
    form = ConnectionForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        if Connection.objects.filter(name=form.cleaned_data["name"], disabled=False).exists():
            form.add_error("name", "There is a connection of this name. Choose another.")
        elif _put(request, form, None):
            return see_other("integrations:connection", form.cleaned_data["name"])
    return render(request, FORM, {"form": form}, status=422 if form.errors else 200)


@require_GET
def connection(request: HttpRequest, name: str) -> HttpResponse:
    """One connection: where it is, its tools, what the last test found."""
    who = signer(signed_in(request).user)
    row = connection_for(who, name)
    if row.kind in channel_documents.KINDS:
        return channel_views.channel_page(request, row)
    return render(request, PAGE, _context(request, row))


@require_http_methods(["GET", "POST"])
def edit_connection(request: HttpRequest, name: str) -> HttpResponse:
    """Change address, secret, time limit or document."""
    user = signed_in(request).user
    row = connection_for(signer(user), name)
    check_can_configure(signer(user))
    if row.kind in channel_documents.KINDS:
        return channel_views.edit_channel(request, row)
    form = ConnectionForm(request.POST, request.FILES, row=row) if request.method == "POST" else ConnectionForm.of(row)
    if request.method == "POST" and form.is_valid() and _put(request, form, row):
        return see_other("integrations:connection", name)
    return render(request, FORM, {"form": form, "view": connection_view(row)}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def tool(request: HttpRequest, name: str, tool: str) -> HttpResponse:
    """What is said about one tool: its effect, money, target, checks."""
    user = signed_in(request).user
    who = signer(user)
    row = connection_for(who, name)
    view = connection_view(row)
    shown = view.tool(tool)
    if shown is None:
        raise Http404
    form = _tool_form(request, view, shown)
    if request.method == "POST":
        check_can_configure(who)
        if form.is_valid() and _put_override(request, row, shown, form):
            return see_other("integrations:connection", name)
    context = {
        "view": view,
        "tool": shown,
        "arguments": arguments_of(shown),
        "form": form,
        "refusal": configuring_objection(who),
    }
    return render(request, TOOL, context, status=422 if form.errors else 200)


@require_POST
def test_connection(request: HttpRequest, name: str) -> HttpResponse:
    """Begin or go on with "test now": one step per request with htmx, all of them at once without."""
    user = signed_in(request).user
    row = connection_for(signer(user), name)
    if row.kind in channel_documents.KINDS:
        return channel_views.try_channel_view(request, row)
    if not wants_fragment(request):
        trial.run_trial(row=row, user=user, now=timezone.now())
        return see_other("integrations:connection", name)
    if request.POST.get("go_on") and not trial.is_done(row):
        trial.next_step(row=row, user=user)
    else:
        trial.begin_trial(row=row, user=user, now=timezone.now())
    return page_or_fragment(request, PAGE, _context(request, row), fragment="trial")


@require_POST
def retire(request: HttpRequest, name: str) -> HttpResponse:
    """Take a connection out of use."""
    user = signed_in(request).user
    row = connection_for(signer(user), name)
    try:
        _tell(
            request,
            retire_connection(row=row, user=user, now=timezone.now()),
            f"{name} is out of use. Its history stays.",
        )
    except BadPackage as error:
        for problem in error.problems:
            messages.error(request, f"{problem.what} {problem.todo}".strip())
    return see_other("integrations:connection", name)


def _context(request: HttpRequest, row: Connection) -> dict[str, Any]:
    who = signer(signed_in(request).user)
    return {
        "view": connection_view(row),
        "refusal": configuring_objection(who),
        "trying_refusal": trying_objection(who, row),
        "effects": [(effect.value, meaning) for effect, meaning in EFFECT_WORDS.items()],
        # Only the panel that began a test goes on with it; opening the page again never does.
        "trial": Trial(
            trial.findings_of(row), trial.coming_steps(row), wants_fragment(request) and not trial.is_done(row)
        ),
    }


def _put(request: HttpRequest, form: ConnectionForm, row: Connection | None) -> bool:
    stored = connection_document(row) if row else None
    secret = form.secret_given()
    try:
        outcome = put_connection(
            document=form.wanted(stored),
            source=form.document_source,
            secret=secret,
            user=signed_in(request).user,
            now=timezone.now(),
        )
    except BadPackage as error:
        for problem in error.problems:
            place = f"{problem.path}: " if problem.path and "." in problem.path else ""
            form.add_error(None, f"{place}{problem.what} {problem.todo}".strip())
        return False
    if outcome.result is Result.WAITS and secret is not None and secret.typed and not secret.is_reference:
        messages.warning(request, "The secret was not kept. Enter it again once the change is signed.")
    _tell(
        request,
        outcome,
        "Saved." if row else "Added. What changes something waits for a person until a rule says otherwise.",
    )
    return True


def _put_override(request: HttpRequest, row: Connection, shown: ToolRow, form: ToolForm) -> bool:
    user = signed_in(request).user
    try:
        outcome = put_override(
            row=row,
            tool=shown.name,
            alias=shown.operation.operation_id,
            override=form.override(),
            user=user,
            now=timezone.now(),
        )
    except BadPackage as error:
        form.add_problems(error.problems, shown.name)
        return False
    _tell(request, outcome, f"Saved what {shown.tool.name} is.")
    return True


def _tell(request: HttpRequest, outcome: Outcome, done: str) -> None:
    if outcome.result is Result.WAITS:
        messages.warning(
            request,
            f"This lets agents do more alone, so a second admin signs it: {' '.join(outcome.plan.wider)} It waits in the inbox.",
        )
        return
    messages.success(request, done if outcome.result is Result.APPLIED else "Nothing was different.")
    for note in outcome.plan.notes:
        messages.warning(request, note)


def _tool_form(request: HttpRequest, view: ConnectionView, shown: ToolRow) -> ToolForm:
    offered = {
        # A path inside an argument ("price.minor") may have been declared in a file.
        "arguments": list(dict.fromkeys([*shown.operation.arguments, *shown.tool.authority])),
        "readers": [tool.name for tool in view.tools if not tool.is_write],
        "tools": [tool.name for tool in view.tools if tool.is_write and tool.name != shown.name],
    }
    if request.method == "POST":
        return ToolForm(request.POST, **offered)
    said = view.row.tools.get(shown.name) or view.row.tools.get(shown.operation.operation_id) or {}
    return ToolForm.of(said, **offered)

"""Sources: where events come in, how they are signed, which agents they set to work, and a test delivery."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from approvals.people import signer
from config.web import see_other, signed_in
from integrations.delivery_trial import Place, send_test
from integrations.event_page import event_rows
from integrations.event_permissions import (
    check_can_configure,
    configuring_objection,
    visible_events,
    visible_sources,
)
from integrations.models import Source, Trigger
from integrations.package.applying import Outcome, Result
from integrations.package.problems import BadPackage
from integrations.source_forms import SecretForm, SourceForm, TrialForm, TriggerForm
from integrations.source_page import refusals_in_words, sample_payload, schema_text, source_views
from integrations.sources import (
    put_source,
    put_trigger,
    retire_source,
    retire_trigger,
    rotate_secret,
    source_for,
    stored_document,
    trigger_of,
)

LIST, PAGE = "integrations/sources.html", "integrations/source.html"
FORM, TRIGGER = "integrations/source_form.html", "integrations/trigger_form.html"
LAST_EVENTS = 8


@require_GET
def sources(request: HttpRequest) -> HttpResponse:
    """Every source this person may see."""
    who = signer(signed_in(request).user)
    rows = visible_sources(who).order_by("disabled", "name")
    context = {"views": source_views(list(rows), timezone.now()), "refusal": configuring_objection(who)}
    return render(request, LIST, context)


@require_http_methods(["GET", "POST"])
def new_source(request: HttpRequest) -> HttpResponse:
    """Say where events come in and how they are signed."""
    check_can_configure(signer(signed_in(request).user))
    form = SourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _put(request, form, None):
        return see_other("integrations:source", form.cleaned_data["name"])
    return render(request, FORM, {"form": form}, status=422 if form.errors else 200)


@require_GET
def source(request: HttpRequest, name: str) -> HttpResponse:
    """One source: its address, its secret's state, its triggers, its last events."""
    row = source_for(signer(signed_in(request).user), name)
    return render(request, PAGE, _context(request, row))


@require_http_methods(["GET", "POST"])
def edit_source(request: HttpRequest, name: str) -> HttpResponse:
    """Change how it is signed, its schema, its subject or its limits."""
    who = signer(signed_in(request).user)
    row = source_for(who, name)
    check_can_configure(who)
    form = SourceForm(request.POST, row=row) if request.method == "POST" else SourceForm.of(row)
    if request.method == "POST" and form.is_valid() and _put(request, form, row):
        return see_other("integrations:source", name)
    return render(request, FORM, {"form": form, "row": row}, status=422 if form.errors else 200)


@require_POST
def secret(request: HttpRequest, name: str) -> HttpResponse:
    """Set a new secret; the one before it stays good for as long as was chosen."""
    user = signed_in(request).user
    row = source_for(signer(user), name)
    check_can_configure(signer(user))
    form = SecretForm(request.POST)
    if not form.is_valid():
        return render(request, PAGE, {**_context(request, row), "secret_form": form}, status=422)
    typed, keep_h = form.cleaned_data["secret"], int(form.cleaned_data["keep_h"])
    rotate_secret(row=row, typed=typed, keep_h=keep_h, user=user, now=timezone.now())
    messages.success(request, "The new secret is in force." + (" The previous one is still good." if keep_h else ""))
    return see_other("integrations:source", name)


@require_POST
def retire(request: HttpRequest, name: str) -> HttpResponse:
    """Take a source out of use."""
    user = signed_in(request).user
    row = source_for(signer(user), name)
    _try(
        request,
        lambda: retire_source(row=row, user=user, now=timezone.now()),
        f"{name} is out of use. Its events stay.",
    )
    return see_other("integrations:source", name)


@require_POST
def test(request: HttpRequest, name: str) -> HttpResponse:
    """Sign and post a test delivery, and show what the endpoint answers."""
    user = signed_in(request).user
    row = source_for(signer(user), name)
    check_can_configure(signer(user))
    form = TrialForm(request.POST)
    context = {**_context(request, row), "trial_form": form}
    if not form.is_valid():
        return render(request, PAGE, context, status=422)
    body = form.cleaned_data["payload"].replace("\r\n", "\n").encode()
    answer = send_test(row=row, body=body, place=_own_place(request), user=user, now=timezone.now())
    return render(request, PAGE, {**context, "answer": answer})


@require_http_methods(["GET", "POST"])
def new_trigger(request: HttpRequest, name: str) -> HttpResponse:
    """Set an agent to work on some of the source's events."""
    return _trigger_page(request, name, None)


@require_http_methods(["GET", "POST"])
def edit_trigger(request: HttpRequest, name: str, trigger_id: int) -> HttpResponse:
    """Change whom the events set to work, when and to what end."""
    return _trigger_page(request, name, trigger_id)


@require_POST
def retire_trigger_view(request: HttpRequest, name: str, trigger_id: int) -> HttpResponse:
    """Take a trigger out of use."""
    user = signed_in(request).user
    found = trigger_of(source_for(signer(user), name), trigger_id)
    done = f"{found.agent} is no longer set to work by these events."
    _try(request, lambda: retire_trigger(trigger=found, user=user, now=timezone.now()), done)
    return see_other("integrations:source", name)


def _trigger_page(request: HttpRequest, name: str, trigger_id: int | None) -> HttpResponse:
    who = signer(signed_in(request).user)
    row = source_for(who, name)
    found = trigger_of(row, trigger_id) if trigger_id is not None else None
    check_can_configure(who)
    form = _trigger_form(request, found)
    if request.method == "POST" and form.is_valid() and _put_trigger(request, form, row, found):
        return see_other("integrations:source", name)
    context = {"form": form, "row": row, "trigger": found}
    return render(request, TRIGGER, context, status=422 if form.errors else 200)


def _trigger_form(request: HttpRequest, found: Trigger | None) -> TriggerForm:
    if request.method == "POST":
        return TriggerForm(request.POST)
    return TriggerForm.of(found) if found else TriggerForm()


def _put(request: HttpRequest, form: SourceForm, row: Source | None) -> bool:
    wanted = form.wanted(stored_document(row) if row else None)
    if wanted is None:
        return False
    typed = form.cleaned_data.get("secret", "")
    try:
        outcome = put_source(document=wanted, typed=typed, user=signed_in(request).user, now=timezone.now())
    except BadPackage as error:
        _add_problems(form, error)
        return False
    _tell(request, outcome, "Saved." if row else "Added. Now say which agents its events set to work.")
    return True


def _put_trigger(request: HttpRequest, form: TriggerForm, row: Source, found: Trigger | None) -> bool:
    user = signed_in(request).user
    try:
        outcome = put_trigger(document=form.wanted(row.name), before=found, user=user, now=timezone.now())
    except BadPackage as error:
        _add_problems(form, error)
        return False
    _tell(request, outcome, "Saved." if found else "Added. It holds for events from now on.")
    return True


def _try(request: HttpRequest, act: Any, done: str) -> None:
    try:
        _tell(request, act(), done)
    except BadPackage as error:
        for problem in error.problems:
            messages.error(request, f"{problem.what} {problem.todo}".strip())


def _tell(request: HttpRequest, outcome: Outcome, done: str) -> None:
    if outcome.result is Result.WAITS:
        messages.warning(request, f"A second admin signs this: {' '.join(outcome.plan.wider)} It waits in the inbox.")
        return
    messages.success(request, done if outcome.result is Result.APPLIED else "Nothing was different.")
    for note in outcome.plan.notes:
        messages.warning(request, note)


def _add_problems(form: Any, error: BadPackage) -> None:
    for problem in error.problems:
        form.add_error(None, f"{problem.what} {problem.todo}".strip())


def _own_place(request: HttpRequest) -> Place:
    """Return where the server that answers this very request listens."""
    own = request.META.get("gunicorn.socket")
    address = own.getsockname() if own is not None else None
    host, port = address[:2] if isinstance(address, tuple) else ("127.0.0.1", int(request.META["SERVER_PORT"]))
    return Place(host=host, port=port, name=request.get_host())


def _context(request: HttpRequest, row: Source) -> dict[str, Any]:
    user = signed_in(request).user
    who, now = signer(user), timezone.now()
    last = visible_events(who).filter(source=row).defer("body", "corrected").select_related("source", "given_by")
    return {
        "view": source_views([row], now)[0],
        "schema": schema_text(row),
        "refusals": refusals_in_words(row, now),
        "rows": event_rows(user, list(last.order_by("-received_at")[:LAST_EVENTS])),
        "secret_form": SecretForm(),
        "trial_form": TrialForm(initial={"payload": sample_payload(row)}),
        "refusal": configuring_objection(who),
        "now": now,
    }

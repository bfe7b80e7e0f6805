"""Pages of the connections that talk to people: adding, changing, looking at one, testing it."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from pydantic import ValidationError

from approvals.people import signer
from config.secrets import describe
from config.web import see_other, signed_in
from integrations.channel_connections import put_channel, stored_document, try_channel
from integrations.channel_forms import FORMS, ChannelForm
from integrations.channels.wording import link_of
from integrations.connections import check_can_configure, configuring_objection, trying_objection
from integrations.models import ChannelLink, Connection, Delivery
from integrations.package.applying import Result
from integrations.package.problems import BadPackage

PAGE, FORM = "integrations/channel.html", "integrations/channel_form.html"


@require_http_methods(["GET", "POST"])
def new_channel(request: HttpRequest, kind: str) -> HttpResponse:
    """Add Slack, a mail server or an outgoing webhook."""
    check_can_configure(signer(signed_in(request).user))
    if kind not in FORMS:
        raise Http404
    form = FORMS[kind](request.POST or None)
    if request.method == "POST" and form.is_valid():
        if Connection.objects.filter(name=form.cleaned_data["name"], disabled=False).exists():
            form.add_error("name", "There is a connection of this name. Choose another.")
        elif _put(request, form):
            return see_other("integrations:connection", form.cleaned_data["name"])
    return render(request, FORM, {"form": form}, status=422 if form.errors else 200)


def edit_channel(request: HttpRequest, row: Connection) -> HttpResponse:
    """Change one; called by the edit page of connections once it has found the row and asked who may."""
    form = FORMS[row.kind](request.POST or None, stored=stored_document(row))
    if request.method == "POST" and form.is_valid() and _put(request, form):
        return see_other("integrations:connection", row.name)
    return render(request, FORM, {"form": form, "row": row}, status=422 if form.errors else 200)


def channel_page(request: HttpRequest, row: Connection) -> HttpResponse:
    """One connection: where it leads, its secrets in words, who is linked, what could not be delivered."""
    who = signer(signed_in(request).user)
    context = {
        "row": row,
        "facts": _facts(row),
        "addresses": _addresses(row),
        "links": ChannelLink.objects.filter(connection=row).select_related("user").order_by("user__username")
        if who.sees_all
        else (),
        "findings": (row.test_report or {}).get("findings", []),
        "troubled": Delivery.objects.filter(connection=row, state__in=("failed", "gave_up")).count(),
        "refusal": configuring_objection(who),
        "trying_refusal": trying_objection(who, row),
    }
    return render(request, PAGE, context)


def try_channel_view(request: HttpRequest, row: Connection) -> HttpResponse:
    """Test now, and back to the page."""
    problem = try_channel(row=row, user=signed_in(request).user, now=timezone.now())
    (messages.error if problem else messages.success)(request, problem or "It works.")
    return see_other("integrations:connection", row.name)


def _put(request: HttpRequest, form: ChannelForm) -> bool:
    try:
        outcome = put_channel(
            document=form.document(), secrets=form.secrets(), user=signed_in(request).user, now=timezone.now()
        )
    except ValidationError as error:
        form.add_shape_problems(error)
        return False
    except BadPackage as error:
        for problem in error.problems:
            form.add_error(None, f"{problem.what} {problem.todo}".strip())
        return False
    messages.success(request, "Saved." if outcome.result is Result.APPLIED else "Nothing was different.")
    for note in outcome.plan.notes:
        messages.warning(request, note)
    return True


def _facts(row: Connection) -> list[tuple[str, Any]]:
    options: Mapping[str, Any] = row.options
    if row.kind == Connection.Kind.SLACK:
        teams = ", ".join(f"{team}: {channel}" for team, channel in options.get("channels", {}).items())
        return [
            ("Workspace", options.get("workspace") or "any"),
            ("Channel for all", options.get("channel") or "none"),
            ("Channels of teams", teams or "none"),
            ("Bot token", describe(row.auth_secret)),
            ("Signing secret", describe(row.signing_secret)),
        ]
    if row.kind == Connection.Kind.MAIL:
        return [
            ("Mail server", f"{options.get('host')}, port {options.get('port')}, {options.get('security')}"),
            ("From", options.get("from", "")),
            ("Signs in as", options.get("user") or "nobody"),
            ("Password", describe(row.auth_secret)),
        ]
    kinds = ", ".join(options.get("kinds", []))
    return [
        ("Address", row.base_url),
        ("Kinds of notices", kinds or "all"),
        ("Signing secret", describe(row.auth_secret)),
    ]


def _addresses(row: Connection) -> list[tuple[str, str]]:
    """Return what to enter on Slack's side."""
    if row.kind != Connection.Kind.SLACK:
        return []
    return [
        ("Interactivity, request URL", link_of(f"/slack/interactions/{row.name}/")),
        ("Slash command /countersign, request URL", link_of(f"/slack/commands/{row.name}/")),
    ]

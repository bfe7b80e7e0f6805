"""Deliveries and what a person is told where: the list of what waits or failed, the settings, linking an account."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from approvals.audit import Actor, record
from approvals.models import Profile
from approvals.people import signer
from approvals.profiles import profile_of
from config.web import page_or_fragment, see_other, signed_in
from integrations.channels.digest import plan_digest
from integrations.channels.links import new_code, unlink
from integrations.channels.preferences import Preferences
from integrations.deliveries import (
    counts,
    discard_delivery,
    handling_objection,
    retry_delivery,
    visible_deliveries,
)
from integrations.models import ChannelLink, Connection, Delivery
from integrations.notification_forms import NotificationForm

PER_PAGE = 50
_PENDING = ("failed", "waiting", "gave_up")


@require_GET
def deliveries(request: HttpRequest) -> HttpResponse:
    """What is on its way and what failed, with why; or any one state."""
    who = signer(signed_in(request).user)
    wanted = request.GET.get("state", "")
    states = (wanted,) if wanted in Delivery.State.values else _PENDING
    found = visible_deliveries(who).filter(state__in=states).order_by("state", "-created_at", "-pk")
    # "failed" and "gave up" come before "waiting" in the alphabet, and on the page.
    by_state = counts(who)
    context = {
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "wanted": wanted,
        "states": [(state.value, state.label, by_state.get(state.value, 0)) for state in Delivery.State],
        "refusal": handling_objection(who),
    }
    return page_or_fragment(request, "integrations/deliveries.html", context, fragment="rows")


@require_POST
def retry(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    retry_delivery(delivery_id=delivery_id, user=signed_in(request).user)
    messages.info(request, "It is tried again now.")
    return see_other("integrations:deliveries")


@require_POST
def discard(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    discard_delivery(delivery_id=delivery_id, user=signed_in(request).user, reason=request.POST.get("reason", ""))
    messages.info(request, "It is not tried again.")
    return see_other("integrations:deliveries")


@require_http_methods(["GET", "POST"])
def notifications(request: HttpRequest) -> HttpResponse:
    """What this person is told where."""
    user = signed_in(request).user
    kept = profile_of(user)
    form = NotificationForm(request.POST) if request.method == "POST" else NotificationForm.of(_wanted(kept))
    if request.method == "POST" and form.is_valid():
        _keep(user, form.wanted(kept.time_zone))
        messages.success(request, "Saved.")
        return see_other("integrations:notifications")
    return render(request, "integrations/notifications.html", _context(user, form), status=422 if form.errors else 200)


@require_POST
def link_code(request: HttpRequest, name: str) -> HttpResponse:
    """Show a code once; sent from Slack within ten minutes, it links the account it comes from."""
    user = signed_in(request).user
    row = get_object_or_404(Connection, name=name, kind=Connection.Kind.SLACK, disabled=False)
    code = new_code(connection=row, user=user, now=timezone.now())
    context = _context(user, NotificationForm.of(_wanted(profile_of(user))))
    response = render(request, "integrations/notifications.html", {**context, "code": code, "code_for": row.name})
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def unlink_view(request: HttpRequest, link_id: int) -> HttpResponse:
    """End one's own link; as an admin, anybody's."""
    user = signed_in(request).user
    mine = ChannelLink.objects.filter(pk=link_id, user=user).exists()
    name = ChannelLink.objects.filter(pk=link_id).values_list("connection__name", flat=True).first()
    unlink(link_id=link_id, user=user)
    messages.info(request, "The account is not linked any more.")
    return see_other("integrations:notifications") if mine or not name else see_other("integrations:connection", name)


def _wanted(kept: Profile) -> Preferences:
    return Preferences.of(kept.notify, kept.time_zone)


def _keep(user: User, wanted: Preferences) -> None:
    with transaction.atomic():
        Profile.objects.update_or_create(user=user, defaults={"notify": wanted.kept()})
        plan_digest(user, wanted)
        record(
            actor=Actor.person(user),
            verb="person.notify_changed",
            subject_type="person",
            subject_id=user.pk,
            subject=user.get_username(),
            wanted=wanted.kept(),
        )


def _context(user: User, form: NotificationForm) -> dict[str, object]:
    links = {link.connection_id: link for link in ChannelLink.objects.filter(user=user)}
    slacks = Connection.objects.filter(kind=Connection.Kind.SLACK, disabled=False).order_by("name")
    return {
        "form": form,
        "accounts": [(row, links.get(row.pk)) for row in slacks],
        "has_mail": Connection.objects.filter(kind=Connection.Kind.MAIL, disabled=False).exists(),
        "address": user.email,
        "zone": profile_of(user).time_zone,
    }

"""How a person wants to see things, and what they were told."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from approvals.models import Profile
from approvals.profiles import choose_theme, choose_time_zone, profile_of
from approvals.selectors import notices_for
from config.web import page_or_fragment, see_other, signed_in

PER_PAGE = 50


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    choose_theme(signed_in(request).user, request.POST.get("theme", ""))
    return _back(request)


@require_POST
def time_zone(request: HttpRequest) -> HttpResponse:
    choose_time_zone(signed_in(request).user, request.POST.get("time_zone", ""))
    messages.success(request, "Times are shown in your zone from now on.")
    return _back(request)


@require_GET
def notices(request: HttpRequest) -> HttpResponse:
    """What this person was told, newest first. Looking marks nothing: reading is a press of the button."""
    person = signed_in(request).user
    page = Paginator(notices_for(person), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "seen_at": profile_of(person).notices_seen_at, "now": timezone.now()}
    return page_or_fragment(request, "approvals/notices.html", context, fragment="rows")


@require_POST
def notices_seen(request: HttpRequest) -> HttpResponse:
    Profile.objects.update_or_create(user=signed_in(request).user, defaults={"notices_seen_at": timezone.now()})
    return see_other("approvals:notices")


def _back(request: HttpRequest) -> HttpResponse:
    """303 to the page the form stood on, which must be ours."""
    url = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(url, allowed_hosts=None) and url.startswith("/")
    response = HttpResponseRedirect(url if safe else "/")
    response.status_code = 303
    return response

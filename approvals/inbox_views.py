"""The inbox's lists under a name."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from approvals.errors import NotAllowed
from approvals.inbox_wanted import wanted_from
from approvals.saved_filters import delete_filter, save_filter
from config.web import signed_in


@require_POST
def filter_save(request: HttpRequest) -> HttpResponse:
    """Keep the list on the screen under a name."""
    wanted = wanted_from(request.POST)
    try:
        kept = save_filter(user=signed_in(request).user, name=request.POST.get("name", ""), query=wanted.query)
        messages.success(request, f"Saved as “{kept.name}”.")
    except NotAllowed as refusal:
        messages.error(request, refusal.message)
    return _to_list(wanted.suffix)


@require_POST
def filter_delete(request: HttpRequest, filter_id: int) -> HttpResponse:
    """Forget a saved list; nothing in it changes."""
    delete_filter(user=signed_in(request).user, filter_id=filter_id)
    return _to_list(wanted_from(request.POST).suffix)


def _to_list(suffix: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": reverse("approvals:inbox") + suffix})

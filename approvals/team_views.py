"""One team: who is in it, when it works, and who else may sign when time runs out. And the same of a group."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST

from approvals.absence_forms import EscalationForm, HoursForm
from approvals.models import ApproverGroup, Team
from approvals.people_changes import check_can_change_people, refusal_to_change_people
from approvals.team_settings import set_escalation, set_team_hours
from config.web import see_other, signed_in


@require_http_methods(["GET", "POST"])
def team(request: HttpRequest, name: str) -> HttpResponse:
    """The team's page; POST puts its hours and its escalation."""
    who, found = signed_in(request).user, get_object_or_404(Team.objects.prefetch_related("members"), name=name)
    if request.method == "POST":
        check_can_change_people(who)
    form = HoursForm(request.POST) if request.method == "POST" else HoursForm.of(found)
    if request.method == "POST" and form.is_valid():
        set_team_hours(team=found, hours=form.cleaned_data["hours"], by=who)
        return _escalated(request, found, form.cleaned_data["escalates_to"], "approvals:team")
    context = {"team": found, "form": form, "refusal": refusal_to_change_people(who)}
    return render(request, "approvals/team.html", context, status=422 if form.is_bound else 200)


@require_POST
def group_escalation(request: HttpRequest, name: str) -> HttpResponse:
    """Put where a group's requests go when their time runs out."""
    check_can_change_people(signed_in(request).user)
    found, form = get_object_or_404(ApproverGroup, name=name), EscalationForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such group any more.")
        return see_other("approvals:group", name)
    return _escalated(request, found, form.cleaned_data["escalates_to"], "approvals:group")


def _escalated(request: HttpRequest, of: Any, to: ApproverGroup | None, page: str) -> HttpResponse:
    waits = set_escalation(of=of, to=to, by=signed_in(request).user)
    if waits is None:
        messages.success(request, f"{of.name} is changed. Requests that are open keep their deadlines.")
        return see_other(page, of.name)
    messages.warning(request, "It waits for a second admin: letting more people sign is countersigned.")
    return see_other("approvals:request", waits.pk)

"""REST: runs, actions, versions. The same verbs as the pages; what a person starts here they may not sign."""

from typing import Any
from uuid import UUID

from django.db.models import F, Prefetch, Q, QuerySet
from django.urls import path
from rest_framework.request import Request as Call
from rest_framework.response import Response

from agents.models import Action, AgentVersion, Run, Step
from agents.permissions import check_may_work
from agents.selectors import actions_visible_to, agents_visible_to, runs_visible_to
from agents.serializers import ActionOut, CancelIn, RunOut, RunRow, StartIn, VersionOut
from agents.services import cancel_run, start_run
from approvals.rest import filters
from approvals.rest.errors import not_found
from approvals.rest.once import answered_once
from approvals.rest.views import ApiView, paged
from approvals.tokens import Scope

_TOKENS = F("input_tokens") + F("output_tokens")


class Runs(ApiView):
    """Runs of your teams' agents, newest first."""

    says = {
        "POST": "Start a run of an agent's current version. You are its initiator, so you may not sign what it proposes."
    }

    scopes = {"GET": Scope.READ, "POST": Scope.RUN}
    filters = {
        "id": filters.uuid("pk"),
        "agent": filters.text("agent__name"),
        "version": filters.whole("version__number"),
        "state": filters.text("state"),
        "mode": filters.text("mode"),
        "goal": filters.text("goal__icontains"),
        "subject": filters.text("subject"),
        "event": filters.uuid("event_id"),
        "parent": filters.uuid("parent_id"),
        "outcome": filters.text("outcome__decision"),
        "cost": filters.number("cost_usd"),
        "tokens": filters.whole("all_tokens"),
        "started_at": filters.since("started_at"),
        "ended_at": filters.since("ended_at"),
        "waiting_for": filters.text("waiting_for__icontains"),
        "steps": filters.text(lambda kind: Q(pk__in=Step.objects.filter(kind=kind).values("run_id"))),
        "actions": filters.text(lambda tool: Q(pk__in=Action.objects.filter(tool=tool).values("run_id"))),
    }
    takes = {"POST": StartIn}
    gives = {"GET": paged(RunRow), "POST": {201: RunOut}}

    def get(self, call: Call) -> Response:
        steps = Step.objects.order_by("number").defer("data")
        rows = _in_order(runs_visible_to(self.person()), steps).alias(all_tokens=_TOKENS)
        return self.listed(rows, RunRow)

    def post(self, call: Call) -> Response:
        return answered_once(call, self._started)

    def _started(self) -> Response:
        check_may_work(self.person())
        given = self.body()
        if not agents_visible_to(self.person()).filter(name=given["agent"], disabled=False).exists():
            raise not_found(f"agent {given['agent']}")
        run = start_run(initiator=self.person(), **given)
        return Response(_run_document(run.pk), status=201)


class OneRun(ApiView):
    """One run with its journal and its actions."""

    gives = {"GET": RunOut}

    def get(self, call: Call, run_id: UUID) -> Response:
        self.no_query(call)
        _check_visible(self.person(), run_id)
        return Response(_run_document(run_id))


class CancelRun(ApiView):
    """Stop a run for good. What has been handed over to another system is not undone."""

    scopes = {"POST": Scope.RUN}
    takes = {"POST": CancelIn}
    gives = {"POST": RunOut}

    def post(self, call: Call, run_id: UUID) -> Response:
        return answered_once(call, lambda: self._cancelled(run_id))

    def _cancelled(self, run_id: UUID) -> Response:
        _check_visible(self.person(), run_id)
        check_may_work(self.person())
        cancel_run(run_id=run_id, user=self.person(), **self.body())
        return Response(_run_document(run_id))


class OneAction(ApiView):
    """One proposed tool call: what was asked, judged, signed and answered."""

    gives = {"GET": ActionOut}

    def get(self, call: Call, action_id: UUID) -> Response:
        self.no_query(call)
        action = actions_visible_to(self.person()).filter(pk=action_id).first()
        if action is None:
            raise not_found("action")
        return Response(ActionOut(action).data)


class Versions(ApiView):
    """Every version of your teams' agents, newest first. A new one is made by writing the agent."""

    filters = {
        "id": filters.uuid("pk"),
        "agent": filters.text("agent__name"),
        "number": filters.whole("number"),
        "current": filters.boolean(lambda wanted: Q(agent__current=F("pk")) if wanted else ~Q(agent__current=F("pk"))),
        "hash": filters.text("hash"),
        "note": filters.text("note__icontains"),
        "author": filters.text("author_label"),
        "created_at": filters.since("created_at"),
        "mode": filters.text("document__mode"),
        "model": filters.text("document__model"),
    }
    gives = {"GET": paged(VersionOut)}

    def get(self, call: Call) -> Response:
        return self.listed(_visible_versions(self.person()), VersionOut)


class OneVersion(ApiView):
    """One immutable version of an agent."""

    gives = {"GET": VersionOut}

    def get(self, call: Call, version_id: UUID) -> Response:
        self.no_query(call)
        version = _visible_versions(self.person()).filter(pk=version_id).first()
        if version is None:
            raise not_found("version")
        return Response(VersionOut(version).data)


def _check_visible(user: Any, run_id: UUID) -> None:
    if not runs_visible_to(user).filter(pk=run_id).exists():
        raise not_found("run")


def _visible_versions(user: Any) -> QuerySet[AgentVersion]:
    return AgentVersion.objects.select_related("agent").filter(agent__in=agents_visible_to(user))


def _in_order(runs: QuerySet[Run], steps: QuerySet[Step]) -> QuerySet[Run]:
    actions = Action.objects.order_by("turn", "position", "created_at")
    return runs.prefetch_related(
        Prefetch("steps", queryset=steps, to_attr="in_order"),
        Prefetch("actions", queryset=actions, to_attr="actions_in_order"),
    )


def _run_document(run_id: UUID) -> Any:
    rows = Run.objects.select_related("agent", "version").filter(pk=run_id)
    return RunOut(_in_order(rows, Step.objects.order_by("number")).get()).data


urlpatterns = [
    path("runs/", Runs.as_view(), name="runs"),
    path("runs/<uuid:run_id>/", OneRun.as_view(), name="run"),
    path("runs/<uuid:run_id>/cancel/", CancelRun.as_view(), name="cancel-run"),
    path("actions/<uuid:action_id>/", OneAction.as_view(), name="action"),
    path("versions/", Versions.as_view(), name="versions"),
    path("versions/<uuid:version_id>/", OneVersion.as_view(), name="version"),
]

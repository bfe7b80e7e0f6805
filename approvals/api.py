"""REST: requests and votes, halts, people, audit. The same verbs as the pages, without an undo window."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Case, Count, Q, QuerySet, Value, When
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request as Call
from rest_framework.response import Response

from approvals import label_export
from approvals.audit import Actor, record
from approvals.audit_pages import COLUMNS, EXPORT_ROWS, visible_events
from approvals.audit_views import refusal_to_export
from approvals.csv_safe import csv_lines
from approvals.halt_release import ask_release
from approvals.halts import engage_halt
from approvals.models import AuditEvent, Decision, Halt, Request
from approvals.people import Signer, signer
from approvals.permissions import visible_requests
from approvals.ports import actions
from approvals.rest import filters
from approvals.rest.errors import ApiError, not_found
from approvals.rest.filters import filtered
from approvals.rest.once import answered_once
from approvals.rest.views import ApiView, paged
from approvals.serializers import (
    AuditOut,
    DecidedOut,
    DecideIn,
    HaltIn,
    HaltOut,
    PersonOut,
    ReleaseIn,
    ReleaseOut,
    RequestOut,
)
from approvals.services import Settlement, decide_request
from approvals.states import RequestState, Role, Vote
from approvals.tokens import Scope
from approvals.waiting import waits_for

_VOTED = Q(decisions__vote=Vote.APPROVE, decisions__withdrawn_at__isnull=True)


class Requests(ApiView):
    """What people must settle, as far as you may see it; `mine=1` leaves what waits for you."""

    filters = {
        "id": filters.uuid("pk"),
        "kind": filters.text("kind"),
        "state": filters.text("state"),
        "action": filters.uuid("action_id"),
        "digest": filters.text("action_digest"),
        "title": filters.text("title__icontains"),
        "money": filters.whole("money_minor"),
        "target": filters.text("card__target__icontains"),
        "rule": filters.text("rule__id"),
        "votes": filters.whole("votes_in"),
        "votes_needed": filters.whole("votes_needed"),
        "class": filters.text("cls"),
        "decide_by": filters.until("decide_by"),
        "decisions": filters.text(lambda name: Q(pk__in=_decided_by(name))),
        "run": filters.uuid("run_id"),
        "agent": filters.text("agent"),
        "mine": filters.boolean("waits_for_me"),
    }
    gives = {"GET": paged(RequestOut)}

    def get(self, call: Call) -> Response:
        rows = visible_requests(signer(self.person())).annotate(votes_in=Count("decisions", filter=_VOTED))
        waits = Case(When(waits_for(self.person()), then=Value(True)), default=Value(False))
        rows = rows.alias(waits_for_me=waits).prefetch_related("decisions__user")
        viewer = {"viewer": self.person().pk}
        return self.listed(rows, RequestOut, beside=lambda found: _actions_of(found) | viewer)


class OneRequest(ApiView):
    """One request, with the arguments as they are signed."""

    gives = {"GET": RequestOut}

    def get(self, call: Call, request_id: UUID) -> Response:
        self.no_query(call)
        request = visible_requests(signer(self.person())).filter(pk=request_id).first()
        if request is None:
            raise not_found("request")
        return Response(_document(request, self.person()))


class Decide(ApiView):
    """Your vote, bound to the digest you read. 200 settled, 202 more votes are needed, 409 who was first and when."""

    scopes = {"POST": Scope.DECIDE}
    takes = {"POST": DecideIn}
    gives = {"POST": {200: DecidedOut, 202: DecidedOut}}

    def post(self, call: Call, request_id: UUID) -> Response:
        return answered_once(call, lambda: self._decided(request_id))

    def _decided(self, request_id: UUID) -> Response:
        settlement = decide_request(request_id=request_id, user=self.person(), via="api", **self.body())
        return Response(_settled(settlement, self.person()), status=200 if settlement.settled else 202)


class Halts(ApiView):
    """The kill switch. scope: global, agent:NAME, tool:NAME or connection:NAME."""

    says = {"GET": "Halts, open and released."}

    scopes = {"GET": Scope.READ, "POST": Scope.RUN}
    filters = {
        "id": filters.uuid("pk"),
        "scope": filters.text("scope"),
        "reason": filters.text("reason__icontains"),
        "engaged_by": filters.text("engaged_by_label"),
        "engaged_at": filters.since("engaged_at"),
        "released_by": filters.text("released_by__username"),
        "released_at": filters.since("released_at"),
        "open": filters.boolean("released_at__isnull"),
    }
    takes = {"POST": HaltIn}
    gives = {"GET": paged(HaltOut), "POST": {201: HaltOut}}

    def get(self, call: Call) -> Response:
        return self.listed(Halt.objects.select_related("released_by"), HaltOut)

    def post(self, call: Call) -> Response:
        return answered_once(call, self._engaged)

    def _engaged(self) -> Response:
        halt = engage_halt(user=self.person(), **self.body())
        return Response(HaltOut(halt).data, status=201)


class HaltRelease(ApiView):
    """Asking for a halt's release. Another admin signs it in the browser; a token signs nothing of high class."""

    scopes = {"POST": Scope.RUN}
    takes = {"POST": ReleaseIn}
    gives = {"POST": {200: ReleaseOut, 202: ReleaseOut}}

    def post(self, call: Call, halt_id: UUID) -> Response:
        return answered_once(call, lambda: self._asked(halt_id))

    def _asked(self, halt_id: UUID) -> Response:
        asked = ask_release(halt_id=halt_id, user=self.person(), **self.body())
        told = {"halt": asked.halt.pk, "request": asked.request.pk if asked.request else None}
        return Response(ReleaseOut(told).data, status=200 if asked.done else 202)


class People(ApiView):
    """People with their roles, teams and limits: all for admins, managers and auditors, otherwise your own teams."""

    filters = {
        "username": filters.text("username"),
        "active": filters.boolean("is_active"),
        "roles": filters.text(lambda name: Q(pk__in=_users(groups__name=name))),
        "teams": filters.text(lambda name: Q(pk__in=_users(teams__name=name))),
        "groups": filters.text(lambda name: Q(pk__in=_users(approver_memberships__group__name=name))),
    }
    gives = {"GET": paged(PersonOut)}

    def get(self, call: Call) -> Response:
        rows = _visible_people(signer(self.person()))
        rows = rows.prefetch_related("groups", "teams", "approver_memberships__group")
        return self.listed(rows, PersonOut, by="username")


_AUDIT_FILTERS = {
    "seq": filters.whole("seq"),
    "at": filters.since("at"),
    "until": filters.until("at"),
    "actor": filters.text("actor"),
    "actor_kind": filters.text("actor_kind"),
    "verb": filters.text("verb"),
    "subject_type": filters.text("subject_type"),
    "subject_id": filters.text("subject_id"),
    "subject": filters.text("subject"),
    "run": filters.uuid("run_id"),
    "agent": filters.text("agent"),
    "from_state": filters.text("from_state"),
    "to_state": filters.text("to_state"),
    "digest": filters.text("digest"),
}


class Audit(ApiView):
    """The audit trail, newest first: all of it for admins and auditors, otherwise what concerns you and your teams."""

    filters = _AUDIT_FILTERS
    gives = {"GET": paged(AuditOut)}

    def get(self, call: Call) -> Response:
        return self.listed(visible_events(signer(self.person())), AuditOut, by="-seq")


class AuditExport(ApiView):
    """The rows that fit the filters, as CSV. That it was taken is a row of its own."""

    filters = _AUDIT_FILTERS
    gives = {"GET": OpenApiTypes.BINARY}

    def get(self, call: Call) -> HttpResponseBase:
        who = signer(self.person())
        refusal = refusal_to_export(who)
        if refusal:
            raise ApiError(403, "NOT_ALLOWED", refusal)
        rows = filtered(visible_events(who), call, _AUDIT_FILTERS).order_by("-seq")[:EXPORT_ROWS]
        _tell_exported(who, call)
        lines = csv_lines(chain([(*COLUMNS, "data")], _audit_cells(rows)))
        headers = {"Content-Disposition": 'attachment; filename="countersign-audit.csv"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _tell_exported(who: Signer, call: Call) -> None:
    record(
        actor=Actor.person(who.user),
        verb="audit.exported",
        subject_type="audit",
        subject_id="csv",
        subject="audit trail",
        filter={name: call.query_params.getlist(name) for name in _AUDIT_FILTERS if name in call.query_params},
        at_most=EXPORT_ROWS,
    )


def _audit_cells(rows: QuerySet[AuditEvent]) -> Iterator[Sequence[Any]]:
    for row in rows.values_list(*COLUMNS, "data").iterator(chunk_size=2_000):
        yield [json.dumps(cell, ensure_ascii=False) if isinstance(cell, dict) else cell for cell in row]


def _decided_by(name: str) -> QuerySet[Any]:
    """Return what this person has decided; that they voted is no secret only once all the votes are in."""
    hidden = Q(request__state=RequestState.OPEN, request__votes_needed__gt=1)
    return Decision.objects.filter(~hidden, user__username=name, withdrawn_at__isnull=True).values("request_id")


def _users(**having: str) -> QuerySet[Any]:
    return User.objects.filter(**having).values("pk")


def _visible_people(who: Signer) -> QuerySet[User]:
    if who.sees_all or Role.MANAGER in who.roles:
        return User.objects.all()
    return User.objects.filter(Q(pk=who.user.pk) | Q(pk__in=User.objects.filter(teams__in=who.team_ids).values("pk")))


def _actions_of(requests: Sequence[Request]) -> dict[str, Any]:
    return {"actions": actions().read([request.action_id for request in requests if request.action_id])}


def _document(request: Request, viewer: User) -> Mapping[str, Any]:
    return RequestOut(request, context=_actions_of([request]) | {"viewer": viewer.pk}).data


def _settled(settlement: Settlement, viewer: User) -> dict[str, Any]:
    """Return the request that matters now, with what the vote did. After an edit that needs nobody: the old one."""
    matters = settlement.request or settlement.withdrawn
    assert matters is not None  # noqa: S101 - a settlement is always about a request
    matters.refresh_from_db()
    return {
        **_document(matters, viewer),
        "settled": settlement.settled,
        "message": settlement.message,
        "request": str(matters.pk),
        "withdrawn": str(settlement.withdrawn.pk) if settlement.withdrawn else None,
    }


urlpatterns = [
    path("requests/", Requests.as_view(), name="requests"),
    path("requests/<uuid:request_id>/", OneRequest.as_view(), name="request"),
    path("requests/<uuid:request_id>/decide/", Decide.as_view(), name="decide"),
    path("halts/", Halts.as_view(), name="halts"),
    path("halts/<uuid:halt_id>/release/", HaltRelease.as_view(), name="halt_release"),
    path("people/", People.as_view(), name="people"),
    path("audit/", Audit.as_view(), name="audit"),
    path("audit/export/", AuditExport.as_view(), name="audit-export"),
    *label_export.urlpatterns,
]

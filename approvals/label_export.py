"""Labels for those who judge agents by them: the newest as JSON, page by page, and all that fit as CSV."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request as Call
from rest_framework.response import Response

from approvals.audit import Actor, record
from approvals.csv_safe import csv_lines
from approvals.labels import visible_labels
from approvals.models import Label
from approvals.people import signer
from approvals.rest import filters
from approvals.rest.fields import Out
from approvals.rest.filters import filtered
from approvals.rest.views import ApiView, paged

CSV_ROWS, _AT_ONCE = 100_000, 500
_FILTERS = {
    "id": filters.uuid("pk"),
    "kind": filters.text("kind"),
    "tool": filters.text("tool"),
    "agent": filters.text("agent"),
    "request": filters.uuid("request_id"),
    "action": filters.uuid("action_id"),
    "by": filters.text("by__username"),
    "reason_code": filters.text("reason_code"),
    "at": filters.since("at"),
    "until": filters.until("at"),
}
COLUMNS = (
    "id",
    "kind",
    "at",
    "by",
    "via",
    "reason_code",
    "comment",
    "request",
    "action",
    "action_digest",
    "agent",
    "agent_version",
    "tool",
    "alike",
    "difference",
)


class LabelOut(Out):
    """One judgement of one case by a person (or, expired: by nobody)."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    at = serializers.DateTimeField()
    by = serializers.CharField(source="by.username", allow_null=True, default=None)
    via = serializers.CharField()
    reason_code = serializers.CharField()
    comment = serializers.CharField()
    request = serializers.UUIDField(source="request_id", allow_null=True)
    action = serializers.UUIDField(source="action_id", allow_null=True)
    action_digest = serializers.CharField()
    agent = serializers.CharField()
    agent_version = serializers.IntegerField(allow_null=True)
    tool = serializers.CharField()
    alike = serializers.CharField()
    difference = serializers.SerializerMethodField()

    @extend_schema_field({"type": "array", "items": {"type": "array", "items": {"type": "string"}}})
    def get_difference(self, label: Label) -> Any:
        return label.difference


class Labels(ApiView):
    """What people decided and later corrected, as labelled cases, as far as you may see them."""

    filters = _FILTERS
    gives = {"GET": paged(LabelOut)}

    def get(self, call: Call) -> Response:
        return self.listed(visible_labels(signer(self.person())).select_related("by"), LabelOut)


class LabelsCsv(ApiView):
    """The same as CSV, the newest first. That it was taken is a row of the audit trail."""

    filters = _FILTERS
    gives = {"GET": OpenApiTypes.BINARY}

    def get(self, call: Call) -> HttpResponseBase:
        who = signer(self.person())
        rows = filtered(visible_labels(who), call, _FILTERS).select_related("by").order_by("-at")[:CSV_ROWS]
        record(
            actor=Actor.person(who.user),
            verb="labels.exported",
            subject_type="labels",
            subject_id="csv",
            at_most=CSV_ROWS,
        )
        lines = csv_lines(chain([COLUMNS], _cells(rows.iterator(chunk_size=_AT_ONCE))))
        headers = {"Content-Disposition": 'attachment; filename="countersign-labels.csv"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _cells(labels: Iterator[Label]) -> Iterator[Sequence[object]]:
    for label in labels:
        told: Mapping[str, Any] = LabelOut(label).data
        yield [json.dumps(cell, ensure_ascii=False) if isinstance(cell, list) else cell for cell in _in_order(told)]


def _in_order(told: Mapping[str, Any]) -> list[Any]:
    return [told[name] for name in COLUMNS]


urlpatterns = [
    path("labels/", Labels.as_view(), name="labels"),
    path("labels/export/", LabelsCsv.as_view(), name="labels-export"),
]

"""REST: events in, tools to read; the configuration is beside (configuration_api)."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import path
from rest_framework.request import Request as Call
from rest_framework.response import Response

from agents.selectors import agents_visible_to
from agents.tools.base import Tool
from agents.tools.registry import tools_matching
from approvals.people import signer
from approvals.rest import filters
from approvals.rest.errors import ApiError, not_found
from approvals.rest.items import listed_items
from approvals.rest.once import answered_once
from approvals.rest.views import ApiView, paged
from approvals.tokens import Scope
from integrations.configuration_api import configuration_urls
from integrations.event_permissions import visible_events, visible_sources
from integrations.serializers import EventIn, EventOut, EventRow, TakenOut, ToolOut
from integrations.services import accept_event

_TOOL_FIELDS = tuple(ToolOut().fields)


class Events(ApiView):
    """Events of the sources that you see, newest first."""

    says = {"POST": "Take an event in, as a webhook would; answered before any agent reads it."}

    scopes = {"GET": Scope.READ, "POST": Scope.RUN}
    filters = {
        "id": filters.uuid("pk"),
        "source": filters.text("source__name"),
        "state": filters.text("state"),
        "subject": filters.text("subject"),
        "received_at": filters.since("received_at"),
        "processed_at": filters.since("processed_at"),
        "runs": filters.uuid(lambda run: Q(run_ids__contains=[run])),
        "dedupe_key": filters.text("dedupe_key"),
        "duplicates": filters.whole("duplicates"),
    }
    takes = {"POST": EventIn}
    gives = {"GET": paged(EventRow), "POST": {202: TakenOut, 200: TakenOut}}

    def get(self, call: Call) -> Response:
        rows = visible_events(signer(self.person())).select_related("source").defer("body", "corrected", "headers")
        return self.listed(rows, EventRow)

    def post(self, call: Call) -> Response:
        return answered_once(call, self._taken)

    def _taken(self) -> Response:
        who, given = signer(self.person()), self.body()
        if not who.decides:
            raise ApiError(403, "NOT_ALLOWED", "Operators and admins give events in.")
        if not visible_sources(who).filter(name=given["source"], disabled=False).exists():
            raise not_found(f"source {given['source']}")
        stored = accept_event(user=self.person(), **given)
        status = "accepted" if stored.fresh else "duplicate"
        return Response({"id": str(stored.event_id), "status": status}, status=202 if stored.fresh else 200)


class OneEvent(ApiView):
    """One event with its payload."""

    gives = {"GET": EventOut}

    def get(self, call: Call, event_id: UUID) -> Response:
        self.no_query(call)
        event = visible_events(signer(self.person())).select_related("source").filter(pk=event_id).first()
        if event is None:
            raise not_found("event")
        return Response(EventOut(event).data)


class Tools(ApiView):
    """What agents may call: the operations of the connections, as far as your teams' agents may use them."""

    filters = dict.fromkeys(_TOOL_FIELDS, filters.text(""))
    gives = {"GET": paged(ToolOut)}

    def get(self, call: Call) -> Response:
        tools = [_tool_document(tool) for tool in _visible_tools(self.person()).values()]
        return Response(listed_items(tools, call, fields=_TOOL_FIELDS, by="name"))


class OneTool(ApiView):
    """One tool with the schema of its arguments."""

    gives = {"GET": ToolOut}

    def get(self, call: Call, name: str) -> Response:
        self.no_query(call)
        tool = _visible_tools(self.person()).get(name)
        if tool is None:
            raise not_found("tool")
        return Response(_tool_document(tool))


def _visible_tools(user: Any) -> dict[str, Tool]:
    if signer(user).sees_all:
        return tools_matching(["*"])
    documents = [agent.current.document for agent in agents_visible_to(user).filter(disabled=False) if agent.current]
    return tools_matching([pattern for document in documents for pattern in document.get("tools", [])])


def _tool_document(tool: Tool) -> dict[str, Any]:
    """Return the tool as the API shows it: everything but how it is called."""
    said = {name: getattr(tool, name) for name in _TOOL_FIELDS}
    parts = {name: asdict(said[name]) if said[name] else None for name in ("money", "target", "check", "lookup")}
    return {**said, **parts, "authority": list(tool.authority)}


urlpatterns = [
    path("events/", Events.as_view(), name="events"),
    path("events/<uuid:event_id>/", OneEvent.as_view(), name="event"),
    path("tools/", Tools.as_view(), name="tools"),
    path("tools/<str:name>/", OneTool.as_view(), name="tool"),
    *configuration_urls,
]

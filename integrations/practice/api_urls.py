"""Routes of the practice company's own HTTP server. Not part of the product's site."""

from collections import defaultdict
from collections.abc import Iterator

from django.http import FileResponse, HttpRequest
from django.urls import URLPattern, path

from integrations.practice import control
from integrations.practice.gateway import answer
from integrations.practice.openapi import DOCUMENT_PATH
from integrations.practice.operations.catalogue import OPERATIONS


def _routes() -> Iterator[URLPattern]:
    by_path: dict[str, dict[str, str]] = defaultdict(dict)
    for operation in OPERATIONS.values():
        by_path[operation.path][operation.method] = operation.id
    for where, operations in by_path.items():
        route = where.lstrip("/").replace("{", "<str:").replace("}", ">")
        yield path(route, answer, {"operations": operations})


def document(request: HttpRequest) -> FileResponse:
    return FileResponse(DOCUMENT_PATH.open("rb"), content_type="application/json")


urlpatterns = [
    path("openapi.json", document),
    path("healthz", control.health),
    path("control/faults", control.fault_list),
    path("control/faults/<slug:operation>", control.fault),
    *_routes(),
]

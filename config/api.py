"""The REST API: each app's calls under /api/v1/, their description, and pages drawn from it."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from config.api_docs import docs, schema


@csrf_exempt
@login_not_required
def no_such_call(request: HttpRequest) -> HttpResponse:
    """Answer for what is not there in the API's own shape; a forgotten last slash is sent on with method and body."""
    if not request.path.endswith("/"):
        query = f"?{request.META['QUERY_STRING']}" if request.META.get("QUERY_STRING") else ""
        return HttpResponse(status=308, headers={"Location": f"{request.path}/{query}"})
    said = {"code": "NOT_FOUND", "message": "There is no such call. /api/docs/ names them all.", "extra": {}}
    return JsonResponse(said, status=404)


urlpatterns = [
    path("v1/", include("approvals.api")),
    path("v1/", include("agents.api")),
    path("v1/", include("integrations.api")),
    path("schema/", schema, name="api-schema"),
    path("docs/", docs, name="api-docs"),
    re_path(r"^v1/", no_such_call, name="no-such-call"),
]

"""The OpenAPI description of a view, from what the view itself declares."""

from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from approvals.rest.fields import Out
from approvals.rest.once import HEADER


class BearerToken(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the description names the token."""

    target_class = "approvals.rest.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "manage.py token PERSON --scopes …"}


class ErrorOut(Out):
    """Every error has this shape."""

    code = serializers.CharField(help_text="Stable; programs read this.")
    message = serializers.CharField(help_text="A sentence for people.")
    extra = serializers.DictField(help_text="Who and when for a conflict, fields for a bad shape.")


_ERRORS = {
    400: "The shape is wrong",
    401: "No token, or one that has ended",
    403: "Not allowed, with the sentence that says why",
    404: "Not there, or of a team you are not in",
    409: "Somebody was first (who and when), or it changed meanwhile",
    422: "Refused by a rule",
    429: "Too many calls",
}


class Schema(AutoSchema):
    """Reads `takes`, `gives` and `filters` of ApiView."""

    view: Any

    def get_tags(self) -> list[str]:
        return [self.path.split("/")[3]]

    def get_operation_id(self) -> str:
        parts = [part.strip("{}") for part in self.path.split("/")[3:] if part]
        return "_".join([self.method.lower(), *parts])

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular asks for it
        said = self.view.says.get(self.method, type(self.view).__dict__.get("__doc__") or "")
        scope = self.view.scopes.get(self.method)
        return f"{said} Scope: {scope.value}.".strip() if scope else said

    def get_request_serializer(self) -> Any:
        return self.view.takes.get(self.method)

    def get_response_serializers(self) -> Any:
        gives = self.view.gives.get(self.method)
        good = gives if isinstance(gives, dict) else {200: gives}
        return {**good, **dict.fromkeys(map(str, _ERRORS), ErrorOut)}

    def get_override_parameters(self) -> list[Any]:
        found = list(super().get_override_parameters())
        if self.method == "GET" and self.view.filters is not None:
            found += [_query(name, chosen.expects) for name, chosen in self.view.filters.items()]
            found += [_query("limit", "rows of a page, 1 to 200"), _query("cursor", "`next` of the page before")]
        if self.method == "POST":
            found.append(_parameter(HEADER, "header", "The same key gives the same answer, never a second deed."))
        return found


def _query(name: str, expects: str) -> Any:
    return _parameter(name, "query", f"{expects}; commas mean or" if name not in ("limit", "cursor") else expects)


def _parameter(name: str, where: Literal["query", "header"], description: str) -> OpenApiParameter:
    return OpenApiParameter(name=name, location=where, required=False, type=str, description=description)

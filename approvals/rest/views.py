"""The base of every view of the REST API."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.rest.authentication import HasScope, TokenAuthentication, TokenThrottle
from approvals.rest.errors import ApiError
from approvals.rest.fields import Out
from approvals.rest.filters import Filter, filtered
from approvals.rest.pages import page_of
from approvals.rest.parsing import BoundedJsonParser
from approvals.rest.schema import Schema
from approvals.tokens import Scope

Gives = type[serializers.Serializer[Any]]
Beside = Callable[[Sequence[Any]], dict[str, Any]]


class ApiView(APIView):
    """scopes: method → scope; filters: of the list that GET gives; takes, gives: method → shape; says: method → what for."""

    authentication_classes = [TokenAuthentication]
    permission_classes = [HasScope]
    throttle_classes = [TokenThrottle]
    parser_classes = [BoundedJsonParser]
    metadata_class = None
    schema = Schema()
    scopes: ClassVar[Mapping[str, Scope]] = {"GET": Scope.READ}
    filters: ClassVar[Mapping[str, Filter] | None] = None
    takes: ClassVar[Mapping[str, Any]] = {}
    gives: ClassVar[Mapping[str, Any]] = {}
    says: ClassVar[Mapping[str, str]] = {}

    def person(self) -> User:
        """Return the token's person: whatever is done is done as them."""
        return cast(User, self.request.user)

    def body(self) -> dict[str, Any]:
        """Return the body in the shape that `takes` names for this method. Raises ValidationError."""
        shape = self.takes[str(self.request.method)](data=self.request.data)
        shape.is_valid(raise_exception=True)
        return dict(shape.validated_data)

    def listed(self, rows: QuerySet[Any], out: Gives, *, by: str = "-pk", beside: Beside | None = None) -> Response:
        """Return the page of the rows that the query asks for. beside: what the shape needs to know of all of them."""
        page = page_of(filtered(rows, self.request, self.filters or {}), self.request, by=by)
        context = beside(page.rows) if beside else {}
        return Response({"results": out(page.rows, many=True, context=context).data, "next": page.next})

    def no_query(self, request: Request) -> None:
        """Refuse query parameters where there is nothing to filter."""
        if request.query_params:
            name = next(iter(request.query_params))
            raise ApiError(400, "NO_SUCH_FILTER", f"There is no filter {name} here.", filter=name)


def paged(out: Gives) -> Gives:
    """Return the shape of a page of these."""
    name = f"{out.__name__.removesuffix('Out')}Page"
    return type(name, (Out,), {"results": out(many=True), "next": serializers.CharField(allow_null=True)})

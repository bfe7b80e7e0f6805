"""Who asks: a bearer token, which acts as its person. A browser's session opens nothing here, so nothing can be forged."""

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from approvals.models import ApiToken
from approvals.rest.errors import ApiError
from approvals.rest.throttling import seconds_to_wait
from approvals.tokens import find_token

if TYPE_CHECKING:
    # The framework's views read these classes from the settings while they are imported.
    from rest_framework.views import APIView


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer cs_…`."""

    def authenticate(self, request: Request) -> tuple[Any, ApiToken] | None:
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        if not text:
            return None
        token = find_token(text.strip(), now=timezone.now()) if kind.lower() == "bearer" else None
        if token is None:
            raise AuthenticationFailed("This token is not known, has expired or was revoked.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasScope(BasePermission):
    """The token must have the scope that the call asks for. Whether the person may is the verb's own question."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.auth, ApiToken):
            return False
        method = "GET" if request.method == "HEAD" else request.method
        scope = getattr(view, "scopes", {}).get(method)
        if scope is not None and scope not in request.auth.scopes:
            raise ApiError(
                403, "SCOPE_MISSING", f"This call needs a token with the scope {scope.value}.", scope=scope.value
            )
        return True


class TokenThrottle(BaseThrottle):
    """So many calls a minute per token; open while the Redis-protocol server is away."""

    def __init__(self) -> None:
        self._wait_s: float | None = None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.auth, ApiToken):
            return True
        self._wait_s = seconds_to_wait(request.auth.prefix)
        return self._wait_s is None

    def wait(self) -> float | None:
        return self._wait_s

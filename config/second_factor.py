"""The second factor: authenticator apps, security keys and passkeys, recovery codes. Kept by allauth, sealed by us."""

from collections.abc import Callable

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from config.secrets import reveal, seal

NAME = "Countersign"
# Where a person goes who has no second factor yet, and what they need there.
_ALWAYS_OPEN = ("/accounts/", "/static/", "/api/", "/hooks/", "/healthz", "/readyz", "/metrics")


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """allauth's adapter; a copy of the database without SECRET_KEYS holds no secret of anybody's second factor."""

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return reveal(encrypted_text)

    def get_totp_issuer(self) -> str:
        return NAME

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        # Bound to the host name alone: the browser offers the key nowhere else.
        return {"id": context.request.get_host().partition(":")[0], "name": NAME}


class RequireSecondFactorMiddleware:
    """Where REQUIRE_SECOND_FACTOR is set, lead people without one to where they make one, before anything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.REQUIRE_SECOND_FACTOR and _lacks_one(request):
            return redirect("mfa_index")
        return self.get_response(request)


def _lacks_one(request: HttpRequest) -> bool:
    if request.path.startswith(_ALWAYS_OPEN) or not request.user.is_authenticated:
        return False
    return not is_mfa_enabled(request.user)

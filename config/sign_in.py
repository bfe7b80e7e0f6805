"""How people sign in: by name and password. Accounts are made by an administrator, so nobody signs up."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect

TOO_OLD = "This sign-in is too old to change how you sign in. Sign out, and in again with your company account; then try again."


class SignInAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's adapter with the sign-up closed, and no sensitive change from an old session, whoever has it."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_reauthentication_required(self, *, app: str, **more: Any) -> bool:
        """Return whether this kind of change needs a fresh proof of who it is.

        Who has nothing here to prove it with is asked by nobody: allauth takes them for proven. A stolen session of
        theirs would give itself a second factor, and sign with that. Raises ImmediateHttpResponse for them.
        """
        required = bool(super().is_reauthentication_required(app=app, **more))
        if required and _can_prove_it_only_elsewhere(context.request):
            messages.error(context.request, TOO_OLD)
            raise ImmediateHttpResponse(redirect("mfa_index"))
        return required


def _can_prove_it_only_elsewhere(request: HttpRequest) -> bool:
    # allauth's flows ask for this adapter, so they are there only once it is.
    from config.step_up import has_own_proof, stepped_up

    return request.user.is_authenticated and not has_own_proof(request.user) and not stepped_up(request)

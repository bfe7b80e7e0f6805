"""Where allauth has no answer for who has only a company account: they prove who they are by signing in there anew."""

from allauth.account import views
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from config.step_up import has_own_proof

ANEW = "You prove who you are with your company account: sign out here, and in again with it. Then go on within five minutes."
NO_PASSWORD = "You sign in with your company account; there is no password here to change."  # noqa: S105 - no password


def reauthenticate(request: HttpRequest) -> HttpResponse:
    """Ask for the password or second factor; who has neither is told what to do instead."""
    if request.user.is_authenticated and not has_own_proof(request.user):
        messages.warning(request, ANEW)
        return redirect("account_logout")
    answer: HttpResponse = views.reauthenticate(request)
    return answer


def password_change(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated and not request.user.has_usable_password():
        messages.info(request, NO_PASSWORD)
        return redirect("mfa_index")
    answer: HttpResponse = views.password_change(request)
    return answer

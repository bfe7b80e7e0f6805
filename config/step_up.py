"""Whether whoever is signed in has shown within the last minutes that it is still them."""

import time
from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows import reauthentication
from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse


def stepped_up(request: HttpRequest) -> bool:
    """Return whether the person proved again who they are, within ACCOUNT_REAUTHENTICATION_TIMEOUT seconds.

    Who has neither password nor second factor here cannot be asked by us: for them the sign-in at the issuer counts,
    while it is as fresh (allauth alone would take such a person for proven at any time).
    """
    if has_own_proof(request.user):
        return bool(reauthentication.did_recently_reauthenticate(request))
    records = get_authentication_records(request, request.user)
    return bool(records) and float(time.time() - records[-1]["at"]) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def has_own_proof(user: Any) -> bool:
    """Return whether we ourselves can ask this person who they are: by a password, or a second factor."""
    return bool(reauthentication.get_reauthentication_flows(user))


def sign_in_again(back: str) -> HttpResponse:
    """Send the person to where they show again who they are, and from there to `back`."""
    url = f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}"
    return HttpResponse(status=303, headers={"Location": url})

"""Who signed in, how, and what changed about how they do: audit rows, written where allauth tells of it."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as second_factor
from allauth.mfa.models import Authenticator
from allauth.socialaccount import signals as single_sign_on
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest

from approvals.audit import SYSTEM, Actor, record


def register() -> None:
    """Listen. Kept by strong reference, for these functions live as long as the process."""
    account.user_logged_in.connect(_signed_in, weak=False)
    account.password_changed.connect(_told("account.password_changed"), weak=False)
    user_login_failed.connect(_refused, weak=False)
    second_factor.authentication_failed.connect(_told("account.second_factor_refused"), weak=False)
    # The rows, not allauth's own signals: those come after the commit, where a crash would leave no trace.
    post_save.connect(_factor_saved, sender=Authenticator, weak=False)
    post_delete.connect(_factor_deleted, sender=Authenticator, weak=False)
    single_sign_on.social_account_removed.connect(_unlinked, weak=False)


def _signed_in(*, request: HttpRequest, user: User, **_rest: Any) -> None:
    used = [entry.get("method", "") for entry in request.session.get("account_authentication_methods", [])]
    _write(user, "account.signed_in", by=used, address=request.META.get("REMOTE_ADDR", ""))


def _refused(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_rest: Any) -> None:
    """Write a failed sign-in, with the name only where it is one: a password typed in its place stays unwritten."""
    person = User.objects.filter(username=credentials.get("username", "")).first()
    record(
        actor=SYSTEM,
        verb="account.sign_in_refused",
        subject_type="person",
        subject_id=person.pk if person else "unknown",
        name=person.get_username() if person else None,
        address=request.META.get("REMOTE_ADDR", "") if request else "",
    )


def _told(verb: str) -> Any:
    def write(*, user: User, **_rest: Any) -> None:
        _write(user, verb)

    return write


def _factor_saved(*, instance: Authenticator, created: bool, **_rest: Any) -> None:
    if created:
        _write(instance.user, "account.second_factor_added", kind=instance.type)


def _factor_deleted(*, instance: Authenticator, **_rest: Any) -> None:
    _write(instance.user, "account.second_factor_removed", kind=instance.type)


def _unlinked(*, socialaccount: Any, **_rest: Any) -> None:
    _write(socialaccount.user, "account.single_sign_on_unlinked", issuer=socialaccount.provider)


def _write(user: User, verb: str, **data: Any) -> None:
    record(actor=Actor.person(user), verb=verb, subject_type="person", subject_id=user.pk, **data)

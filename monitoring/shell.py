"""What stands around every page: what is halted, what waits for this person, which agents play offline."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from agents.models import Agent
from agents.selectors import agents_visible_to, runs_visible_to
from agents.states import RunState
from approvals.halts import GLOBAL, open_halts
from approvals.models import Halt
from approvals.people import signer
from approvals.profiles import next_theme, profile_of
from approvals.selectors import notices_for
from approvals.waiting import count_mine

OFFLINE = "offline/"


@dataclass(frozen=True)
class Shell:
    """Read lazily by base.html, so that a fragment pays only for what it shows."""

    user: Any

    @cached_property
    def halts(self) -> list[Halt]:
        return open_halts()

    @property
    def halted_all(self) -> bool:
        return any(halt.scope == GLOBAL for halt in self.halts)

    @cached_property
    def waiting(self) -> int:
        return count_mine(self.user)

    @cached_property
    def unread(self) -> int:
        seen = profile_of(self.user).notices_seen_at
        rows = notices_for(self.user)
        return (rows.filter(created_at__gt=seen) if seen else rows).count()

    @cached_property
    def offline(self) -> str:
        """Return "2 of 6 agents: offline model"; "" when every agent has a real model."""
        models = list(
            Agent.objects.filter(disabled=False, current__isnull=False).values_list(
                "current__document__model", flat=True
            )
        )
        playing = sum(1 for model in models if str(model).startswith(OFFLINE))
        return f"{playing} of {len(models)} agents: offline model" if playing else ""

    @cached_property
    def agents_known(self) -> int:
        return agents_visible_to(self.user).count()

    @cached_property
    def agents_on(self) -> int:
        return agents_visible_to(self.user).filter(disabled=False, current__isnull=False).count()

    @cached_property
    def runs_now(self) -> int:
        return runs_visible_to(self.user).filter(state=RunState.RUNNING).count()

    @property
    def theme(self) -> str:
        return profile_of(self.user).theme

    @property
    def next_theme(self) -> str:
        return next_theme(self.theme)

    @property
    def theme_url(self) -> str:
        return _url("approvals:theme")

    @property
    def halts_url(self) -> str:
        return _url("monitoring:halts")

    @property
    def is_admin(self) -> bool:
        return signer(self.user).is_admin


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `shell` for signed-in people, `demo_people` on the sign-in page of a practice installation."""
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return {"shell": Shell(user)}
    return {"demo_people": DEMO_PEOPLE if settings.DEMO else ()}


DEMO_PEOPLE = ("operator", "second-operator", "admin", "second-admin", "manager", "auditor")


def _url(route: str) -> str:
    try:
        return reverse(route)
    except NoReverseMatch:
        return ""

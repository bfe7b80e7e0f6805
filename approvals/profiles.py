"""How one person wants to see things: time zone and theme."""

import zoneinfo
from typing import Any

from approvals.errors import BadArguments
from approvals.models import Profile

THEMES = ("system", "light", "dark")


def profile_of(user: Any) -> Profile:
    """Return the person's profile, as yet unsaved when they have none; read once per request."""
    kept = getattr(user, "_profile", None)
    if kept is None:
        kept = user._profile = Profile.objects.filter(user=user).first() or Profile(user=user)
    return kept


def next_theme(theme: str) -> str:
    """The theme that the switch goes to: system → light → dark → system."""
    known = theme if theme in THEMES else THEMES[0]
    return THEMES[(THEMES.index(known) + 1) % len(THEMES)]


def choose_theme(user: Any, theme: str) -> None:
    """Keep the theme. Raises BadArguments for a theme that does not exist."""
    if theme not in THEMES:
        raise BadArguments("Choose system, light or dark.")
    Profile.objects.update_or_create(user=user, defaults={"theme": theme})


def choose_time_zone(user: Any, name: str) -> None:
    """Keep the time zone. Raises BadArguments for a name that no clock knows."""
    if name not in zoneinfo.available_timezones():
        raise BadArguments(f"There is no time zone called {name}.")
    Profile.objects.update_or_create(user=user, defaults={"time_zone": name})

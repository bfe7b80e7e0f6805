"""What one person wants to be told where, as Profile.notify keeps it. Pure."""

import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Self

from integrations.channels.topics import LABELS, Topic

DEFAULTS: Mapping[str, frozenset[Topic]] = {
    "slack": frozenset({Topic.NEEDS_ME, Topic.REMINDER, Topic.EXPIRED, Topic.HALT}),
    "mail": frozenset({Topic.NEEDS_ME, Topic.REMINDER, Topic.DELIVERY}),
}
DIGESTS = ("off", "daily", "weekly")
_MONDAY = 0


@dataclass(frozen=True, slots=True)
class Preferences:
    """quiet: from and to, in the person's zone; nothing is sent between, but for halts."""

    topics: Mapping[str, frozenset[Topic]]
    digest: str = "off"
    digest_hour: int = 8
    quiet: tuple[time, time] | None = None
    zone: str = "UTC"

    @classmethod
    def of(cls, kept: Mapping[str, Any], zone: str) -> Self:
        """Return what is kept; what was never said, or cannot be read, is the default."""
        digest, hour = kept.get("digest"), kept.get("digest_hour")
        return cls(
            topics={channel: _topics(kept.get(channel), usual) for channel, usual in DEFAULTS.items()},
            digest=digest if digest in DIGESTS else "off",
            digest_hour=hour if isinstance(hour, int) and 0 <= hour <= 23 else 8,
            quiet=_quiet(kept.get("quiet")),
            zone=zone,
        )

    def kept(self) -> dict[str, Any]:
        """Return it as Profile.notify holds it."""
        begin_end = [f"{moment:%H:%M}" for moment in self.quiet] if self.quiet else None
        topics = {channel: sorted(chosen) for channel, chosen in self.topics.items()}
        return {**topics, "digest": self.digest, "digest_hour": self.digest_hour, "quiet": begin_end}

    def wants(self, channel: str, topic: Topic) -> bool:
        return topic in self.topics.get(channel, frozenset())

    def not_before(self, moment: datetime) -> datetime:
        """Return the moment, or the end of the quiet hours that it falls into."""
        if self.quiet is None:
            return moment
        begin, end = self.quiet
        local = moment.astimezone(_zone(self.zone))
        if not _between(local.time(), begin, end):
            return moment
        ends = local.replace(hour=end.hour, minute=end.minute, second=0, microsecond=0)
        return ends if ends > local else ends + timedelta(days=1)

    def next_digest(self, after: datetime) -> datetime | None:
        """Return when the next digest is due, or None when there is none."""
        if self.digest == "off":
            return None
        local = after.astimezone(_zone(self.zone))
        due = local.replace(hour=self.digest_hour, minute=0, second=0, microsecond=0)
        while due <= local or (self.digest == "weekly" and due.weekday() != _MONDAY):
            due += timedelta(days=1)
        return due


def _topics(kept: Any, usual: frozenset[Topic]) -> frozenset[Topic]:
    if not isinstance(kept, list):
        return usual
    return frozenset(topic for topic in LABELS if topic in kept)


def _quiet(kept: Any) -> tuple[time, time] | None:
    try:
        begin, end = (time.fromisoformat(text) for text in kept)
    except (TypeError, ValueError):
        return None
    return (begin, end) if begin != end else None


def _between(moment: time, begin: time, end: time) -> bool:
    return begin <= moment < end if begin < end else moment >= begin or moment < end


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, zoneinfo.ZoneInfoNotFoundError):
        return zoneinfo.ZoneInfo("UTC")

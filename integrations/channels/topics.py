"""What notices are about, as a person chooses among them. Pure."""

from enum import StrEnum


class Topic(StrEnum):
    NEEDS_ME = "needs_me"
    REMINDER = "reminder"
    SETTLED = "settled"
    EXPIRED = "expired"
    HALT = "halt"
    DELIVERY = "delivery"
    DONE = "done"
    DIGEST = "digest"


LABELS: dict[Topic, str] = {
    Topic.NEEDS_ME: "a request that I may settle",
    Topic.REMINDER: "a request whose time runs out, or that was escalated to me",
    Topic.SETTLED: "how something ended that I proposed, held or voted on",
    Topic.EXPIRED: "a request that nobody decided in time",
    Topic.HALT: "halts and their release",
    Topic.DELIVERY: "messages that could not be delivered (admins)",
    Topic.DONE: "what agents did alone and tell about",
}
# Only those who may settle it are told, and only while it is open.
FOR_DECIDERS = frozenset({Topic.NEEDS_ME, Topic.REMINDER})
# What a channel that many read is told.
FOR_CHANNELS = frozenset({Topic.NEEDS_ME, Topic.EXPIRED, Topic.HALT})

_BY_KIND = {"request.settled": Topic.SETTLED, "request.voted": Topic.SETTLED, "request.expired": Topic.EXPIRED}
_BY_PREFIX = (
    ("request.remind", Topic.REMINDER),
    ("request.escalat", Topic.REMINDER),
    ("request.assign", Topic.REMINDER),
    ("request.", Topic.NEEDS_ME),
    ("halt", Topic.HALT),
    ("delivery.", Topic.DELIVERY),
    ("digest", Topic.DIGEST),
)


def topic_of(kind: str) -> Topic:
    """Return what a notice of this kind is about; whatever is not known is news of what was done."""
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    return next((topic for prefix, topic in _BY_PREFIX if kind.startswith(prefix)), Topic.DONE)

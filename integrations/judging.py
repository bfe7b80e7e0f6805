"""What an event says and who wants it, before anything is changed: read, held against the schema, matched."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.models import Event, Source, Trigger
from integrations.payloads import UnreadablePayload, as_event, read_payload
from integrations.schemas import problems_of
from integrations.triggers import Problem, matches

_KIND_FIELDS = ("type", "event_type", "event", "topic", "action")
_KIND_HEADERS = ("x-github-event", "x-shopify-topic")
_LONGEST_KIND = 100
_LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Judged:
    """The event's value with what was found: problems, or the triggers that want it."""

    event: Mapping[str, Any]
    subject: str = ""
    kind: str = ""
    triggers: tuple[Trigger, ...] = ()
    problems: tuple[Problem, ...] = ()


def judge(event: Event) -> Judged:
    """Return what the event's corrected or raw body says and who wants it."""
    corrected = event.corrected is not None
    body = bytes(event.corrected if event.corrected is not None else event.body)
    content_type = "application/json" if corrected else str(event.headers.get("content-type", ""))
    try:
        value = read_payload(body, content_type)
        found = as_event(value)
    except UnreadablePayload as error:
        return Judged({}, kind=_kind({}, event.headers), problems=({"path": "", "message": error.sentence},))
    return _judge_value(event.source, value, found, event.headers)


def judge_text(event: Event, text: str) -> list[Problem]:
    """Return what would be wrong with a corrected payload; nothing when it may be judged in earnest."""
    try:
        value = read_payload(text.encode("utf-8", "surrogatepass"), "application/json")
        as_event(value)
    except UnreadablePayload as error:
        return [{"path": "", "message": error.sentence}]
    return problems_of(event.source.schema, value)


def subject_of(source: Source, event: Mapping[str, Any]) -> str:
    """Return what the event is about: the value at the source's path, as text."""
    path = source.subject.removeprefix("event.")
    value: Any = event
    for part in path.split(".") if path else ():
        value = _step(value, part)
    plain = isinstance(value, (str, int)) and not isinstance(value, bool)
    return str(value)[:_LONGEST_SUBJECT] if path and plain else ""


def _judge_value(source: Source, value: Any, event: Mapping[str, Any], headers: Mapping[str, str]) -> Judged:
    subject, kind = subject_of(source, event), _kind(event, headers)
    problems = problems_of(source.schema, value)
    if problems:
        return Judged(event, subject, kind, problems=tuple(problems))
    triggers = Trigger.objects.filter(source=source, disabled=False).order_by("pk")
    found = matches(triggers, event, subject)
    return Judged(event, subject, kind, found.triggers, found.problems)


def _step(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list) and part.isascii() and part.isdigit() and int(part[:6]) < len(value):
        return value[int(part[:6])]
    return None


def _kind(event: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    named = [headers.get(name) for name in _KIND_HEADERS] + [event.get(name) for name in _KIND_FIELDS]
    return next((name[:_LONGEST_KIND] for name in named if isinstance(name, str) and name), "")

"""Reading an event's payload that may come in many shapes. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from agents.providers.offline.text import find_emails, texts_in

_WRAPPERS = ("", "data", "payload", "object", "event", "body", "attributes")
_PROSE = (
    "message", "body", "reason", "text", "description", "comment", "comments", "notes", "note", "subject", "title",
    "content", "customer_message", "details", "nachricht", "betreff", "grund", "request", "question",
)  # fmt: skip


def dig(event: Mapping[str, Any], *paths: str) -> Any:
    """Return the first value under one of the paths that is not empty, also inside a usual wrapper. Case does not matter."""
    for path in paths:
        for wrapper in _WRAPPERS:
            value = _at(event, f"{wrapper}.{path}" if wrapper else path)
            if value not in (None, "", [], {}):
                return value
    return None


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = next((child for key, child in value.items() if _same(key, name)), None)
    return value


def _same(key: Any, name: str) -> bool:
    return str(key).replace("-", "").replace("_", "").lower() == name.replace("_", "").lower()


def text_at(event: Mapping[str, Any], *paths: str) -> str:
    """Return the text or number under one of the paths as one trimmed line of text."""
    value = dig(event, *paths)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return str(value).strip()


def prose(event: Mapping[str, Any]) -> str:
    """Return what somebody wrote: the fields that hold sentences, else every text of the payload."""
    parts = [part for part in _prose_parts(event, 0) if part.strip()]
    return "\n".join(parts)


def _prose_parts(value: Any, depth: int) -> Iterator[str]:
    if not isinstance(value, Mapping) or depth > 6:
        return
    for key, child in value.items():
        if any(_same(key, name) for name in _PROSE) and not isinstance(child, Mapping):
            yield from texts_in(child)
        elif isinstance(child, Mapping):
            yield from _prose_parts(child, depth + 1)
        elif isinstance(child, list):
            for entry in child:
                yield from _prose_parts(entry, depth + 1)


def kind_of(event: Mapping[str, Any]) -> str:
    return text_at(event, "type", "event_type", "event", "topic", "kind").lower().replace("/", ".").replace("_", ".")


def email_of(event: Mapping[str, Any]) -> str:
    """Return the address of the person whom the event is about, in small letters."""
    paths = ("customer.email", "email", "contact.email", "requester.email", "requester_email", "customer_email",
             "from", "from.email", "sender", "sender.email", "user.email", "lead.email", "e_mail", "mail")  # fmt: skip
    found = find_emails(text_at(event, *paths))
    return found[0] if found else ""


def given_email(event: Mapping[str, Any]) -> str:
    """Return the address as the payload spells it, where it is one: rules compare it letter by letter."""
    raw = text_at(event, "customer.email", "email")
    return raw if find_emails(raw) == [raw.lower()] else email_of(event)

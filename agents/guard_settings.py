"""How an agent version's guards answer: only flag, or put a person in front. Pure: no Django."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_KEYS = {"screening", "personal", "unusual", "own", "redact"}
_ANSWERING = ("screening", "personal", "unusual")
MAX_LISTED = 100


class Answer(StrEnum):
    """What a guard does with what it finds. Nothing here lets anything pass."""

    OFF = "off"
    FLAG = "flag"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """screening: text from outside that looks manipulated. personal: data of others in texts that go out.
    unusual: arguments outside the agent's own range.

    own: addresses and domains of the company itself, which are nobody's personal data.
    redact: paths of the event ("event.customer.email") that the model sees as placeholders.
    """

    screening: Answer = Answer.FLAG
    personal: Answer = Answer.PERSON
    unusual: Answer = Answer.FLAG
    own: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()

    @property
    def hidden_of_event(self) -> list[str]:
        """Return the paths inside the event whose values the model sees as placeholders."""
        return [path.removeprefix("event.") for path in self.redact]


def parse_guards(raw: Mapping[str, Any]) -> GuardSettings:
    """Return the settings that a document without problems says; what it does not say is as usual."""
    said: dict[str, Any] = {key: Answer(raw[key]) for key in _ANSWERING if raw.get(key)}
    said |= {key: tuple(raw[key]) for key in ("own", "redact") if raw.get(key)}
    return GuardSettings(**said)


def guard_problems(raw: Any) -> list[str]:
    """Return why this is not a guards block, each as a sentence with its field."""
    if not isinstance(raw, Mapping):
        return ["guards: must be names with settings."]
    found = [f"guards.{key}: there is no such guard." for key in sorted(set(map(str, raw)) - _KEYS)]
    for key in _ANSWERING:
        if raw.get(key) is not None and raw[key] not in set(Answer):
            found.append(f"guards.{key}: write off, flag or person.")
    found += [problem for key in ("own", "redact") for problem in _list_problem(key, raw.get(key) or [])]
    return found


def looser(before: GuardSettings, after: GuardSettings) -> list[str]:
    """Return, as sentences, where the new settings watch less than the old ones did."""
    strictness = list(Answer)
    found = []
    for key in _ANSWERING:
        old, new = getattr(before, key), getattr(after, key)
        if strictness.index(new) < strictness.index(old):
            found.append(f"Guard {key} goes from {old} to {new}.")
    found += [f"Guard personal lets {item} pass." for item in after.own if item not in before.own]
    return found + [f"The model may read {path}." for path in before.redact if path not in after.redact]


def _list_problem(key: str, value: Any) -> list[str]:
    if not isinstance(value, list) or any(not isinstance(item, str) or not item.strip() for item in value):
        return [f"guards.{key}: must be a list of texts."]
    if len(value) > MAX_LISTED:
        return [f"guards.{key}: name at most {MAX_LISTED}."]
    if key == "redact" and any(not item.startswith("event.") for item in value):
        return ["guards.redact: a path begins with event., as event.customer.email."]
    return []

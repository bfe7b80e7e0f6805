"""What a reviewer is shown beside the arguments, as data. Pure: no Django, no agents.

Whoever opens a request fills this; templates/approvals/request.html draws it in the order of the fields. Every text may
come from outside and is drawn as inert text. The document is part of the view digest, so it holds no floats.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """One line of "what changes". `after` is empty for a value that is only shown."""

    label: str
    before: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """The record the action is about, as it was looked up. `problem` says why it could not be read."""

    title: str = ""
    read_at: str = ""  # ISO 8601
    rows: tuple[Change, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Trip:
    """A condition that was true, and the value that made it true."""

    expression: str
    value: str


@dataclass(frozen=True, slots=True)
class Why:
    """Why a person is asked: a sentence, the rule that asks, what tripped it."""

    sentence: str = ""
    rule: str = ""  # "Rule 7, policy v23"
    rule_text: str = ""
    condition: str = ""
    trips: tuple[Trip, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """The agent's own words: never checked, never mixed with facts. confidence as text, "0.82"."""

    text: str = ""
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece of foreign text that the agent read. `value` may be any JSON value; it is drawn whole."""

    source: str
    value: Any
    at: str = ""
    sender: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Then:
    """What follows from each choice, one sentence each."""

    reversible: str = ""
    approve: str = ""
    reject: str = ""
    expiry: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A moment in the story of an unknown outcome: when, what we know. `bad` marks where it went wrong."""

    at: str
    text: str
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """Everything on the card but the arguments, which are read from the canonical bytes."""

    sentence: str = ""
    tool: str = ""
    tool_description: str = ""
    connection: str = ""
    effect: str = ""
    agent_version: int | None = None
    mode: str = ""
    run_number: int | None = None
    target: Target | None = None
    why: Why | None = None
    claim: Claim | None = None
    evidence: tuple[Evidence, ...] = ()
    then: Then | None = None
    # What differs from the request this one replaces.
    differences: tuple[Change, ...] = ()
    # Questions and hand-offs: what the agent asks, what it offers to choose from.
    question: str = ""
    options: tuple[str, ...] = ()
    # Unknown outcomes: what we know, where to look, the key it was sent under.
    known: tuple[Fact, ...] = ()
    look: str = ""
    key: str = ""


def card_document(card: Card) -> Mapping[str, Any]:
    """The card as JSON, without what is empty."""
    return {name: _plain(value) for name, value in asdict(card).items() if value not in (None, "", (), [])}


def _plain(value: Any) -> Any:
    """Tuples as lists: the database gives them back that way, and the digest must not differ."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value

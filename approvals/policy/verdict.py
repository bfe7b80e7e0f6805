"""What the policy answers: a closed union by level. Every verdict carries the rule that gave it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from approvals.states import RequestClass


class Level(StrEnum):
    """How much an agent may do by itself, from all to nothing."""

    ALONE = "1"
    NOTIFY = "2"
    PERSON = "3"
    ESCALATE = "4"
    DENY = "deny"

    @property
    def strictness(self) -> int:
        """Return 0 for full autonomy up to 4 for deny."""
        return _STRICTNESS[self]


_STRICTNESS = {level: place for place, level in enumerate(Level)}


class Code(StrEnum):
    """Why a verdict is what it is, for programs."""

    RULE = "rule"
    DEFAULT = "default"
    MODE = "mode"
    CONFIDENCE = "confidence"
    CONSTRAIN = "constrain"
    MONEY = "money"
    RULE_ERROR = "rule_error"
    GUARD = "guard"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class RuleRef:
    """The rule as it was when it judged. Number 0 is the built-in answer where no rule matches."""

    number: int
    id: str
    hash: str
    text: str
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Trip:
    """One part of a condition that was met, and the value that met it: 'args.amount > 5', '7'."""

    expression: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    rule: RuleRef
    why: str
    trips: tuple[Trip, ...] = ()
    code: str = Code.RULE


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow(_Verdict):
    """It may happen, and nobody needs to hear of it."""

    @property
    def level(self) -> Level:
        return Level.ALONE


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowAndNotify(_Verdict):
    """It may happen, and people are told."""

    @property
    def level(self) -> Level:
        return Level.NOTIFY


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsApproval(_Verdict):
    """It waits for `votes` people, out of the group `approvers` where one is named."""

    approvers: str
    votes: int
    cls: RequestClass
    deadline_s: int

    @property
    def level(self) -> Level:
        return Level.PERSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate(_Verdict):
    """The agent must not do it; a person takes over."""

    reason: str

    @property
    def level(self) -> Level:
        return Level.ESCALATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny(_Verdict):
    """It never happens. `reason` is the text that the model reads."""

    reason: str

    @property
    def level(self) -> Level:
        return Level.DENY


Verdict = Allow | AllowAndNotify | NeedsApproval | Escalate | Deny

_KINDS: dict[Level, type[Verdict]] = {
    Level.ALONE: Allow,
    Level.NOTIFY: AllowAndNotify,
    Level.PERSON: NeedsApproval,
    Level.ESCALATE: Escalate,
    Level.DENY: Deny,
}


def is_stricter(new: Verdict, old: Verdict) -> bool:
    """Return whether new asks for anything that old did not: level, votes, class or approvers.

    A shorter deadline is not stricter here: a request that was settled in time stays settled.
    """
    if new.level is not old.level:
        return new.level.strictness > old.level.strictness
    if isinstance(new, NeedsApproval) and isinstance(old, NeedsApproval):
        return _asks_more(new, old)
    return False


def _asks_more(new: NeedsApproval, old: NeedsApproval) -> bool:
    return (
        new.votes > old.votes
        or (new.cls is RequestClass.HIGH and old.cls is not RequestClass.HIGH)
        or (new.approvers != "" and new.approvers != old.approvers)
    )


def verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as plain JSON values, the level among them."""
    return {"level": verdict.level.value, **asdict(verdict)}


def verdict_from_json(document: Mapping[str, Any]) -> Verdict:
    """Return the verdict that verdict_to_json wrote. Raises ValueError or KeyError for anything else."""
    fields = dict(document)
    kind = _KINDS[Level(fields.pop("level"))]
    fields["rule"] = RuleRef(**fields["rule"])
    fields["trips"] = tuple(Trip(**trip) for trip in fields.get("trips", ()))
    if kind is NeedsApproval:
        fields["cls"] = RequestClass(fields["cls"])
    return kind(**fields)

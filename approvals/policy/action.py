"""What the policy judges: one proposed tool call, frozen, without a database."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Effect(StrEnum):
    """What a repeated call does outside, and so who may repeat it."""

    READ = "read"
    KEYED = "keyed"
    CONVERGENT = "convergent"
    QUERYABLE = "queryable"
    BLIND = "blind"


class Mode(StrEnum):
    """How far an agent version may go."""

    SHADOW = "shadow"
    SUGGEST = "suggest"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Money:
    """What a call moves, in minor units of its currency."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class ProposedAction:
    """One call as the model proposed it and as our code resolved it.

    authority: dotted paths of the arguments that carry power; each must be pinned by a rule
        before a write acts alone in a tainted run.
    tainted: the run has read text that did not come from us.
    confidence: the model's own figure, 0 to 1; it can only make the verdict stricter.
    event: the payload of the verified event that the run belongs to.
    target: the record that was looked up for the call, None when there is none.
    totals: what has happened so far, e.g. actions_in_run, moved_minor_today.
    target_argument: the argument by which `target` was looked up. Equality with the target
        pins nothing unless this argument is pinned by something the model does not choose.
    """

    tool: str
    effect: Effect
    arguments: Mapping[str, Any]
    authority: tuple[str, ...]
    agent: str
    mode: Mode
    subject: str
    tainted: bool
    confidence: float | None
    confidence_floor: float
    event: Mapping[str, Any] | None
    target: Mapping[str, Any] | None
    totals: Mapping[str, int]
    money: Money | None
    target_argument: str = ""

    @property
    def is_write(self) -> bool:
        return self.effect is not Effect.READ

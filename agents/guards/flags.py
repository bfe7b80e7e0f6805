"""What a guard has to say about one call, and what it asks for. Pure.

A flag can only ask for more: a person, or a no. There is no value that lets anything pass.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from agents.guard_settings import Answer
from approvals.policy.rules import DEFAULT_DEADLINE_S, Rule
from approvals.policy.verdict import Allow, AllowAndNotify, Code, Deny, NeedsApproval, Trip, Verdict
from approvals.states import RequestClass


class Demand(StrEnum):
    NOTHING = "nothing"
    PERSON = "person"
    DENY = "deny"


_SEVERITY = {Demand.NOTHING: "info", Demand.PERSON: "wait", Demand.DENY: "stop"}


@dataclass(frozen=True, slots=True)
class Flag:
    """One finding. `text` is our sentence; `phrase` is what it is about, in the words of whoever wrote it."""

    code: str
    text: str
    demand: Demand = Demand.NOTHING
    phrase: str = ""

    def shown(self) -> dict[str, str]:
        """Return it as a card and the journal hold it."""
        return {"code": self.code, "text": self.text, "severity": _SEVERITY[self.demand], "phrase": self.phrase}


def demanded(answer: Answer) -> Demand:
    return Demand.PERSON if answer is Answer.PERSON else Demand.NOTHING


def tightened(verdict: Verdict, flags: Sequence[Flag], rules: Sequence[Rule]) -> Verdict:
    """Return the verdict, or the stricter one that the flags ask for; it names the rule that had judged."""
    refused = [flag for flag in flags if flag.demand is Demand.DENY]
    if refused and not isinstance(verdict, Deny):
        why = _said(refused)
        return Deny(rule=verdict.rule, why=why, trips=_trips(refused), code=Code.GUARD, reason=why)
    asking = [flag for flag in flags if flag.demand is Demand.PERSON]
    if not asking:
        return verdict
    if isinstance(verdict, (Allow, AllowAndNotify)):
        return _asked(verdict, asking, rules)
    if isinstance(verdict, NeedsApproval):
        return replace(verdict, why=f"{verdict.why} {_said(asking)}", trips=(*verdict.trips, *_trips(asking)))
    return verdict


def _asked(verdict: Verdict, asking: Sequence[Flag], rules: Sequence[Rule]) -> NeedsApproval:
    """A person signs under the terms of the rule that would have let it run."""
    rule = rules[verdict.rule.number - 1] if 0 < verdict.rule.number <= len(rules) else None
    return NeedsApproval(
        rule=verdict.rule,
        why=f"{_said(asking)} So a person decides.",
        trips=_trips(asking),
        code=Code.GUARD,
        approvers=rule.approvers if rule else "",
        votes=rule.votes if rule else 1,
        cls=rule.cls if rule else RequestClass.NORMAL,
        deadline_s=rule.deadline_s if rule else DEFAULT_DEADLINE_S[RequestClass.NORMAL],
    )


def _said(flags: Iterable[Flag]) -> str:
    return " ".join(dict.fromkeys(flag.text for flag in flags))


def _trips(flags: Iterable[Flag]) -> tuple[Trip, ...]:
    return tuple(Trip(f"guard: {flag.code}", flag.phrase or flag.text) for flag in flags)

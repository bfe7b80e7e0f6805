"""Why a verdict came out as it did: each rule's own answer, in words. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from approvals.policy.action import ProposedAction
from approvals.policy.engine import Answer, answers, evaluate
from approvals.policy.rules import Rule, rule_consequence
from approvals.policy.verdict import Code, NeedsApproval, Trip, Verdict


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """One rule about the tool: what it said, and whether it is the one that the verdict names.

    against: how it stands to the rule that decides, for one that holds and does not.
    """

    number: int
    condition: str
    answer: str
    level: str
    decides: bool
    trips: tuple[Trip, ...]
    against: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The verdict, what it asks of people, and each rule about the tool."""

    verdict: Verdict
    asks: str
    rules: tuple[RuleAnswer, ...]


def explain(action: ProposedAction, rules: Sequence[Rule], *, today: date | None = None) -> Explanation:
    """Return the engine's verdict on the action with every rule's part in it."""
    verdict = evaluate(action, rules, today=today)
    told = tuple(_told(answer, verdict) for answer in answers(action, rules, today=today))
    return Explanation(verdict, _asks(verdict), told)


def _told(answer: Answer, verdict: Verdict) -> RuleAnswer:
    own = answer.verdict
    return RuleAnswer(
        number=answer.number,
        condition=answer.rule.when,
        answer=_words(answer),
        level=own.level.value if own is not None else "",
        decides=own is not None and answer.number == verdict.rule.number,
        trips=own.trips if own is not None else (),
        against=_against(answer, verdict),
    )


def _against(answer: Answer, verdict: Verdict) -> str:
    own, winner = answer.verdict, verdict.rule.number
    if own is None or not winner or answer.number == winner:
        return ""
    if own.level is verdict.level:
        return f"as strict as rule {winner}, which asks for as much or more; what this one asks of people is added"
    return f"gives way to rule {winner}, which is stricter"


def _words(answer: Answer) -> str:
    if answer.verdict is None:
        return "does not hold"
    if answer.verdict.code == Code.RULE:
        return f"holds: {rule_consequence(answer.rule)}"
    return answer.verdict.why


def _asks(verdict: Verdict) -> str:
    if not isinstance(verdict, NeedsApproval):
        return ""
    who = f"{verdict.votes} vote{'s' if verdict.votes > 1 else ''}"
    group = f", {verdict.approvers}" if verdict.approvers else ""
    return f"{who}{group}, {verdict.cls.value}, within {verdict.deadline_s // 3600} h"

"""Business rules of one tool: what must be true of a call, in CEL, judged on the same facts as policy rules. Pure."""

from collections.abc import Iterator

from agents.guards.flags import Demand, Flag
from agents.tools.base import RequireSpec, Tool
from approvals.policy.action import ProposedAction
from approvals.policy.conditions import ConditionError, Facts, compile_condition
from approvals.policy.engine import facts_of


def requirement_flags(tool: Tool, action: ProposedAction) -> Iterator[Flag]:
    """Yield a flag for each requirement that does not hold, or that cannot be judged: that counts as not holding."""
    if not tool.require:
        return
    try:
        facts = facts_of(action)
    except ConditionError as error:
        yield Flag("rule", f"What must be true of this call could not be judged: {error.message}.", Demand.PERSON)
        return
    for one in tool.require:
        flag = _judged(one, facts)
        if flag is not None:
            yield flag


def _judged(one: RequireSpec, facts: Facts) -> Flag | None:
    try:
        if compile_condition(one.that).holds(facts):
            return None
    except ConditionError as error:
        # Nobody is refused because our own rule has nothing to look at; a person looks.
        return Flag("rule", f"{_said(one)} (It could not be judged: {error.message}.)", Demand.PERSON, one.that)
    return Flag("rule", _said(one), Demand.DENY if one.deny else Demand.PERSON, one.that)


def _said(one: RequireSpec) -> str:
    return one.say or f"A rule of this tool does not hold: {one.that}."

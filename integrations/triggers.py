"""Which agents does an event set to work? Every trigger of its source whose condition holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from approvals.policy.conditions import EVENT_VARIABLES, ConditionError, Facts, compile_condition
from integrations.models import Trigger

Problem = dict[str, str]


@dataclass(frozen=True, slots=True)
class Matches:
    """The triggers that want the event, and a problem for each whose condition could not be judged."""

    triggers: tuple[Trigger, ...]
    problems: tuple[Problem, ...]


def check_when(text: str) -> None:
    """Raise ConditionError, with the character, when this cannot be the condition of a trigger."""
    compile_condition(text, EVENT_VARIABLES)


def matches(triggers: Iterable[Trigger], event: Mapping[str, Any], subject: str) -> Matches:
    """Return who wants the event. A condition that errs wants nothing and is told of: it is a question of data."""
    wanting: list[Trigger] = []
    problems: list[Problem] = []
    try:
        facts = Facts({"event": event, "subject": subject})
    except ConditionError as error:
        return Matches((), ({"path": "", "message": f"No condition can be judged: {error}."},))
    for trigger in triggers:
        try:
            if compile_condition(trigger.when, EVENT_VARIABLES).holds(facts):
                wanting.append(trigger)
        except ConditionError as error:
            problems.append(_problem(trigger, error))
    return Matches(tuple(wanting), tuple(problems))


def _problem(trigger: Trigger, error: ConditionError) -> Problem:
    reason = str(error).rstrip(".")
    return {
        "path": "",
        "message": f"The trigger for {trigger.agent} cannot be judged: {reason}. Condition: {trigger.when}",
    }

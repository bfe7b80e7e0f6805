"""What would let agents do more alone than they may now. Pure.

New agents, new connections with their tools, and rules for those are no widening: nobody has had less before.
Rules are compared by approvals.policy.widening; here stands what else gives an agent more room.
"""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from integrations.package.diffing import Change, Document, Verb

_MODES = ("shadow", "suggest", "live")
# With a default read tools run alone, so what is called a read is itself a matter of autonomy.
_PROTECTIONS = ("money", "target", "check", "lookup", "compensate_with")


def wider_by_objects(changes: Sequence[Change]) -> list[str]:
    """Return one sentence for each way in which changed agents and connections would have more room."""
    changed = [change for change in changes if change.verb is Verb.CHANGE]
    agents = [line for change in changed if change.kind == "agents" for line in _agent(change)]
    return agents + [line for change in changed if change.kind == "connections" for line in _connection(change)]


def concerns_new_tools_only(rule: Document, *, tools: Sequence[str], patterns: Sequence[str]) -> bool:
    """Return whether a rule speaks only of tools that nobody could use so far.

    tools: the names of all tools there are now; patterns: the tool patterns of all agents there are now.
    """
    pattern = str(rule.get("tool", "*"))
    known = any(_overlap(pattern, name) for name in tools)
    return not known and not any(_overlap(pattern, other) for other in patterns)


def _overlap(one: str, other: str) -> bool:
    """Return whether a name could match both patterns; in doubt, yes."""
    head, tail = _literal(one), _literal(other)
    exact_one, exact_other = head == one, tail == other
    if exact_one and exact_other:
        return one == other
    if exact_one:
        return one.startswith(tail)
    return other.startswith(head) if exact_other else head.startswith(tail) or tail.startswith(head)


def _covers(wide: str, narrow: str) -> bool:
    """Return whether every name that matches narrow surely matches wide."""
    if _literal(narrow) == narrow:
        return fnmatchcase(narrow, wide)
    return wide == narrow or (_literal(wide) + "*" == wide and _literal(narrow).startswith(_literal(wide)))


def _literal(pattern: str) -> str:
    """Return the part of a pattern before its first wildcard."""
    ends = [position for sign in "*?[" if (position := pattern.find(sign)) >= 0]
    return pattern[: min(ends)] if ends else pattern


def _agent(change: Change) -> Iterator[str]:
    before, after, who = change.before or {}, change.after or {}, f"Agent {change.name}"
    if _MODES.index(after["mode"]) > _MODES.index(before["mode"]):
        yield f"{who} would go from {before['mode']} to {after['mode']}."
    for pattern in after["tools"]:
        if not any(_covers(old, pattern) for old in before["tools"]):
            yield f"{who} would also have the tools {pattern}."
    if after["confidence_floor"] < before["confidence_floor"]:
        yield f"{who} would act from a confidence of {after['confidence_floor']}, not {before['confidence_floor']}."
    yield from _limits(who, before["limits"], after["limits"])


def _limits(who: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name, bound in _flat(before).items():
        now = _flat(after).get(name)
        if now is None:
            yield f"{who} would lose its limit {name} of {bound}."
        elif float(now) > float(bound):
            yield f"{who} would have a limit {name} of {now}, not {bound}."


def _flat(limits: Mapping[str, Any]) -> dict[str, Any]:
    flat = {name: value for name, value in limits.items() if not isinstance(value, Mapping)}
    nested = {name: value for name, value in limits.items() if isinstance(value, Mapping)}
    return flat | {f"{name}.{key}": sum_ for name, sums in nested.items() for key, sum_ in sums.items()}


def _connection(change: Change) -> Iterator[str]:
    before, after = (change.before or {}).get("tools", {}), (change.after or {}).get("tools", {})
    for operation in sorted({*before, *after}):
        yield from _tool(f"{change.name}.{operation}", before.get(operation, {}), after.get(operation, {}))


def _tool(name: str, before: Document, after: Document) -> Iterator[str]:
    if after.get("effect") == "read" and before.get("effect") != "read":
        yield f"{name} would count as a read, which runs without a rule."
    gone = [argument for argument in before.get("authority") or [] if argument not in (after.get("authority") or [])]
    if gone:
        yield f"{name} would no longer have to pin {', '.join(gone)}."
    for field in _PROTECTIONS:
        if before.get(field) and before.get(field) != after.get(field):
            yield f"{name} would {'change' if after.get(field) else 'lose'} its {field.replace('_', ' ')}."

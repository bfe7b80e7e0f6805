"""What else, beside its own version and the rules, would let an agent do more alone. Pure.

New agents, new connections with their tools, and rules that only those meet are no widening: nobody had less before.
Versions are compared by agents.changes, rules by approvals.policy.widening.
"""

from collections.abc import Iterator, Mapping, Sequence

from agents.tools.base import Tool
from approvals.policy.action import Effect
from integrations.package.diffing import Change, Document

# What a tool declares for the reviewer and the executor; without it they see or check less.
_PROTECTIONS = ("money", "target", "check", "lookup", "compensate_with", "require", "ensure", "redact")
# Where a connection leads, as whom, and what its operations are: what look-ups and limits lean on comes from there.
_GROUND = (("base_url", "address"), ("auth", "account"), ("document", "API document"))


def wider_by_ground(name: str, before: Document, after: Document) -> Iterator[str]:
    """Yield one sentence for each thing about a connection that agents who act alone would find changed under them."""
    for field, word in _GROUND:
        if before.get(field) != after.get(field):
            yield f"{name}: its {word} would change, and agents that act alone lean on what it answers."


def may_use(connection: str, patterns: Sequence[str]) -> bool:
    """Return whether one of an agent's tool patterns could name a tool of the connection."""
    return any(_overlap(f"{connection}.*", pattern) for pattern in patterns)


def reaches_no_agent(rule: Document, patterns: Sequence[str]) -> bool:
    """Return whether a rule speaks only of tools that no agent there is may use.

    patterns: the tool patterns of all agents there are now.
    """
    return not any(_overlap(str(rule.get("tool", "*")), pattern) for pattern in patterns)


def _overlap(one: str, other: str) -> bool:
    """Return whether a name could match both patterns; in doubt, yes."""
    head, tail = _literal(one), _literal(other)
    exact_one, exact_other = head == one, tail == other
    if exact_one and exact_other:
        return one == other
    if exact_one:
        return one.startswith(tail)
    return other.startswith(head) if exact_other else head.startswith(tail) or tail.startswith(head)


def _literal(pattern: str) -> str:
    """Return the part of a pattern before its first wildcard."""
    ends = [position for sign in "*?[" if (position := pattern.find(sign)) >= 0]
    return pattern[: min(ends)] if ends else pattern


def wider_by_own_groups(person: str, changes: Sequence[Change]) -> Iterator[str]:
    """Yield one sentence for each group in which the person who asks for the changes would stand otherwise."""
    for change in changes:
        if change.kind == "groups" and _standing(person, change.before) != _standing(person, change.after):
            yield f"{person} would stand otherwise in the group {change.name}; nobody changes their own authority."


def more_for_others(person: str, changes: Sequence[Change]) -> Iterator[str]:
    """Yield one sentence for each other person who could sign more than before: a second admin countersigns that."""
    return (f"{other} could sign more in the group {group}." for other, group in _more(person, changes))


def given_more(person: str, changes: Sequence[Change]) -> set[str]:
    """Return the names of the other people who could sign more than before: they do not sign for that themselves."""
    return {other for other, _ in _more(person, changes)}


def _more(person: str, changes: Sequence[Change]) -> Iterator[tuple[str, str]]:
    for change in changes:
        people = change.after["people"] if change.kind == "groups" and change.after else ()
        for other in sorted(set(people) - {person}):
            (was_in, before), (_, after) = _standing(other, change.before), _standing(other, change.after)
            if not was_in or any(amount > before.get(currency, -1) for currency, amount in after.items()):
                yield other, change.name


def more_when_late(changes: Sequence[Change]) -> Iterator[str]:
    """Yield one sentence for each team or group whose requests more people could sign when time runs out."""
    for change in changes:
        to = change.after.get("escalates_to") if change.kind in ("teams", "groups") and change.after else ""
        if to and to != (change.before or {}).get("escalates_to"):
            yield f"When 75 % of the time has gone, members of {to} could sign what waits for {change.name}."


def _standing(person: str, group: Document | None) -> tuple[bool, Mapping[str, int]]:
    if not group or person not in group["people"]:
        return False, {}
    return True, group["limits"].get(person, {})


def wider_by_tools(before: Mapping[str, Tool], after: Mapping[str, Tool]) -> list[str]:
    """Return one sentence for each protection that a tool of a changed connection would lose."""
    both = [(name, old, after[name]) for name, old in before.items() if name in after]
    return [sentence for name, old, new in both for sentence in _tool(name, old, new)]


def _tool(name: str, old: Tool, new: Tool) -> Iterator[str]:
    if new.effect is Effect.READ and old.effect is not Effect.READ:
        yield f"{name} would count as a read, which runs without a rule."
    gone = [argument for argument in old.authority if argument not in new.authority]
    if gone and new.effect is not Effect.READ:
        yield f"{name} would no longer have to pin {', '.join(gone)}."
    for field in _PROTECTIONS:
        if getattr(old, field) and getattr(old, field) != getattr(new, field):
            yield f"{name} would {'change' if getattr(new, field) else 'lose'} its {field.replace('_', ' ')}."

"""From a wish to a plan: the changes, what stands against them, what would let agents do more alone. Reads only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agents.changes import widening_of
from approvals.policy.rules import RuleError, parse_rules, rule_document
from approvals.policy.widening import widens
from integrations.channel_documents import is_channel
from integrations.package import autonomy
from integrations.package.checking import check, version_document
from integrations.package.connection_tools import tools_of_document
from integrations.package.diffing import SINGULAR, Change, Document, State, Verb, changes_between
from integrations.package.naming import rule_name
from integrations.package.problems import Problem
from integrations.package.rows import Row, Rows, all_rows, stored_rules
from integrations.package.secrets_check import secret_notes
from integrations.package.wishes import Wish

NEW_TEAM: Document = {"hours": {}, "escalates_to": ""}


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen. With problems, nothing may; with `wider`, only after a second person says so."""

    wish: Wish
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    wider: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not self.changes


def make_plan(wish: Wish) -> Plan:
    """Return what carrying out the wish would change, as things are now."""
    rows = all_rows()
    foreign = list(_foreign(wish, rows))
    changes = tuple(changes_between(_before(wish, rows), {**wish.put, "teams": _whole_teams(wish, rows)}))
    problems = foreign or [*check(wish, rows, changes), *_rules_together(wish, changes)]
    wider = () if problems else tuple(_wider(rows, changes, wish))
    return Plan(wish, changes, tuple(problems), tuple(secret_notes(changes)), wider)


def moved_ground(rows: Rows, changes: Sequence[Change]) -> Iterator[str]:
    """Yield one sentence for each change of where a connection leads that some agent may use which acts alone."""
    agents = [row.document.get("tools", []) for row in rows["agents"].values()]
    alone = [rule_document(rule) for rule in parse_rules(stored_rules()) if rule.acts_alone]
    free = [patterns for patterns in agents if not all(autonomy.reaches_no_agent(rule, patterns) for rule in alone)]
    for name, before, after in _both("connections", rows, changes):
        if not is_channel(before) and any(autonomy.may_use(name, patterns) for patterns in free):
            yield from autonomy.wider_by_ground(name, before, after)


def is_empty_installation(rows: Rows) -> bool:
    """Return whether no agent and no rule is there that could be given more room."""
    return not rows["agents"] and not rows["policy"]


def _before(wish: Wish, rows: Rows) -> State:
    """Return what the wish replaces: everything its package has put, or only the things it names."""
    return {
        kind: {name: row.document for name, row in rows[kind].items() if _is_replaced(wish, kind, name, row)}
        for kind in rows
    }


def _whole_teams(wish: Wish, rows: Rows) -> dict[str, Document]:
    """Return the wished teams with all that holds of them: what a wish does not say of a team stays."""
    there = rows["teams"]
    return {
        name: {**NEW_TEAM, **(there[name].document if name in there else {}), **said}
        for name, said in wish.put.get("teams", {}).items()
    }


def _is_replaced(wish: Wish, kind: str, name: str, row: Row) -> bool:
    wanted = name in wish.put.get(kind, {})
    if row.is_free:
        return False
    if wish.retire is None:
        return row.package == wish.package or (wanted and _may_have(kind, row, wish.put[kind][name]))
    return wanted or name in wish.retire.get(kind, ())


def _may_have(kind: str, row: Row, wanted: Document) -> bool:
    """Return whether a package may name what somebody else put: a team of nobody's, what is the same, a demonstration's."""
    team = kind == "teams" and (not row.package or {**row.document, **wanted} == row.document)
    return team or (kind == "groups" and row.document == wanted) or row.steps_back


def _foreign(wish: Wish, rows: Rows) -> Iterator[Problem]:
    """Yield each name that somebody else has."""
    if not wish.is_package:
        return
    for kind, things in wish.put.items():
        for name, document in things.items():
            row = rows[kind].get(name)
            if kind == "policy" or row is None or row.package == wish.package or row.is_free:
                continue
            if not _may_have(kind, row, document):
                yield wish.problem(kind, name, what=_owner_sentence(kind, name, row), todo="Choose another name.")


def _owner_sentence(kind: str, name: str, row: Row) -> str:
    owner = f"belongs to the package {row.package}" if row.package else "was made in the browser"
    return f"The {SINGULAR[kind]} {name} {owner}."


def _rules_together(wish: Wish, changes: Sequence[Change]) -> Iterator[Problem]:
    """Yield what is wrong with the policy as a whole: two packages may not give one id to different rules."""
    try:
        parse_rules(rules_after(wish, changes))
    except RuleError as error:
        yield Problem(what=f"The policy as a whole: {error}", todo="Give the rule another id.")


def _wider(rows: Rows, changes: Sequence[Change], wish: Wish) -> list[str]:
    if is_empty_installation(rows):
        return []
    return _wider_by_agents(rows, changes) + _wider_by_tools(rows, changes) + _wider_by_rules(rows, changes, wish)


def _both(kind: str, rows: Rows, changes: Sequence[Change]) -> Iterator[tuple[str, Document, Document]]:
    """Yield the name of each changed thing, what it was and what it would be; what was switched off or retired, too.

    Otherwise a thing could be given more room in two steps that need nobody else: away, and back with more.
    """
    for change in changes:
        known = rows[kind].get(change.name) if change.kind == kind else None
        if known is not None and change.after is not None:
            yield change.name, change.before or known.document, change.after


def _wider_by_agents(rows: Rows, changes: Sequence[Change]) -> list[str]:
    return [
        f"{name}: {sentence}"
        for name, before, after in _both("agents", rows, changes)
        for sentence in widening_of(version_document(before), version_document(after))
    ]


def _wider_by_tools(rows: Rows, changes: Sequence[Change]) -> list[str]:
    return [
        sentence
        for _, before, after in _both("connections", rows, changes)
        for sentence in autonomy.wider_by_tools(tools_of_document(before).tools, tools_of_document(after).tools)
    ]


def _wider_by_rules(rows: Rows, changes: Sequence[Change], wish: Wish) -> list[str]:
    """Return what the changed rules would loosen; rules for tools that no such agent may use do not count."""
    if not any(change.kind == "policy" for change in changes):
        return []
    free = {c.name for c in changes if c.kind == "policy" and _reaches_nobody(c, rows, changes)}
    old = [rule for rule in stored_rules() if rule_name(rule) not in free]
    new = [rule for rule in rules_after(wish, changes) if rule_name(rule) not in free]
    return list(widens(parse_rules(old), parse_rules(new)))


def _reaches_nobody(rule: Change, rows: Rows, changes: Sequence[Change]) -> bool:
    """Return whether no agent there is could meet the rule. One that is switched off could: it may be switched on.

    Only an agent that goes or comes back together with the rule does not count: it is as good as a new one.
    """
    along = {c.name for c in changes if c.kind == "agents" and c.verb is rule.verb and c.verb is not Verb.CHANGE}
    agents = [row.document for name, row in rows["agents"].items() if name not in along]
    patterns = [pattern for document in agents for pattern in document.get("tools", [])]
    return autonomy.reaches_no_agent(rule.after or rule.before or {}, patterns)


def rules_after(wish: Wish, changes: Sequence[Change]) -> list[Document]:
    """Return the whole policy as it would be: everybody else's rules in their places, then what the wish adds."""
    gone = {c.name for c in changes if c.kind == "policy" and c.verb is Verb.RETIRE}
    put = {c.name: c.after for c in changes if c.kind == "policy" and c.after is not None}
    kept = [put.pop(rule_name(rule), rule) for rule in stored_rules() if rule_name(rule) not in gone]
    return [*kept, *put.values()]

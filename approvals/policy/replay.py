"""What a draft would have done: past actions judged by the policy in force and by the draft, and counted. Pure.

Each rule that both hold alike is asked once; reasons in words are not made. The figures are those of a plain loop
that calls `evaluate` twice for each action, which a test holds it to.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from approvals.policy.action import ProposedAction
from approvals.policy.conditions import Facts
from approvals.policy.engine import Heard, Ruling, Terms, facts_of, hear, rule_on
from approvals.policy.rules import Rule
from approvals.policy.verdict import Code, Level

SHOWN = 12
_ALONE = (Level.ALONE, Level.NOTIFY)


class Source(Protocol):
    """What an example says of its action."""

    @property
    def id(self) -> UUID: ...
    @property
    def run_id(self) -> UUID: ...
    @property
    def run_number(self) -> int: ...
    @property
    def sentence(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def state(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Past:
    """One past action as it is counted. people: what people made of it; unknown: what of it was not kept.

    source: where it comes from, told only of the few that are kept as examples.
    """

    proposed: ProposedAction | None
    people: str
    unknown: frozenset[str]
    source: Source
    compensated: bool = False


@dataclass(slots=True)
class Tally:
    """What was counted so far. A move is "1>3": the level by the policy in force, and by the draft.

    "3>3" is a signature asked for on other terms; what stays as it was is counted in `same` alone.
    """

    judged: int = 0
    same: int = 0
    moves: Counter[str] = field(default_factory=Counter)
    people: dict[str, Counter[str]] = field(default_factory=dict)
    compensated: Counter[str] = field(default_factory=Counter)
    money: dict[str, Counter[str]] = field(default_factory=dict)
    tools: dict[str, Counter[str]] = field(default_factory=dict)
    agents: dict[str, Counter[str]] = field(default_factory=dict)
    unjudged: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Add what another tally counted of other actions."""
        self.judged += other.judged
        self.same += other.same
        for mine, theirs in ((self.moves, other.moves), (self.compensated, other.compensated)):
            mine.update(theirs)
        self.unjudged.update(other.unjudged)
        for counts, more in ((self.people, other.people), (self.money, other.money), (self.tools, other.tools)):
            _join(counts, more)
        _join(self.agents, other.agents)
        for move, examples in other.examples.items():
            kept = self.examples.setdefault(move, [])
            kept.extend(examples)
            _largest(kept)

    def to_json(self) -> dict[str, Any]:
        """Return the counts as plain JSON; `Tally.of` reads them again."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Tally":
        known = {name: document[name] for name in cls.__slots__ if name in document}
        for name in ("moves", "compensated", "unjudged"):
            known[name] = Counter(known.get(name, {}))
        for name in ("people", "money", "tools", "agents"):
            known[name] = {key: Counter(counts) for key, counts in known.get(name, {}).items()}
        return cls(**known)


def _join(counts: dict[str, Counter[str]], more: Mapping[str, Counter[str]]) -> None:
    for key, counted in more.items():
        counts.setdefault(key, Counter()).update(counted)


class Replay:
    """Judges past actions by two sets of rules. `today`: the day by which rules run out, for all of them."""

    def __init__(self, in_force: Sequence[Rule], draft: Sequence[Rule], *, today: date) -> None:
        self._sets = (tuple(enumerate(in_force, start=1)), tuple(enumerate(draft, start=1)))
        self._today = today
        self._about: dict[str, tuple[tuple[tuple[int, Rule], ...], ...]] = {}

    def count(self, past: Iterable[Past], tally: Tally) -> None:
        """Add these actions to the tally."""
        for one in past:
            self._count_one(one, tally)

    def rulings(self, action: ProposedAction) -> tuple[Ruling, Ruling]:
        """Return what the policy in force and the draft decide; never raises."""
        before, after, _ = self._judged(action)
        return before, after

    def _count_one(self, one: Past, tally: Tally) -> None:
        if one.proposed is None:
            tally.unjudged["what was proposed can no longer be read"] += 1
            return
        before, after, totals = self._judged(one.proposed)
        missing = _missing(one, (before, after), totals=totals) if one.unknown else ""
        if missing:
            tally.unjudged[missing] += 1
            return
        tally.judged += 1
        if before.level is after.level and before.terms == after.terms or _alike(before, after):
            tally.same += 1
        else:
            _note(one, f"{before.level}>{after.level}", tally)

    def _judged(self, action: ProposedAction) -> tuple[Ruling, Ruling, bool]:
        facts, asked = facts_of(action), dict[str, Heard | None]()
        sets = self._rules_about(action.tool)
        try:
            before, after = (rule_on(action, self._heard(rules, action, facts, asked)) for rules in sets)
        except Exception:
            # what the engine says of its own defects
            before = after = Ruling(Level.PERSON, Code.FAULT, 0, Terms())
        return before, after, any("totals" in rule.condition.names for rules in sets for _, rule in rules)

    def _heard(
        self,
        rules: Sequence[tuple[int, Rule]],
        action: ProposedAction,
        facts: Facts,
        asked: dict[str, Heard | None],
    ) -> list[Heard]:
        for number, rule in rules:
            if rule.hash not in asked:
                asked[rule.hash] = hear(rule, number, action, facts, self._today)
        return [found for _, rule in rules if (found := asked[rule.hash]) is not None]

    def _rules_about(self, tool: str) -> tuple[tuple[tuple[int, Rule], ...], ...]:
        if tool not in self._about:
            self._about[tool] = tuple(
                tuple((number, rule) for number, rule in rules if rule.is_about(tool)) for rules in self._sets
            )
        return self._about[tool]


def _alike(before: Ruling, after: Ruling) -> bool:
    """Return whether nobody would see a difference: terms matter only where a person signs."""
    return before.level is after.level and before.level is not Level.PERSON


def _missing(one: Past, rulings: Sequence[Ruling], *, totals: bool) -> str:
    """Return what would have to be known to judge this, "" where it does not matter."""
    action = one.proposed
    if totals and "totals" in one.unknown:
        return "the totals of that moment were not kept, and a rule asks for them"
    free = action is not None and action.is_write and any(ruling.level in _ALONE for ruling in rulings)
    if free and "authority" in one.unknown:
        return "which arguments carried power then was not kept, and a rule would let it run alone"
    return ""


def _note(one: Past, move: str, tally: Tally) -> None:
    action = one.proposed
    if action is None:
        return
    tally.moves[move] += 1
    tally.compensated[move] += one.compensated
    for where, key in ((tally.people, move), (tally.tools, action.tool), (tally.agents, action.agent)):
        where.setdefault(key, Counter())[one.people if where is tally.people else move] += 1
    if action.money is not None:
        tally.money.setdefault(move, Counter())[action.money.currency] += action.money.amount_minor
    _keep_example(one, action, move, tally)


def _keep_example(one: Past, action: ProposedAction, move: str, tally: Tally) -> None:
    """Keep the largest by money; of equals, the earlier ones."""
    kept = tally.examples.setdefault(move, [])
    amount = action.money.amount_minor if action.money else 0
    if len(kept) >= SHOWN and amount <= kept[-1]["amount_minor"]:
        return
    currency = action.money.currency if action.money else ""
    kept.append(
        {
            "action": str(one.source.id),
            "run": str(one.source.run_id),
            "run_number": one.source.run_number,
            "sentence": one.source.sentence[:200],
            "then": one.source.level,
            "state": one.source.state,
            "people": one.people,
            "amount_minor": amount,
            "currency": currency,
        }
    )
    _largest(kept)


def _largest(examples: list[dict[str, Any]]) -> None:
    examples.sort(key=lambda example: -example["amount_minor"])
    del examples[SHOWN:]

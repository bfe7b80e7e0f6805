"""Rules: read strictly, written in one spelling, hashed, and told as a sentence."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from approvals.policy.canonical import canonical_bytes, digest_of, exact
from approvals.policy.conditions import Condition, ConditionError, compile_condition, uses
from approvals.policy.constrain import ConstraintError, Pin, constrain_document, parse_constrain, says
from approvals.policy.sentences import and_list, condition_words, level_words, tool_words
from approvals.policy.verdict import Level, RuleRef
from approvals.states import RequestClass

MAX_RULES = 500
MAX_VOTES = 5
MAX_DEADLINE_H = 720
MAX_NOTE = 500
FIELDS = (
    "tool", "when", "level", "class", "approvers", "votes", "deadline_h", "constrain", "until", "note", "package", "id",
)  # fmt: skip
DEFAULT_DEADLINE_S = {RequestClass.NORMAL: 24 * 3600, RequestClass.HIGH: 4 * 3600}
_JUDGING = ("tool", "when", "level", "class", "approvers", "votes", "deadline_h", "constrain", "until")
_TOOL = re.compile(r"[A-Za-z0-9_*-]+(\.[A-Za-z0-9_*-]+)*", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,79}", re.ASCII)
_AUTONOMOUS = (Level.ALONE, Level.NOTIFY)


class RuleError(ValueError):
    """A rule that cannot be stored. `field` and `position` say where, `number` which rule."""

    def __init__(self, index: int, field: str, message: str, position: int | None = None) -> None:
        super().__init__(f"Rule {index + 1}, {field}: {message}")
        self.index = index
        self.number = index + 1
        self.field = field
        self.message = message
        self.position = position


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the policy. id: stable over edits when given, otherwise made of the content.

    until: the last day (UTC) on which the rule counts; None is for good.
    """

    tool: str
    level: Level
    condition: Condition
    cls: RequestClass
    approvers: str
    votes: int
    deadline_s: int
    constrain: tuple[Pin, ...]
    note: str
    package: str
    id: str
    hash: str
    pattern: re.Pattern[str] = field(repr=False, compare=False)
    until: date | None = None

    @property
    def when(self) -> str:
        return self.condition.text

    @property
    def acts_alone(self) -> bool:
        return self.level in _AUTONOMOUS

    def stands_on(self, today: date | None) -> bool:
        """Return whether the rule has not run out; on a day that is not known it has not."""
        return self.until is None or today is None or today <= self.until

    def is_about(self, tool: str) -> bool:
        """Return whether the tool's name fits the rule's pattern."""
        return self.pattern.fullmatch(tool) is not None


def parse_rules(documents: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Return the rules that the documents say. Raises RuleError at the first thing that is wrong."""
    if len(documents) > MAX_RULES:
        raise RuleError(MAX_RULES, "tool", f"A policy has at most {MAX_RULES} rules.")
    rules = tuple(_rule(index, document) for index, document in enumerate(documents))
    _check_ids(rules)
    return rules


def rule_document(rule: Rule) -> dict[str, Any]:
    """Return the rule as it is stored: every field, plain JSON, one spelling for each meaning."""
    # `until` only where there is one: rules written before there was such a field keep their spelling and hash
    until = {"until": rule.until.isoformat()} if rule.until is not None else {}
    return {
        "tool": rule.tool,
        "when": rule.when,
        "level": "deny" if rule.level is Level.DENY else int(rule.level),
        "class": rule.cls.value,
        "approvers": rule.approvers,
        "votes": rule.votes,
        "deadline_h": _hours(rule.deadline_s),
        "constrain": constrain_document(rule.constrain),
        "note": rule.note,
        "package": rule.package,
        "id": rule.id,
        **until,
    }


def rule_hash(rule: Rule) -> str:
    """Return the digest of what the rule demands; its note, package and id do not count."""
    return rule.hash


def rule_ref(rule: Rule, number: int) -> RuleRef:
    """Return the rule as a verdict carries it."""
    return RuleRef(number=number, id=rule.id, hash=rule.hash, text=rule_sentence(rule), condition=rule.when)


def rule_sentence(rule: Rule) -> str:
    """Return the rule as a sentence: "shop.refund, when amount is over 5: 1 person countersigns within 24 h."."""
    when = f", when {condition_words(rule.when)}" if rule.when else ""
    return f"{tool_words(rule.tool)}{when}: {rule_consequence(rule)}{_only_where(rule)}{until_words(rule)}."


def rule_consequence(rule: Rule) -> str:
    """Return what the rule leads to, in words."""
    return level_words(rule.level, votes=rule.votes, approvers=rule.approvers, cls=rule.cls, deadline_s=rule.deadline_s)


def until_words(rule: Rule) -> str:
    """Return ", until 2026-12-31" for a rule that runs out, else nothing."""
    return f", until {rule.until.isoformat()}" if rule.until is not None else ""


def pin_sentences(rule: Rule) -> list[str]:
    """Return what each constrained argument must be."""
    return [f"{pin.argument} {says(pin.constraint)}" for pin in rule.constrain]


def _only_where(rule: Rule) -> str:
    return f", but only where {and_list(pin_sentences(rule))}" if rule.constrain and rule.acts_alone else ""


def _rule(index: int, document: Any) -> Rule:
    if not isinstance(document, Mapping):
        raise RuleError(index, "tool", "A rule is a set of fields.")
    unknown = sorted(str(key) for key in document if key not in FIELDS)
    if unknown:
        raise RuleError(index, unknown[0], f"This field is not known. Known are: {', '.join(FIELDS)}.")
    return _identified(_read(_Fields(index, document)))


def _read(fields: "_Fields") -> Rule:
    tool, level, cls = fields.tool(), fields.level(), fields.cls()
    return Rule(
        tool=tool,
        level=level,
        condition=fields.condition(level),
        cls=cls,
        approvers=fields.text("approvers", 100),
        votes=fields.votes(),
        deadline_s=fields.deadline_s(cls),
        constrain=fields.constrain(),
        note=fields.text("note", MAX_NOTE),
        package=fields.text("package", 100),
        id=fields.id(),
        hash="",
        pattern=_compiled(tool),
        until=fields.until(),
    )


def _identified(rule: Rule) -> Rule:
    digest = _digest(rule)
    return replace(rule, id=rule.id or f"r-{digest[:12]}", hash=digest)


def _digest(rule: Rule) -> str:
    document = rule_document(rule)
    return digest_of(canonical_bytes(exact({key: document[key] for key in _JUDGING if key in document})))


def _compiled(pattern: str) -> re.Pattern[str]:
    # a run of stars is one star: backtracking stays small on a pattern with at most four of them
    folded = re.sub(r"\*+", "*", pattern)
    return re.compile(".*".join(re.escape(part) for part in folded.split("*")), re.ASCII | re.DOTALL)


def _hours(seconds: int) -> int | float:
    return seconds // 3600 if seconds % 3600 == 0 else seconds / 3600


def _check_ids(rules: Sequence[Rule]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for index, rule in enumerate(rules):
        if seen.setdefault((rule.package, rule.id), rule.hash) != rule.hash:
            raise RuleError(index, "id", f"Two different rules have the id {rule.id}.")


@dataclass(frozen=True, slots=True)
class _Fields:
    """Typed reading of one document; each reader raises RuleError with its field."""

    index: int
    document: Mapping[str, Any]

    def wrong(self, name: str, message: str, position: int | None = None) -> RuleError:
        return RuleError(self.index, name, message, position)

    def text(self, name: str, longest: int) -> str:
        value = self.document.get(name, "")
        if not isinstance(value, str) or len(value) > longest or "\x00" in value:
            raise self.wrong(name, f"Write a text of at most {longest} characters.")
        return value.strip()

    def tool(self) -> str:
        pattern = self.text("tool", 200)
        if not _TOOL.fullmatch(pattern) or len(re.findall(r"\*+", pattern)) > 4:
            raise self.wrong("tool", "Name a tool such as shop.refund_order, or a pattern such as shop.* or *.")
        return pattern

    def level(self) -> Level:
        value = self.document.get("level")
        if value == "deny" or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 4):
            return Level(str(value))
        raise self.wrong("level", "The level is 1, 2, 3, 4 or deny.")

    def cls(self) -> RequestClass:
        value = self.document.get("class", RequestClass.NORMAL)
        if isinstance(value, str) and value in set(RequestClass):
            return RequestClass(value)
        raise self.wrong("class", "The class is normal or high.")

    def votes(self) -> int:
        value = self.document.get("votes", 1)
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_VOTES:
            return value
        raise self.wrong("votes", f"The number of votes is 1 to {MAX_VOTES}.")

    def deadline_s(self, cls: RequestClass) -> int:
        value = self.document.get("deadline_h")
        if value is None:
            return DEFAULT_DEADLINE_S[cls]
        if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and 0 < value <= MAX_DEADLINE_H:
            return max(60, round(value * 60) * 60)
        raise self.wrong("deadline_h", f"The deadline is given in hours, up to {MAX_DEADLINE_H}.")

    def until(self) -> date | None:
        value = self.document.get("until") or None
        if value is None or type(value) is date:  # a YAML file gives a date itself
            return value
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        raise self.wrong("until", "Write the last day as 2026-12-31, or nothing for a rule without an end.")

    def constrain(self) -> tuple[Pin, ...]:
        try:
            return parse_constrain(self.document.get("constrain"))
        except ConstraintError as error:
            raise self.wrong("constrain", str(error)) from None

    def id(self) -> str:
        value = self.text("id", 80)
        if value and not _ID.fullmatch(value):
            raise self.wrong("id", "An id has letters, digits and - _ . : / only.")
        return value

    def condition(self, level: Level) -> Condition:
        text = self.document.get("when", "")
        if not isinstance(text, str):
            raise self.wrong("when", 'Write the condition as a text, such as args.currency == "EUR".')
        try:
            condition = compile_condition(text)
        except ConditionError as error:
            raise self.wrong("when", error.message, error.position) from None
        if level in _AUTONOMOUS and uses(condition, "confidence"):
            message = "A model's confidence may only make a rule stricter; it cannot stand in a rule of level 1 or 2."
            raise self.wrong("when", message, text.find("confidence"))
        return condition

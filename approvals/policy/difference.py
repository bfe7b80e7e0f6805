"""How one set of rules differs from another, line by line, as sentences. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from approvals.policy.canonical import canonical_bytes, exact
from approvals.policy.rules import FIELDS, Rule, rule_document, rule_sentence

Line = tuple[str, str]


def difference(old: Sequence[Rule], new: Sequence[Rule]) -> list[Line]:
    """Return (sign, sentence) per rule that is only in one of the two: "-" for gone, "+" for new.

    A rule whose id stays and whose content changes gives both lines, one after the other.
    """
    return [line for before, after in _pairs(old, new) for line in _lines(before, after)]


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule that is not the same in both sets: as a sentence before and after, and field by field."""

    before: str
    after: str
    fields: tuple[tuple[str, str, str], ...]

    @property
    def kind(self) -> str:
        return "changed" if self.before and self.after else "new" if self.after else "gone"


def changes(old: Sequence[Rule], new: Sequence[Rule]) -> list[RuleChange]:
    """Return each rule that is new, gone or says something else, in the order of the old set and then the new."""
    return [
        RuleChange(_told(before) if before else "", _told(after) if after else "", _fields(before, after))
        for before, after in _pairs(old, new)
        if before is None or after is None or _content(before) != _content(after)
    ]


def _fields(before: Rule | None, after: Rule | None) -> tuple[tuple[str, str, str], ...]:
    """Return (field, before, after) for each field that differs; nothing for a rule that is only in one set."""
    if before is None or after is None:
        return ()
    one, other = rule_document(before), rule_document(after)
    names = [name for name in FIELDS if one.get(name) != other.get(name)]
    return tuple((name, _spelled(one.get(name)), _spelled(other.get(name))) for name in names)


def _spelled(value: Any) -> str:
    if value in (None, "", {}):
        return "nothing"
    return value if isinstance(value, str) else canonical_bytes(exact(value)).decode()


def changed_ids(old: Sequence[Rule], new: Sequence[Rule]) -> set[str]:
    """Return the ids of rules that are new or that say something else than before."""
    known = {_key(rule): _content(rule) for rule in old}
    return {rule.id for rule in new if known.get(_key(rule)) != _content(rule)}


def _pairs(old: Sequence[Rule], new: Sequence[Rule]) -> Iterator[tuple[Rule | None, Rule | None]]:
    before = {_key(rule): rule for rule in old}
    after = {_key(rule): rule for rule in new}
    for key, rule in before.items():
        yield rule, after.get(key)
    for key, rule in after.items():
        if key not in before:
            yield None, rule


def _lines(before: Rule | None, after: Rule | None) -> Iterator[Line]:
    if before is not None and after is not None and _content(before) == _content(after):
        return
    if before is not None:
        yield "-", _told(before)
    if after is not None:
        yield "+", _told(after)


def _told(rule: Rule) -> str:
    return rule_sentence(rule) + (f" ({rule.note})" if rule.note else "")


def _key(rule: Rule) -> tuple[str, str]:
    return rule.package, rule.id


def _content(rule: Rule) -> tuple[str, str]:
    return rule.hash, rule.note

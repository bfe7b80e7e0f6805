"""How one set of rules differs from another, line by line, as sentences. Pure."""

from collections.abc import Iterator, Sequence

from approvals.policy.rules import Rule, rule_sentence

Line = tuple[str, str]


def difference(old: Sequence[Rule], new: Sequence[Rule]) -> list[Line]:
    """Return (sign, sentence) per rule that is only in one of the two: "-" for gone, "+" for new.

    A rule whose id stays and whose content changes gives both lines, one after the other.
    """
    return [line for before, after in _pairs(old, new) for line in _lines(before, after)]


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

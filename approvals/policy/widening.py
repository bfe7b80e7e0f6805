"""What a new policy would let agents do more than the old one: the reason for a second person.

Deliberately cautious: what cannot be shown to be at least as strict counts as wider.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from decimal import Decimal

from approvals.policy.cel_text import Kind, Token, source, split_at, tokens, unwrapped
from approvals.policy.constrain import Between, Constraint, Equals, OneOf, Pin
from approvals.policy.rules import Rule, rule_sentence
from approvals.policy.trips import is_choice
from approvals.policy.verdict import Level
from approvals.states import RequestClass


def widens(old: Sequence[Rule], new: Sequence[Rule], *, fresh: Collection[str] = ()) -> list[str]:
    """Return a sentence for each thing that would become less strict; empty when nothing would.

    fresh: connections that did not exist before. Rules for their tools alone widen nothing.
    """
    granted = [rule for rule in new if rule.acts_alone and not _is_fresh(rule, fresh) and not _was_there(rule, old)]
    lost = [rule for rule in old if _is_lost(rule, new)]
    return [*(f"New freedom: {rule_sentence(rule)}" for rule in granted), *_losses(lost)]


def _losses(lost: Sequence[Rule]) -> Iterator[str]:
    for rule in lost:
        yield f"No longer held to: {rule_sentence(rule)}"


def _is_fresh(rule: Rule, fresh: Collection[str]) -> bool:
    connection, dot, _ = rule.tool.partition(".")
    return bool(dot) and connection in fresh


def _was_there(rule: Rule, old: Sequence[Rule]) -> bool:
    """Return whether an old rule already gave at least what this one gives."""
    return any(
        before.acts_alone
        and before.level.strictness <= rule.level.strictness
        and _tool_within(rule.tool, before.tool)
        and implies(rule.when, before.when)
        and _pins_within(rule.constrain, before.constrain)
        and _asks_as_much(rule, before)
        and _ends_by(rule.until, before.until)
        for before in old
    )


def _is_lost(rule: Rule, new: Sequence[Rule]) -> bool:
    """Return whether an old rule's strictness is gone, and something may pass that it would have stopped."""
    if rule.level is Level.ALONE and not rule.constrain:
        return False
    if any(_is_as_strict(after, rule) for after in new):
        return False
    # a rule that let things run mattered only where another rule lets them run more freely
    return not rule.acts_alone or any(_frees_more(after, rule) for after in new)


def _frees_more(after: Rule, rule: Rule) -> bool:
    return after.acts_alone and _may_meet(after.tool, rule.tool) and not _was_there(after, [rule])


def _is_as_strict(after: Rule, rule: Rule) -> bool:
    """Return whether `after` stops at least what `rule` stopped."""
    covers = _tool_within(rule.tool, after.tool) and implies(rule.when, after.when)
    if not covers or not _ends_by(rule.until, after.until) or after.level.strictness < rule.level.strictness:
        return False
    return _asks_as_much(after, rule) and (not after.acts_alone or _pins_within(after.constrain, rule.constrain))


def _ends_by(one: date | None, other: date | None) -> bool:
    """Return whether a rule that ends on the one day has ended wherever one that ends on the other has."""
    return other is None or (one is not None and one <= other)


def _asks_as_much(after: Rule, rule: Rule) -> bool:
    """Return whether a signature under `after` is asked for with no less than under `rule`."""
    if after.level in (Level.ESCALATE, Level.DENY):
        return True
    return (
        after.votes >= rule.votes
        and (after.cls is RequestClass.HIGH or rule.cls is not RequestClass.HIGH)
        and (not rule.approvers or after.approvers == rule.approvers)
        and after.deadline_s <= rule.deadline_s
    )


def _tool_within(narrow: str, wide: str) -> bool:
    """Return whether every tool of the one pattern belongs to the other, where that is plain to see."""
    if narrow == wide or wide.strip("*") == "":
        return True
    return wide.endswith(".*") and "*" not in wide[:-1] and narrow.startswith(wide[:-1])


def _may_meet(one: str, other: str) -> bool:
    """Return whether some tool may fit both patterns."""
    heads = (one.partition("*")[0], other.partition("*")[0])
    if "*" not in one and "*" not in other:
        return one == other
    if "*" not in one:
        return one.startswith(heads[1])
    if "*" not in other:
        return other.startswith(heads[0])
    return heads[0].startswith(heads[1]) or heads[1].startswith(heads[0])


def _pins_within(narrow: Sequence[Pin], wide: Sequence[Pin]) -> bool:
    """Return whether arguments that pass the narrow pins pass the wide ones too."""
    return all(
        any(pin.argument == other.argument and _within(other.constraint, pin.constraint) for other in narrow)
        for pin in wide
    )


def _within(narrow: Constraint, wide: Constraint) -> bool:
    match narrow, wide:
        case OneOf(few), OneOf(many):
            return all(value in many for value in few)
        case Between(low, high), Between(lowest, highest):
            at_least = (low or 0) >= (lowest or 0)
            return at_least and (highest is None or (high is not None and high <= highest))
        case Equals(one), Equals(other):
            return one == other
    return False


def implies(one: str, other: str) -> bool:
    """Return whether wherever the first condition holds the second does, where that is plain to see.

    Compares "or" parts, then "and" parts: equal text, or the same value against a tighter number.
    """
    if not other.strip() or one.strip() == other.strip():
        return True
    if not one.strip():
        return False
    wide = [_atoms(other, part) for part in _choices(other)]
    return all(any(_atoms_imply(_atoms(one, part), atoms) for atoms in wide) for part in _choices(one))


_Atom = tuple[str, ...]


def _choices(text: str) -> list[Sequence[Token]]:
    words = unwrapped(tokens(text))
    return [words] if is_choice(words) else split_at(words, "||")


def _atoms(text: str, words: Sequence[Token]) -> list[_Atom]:
    words = unwrapped(words)
    whole = is_choice(words) or len(split_at(words, "||")) > 1
    parts = [words] if whole else split_at(words, "&&")
    return [_atom(text, unwrapped(part)) for part in parts]


def _atom(text: str, words: Sequence[Token]) -> _Atom:
    """Return (left, sign, number) of a comparison with a number, else the words themselves."""
    for sign in ("<=", ">=", "<", ">"):
        sides = split_at(words, sign)
        if len(sides) == 2 and len(sides[1]) == 1 and sides[1][0].kind is Kind.NUMBER:
            return _spelling(sides[0]), sign, source(text, sides[1])
    return (_spelling(words),)


def _spelling(words: Sequence[Token]) -> str:
    return " ".join(word.text for word in words)


def _atoms_imply(strong: Sequence[_Atom], weak: Sequence[_Atom]) -> bool:
    return all(any(_atom_implies(one, other) for one in strong) for other in weak)


def _atom_implies(one: _Atom, other: _Atom) -> bool:
    if one == other:
        return True
    if len(one) != 3 or len(other) != 3 or one[0] != other[0] or one[1][0] != other[1][0]:
        return False
    have, want = Decimal(one[2]), Decimal(other[2])
    tighter = have < want if one[1][0] == "<" else have > want
    return tighter or (have == want and (one[1] == other[1] or len(one[1]) == 1))

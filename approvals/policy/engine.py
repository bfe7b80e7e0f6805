"""The policy engine: one action and the rules in, one verdict out. Pure and total.

Every rule that matches is judged and the strictest wins. Where no rule matches, reads run alone and
everything else waits for a person. Whatever cannot be judged waits for a person. What a model says
enters only as arguments, and as a confidence that can make the verdict stricter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from approvals.policy.action import Mode, Money, ProposedAction
from approvals.policy.canonical import canonical_bytes, digest_of
from approvals.policy.cel_text import Kind, tokens
from approvals.policy.conditions import ConditionError, Facts
from approvals.policy.constrain import OneOf, all_pass, all_pinned, failures, unpinned
from approvals.policy.rules import DEFAULT_DEADLINE_S, Rule, rule_ref
from approvals.policy.sentences import and_list
from approvals.policy.trips import shown, trips_of
from approvals.policy.verdict import (
    Allow,
    AllowAndNotify,
    Code,
    Deny,
    Escalate,
    Level,
    NeedsApproval,
    RuleRef,
    Trip,
    Verdict,
)
from approvals.states import RequestClass


@dataclass(frozen=True, slots=True)
class Terms:
    """What a person's signature is asked for with."""

    approvers: str = ""
    votes: int = 1
    cls: RequestClass = RequestClass.NORMAL
    deadline_s: int = DEFAULT_DEADLINE_S[RequestClass.NORMAL]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one matching rule asks for. code: whether it asks so itself, or because something stands against it."""

    number: int
    rule: Rule
    level: Level
    code: Code
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is decided, without the words: replays ask a hundred thousand times and read few of the reasons."""

    level: Level
    code: Code
    number: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class Answer:
    """What one rule says of one action; no verdict where its condition does not hold."""

    number: int
    rule: Rule
    verdict: Verdict | None


def evaluate(action: ProposedAction, rules: Sequence[Rule], *, today: date | None = None) -> Verdict:
    """Return the strictest verdict of all matching rules; never raises.

    The order of the rules changes nothing but which of two equal rules is named. today: the day by which rules
    run out; where it is not known, no rule that runs out lets anything run alone.
    """
    try:
        return _evaluate(action, rules, today)
    except Exception as error:
        # a defect of ours must not let anything pass, and must not stop the run either
        return _fault(error)


def answers(action: ProposedAction, rules: Sequence[Rule], *, today: date | None = None) -> list[Answer]:
    """Return the answer of each rule that is about the action's tool, in the order of the rules."""
    facts = facts_of(action)
    return [
        Answer(number, rule, _told(hear(rule, number, action, facts, today), action, facts))
        for number, rule in enumerate(rules, start=1)
        if rule.is_about(action.tool)
    ]


def _told(heard: Heard | None, action: ProposedAction, facts: Facts) -> Verdict | None:
    return _worded(heard, action, facts) if heard is not None else None


def _evaluate(action: ProposedAction, rules: Sequence[Rule], today: date | None) -> Verdict:
    facts = facts_of(action)
    heard = [
        one
        for number, rule in enumerate(rules, start=1)
        if rule.is_about(action.tool) and (one := hear(rule, number, action, facts, today)) is not None
    ]
    return _spoken(rule_on(action, heard), heard, action, facts)


def hear(rule: Rule, number: int, action: ProposedAction, facts: Facts, today: date | None = None) -> Heard | None:
    """Return what one rule about the action's tool asks for, None where it does not hold."""
    try:
        if not rule.stands_on(today) or (rule.when and not rule.condition.holds(facts)):
            return None
    except ConditionError as error:
        return Heard(number, rule, Level.PERSON, Code.RULE_ERROR, error.message)
    if not rule.acts_alone:
        return Heard(number, rule, rule.level, Code.RULE)
    if rule.until is not None and today is None:
        return Heard(number, rule, Level.PERSON, Code.RULE_ERROR, "the day is not known")
    against = _against(rule, action)
    return Heard(number, rule, Level.PERSON if against else rule.level, against or Code.RULE)


def rule_on(action: ProposedAction, heard: Sequence[Heard]) -> Ruling:
    """Return what all rules that hold come to: the strictest of them, tightened by mode and confidence."""
    if heard:
        best = _strictest(heard)
        ruling = Ruling(best[0].level, best[0].code, best[0].number, _joined(best, heard))
    else:
        ruling = Ruling(Level.PERSON if action.is_write else Level.ALONE, Code.DEFAULT, 0, Terms())
    tighter = _tightening(ruling.level, action)
    return replace(ruling, level=Level.PERSON, code=tighter) if tighter else ruling


def facts_of(action: ProposedAction) -> Facts:
    """Return the action as conditions see it."""
    return Facts(
        {
            "args": action.arguments,
            "tool": action.tool,
            "effect": action.effect.value,
            "target": action.target if action.target is not None else {},
            "agent": action.agent,
            "event": action.event if action.event is not None else {},
            "subject": action.subject,
            "mode": action.mode.value,
            "tainted": action.tainted,
            "confidence": action.confidence,
            "totals": action.totals,
        },
        at_once=False,
    )


def _worded(heard: Heard, action: ProposedAction, facts: Facts) -> Verdict:
    """Return what one rule asks for as a verdict with its reasons."""
    rule, ref = heard.rule, rule_ref(heard.rule, heard.number)
    match heard.code:
        case Code.RULE_ERROR:
            return _broken(ref, rule, heard.problem)
        case Code.CONSTRAIN:
            return _not_pinned(rule, ref, action)
        case Code.MONEY:
            return _money_problem(rule, ref, action)
    return _said(rule, ref, trips_of(rule.condition, facts) if rule.when else ())


def _said(rule: Rule, ref: RuleRef, trips: tuple[Trip, ...]) -> Verdict:
    if rule.acts_alone:
        return _alone(rule, ref, trips)
    if rule.level is Level.PERSON:
        return _person(_terms(rule), ref, rule.note or f"Rule {ref.number} asks a person.", Code.RULE, trips)
    reason = _reason(rule, ref)
    if rule.level is Level.ESCALATE:
        why = rule.note or f"Rule {ref.number} leaves this to a person."
        return Escalate(rule=ref, why=why, trips=trips, reason=reason)
    return Deny(rule=ref, why=rule.note or f"Rule {ref.number} denies this.", trips=trips, reason=reason)


def _alone(rule: Rule, ref: RuleRef, trips: tuple[Trip, ...]) -> Verdict:
    if rule.level is Level.ALONE:
        return Allow(rule=ref, why=rule.note or f"Rule {ref.number} lets this run alone.", trips=trips)
    return AllowAndNotify(rule=ref, why=rule.note or f"Rule {ref.number} lets this run and tells people.", trips=trips)


def _reason(rule: Rule, ref: RuleRef) -> str:
    """Return what the model may read: the rule's note is written for it, the condition is not."""
    if rule.note:
        return rule.note
    if rule.level is Level.ESCALATE:
        return f"Rule {ref.number} of the policy leaves this to a person. Hand off instead of trying again."
    return f"Rule {ref.number} of the policy does not allow this call. Do not try it again in another form."


def _against(rule: Rule, action: ProposedAction) -> Code | None:
    """Return what stands against letting the call run alone, None where nothing does."""
    if not all_pass(rule.constrain, action):
        return Code.CONSTRAIN
    if not action.is_write:
        return None
    if action.tainted and not all_pinned(rule.constrain, action):
        return Code.CONSTRAIN
    if action.money is None or (_is_amount(action.money) and _speaks_of(rule, action.money.currency, action)):
        return None
    return Code.MONEY


def _not_pinned(rule: Rule, ref: RuleRef, action: ProposedAction) -> NeedsApproval:
    loose = failures(rule.constrain, action)
    if action.is_write and action.tainted:
        loose += unpinned(rule.constrain, action)
    reasons = and_list(list(dict.fromkeys(failure.reason for failure in loose)))
    trips = tuple(failure.trip for failure in loose)
    why = f"Rule {ref.number} would let this run, but {reasons}; so a person decides."
    return _person(_terms(rule), ref, why, Code.CONSTRAIN, trips)


def _money_problem(rule: Rule, ref: RuleRef, action: ProposedAction) -> NeedsApproval:
    money = action.money
    if money is None or not _is_amount(money):
        trip = Trip("the amount is a whole number of minor units", shown(money.amount_minor if money else None))
        why = "The amount is not a whole number from zero up, so a person decides."
    else:
        trip = Trip("the rule names the currency", shown(money.currency))
        why = f"Rule {ref.number} does not speak of {money.currency}, so a person decides."
    return _person(_terms(rule), ref, why, Code.MONEY, (trip,))


def _is_amount(money: Money) -> bool:
    amount = money.amount_minor
    return isinstance(amount, int) and not isinstance(amount, bool) and amount >= 0


def _speaks_of(rule: Rule, currency: str, action: ProposedAction) -> bool:
    """Return whether the rule names the currency; a currency fixed by the tool needs no naming."""
    if not any(_is_code(value, currency) for value in _leaves(action.arguments)):
        return True
    listed = [value for pin in rule.constrain if isinstance(pin.constraint, OneOf) for value in pin.constraint.values]
    return any(_is_code(value, currency) for value in [*listed, *_quoted(rule.when)])


@lru_cache(maxsize=4096)
def _quoted(condition: str) -> tuple[str, ...]:
    """Return the texts that a condition spells out."""
    return tuple(word.text[1:-1] for word in tokens(condition) if word.kind is Kind.TEXT)


def _is_code(value: object, currency: str) -> bool:
    return isinstance(value, str) and value.upper() == currency.upper()


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, (dict, Mapping)):
        for child in value.values():
            yield from _leaves(child)
    elif isinstance(value, (list, tuple)):
        for child in value:
            yield from _leaves(child)
    else:
        yield value


def _broken(ref: RuleRef, rule: Rule, problem: str) -> NeedsApproval:
    why = f"Rule {ref.number} could not be judged ({problem}), so a person decides."
    return _person(_terms(rule), ref, why, Code.RULE_ERROR, (Trip(rule.when, problem),))


def _person(terms: Terms, ref: RuleRef, why: str, code: Code, trips: tuple[Trip, ...] = ()) -> NeedsApproval:
    return NeedsApproval(
        rule=ref,
        why=why,
        trips=trips,
        code=code,
        approvers=terms.approvers,
        votes=terms.votes,
        cls=terms.cls,
        deadline_s=terms.deadline_s,
    )


def _terms(rule: Rule) -> Terms:
    return Terms(rule.approvers, rule.votes, rule.cls, rule.deadline_s)


def _strictest(heard: Sequence[Heard]) -> list[Heard]:
    """Return the rules that ask for the strictest level, the most demanding first."""
    top = max(one.level.strictness for one in heard)
    return sorted((one for one in heard if one.level.strictness == top), key=_demand, reverse=True)


def _demand(heard: Heard) -> tuple[int, bool, int, bool]:
    rule = heard.rule
    return rule.votes, rule.cls is RequestClass.HIGH, -rule.deadline_s, bool(rule.approvers)


def _joined(best: Sequence[Heard], heard: Sequence[Heard]) -> Terms:
    """Return the strictest of each demand of all matching rules, so that no rule takes away what another asks for;
    only the deadline is the strictest rules' own."""
    high = any(one.rule.cls is RequestClass.HIGH for one in heard)
    return Terms(
        approvers=next((one.rule.approvers for one in [*best, *heard] if one.rule.approvers), ""),
        votes=max(one.rule.votes for one in heard),
        cls=RequestClass.HIGH if high else RequestClass.NORMAL,
        deadline_s=min(one.rule.deadline_s for one in best),
    )


def _spoken(ruling: Ruling, heard: Sequence[Heard], action: ProposedAction, facts: Facts) -> Verdict:
    """Return the ruling with its reasons."""
    best = _strictest(heard) if heard else []
    ref = rule_ref(best[0].rule, best[0].number) if best else _built_in(_READS if not action.is_write else _WAITS)
    match ruling.code:
        case Code.MODE:
            why = "This agent is in suggest mode: a person signs everything it changes."
            return _person(ruling.terms, ref, why, Code.MODE, (Trip("mode is live", action.mode.value),))
        case Code.CONFIDENCE:
            return _doubted(ruling.terms, ref, action)
        case Code.DEFAULT:
            return _default(ref, action)
    told = [_worded(one, action, facts) for one in best]
    return _signed(_explained(told[0], told), ruling.terms) if isinstance(told[0], NeedsApproval) else told[0]


def _signed(verdict: NeedsApproval, terms: Terms) -> NeedsApproval:
    return replace(verdict, approvers=terms.approvers, votes=terms.votes, cls=terms.cls, deadline_s=terms.deadline_s)


def _explained(verdict: NeedsApproval, others: Sequence[Verdict]) -> NeedsApproval:
    why = dict.fromkeys(other.why for other in others)
    trips = dict.fromkeys(trip for other in others for trip in other.trips)
    return replace(verdict, why=" ".join(why), trips=tuple(trips))


_READS = "Where no rule matches, reading is allowed."
_WAITS = "Where no rule matches, a person decides."


def _default(ref: RuleRef, action: ProposedAction) -> Verdict:
    if not action.is_write:
        return Allow(rule=ref, why="No rule matches; reading is allowed.", code=Code.DEFAULT)
    return _person(Terms(), ref, "No rule matches, so a person decides.", Code.DEFAULT)


def _tightening(level: Level, action: ProposedAction) -> Code | None:
    """Return what makes the answer stricter beside the rules: the agent's mode, or the model's confidence."""
    if not action.is_write or level not in (Level.ALONE, Level.NOTIFY):
        return None
    if action.mode is Mode.SUGGEST:
        return Code.MODE
    return None if _is_confident(action) else Code.CONFIDENCE


def _is_confident(action: ProposedAction) -> bool:
    """Return whether the model's figure reaches the floor. With a floor, no figure or one that is none does not."""
    floor, said = action.confidence_floor, action.confidence
    if floor <= 0:
        return True
    return said is not None and not isinstance(said, bool) and floor <= said <= 1


def _doubted(terms: Terms, ref: RuleRef, action: ProposedAction) -> NeedsApproval:
    floor, said = action.confidence_floor, action.confidence
    trip = Trip(f"confidence >= {floor}", "none given" if said is None else str(said))
    why = f"The agent's confidence does not reach its floor of {floor}, so a person decides."
    return _person(terms, ref, why, Code.CONFIDENCE, (trip,))


def _built_in(text: str) -> RuleRef:
    return RuleRef(number=0, id="default", hash=digest_of(canonical_bytes({"default": text})), text=text)


def _fault(error: Exception) -> NeedsApproval:
    ref = _built_in("Where the policy cannot be asked, a person decides.")
    why = f"The policy could not judge this ({type(error).__name__}), so a person decides."
    return _person(Terms(), ref, why, Code.FAULT)

"""The policy engine: one action and the rules in, one verdict out. Pure and total.

Every rule that matches is judged and the strictest wins. Where no rule matches, reads run alone and
everything else waits for a person. Whatever cannot be judged waits for a person. What a model says
enters only as arguments, and as a confidence that can make the verdict stricter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from approvals.policy.action import Mode, ProposedAction
from approvals.policy.canonical import canonical_bytes, digest_of
from approvals.policy.cel_text import Kind, tokens
from approvals.policy.conditions import ConditionError, Facts
from approvals.policy.constrain import Failure, OneOf, failures, unpinned
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
class _Terms:
    """What a person's signature is asked for with."""

    approvers: str = ""
    votes: int = 1
    cls: RequestClass = RequestClass.NORMAL
    deadline_s: int = DEFAULT_DEADLINE_S[RequestClass.NORMAL]


@dataclass(frozen=True, slots=True)
class _Found:
    """One rule's answer, with the terms under which a person would sign if it had to be tightened."""

    verdict: Verdict
    terms: _Terms


def evaluate(action: ProposedAction, rules: Sequence[Rule]) -> Verdict:
    """Return the strictest verdict of all matching rules; never raises.

    The order of the rules changes nothing but which of two equal rules is named.
    """
    try:
        return _evaluate(action, rules)
    except Exception as error:
        # a defect of ours must not let anything pass, and must not stop the run either
        return _fault(error)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one rule says of one action; no verdict where its condition does not hold."""

    number: int
    rule: Rule
    verdict: Verdict | None


def answers(action: ProposedAction, rules: Sequence[Rule]) -> list[Answer]:
    """Return the answer of each rule that is about the action's tool, in the order of the rules."""
    facts = _LazyFacts(action)
    return [
        Answer(number, rule, _judged(rule, number, action, facts))
        for number, rule in enumerate(rules, start=1)
        if rule.is_about(action.tool)
    ]


def _evaluate(action: ProposedAction, rules: Sequence[Rule]) -> Verdict:
    found = [_Found(one.verdict, _terms(one.rule)) for one in answers(action, rules) if one.verdict is not None]
    chosen = _strictest(found) if found else _Found(_default(action), _Terms())
    return _tightened(chosen, action).verdict


class _LazyFacts:
    """The facts of one action, built at the first condition and shared by all; a failure is remembered."""

    def __init__(self, action: ProposedAction) -> None:
        self._action = action
        self._facts: Facts | None = None
        self._error: ConditionError | None = None

    def get(self) -> Facts:
        if self._error is not None:
            raise self._error
        if self._facts is None:
            try:
                self._facts = facts_of(self._action)
            except ConditionError as error:
                self._error = error
                raise
        return self._facts


def facts_of(action: ProposedAction) -> Facts:
    """Return the action as conditions see it. Raises ConditionError when it cannot be shown to them."""
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
        }
    )


def _judged(rule: Rule, number: int, action: ProposedAction, facts: _LazyFacts) -> Verdict | None:
    """Return what one rule says, None where its condition does not hold."""
    try:
        if rule.when and not rule.condition.holds(facts.get()):
            return None
        trips = trips_of(rule.condition, facts.get()) if rule.when else ()
    except ConditionError as error:
        return _broken(rule_ref(rule, number), rule, error)
    return _said(rule, rule_ref(rule, number), action, trips)


def _said(rule: Rule, ref: RuleRef, action: ProposedAction, trips: tuple[Trip, ...]) -> Verdict:
    if rule.acts_alone:
        return _held_back(rule, ref, action) or _alone(rule, ref, trips)
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


def _held_back(rule: Rule, ref: RuleRef, action: ProposedAction) -> NeedsApproval | None:
    """Return why a rule that would let the call run alone does not, None where nothing stands against it."""
    loose = failures(rule.constrain, action)
    if action.is_write and action.tainted:
        loose += unpinned(rule.constrain, action)
    if loose:
        return _not_pinned(rule, ref, loose)
    return _money_problem(rule, ref, action) if action.is_write else None


def _not_pinned(rule: Rule, ref: RuleRef, loose: Sequence[Failure]) -> NeedsApproval:
    reasons = and_list(list(dict.fromkeys(failure.reason for failure in loose)))
    trips = tuple(failure.trip for failure in loose)
    why = f"Rule {ref.number} would let this run, but {reasons}; so a person decides."
    return _person(_terms(rule), ref, why, Code.CONSTRAIN, trips)


def _money_problem(rule: Rule, ref: RuleRef, action: ProposedAction) -> NeedsApproval | None:
    money = action.money
    if money is None:
        return None
    if not isinstance(money.amount_minor, int) or isinstance(money.amount_minor, bool) or money.amount_minor < 0:
        trip = Trip("the amount is a whole number of minor units", shown(money.amount_minor))
        why = "The amount is not a whole number from zero up, so a person decides."
    elif not _speaks_of(rule, money.currency, action):
        trip = Trip("the rule names the currency", shown(money.currency))
        why = f"Rule {ref.number} does not speak of {money.currency}, so a person decides."
    else:
        return None
    return _person(_terms(rule), ref, why, Code.MONEY, (trip,))


def _speaks_of(rule: Rule, currency: str, action: ProposedAction) -> bool:
    """Return whether the rule names the currency; a currency fixed by the tool needs no naming."""
    if not any(_is_code(value, currency) for value in _leaves(action.arguments)):
        return True
    listed = [value for pin in rule.constrain if isinstance(pin.constraint, OneOf) for value in pin.constraint.values]
    written = [word.text[1:-1] for word in tokens(rule.when) if word.kind is Kind.TEXT]
    return any(_is_code(value, currency) for value in [*listed, *written])


def _is_code(value: object, currency: str) -> bool:
    return isinstance(value, str) and value.upper() == currency.upper()


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        for child in value.values():
            yield from _leaves(child)
    elif isinstance(value, (list, tuple)):
        for child in value:
            yield from _leaves(child)
    else:
        yield value


def _broken(ref: RuleRef, rule: Rule, error: ConditionError) -> NeedsApproval:
    why = f"Rule {ref.number} could not be judged ({error.message}), so a person decides."
    return _person(_terms(rule), ref, why, Code.RULE_ERROR, (Trip(rule.when, error.message),))


def _person(terms: _Terms, ref: RuleRef, why: str, code: Code, trips: tuple[Trip, ...] = ()) -> NeedsApproval:
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


def _terms(rule: Rule) -> _Terms:
    return _Terms(rule.approvers, rule.votes, rule.cls, rule.deadline_s)


def _strictest(found: Sequence[_Found]) -> _Found:
    """Return the strictest answer. Where people sign, each demand is the strictest of all matching
    rules, so that no rule takes away what another asks for; only the deadline is the strictest rules' own."""
    top = max(one.verdict.level.strictness for one in found)
    best = sorted((one for one in found if one.verdict.level.strictness == top), key=_demand, reverse=True)
    terms = _joined(best, found)
    verdict = best[0].verdict
    if isinstance(verdict, NeedsApproval):
        verdict = _signed(_explained(verdict, [one.verdict for one in best]), terms)
    return _Found(verdict, terms)


def _demand(found: _Found) -> tuple[int, bool, int, bool]:
    terms = found.terms
    return terms.votes, terms.cls is RequestClass.HIGH, -terms.deadline_s, bool(terms.approvers)


def _joined(best: Sequence[_Found], found: Sequence[_Found]) -> _Terms:
    named = (one.terms.approvers for one in [*best, *found] if one.terms.approvers)
    return _Terms(
        approvers=next(named, ""),
        votes=max(one.terms.votes for one in found),
        cls=max((one.terms.cls for one in found), key=lambda cls: cls is RequestClass.HIGH),
        deadline_s=min(one.terms.deadline_s for one in best),
    )


def _signed(verdict: NeedsApproval, terms: _Terms) -> NeedsApproval:
    return replace(verdict, approvers=terms.approvers, votes=terms.votes, cls=terms.cls, deadline_s=terms.deadline_s)


def _explained(verdict: NeedsApproval, others: Sequence[Verdict]) -> NeedsApproval:
    why = dict.fromkeys(other.why for other in others)
    trips = dict.fromkeys(trip for other in others for trip in other.trips)
    return replace(verdict, why=" ".join(why), trips=tuple(trips))


def _default(action: ProposedAction) -> Verdict:
    if not action.is_write:
        ref = _built_in("Where no rule matches, reading is allowed.")
        return Allow(rule=ref, why="No rule matches; reading is allowed.", code=Code.DEFAULT)
    ref = _built_in("Where no rule matches, a person decides.")
    return _person(_Terms(), ref, "No rule matches, so a person decides.", Code.DEFAULT)


def _tightened(found: _Found, action: ProposedAction) -> _Found:
    """Return the answer after what the agent's mode and the model's confidence make stricter."""
    verdict = found.verdict
    if not action.is_write or not isinstance(verdict, (Allow, AllowAndNotify)):
        return found
    if action.mode is Mode.SUGGEST:
        why = "This agent is in suggest mode: a person signs everything it changes."
        trip = Trip("mode is live", action.mode.value)
        return replace(found, verdict=_person(found.terms, verdict.rule, why, Code.MODE, (trip,)))
    if not _is_confident(action):
        return replace(found, verdict=_doubted(found, verdict.rule, action))
    return found


def _is_confident(action: ProposedAction) -> bool:
    """Return whether the model's figure reaches the floor. With a floor, no figure or one that is none does not."""
    floor, said = action.confidence_floor, action.confidence
    if floor <= 0:
        return True
    return said is not None and not isinstance(said, bool) and floor <= said <= 1


def _doubted(found: _Found, ref: RuleRef, action: ProposedAction) -> NeedsApproval:
    floor, said = action.confidence_floor, action.confidence
    trip = Trip(f"confidence >= {floor}", "none given" if said is None else str(said))
    why = f"The agent's confidence does not reach its floor of {floor}, so a person decides."
    return _person(found.terms, ref, why, Code.CONFIDENCE, (trip,))


def _built_in(text: str) -> RuleRef:
    return RuleRef(number=0, id="default", hash=digest_of(canonical_bytes({"default": text})), text=text)


def _fault(error: Exception) -> NeedsApproval:
    ref = _built_in("Where the policy cannot be asked, a person decides.")
    why = f"The policy could not judge this ({type(error).__name__}), so a person decides."
    return _person(_Terms(), ref, why, Code.FAULT)

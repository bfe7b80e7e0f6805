"""The card pane: everything one person is shown about one request, and what they may do with it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from approvals.aftercare import After, after_of
from approvals.argument_form import Field, edit_fields, flat
from approvals.arguments import Shown, label_of, shown_arguments
from approvals.halts import not_halted
from approvals.models import Decision, Request
from approvals.money import major_text, money_text
from approvals.opening import is_as_shown
from approvals.people import signer
from approvals.permissions import has_voted, objection
from approvals.policy.canonical import NotCanonical, digest_of, parse_canonical
from approvals.ports import StoredAction, actions
from approvals.presence import lookers
from approvals.reason_codes import REASONS
from approvals.selectors import decisions_of
from approvals.services import settled_sentence
from approvals.similar import Similar, similar_to
from approvals.snoozing import PUT_ASIDE, may_be_given_to
from approvals.states import RequestClass, RequestKind, RequestState, Vote

MODES = ("edit", "reject", "answer", "resolve", "happened", "did_not_happen", "assign", "snooze")


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person typed and must not lose when their decision is refused."""

    comment: str = ""
    answer: str = ""
    reason_code: str = ""
    amount: str = ""


@dataclass(frozen=True, slots=True)
class CardView:
    """One request as one person sees it now."""

    request: Request
    card: Mapping[str, Any]
    action: StoredAction | None
    arguments: Sequence[Shown]
    decisions: Sequence[Decision]
    votes: int
    refusal: str
    edit_refusal: str
    halted: bool
    tampered: bool
    now: datetime
    user: Any = None
    mode: str = ""
    fields: Sequence[Field] = ()
    typed: Typed = field(default_factory=Typed)
    problems: Sequence[str] = ()
    banner: str = ""
    may_undo: bool = False
    successor: Request | None = None

    @property
    def is_open(self) -> bool:
        return self.request.state == RequestState.OPEN

    @property
    def huge(self) -> list[Shown]:
        return [shown for shown in self.arguments if shown.huge]

    @property
    def is_high(self) -> bool:
        return self.request.cls == RequestClass.HIGH

    @property
    def to_type(self) -> str:
        """What must be typed before a high approval: the amount, or the word when no money moves."""
        if not self.is_high:
            return ""
        money = self.request.money_minor
        return major_text(money, self.request.currency) if money is not None else "approve"

    @property
    def deciders(self) -> str:
        """Who settled it: "operator" or "operator, second-operator"."""
        names = (vote.user.get_username() for vote in self.decisions if vote.withdrawn_at is None)
        return ", ".join(dict.fromkeys(names))

    @property
    def target_facts(self) -> list[tuple[str, str]]:
        """The looked-up record in words, its money in the record's currency; without what the world check shows."""
        watched = {row[0] for row in self.check_rows}
        facts = readable_facts((self.card.get("target") or {}).get("facts") or ())
        return [(name, value) for name, value in facts if name not in watched]

    @property
    def votes_hidden(self) -> bool:
        """With two pairs of eyes each judges alone: the first vote stays hidden until the second is in."""
        return self.is_open and self.request.votes_needed > 1

    @property
    def after(self) -> After:
        """What stands on it once it is settled."""
        return after_of(self.user, self.request)

    @property
    def settled_sentence(self) -> str:
        return "" if self.is_open else settled_sentence(self.request)

    @property
    def inputs(self) -> list[Field]:
        """The edit form in the order it is drawn."""
        return list(flat(self.fields))

    @property
    def changed_fields(self) -> int:
        return sum(1 for field in self.inputs if field.changed and not field.parts)

    @property
    def own_vote(self) -> Decision | None:
        """What this very person voted: nobody hides one's own vote from oneself."""
        mine = (vote for vote in self.decisions if vote.withdrawn_at is None and vote.user_id == self.user.pk)
        return next(mine, None)

    @property
    def moved(self) -> str:
        """Why what this was judged by is no longer so; it is judged again in a moment, and cannot be signed."""
        waits = self.is_open and self.request.kind == RequestKind.APPROVAL
        return self.action.moved if waits and self.action else ""

    @property
    def check_rows(self) -> Sequence[Sequence[str]]:
        """What the world check read: name, value before, value after or nothing."""
        return (self.card.get("check") or {}).get("rows") or ()

    @property
    def check_at(self) -> datetime | None:
        return parse_datetime((self.card.get("check") or {}).get("read_at") or "")

    @property
    def may_look_again(self) -> bool:
        return bool(self.card.get("check")) and self.is_open and not self.halted and self.is_decider

    @property
    def may_look_up(self) -> bool:
        """A lost outcome can be looked up where the tool names how."""
        lost = self.request.kind == RequestKind.UNKNOWN_OUTCOME and self.is_open
        return lost and self.action is not None and self.action.can_be_looked_up and not self.halted and self.is_decider

    @property
    def is_decider(self) -> bool:
        return signer(self.user).decides

    @property
    def edited_into(self) -> Sequence[Sequence[str]]:
        """What an edit made of this, as the card of its successor says it."""
        return (self.successor.card.get("changes") or ()) if self.successor else ()

    # Asked only by whoever draws the card; each is a question to the database.

    @property
    def lookers(self) -> list[str]:
        """Who else has this card before them now."""
        return lookers(self.request, self.user, self.now) if self.is_open else []

    @property
    def similar(self) -> Similar | None:
        """What was decided about the same tool before. It stands beside the card and is not part of what is signed."""
        return similar_to(self.request, now=self.now)

    @property
    def colleagues(self) -> Sequence[Any]:
        return may_be_given_to(self.request)

    @property
    def part_open(self) -> bool:
        """Whether a form stands in the bar instead of the deciding buttons."""
        return self.mode not in ("", "edit")

    @property
    def put_aside(self) -> Sequence[tuple[str, str]]:
        """For how long the card can be put aside: code and words."""
        return PUT_ASIDE


def card_view(user: Any, request: Request, *, now: datetime, mode: str = "") -> CardView:
    """Everything to draw the card of this request for this person."""
    action = _action(request)
    decisions = decisions_of(request)
    shown, tampered = shown_of(request, action)
    who = signer(user)
    voted = has_voted(who, decisions)
    return CardView(
        request=request,
        card=request.card,
        action=action,
        arguments=shown,
        decisions=decisions,
        votes=sum(1 for vote in decisions if vote.vote == Vote.APPROVE and vote.withdrawn_at is None),
        refusal=objection(who, request, voted=voted),
        edit_refusal=objection(who, request, editing=True, voted=voted),
        halted=not Request.objects.filter(not_halted(), pk=request.pk).exists(),
        tampered=tampered,
        now=now,
        user=user,
        mode=mode if mode in MODES else "",
        fields=_fields(action) if mode == "edit" else (),
        may_undo=_may_undo(user, request, decisions, now),
        successor=Request.objects.filter(pk=request.successor_id).first() if request.successor_id else None,
    )


def bare_view(user: Any, request: Request, *, now: datetime) -> CardView:
    """The card without what only its reader needs: enough to check a vote against, never to be drawn."""
    action = _action(request)
    shown, tampered = shown_of(request, action)
    return CardView(
        request=request,
        card=request.card,
        action=action,
        arguments=shown,
        decisions=(),
        votes=0,
        refusal="",
        edit_refusal="",
        halted=False,
        tampered=tampered,
        now=now,
        user=user,
    )


def with_typed(view: CardView, typed: Typed, *, banner: str = "", problems: Sequence[str] = ()) -> CardView:
    """The same card holding what was typed and saying what was wrong with it."""
    return replace(view, typed=typed, banner=banner, problems=tuple(problems))


def readable_facts(facts: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """Names as words, and minor units as money where the same record names its currency."""
    currency = next((str(value) for name, value in facts if name == "currency"), "")
    return [_readable(str(name), str(value), currency) for name, value in facts]


def _readable(name: str, value: str, currency: str) -> tuple[str, str]:
    if name.endswith("_minor") and len(currency) == 3 and re.fullmatch(r"-?\d{1,15}", value, re.ASCII):
        return label_of(name.removesuffix("_minor")), money_text(int(value), currency)
    return label_of(name), value


def rejection_words(reason_code: str, comment: str) -> str:
    """What the agent is told: the chosen reason and the person's own words."""
    words = dict(REASONS).get(reason_code, "")
    chosen = "" if reason_code == "other" else words
    return ". ".join(part for part in (chosen, comment.strip()) if part)


def _action(request: Request) -> StoredAction | None:
    if not request.action_id:
        return None
    try:
        return actions().read([request.action_id]).get(request.action_id)
    except NotCanonical:
        return None  # the card says that what is stored is not what was to be signed


def shown_of(request: Request, action: StoredAction | None) -> tuple[list[Shown], bool]:
    """The arguments as the canonical bytes say, and whether those bytes are not what is to be signed."""
    if action is None:
        return [], bool(request.action_id)
    try:
        arguments = parse_canonical(bytes(action.canonical))["arguments"]
    except (NotCanonical, KeyError, TypeError):
        return [], True
    right = digest_of(bytes(action.canonical)) == action.digest and is_as_shown(request)
    return shown_arguments(arguments, action.schema, action.money_paths), not right or _is_stale(request, action)


def _is_stale(request: Request, action: StoredAction) -> bool:
    signs_action = request.kind == RequestKind.APPROVAL and request.state == RequestState.OPEN
    return signs_action and request.action_digest != action.digest


def _fields(action: StoredAction | None) -> list[Field]:
    return edit_fields(action.arguments, action.schema, action.money_paths) if action else []


def _may_undo(user: Any, request: Request, decisions: Sequence[Decision], now: datetime) -> bool:
    last = next((vote for vote in reversed(decisions) if vote.withdrawn_at is None), None)
    in_time = request.execute_after is not None and request.execute_after > now and request.consumed_at is None
    return request.state == RequestState.APPROVED and in_time and last is not None and last.user_id == user.pk

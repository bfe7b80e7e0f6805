"""What a person posted about a request, read and checked before any verb is called. Asks no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict

from approvals.argument_form import Field, edited_arguments, flat, typed_fields
from approvals.arguments import Kind
from approvals.money import NotMoney, parse_money
from approvals.reason_codes import REASONS
from approvals.reviewing import CardView, Typed, rejection_words
from approvals.states import Vote


@dataclass(frozen=True, slots=True)
class Ballot:
    """One person's vote as typed."""

    vote: str
    digest: str
    comment: str
    answer: str
    reason_code: str
    amount: str
    opened: frozenset[str]
    editing: bool
    # A row of a list was added or taken out: the form is drawn again, and nothing is decided.
    reshaping: bool = False
    # How a hand-off was closed.
    result_code: str = ""

    @property
    def typed(self) -> Typed:
        return Typed(comment=self.comment, answer=self.answer, reason_code=self.reason_code, amount=self.amount)

    @property
    def words(self) -> str:
        """The comment that is kept, and that the agent reads after a reject."""
        return rejection_words(self.reason_code, self.comment) if self.vote == Vote.REJECT else self.comment

    @property
    def mode(self) -> str:
        """Which part of the action bar stays open when this is refused."""
        if self.editing:
            return "edit"
        return self.vote if self.vote in (Vote.REJECT, Vote.HAPPENED, Vote.DID_NOT_HAPPEN) else ""


def ballot_from(post: QueryDict) -> Ballot:
    vote = post.get("vote", "")
    reshaping = "grow" in post or "cut" in post
    codes = {code for code, _ in REASONS}
    reason = post.get("reason_code", "")
    return Ballot(
        vote=vote,
        digest=post.get("digest", ""),
        comment=(post.get(f"comment-{vote}", "") or post.get("comment", "")).strip()[:4000],
        answer=post.get("answer", "").strip()[:20000],
        reason_code=reason if vote == Vote.REJECT and reason in codes else "",
        amount=post.get("typed", "").strip()[:40],
        opened=frozenset(post.getlist("opened")),
        editing=post.get("mode", "") == "edit" and (vote == Vote.APPROVE or reshaping),
        reshaping=reshaping,
        result_code=post.get("result_code", "")[:40] if vote == Vote.RESOLVE else "",
    )


def as_typed(view: CardView, typed: Mapping[str, str]) -> CardView:
    """Return the card holding what its reader had typed before they were sent away."""
    words = Typed(*(typed.get(name, "") for name in ("comment", "answer", "reason_code", "typed")))
    fields = edited_arguments(typed_fields(view.fields, typed), view.action.arguments if view.action else {})[1]
    return replace(view, typed=words, fields=fields)


def missing(ballot: Ballot, view: CardView) -> str:
    """What the person must still do before this vote can be sent, as a sentence; "" when nothing."""
    if ballot.vote == Vote.REJECT and not ballot.words:
        return "Say why: the agent reads it. Choose a reason or write one."
    if ballot.vote in (Vote.HAPPENED, Vote.DID_NOT_HAPPEN) and not ballot.comment:
        return "Write what you saw: it stands in the audit trail."
    return _missing_for_approval(ballot, view) if ballot.vote == Vote.APPROVE else ""


def edited(view: CardView, post: QueryDict) -> tuple[list[Field], dict[str, Any] | None, bool]:
    """The fields as typed, the arguments to sign (None when nothing was changed), and whether all could be read."""
    fields = typed_fields(view.fields, {name: post.get(name, "") for name in post})
    before: Mapping[str, Any] = view.action.arguments if view.action else {}
    arguments, judged = edited_arguments(fields, before)
    clean = not any(field.error for field in flat(judged))
    changed = any(field.changed for field in judged)
    return judged, arguments if changed and clean else None, clean


def _missing_for_approval(ballot: Ballot, view: CardView) -> str:
    if view.tampered:
        return "What is stored is not what was to be signed. This cannot be approved."
    unopened: Sequence[str] = [shown.label for shown in view.huge if shown.path not in ballot.opened]
    if unopened and not ballot.editing:
        return f"Open and read first: {', '.join(unopened)}."
    if view.is_high and not _typed_right(ballot, view):
        wanted = "the edited amount" if ballot.editing else view.to_type
        return f"Type {wanted} to approve: this is a high-risk request."
    return ""


def _typed_right(ballot: Ballot, view: CardView) -> bool:
    """Whether the person typed what they are about to approve: the amount, as edited; else the word."""
    if view.request.money_minor is None:
        return ballot.amount.lower() == view.to_type
    money = next((field for field in flat(view.fields) if field.kind is Kind.MONEY), None) if ballot.editing else None
    currency = money.currency if money else view.request.currency
    try:
        wanted = parse_money(money.text, currency) if money else view.request.money_minor
        return parse_money(ballot.amount, currency) == wanted
    except NotMoney:
        return False

"""What people say beside a request without settling it: notes, and questions to the agent.

A question never reaches the run: the agents app answers it from the journal (agents.asking), in words and without tools,
and the answer is the agent's claim. Nothing here changes a request or what is signed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from approvals.audit import Actor, record
from approvals.errors import AlreadySettled, BadArguments, NotAllowed, NotFound, RequestChanged
from approvals.halts import halted_scopes, scopes_of
from approvals.models import Remark, Request
from approvals.people import Signer, signer
from approvals.permissions import visible_requests
from approvals.states import RequestState
from config.queues import ring_after_commit

NOTE, QUESTION, ANSWER = "note", "question", "answer"
WAITING, ANSWERED, FAILED = "waiting", "answered", "failed"
MOST_QUESTIONS = 10
LONGEST = 4_000


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said; a question carries its answer, when there is one."""

    remark: Remark
    answer: Remark | None = None

    @property
    def is_question(self) -> bool:
        return self.remark.kind == QUESTION

    @property
    def offline(self) -> bool:
        return bool(self.answer and self.answer.model.startswith("offline/"))


def ask_agent(*, request_id: UUID, user: Any, text: str) -> Remark:
    """Put a question to the agent. It is answered beside the run, which goes on waiting as it was.

    The same question of the same person that still waits is not asked twice.
    Raises NotFound, NotAllowed, AlreadySettled, BadArguments with the sentence.
    """
    words = _words(text)
    with transaction.atomic():
        request = _visible(signer(user), request_id)
        refusal = refusal_to_ask(user, request)
        if refusal:
            raise (AlreadySettled if request.state != RequestState.OPEN else NotAllowed)(refusal)
        asked = list(Remark.objects.filter(request=request, kind=QUESTION).exclude(state=FAILED))
        twin = next((one for one in asked if one.state == WAITING and one.text == words), None)
        if twin is not None:
            return twin
        if len(asked) >= MOST_QUESTIONS:
            raise RequestChanged(f"{MOST_QUESTIONS} questions have been asked here; decide with what is known.")
        remark = Remark.objects.create(request=request, user=user, kind=QUESTION, text=words, state=WAITING)
        _told(request, user, "agent.asked", remark)
        ring_after_commit()
    return remark


def add_note(*, request_id: UUID, user: Any, text: str) -> Remark:
    """Leave a note for whoever looks at this next. The agent does not read it."""
    with transaction.atomic():
        request = _visible(signer(user), request_id)
        refusal = refusal_to_note(user)
        if refusal:
            raise NotAllowed(refusal)
        return keep_note(request=request, user=user, text=text)


def keep_note(*, request: Request, user: Any, text: str) -> Remark:
    """Write the note inside the caller's transaction, who has asked whether this person may."""
    remark = Remark.objects.create(request=request, user=user, kind=NOTE, text=_words(text))
    _told(request, user, "request.noted", remark)
    return remark


def refusal_to_ask(user: Any, request: Request) -> str:
    """Return why this person cannot ask the agent about this now, or ""."""
    if not signer(user).decides:
        return "Operators and admins ask the agent."
    if request.state != RequestState.OPEN:
        return f"This is {request.state}; the agent is asked only while it waits."
    if request.run_id is None or not request.agent:
        return "No run stands behind this, so there is no agent to ask."
    return halted_sentence(request.agent)


def refusal_to_note(user: Any) -> str:
    return "" if signer(user).decides else "Operators and admins write notes."


def halted_sentence(agent: str) -> str:
    """Return that this agent is halted and therefore not asked, or ""."""
    covering = halted_scopes() & set(scopes_of(agent=agent))
    return f"{agent} is halted; it is not asked anything until that is released." if covering else ""


def remarks_of(request: Request) -> Sequence[Said]:
    """Return what was said about the request, oldest first, each answer with its question."""
    rows = list(Remark.objects.filter(request=request).select_related("user").order_by("created_at", "pk"))
    answers = {row.answers_id: row for row in rows if row.kind == ANSWER}
    return [Said(row, answers.get(row.pk)) for row in rows if row.kind != ANSWER]


def version_of(said: Sequence[Said]) -> str:
    """Return what differs whenever the list would be drawn otherwise."""
    text = "|".join(f"{one.remark.pk}{one.remark.state}" for one in said)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _visible(who: Signer, request_id: UUID) -> Request:
    request = visible_requests(who).filter(pk=request_id).select_for_update(of=("self",)).first()
    if request is None:
        raise NotFound("There is no such request, or it belongs to a team you are not in.")
    return request


def _words(text: str) -> str:
    words = text.replace("\x00", "").strip()
    if not words:
        raise BadArguments("Write something first.")
    if len(words) > LONGEST:
        raise BadArguments(f"At most {LONGEST:,} characters; this has {len(words):,}.")
    return words


def _told(request: Request, user: Any, verb: str, remark: Remark) -> None:
    record(
        actor=Actor.person(user),
        verb=verb,
        subject_type="request",
        subject_id=request.pk,
        subject=request.subject,
        run_id=request.run_id,
        agent=request.agent,
        digest=hashlib.sha256(remark.text.encode()).hexdigest(),
        remark=str(remark.pk),
    )

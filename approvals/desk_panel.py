"""The desk's part of a card, and what was said beside it: what one person sees and may do there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.desk import Work
from approvals.desk_terms import CODE_WORDS, RESULT_WORDS, Priority, on_the_desk
from approvals.desk_work import refusal_to_work, teams_of
from approvals.models import Request, Team
from approvals.remarks import MOST_QUESTIONS, Said, refusal_to_ask, refusal_to_note, remarks_of, version_of


@dataclass(frozen=True, slots=True)
class DeskPanel:
    """Work on one request, as one person sees it."""

    work: Work
    user: Any
    refusal: str
    teams: Sequence[Team]
    problem: str = ""

    @property
    def mine(self) -> bool:
        return bool(self.work.request.assignee_id == self.user.pk)

    @property
    def waits(self) -> bool:
        return self.work.progress == "waiting"

    @property
    def fine(self) -> str:
        """The fine code in words, where it says more than its family."""
        code = self.work.request.reason_code
        return CODE_WORDS.get(code, code.replace("_", " ")) if code and code != self.work.family else ""

    @property
    def priorities(self) -> list[str]:
        return list(Priority)

    @property
    def result(self) -> str:
        return next((words for code, words in RESULT_WORDS.items() if code == self.work.request.result_code), "")


@dataclass(frozen=True, slots=True)
class RemarksPanel:
    """What was said beside one request."""

    request: Request
    said: Sequence[Said]
    version: str
    ask_refusal: str
    note_refusal: str
    typed: str = ""
    problem: str = ""

    @property
    def asks(self) -> int:
        return sum(1 for one in self.said if one.is_question and one.remark.state != "failed")

    @property
    def most(self) -> int:
        return MOST_QUESTIONS

    @property
    def waiting(self) -> bool:
        return any(one.remark.state == "waiting" for one in self.said)


def desk_panel(user: Any, request: Request, *, now: datetime, problem: str = "") -> DeskPanel | None:
    """Return the desk's part of this card, or None for what is no such work."""
    if not on_the_desk(request.kind):
        return None
    refusal = refusal_to_work(user)
    others = [] if refusal or request.state != "open" else list(teams_of(user))
    teams = [team for team in others if team.pk != request.team_id]
    return DeskPanel(Work(request, now), user, refusal, teams, problem)


def remarks_panel(user: Any, request: Request, *, typed: str = "", problem: str = "") -> RemarksPanel:
    """Return everything that was said beside this request, and whether this person may add to it."""
    said = remarks_of(request)
    return RemarksPanel(
        request, said, version_of(said), refusal_to_ask(user, request), refusal_to_note(user), typed, problem
    )

"""Reading what people answered while nobody worked on the run, into its journal."""

from django.db import transaction

from agents import journal
from agents.answers import answer_call
from agents.moves import hold_lease
from agents.states import StepKind
from agents.work import Work
from approvals.selectors import Answer, answers_of_run
from approvals.states import RequestKind


def read_answers(work: Work) -> bool:
    """Journal every settled question and hand-off once. Returns True when there was one: read the run again."""
    answers = unread(work)
    for answer in answers:
        with transaction.atomic():
            hold_lease(work.run)
            _journal(work, answer)
    return bool(answers)


def unread(work: Work) -> list[Answer]:
    """Return the settled questions and hand-offs that the journal does not tell of yet."""
    told = {step.data.get("request") for step in work.steps if step.kind == StepKind.DECISION}
    return [answer for answer in answers_of_run(work.run.pk) if str(answer.request_id) not in told]


def _journal(work: Work, answer: Answer) -> None:
    data = {
        "turn": work.turn,
        "request": str(answer.request_id),
        "kind": answer.kind,
        "state": answer.state,
        "by": answer.by,
        "text": answer.text,
    }
    journal.append(work.run, StepKind.DECISION, data)
    if answer.kind == RequestKind.QUESTION:
        _answer_question(work, answer)
    else:
        _give_back(work, answer)


def _answer_question(work: Work, answer: Answer) -> None:
    asked = next(
        step for step in work.steps if step.kind == StepKind.WAIT and step.data["request"] == str(answer.request_id)
    )
    text = f"{answer.by} answered: {answer.text}" if answer.answered else "Nobody answered your question in time."
    text = work.placeholders().hide_text(text)
    answer_call(work.run, asked.data["turn"], asked.data["call_id"], "ask_person", text, is_error=not answer.answered)


def _give_back(work: Work, answer: Answer) -> None:
    """Close what the last turn left open, then say what the person wants."""
    text = f"A person ({answer.by}) gives this task back to you with an instruction: {answer.text}"
    answered = {
        step.data["call_id"]
        for step in work.steps
        if step.kind == StepKind.TOOL_RESULT and step.data["turn"] == work.turn
    }
    for call in work.reply.calls if work.reply else ():
        if call.id not in answered:
            answer_call(work.run, work.turn, call.id, call.name, "Handed to a person; nothing ran.")
    text = work.placeholders().hide_text(text)
    journal.append(work.run, StepKind.INSTRUCTION, {"text": text, "by": answer.by, "turn": work.turn})

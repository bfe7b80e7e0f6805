"""A run as a story: its journal told in lines that a person reads. Reads nothing itself; pure but for the rows it is given."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from agents.envelope import opened
from agents.guards.checks import manipulation_flag
from agents.guards.screening import findings_from
from agents.models import Action, Run, Step
from agents.states import RUN_ENDED, ActionState, RunState, StepKind
from approvals.arguments import flat_text
from approvals.models import Request
from approvals.policy.canonical import NotCanonical

BAR = 150
LONG_CHARS, LONG_LINES = 500, 6


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `title` and `note` are our words; `said`, `given` and `got` come from models or from outside."""

    at: datetime
    icon: str
    title: str
    note: str = ""
    look: str = ""  # "", verdict, now, next
    detail: str = ""  # our words, may hold a name or a sentence of an action
    said: str = ""
    confidence: str = ""
    given: str = ""
    got: str = ""
    foreign: str = ""
    request: Request | None = None
    latency_ms: int = 0
    cost_usd: Decimal | None = None
    number: int = 0
    bar: str = ""  # m model, t tool, w waiting
    offset_ms: int = 0
    x: int = 0
    width: int = 0
    flags: Sequence[Mapping[str, str]] = ()  # what the guards say of it
    judged: UUID | None = None  # the action whose verdict this line tells
    changed: bool = False  # tells of a deed that changed something outside and stands

    @property
    def got_is_long(self) -> bool:
        return len(self.got) > LONG_CHARS or self.got.count("\n") >= LONG_LINES


@dataclass(frozen=True, slots=True)
class Material:
    """The rows a story is told from."""

    run: Run
    steps: Sequence[Step]
    actions: Mapping[UUID, Action]
    requests: Mapping[UUID, Request]  # by their own id
    now: datetime
    answered: frozenset[UUID] = field(default_factory=frozenset)


def material(
    run: Run, steps: Sequence[Step], actions: Sequence[Action], requests: Sequence[Request], now: datetime
) -> Material:
    done = frozenset(step.action_id for step in steps if step.kind == StepKind.TOOL_RESULT and step.action_id)
    return Material(run, steps, {a.pk: a for a in actions}, {r.pk: r for r in requests}, now, done)


def story(given: Material) -> list[Line]:
    """Every step in order, then what the run waits for now and what would follow."""
    lines = [line for step in given.steps for line in _line(step, given)]
    return _with_bars([*lines, *_now(given), *_next(given)], given)


def plain_words(given: Material) -> list[str]:
    """The run in a few sentences, made of what was done and not of what was claimed."""
    actions = list(given.actions.values())
    reads = [a for a in actions if a.effect == "read"]
    sentences = [_how_it_began(given.run)]
    if reads:
        names = ", ".join(dict.fromkeys(a.tool for a in reads))
        sentences.append(f"The agent looked things up {len(reads)} time{'s' if len(reads) != 1 else ''} ({names}).")
    sentences += [f"{a.sentence}: {_fate(a)}." for a in actions if a.effect != "read"]
    return [*sentences, _how_it_stands(given.run)]


def version_of(run: Run, actions: Sequence[Action]) -> str:
    """Differs whenever the page would."""
    states = "".join(f"{a.state[0]}{a.attempts}" for a in actions)
    return f"{run.steps_written}-{run.state}-{len(actions)}{states}"


def _line(step: Step, given: Material) -> Iterator[Line]:
    base = Line(at=step.created_at, icon="clock", title="", number=step.number, latency_ms=step.latency_ms)
    teller = _TELLERS.get(StepKind(step.kind))
    if teller is not None:
        yield from teller(base, step, given)


def _findings(step: Step) -> list[dict[str, str]]:
    return [manipulation_flag(finding).shown() for finding in findings_from(step.data.get("findings"))]


def _input(base: Line, step: Step, given: Material) -> Iterator[Line]:
    run = given.run
    title = (
        "An event came in" if run.event_id else "A person started this" if run.initiator_id else "The run was started"
    )
    text = flat_text(run.input) if run.input else ""
    yield replace(
        base,
        icon="mail",
        title=title,
        note=run.initiator.get_username() if run.initiator else "",
        foreign=text,
        flags=_findings(step),
    )


def _model(base: Line, step: Step, _given: Material) -> Iterator[Line]:
    reply = step.data.get("reply", {})
    calls = [call.get("name", "?") for call in reply.get("calls", ())]
    title = f"Model asked for {_listed(calls)}" if calls else "Model gave its answer"
    yield replace(
        base,
        icon="model",
        title=title,
        note=_model_note(step, reply),
        detail=_tried(reply),
        said=str(reply.get("text") or ""),
        cost_usd=step.cost_usd,
        bar="m",
    )


def _model_note(step: Step, reply: Mapping[str, Any]) -> str:
    def shown(count: int | None) -> str:
        return "unknown" if count is None else f"{count:,}"

    cached = (reply.get("usage") or {}).get("cache_read_tokens")
    tokens = (
        f"{shown(step.input_tokens)} in{f' ({cached:,} cached)' if cached else ''}, {shown(step.output_tokens)} out"
    )
    return f"{reply.get('model', '')}, {tokens}" + (", cost unknown" if step.cost_usd is None else "")


def _tried(reply: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{one.get('model')} failed first: {one.get('message') or one.get('error')}" for one in reply.get("tried", ())
    )


def _model_failed(base: Line, step: Step, _given: Material) -> Iterator[Line]:
    yield replace(
        base, icon="warn", title="No model answered", note=step.data.get("error", ""), got=step.data.get("message", "")
    )


_VERDICTS = {
    "1": "Policy lets it run",
    "2": "Policy lets it run and tells people",
    "3": "Policy says: a person countersigns",
    "4": "Policy says: left to people",
    "deny": "Policy denies it",
}


def _verdict(base: Line, step: Step, given: Material) -> Iterator[Line]:
    action = given.actions.get(step.action_id) if step.action_id else None
    level = str(step.data.get("level", ""))
    flags = step.data.get("flags") or ()
    if level == "1" and step.action_id in given.answered and not flags:
        return  # told by the line of its result
    request = _request_of(step, given)
    title = _VERDICTS.get(level, "Policy judged it")
    if step.data.get("state") == ActionState.SHADOWED:
        title = "Recorded, not executed: this agent runs in shadow"
    yield replace(
        base,
        icon="policy",
        judged=step.action_id,
        look="verdict" if level != "1" else "",
        title=title,
        note=_rule_words(step.data.get("rule") or {}),
        detail=f"{step.data.get('sentence') or step.data.get('tool', '')}: {step.data.get('why', '')}",
        said=action.reason if action else "",
        confidence=f"{action.confidence:.2f}" if action and action.confidence is not None else "",
        given=_arguments(action),
        request=request,
        bar="w",
        flags=flags,
    )
    if request is not None and request.settled_at is not None:
        yield _settled(request, base)


def _settled(request: Request, base: Line) -> Line:
    votes = [vote for vote in request.decisions.all() if vote.withdrawn_at is None]
    names = _listed([vote.user.get_username() for vote in votes]) if votes else "Nobody in time"
    words = "; ".join(vote.comment for vote in votes if vote.comment)
    title = f"{names} {request.state}" if votes else f"{request.state.capitalize()}"
    return Line(
        at=request.settled_at or base.at,
        icon="person",
        title=title,
        note="a person's decision",
        detail=words,
        request=request,
        number=base.number,
    )


def _request_of(step: Step, given: Material) -> Request | None:
    try:
        return given.requests.get(UUID(str(step.data.get("request"))))
    except ValueError:
        return None


def _rule_words(rule: Mapping[str, Any]) -> str:
    number = rule.get("number")
    return (
        f"rule {number}: {rule.get('condition') or rule.get('text') or ''}".rstrip(": ")
        if number
        else "no rule matched"
    )


def _tool_result(base: Line, step: Step, given: Material) -> Iterator[Line]:
    action = given.actions.get(step.action_id) if step.action_id else None
    data = step.data
    if action is None:
        yield replace(
            base,
            icon="tool",
            title=data.get("tool", ""),
            note="refused" if data.get("is_error") else "",
            got=data.get("content", ""),
            bar="t",
        )
        return
    got = flat_text(action.result) if action.result is not None else action.error or data.get("content", "")
    yield replace(
        base,
        icon="tool" if not data.get("is_error") else "warn",
        title=action.tool,
        changed=action.effect != "read" and action.state == ActionState.SUCCEEDED,
        note=_tool_note(action),
        given=_arguments(action) if action.effect == "read" else "",
        got=got,
        latency_ms=step.latency_ms or action.latency_ms,
        bar="t",
        flags=_findings(step),
    )


def _tool_note(action: Action) -> str:
    tries = f", {action.attempts} tries" if action.attempts > 1 else ""
    return f"{action.effect}, level {action.level}, {action.state}{tries}"


def _arguments(action: Action | None) -> str:
    if action is None:
        return ""
    try:
        return flat_text(opened(action.canonical)["arguments"])
    except (NotCanonical, KeyError):
        return "These bytes cannot be read: they are not what was signed."


def _decision(base: Line, step: Step, given: Material) -> Iterator[Line]:
    words = f"{step.data.get('by') or 'Somebody'} {step.data.get('state', 'decided')}"
    yield replace(
        base,
        icon="person",
        title=words,
        note="a person",
        detail=str(step.data.get("text") or ""),
        request=_request_of(step, given),
    )


def _wait(base: Line, step: Step, given: Material) -> Iterator[Line]:
    title = "Handed to a person" if "code" in step.data else "Asked a person"
    code = str(step.data.get("code", "")).replace("_", " ")
    yield replace(
        base,
        icon="hand",
        look="verdict",
        title=title,
        note=code,
        said=step.data.get("text", ""),
        request=_request_of(step, given),
        bar="w",
    )


def _instruction(base: Line, step: Step, _given: Material) -> Iterator[Line]:
    yield replace(
        base,
        icon="person",
        title="A person gave it back with an instruction",
        note=step.data.get("by", ""),
        detail=step.data.get("text", ""),
    )


def _repair(base: Line, step: Step, _given: Material) -> Iterator[Line]:
    yield replace(
        base,
        icon="warn",
        title="The answer could not be used; the model was asked again",
        detail=" ".join(step.data.get("problems", ())),
    )


def _limit(base: Line, step: Step, _given: Material) -> Iterator[Line]:
    yield replace(
        base, icon="stop", title="A limit was reached", detail=str(step.data.get("text") or step.data.get("why") or "")
    )


def _end(base: Line, step: Step, _given: Material) -> Iterator[Line]:
    outcome = step.data.get("outcome")
    words = f"The run {step.data.get('state', 'ended')}"
    yield replace(base, icon="check", title=words, said=flat_text(outcome) if outcome else "")


_TELLERS = {
    StepKind.INPUT: _input,
    StepKind.MODEL: _model,
    StepKind.MODEL_FAILED: _model_failed,
    StepKind.VERDICT: _verdict,
    StepKind.TOOL_RESULT: _tool_result,
    StepKind.DECISION: _decision,
    StepKind.WAIT: _wait,
    StepKind.INSTRUCTION: _instruction,
    StepKind.REPAIR: _repair,
    StepKind.LIMIT: _limit,
    StepKind.END: _end,
}


def _now(given: Material) -> Iterator[Line]:
    """What the run does or waits for at this moment; nothing once it has ended."""
    run = given.run
    if run.state in RUN_ENDED:
        return
    titles = {
        RunState.RUNNING: "Working",
        RunState.QUEUED: "In the queue",
        RunState.DEAD_LETTER: "Given up after three deaths; a person may retry it",
    }
    title = titles.get(RunState(run.state), run.waiting_for or run.state.replace("_", " ").capitalize())
    note = run.waiting_for if run.state in titles else "holding no worker"
    waiting = next((r for r in given.requests.values() if r.state == "open"), None)
    last = given.steps[-1].created_at if given.steps else run.created_at
    spent = int((given.now - last).total_seconds() * 1000)
    yield Line(
        at=last, icon="clock", look="now", title=title, note=note, request=waiting, latency_ms=max(0, spent), bar="w"
    )


def _next(given: Material) -> Iterator[Line]:
    for action in given.actions.values():
        if action.state in (ActionState.PENDING, ActionState.APPROVED, ActionState.ALLOWED):
            when = "On approve" if action.state == ActionState.PENDING else "Then"
            yield Line(
                at=given.now, icon="tool", look="next", title=f"{when}: {action.tool}, once", note=action.sentence
            )


def _with_bars(lines: Sequence[Line], given: Material) -> list[Line]:
    """Place each line's time on a common scale from the run's start to its end."""
    start = given.run.created_at
    end = given.run.ended_at or given.now
    whole = max(1.0, (end - start).total_seconds() * 1000)
    return [_placed(line, start, whole) for line in lines]


def _placed(line: Line, start: datetime, whole: float) -> Line:
    since = max(0, int((line.at - start).total_seconds() * 1000))
    if line.look == "next":
        return line
    begun = since if line.look == "now" else max(0, since - line.latency_ms)
    x = min(BAR - 3, int(begun / whole * BAR))
    return replace(line, offset_ms=begun, x=x, width=max(2, min(BAR - x, int(line.latency_ms / whole * BAR))))


def _how_it_began(run: Run) -> str:
    who = "An event" if run.event_id else run.initiator.get_username() if run.initiator else "Somebody"
    about = f" about {run.subject}" if run.subject else ""
    return f"{who} started this{about}: {run.goal.rstrip('.')}."


def _how_it_stands(run: Run) -> str:
    if run.state == RunState.COMPLETED:
        return "It is completed."
    return f"It is {run.state.replace('_', ' ')}. {run.waiting_for}".strip()


_FATES = {
    ActionState.SUCCEEDED: "done",
    ActionState.PENDING: "waits for a person",
    ActionState.DENIED: "denied by policy",
    ActionState.UNKNOWN: "nobody knows yet whether it happened",
    ActionState.SHADOWED: "recorded, not executed",
    ActionState.FAILED: "failed, nothing happened",
}


def _fate(action: Action) -> str:
    return _FATES.get(ActionState(action.state), action.state.replace("_", " "))


def _listed(names: Sequence[str]) -> str:
    known = list(dict.fromkeys(names))
    return known[0] if len(known) == 1 else f"{', '.join(known[:-1])} and {known[-1]}" if known else "nothing"

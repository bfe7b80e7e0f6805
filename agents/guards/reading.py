"""What the guards say of one call of a run: the rows they need, read, and the pure checks asked."""

from agents.guard_settings import Answer, GuardSettings
from agents.guards.checks import flags_of
from agents.guards.flags import Flag
from agents.guards.history import history_of
from agents.guards.screening import Finding, findings_from
from agents.guards.unusual import History
from agents.models import Run, Step
from agents.states import StepKind
from agents.tools.base import Tool
from approvals.policy.action import ProposedAction

_SCREENED = (StepKind.INPUT, StepKind.TOOL_RESULT)
MAX_ROWS = 20


def flags_for(run: Run, settings: GuardSettings, tool: Tool, action: ProposedAction) -> list[Flag]:
    """Return the flags of a call. A call that only reads costs no query."""
    if not action.is_write:
        return flags_of(action, tool, settings, (), History())
    findings = () if settings.screening is Answer.OFF else findings_of(run)
    history = History()
    if settings.unusual is not Answer.OFF:
        history = history_of(run, tool, action.money.currency if action.money else "")
    return flags_of(action, tool, settings, findings, history)


def findings_of(run: Run) -> list[Finding]:
    """Return what looks manipulated in what the run has read so far, from its journal."""
    rows = Step.objects.filter(run_id=run.pk, kind__in=_SCREENED, data__has_key="findings").order_by("number")
    found = [
        finding for row in rows.values_list("data__findings", flat=True)[:MAX_ROWS] for finding in findings_from(row)
    ]
    return list({(one.what, one.phrase): one for one in found}.values())

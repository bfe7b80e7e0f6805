"""A run as lines of text, for the command line."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.conf import settings

from agents.models import Run, Step
from agents.selectors import run_timeline
from agents.states import RUN_ENDED, StepKind


def lines_of(run_id: UUID) -> Iterator[str]:
    """Return what the run did, step by step, and how it stands now."""
    run = Run.objects.get(pk=run_id)
    for step in run_timeline(run_id):
        yield from _step(step)
    yield f"Run {run.number} is {run.state.replace('_', ' ')}. {run.waiting_for}".rstrip()
    if run.state in RUN_ENDED and run.outcome is not None:
        yield json.dumps(run.outcome, ensure_ascii=False, indent=2)
    yield f"Story: {settings.PUBLIC_URL}/runs/{run.pk}/"


def _step(step: Step) -> Iterator[str]:
    data: dict[str, Any] = step.data
    match step.kind:
        case StepKind.MODEL:
            names = ", ".join(call["name"] for call in data["reply"]["calls"])
            yield f"{step.number:3} model    {data['reply']['model']}: {names or 'ends'}"
        case StepKind.VERDICT:
            yield f"{step.number:3} policy   {data.get('sentence') or data['tool']}: {data['state']}. {data['why']}"
        case StepKind.TOOL_RESULT:
            yield f"{step.number:3} result   {data['tool']}: {' '.join(data['content'].split())[:200]}"
        case StepKind.INPUT | StepKind.END:
            return
        case _:
            yield f"{step.number:3} {step.kind:8} {data.get('text') or data.get('message') or ''}"

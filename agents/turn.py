"""One turn: context → model → journal. No side effect but the model call."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F

from agents import journal
from agents.context import messages, system_text, tool_specs
from agents.models import Run
from agents.outcome import outcome_of
from agents.pool import give_back
from agents.providers.base import ModelReply, ModelRequest, ProviderError
from agents.providers.fallback import complete_with_fallback
from agents.providers.wire import reply_to_json
from agents.spending import note_tokens
from agents.states import StepKind
from agents.undo.player import take_undo_turn
from agents.work import Work

MODEL_TIMEOUT_S = 120.0


def take_turn(work: Work) -> None:
    """Ask the model and journal its reply before anything acts on it. Raises ProviderError when the chain fails."""
    if work.run.undoes_id is not None:
        take_undo_turn(work)
        return
    request = model_request(work)
    give_back()
    try:
        reply = complete_with_fallback(work.spec.models, lambda model: replace(request, model=model))
    except ProviderError as error:
        _journal_failure(work, error)
        raise
    with transaction.atomic():
        _journal_reply(work, reply)


def model_request(work: Work) -> ModelRequest:
    run, spec = work.run, work.spec
    return ModelRequest(
        model=spec.model,
        system=system_text(spec.instructions, spec.outcome),
        messages=messages(work.steps),
        tools=tool_specs(work.tools.values()),
        outcome_schema=spec.outcome,
        timeout_s=MODEL_TIMEOUT_S,
        agent=run.agent.name,
        category=run.agent.category,
    )


def _journal_reply(work: Work, reply: ModelReply) -> None:
    data: dict[str, Any] = {"turn": work.turn + 1, "reply": reply_to_json(reply)}
    if not reply.calls:
        outcome, problems = outcome_of(reply.text, work.spec.outcome)
        data |= {"outcome": outcome, "problems": problems}
    journal.append(
        work.run,
        StepKind.MODEL,
        data,
        latency_ms=reply.latency_ms,
        input_tokens=reply.usage.input_tokens,
        output_tokens=reply.usage.output_tokens,
        cost_usd=reply.cost_usd,
    )
    _add_figures(work.run, reply)
    note_tokens(work.run, (reply.usage.input_tokens or 0) + (reply.usage.output_tokens or 0))


def _add_figures(run: Run, reply: ModelReply) -> None:
    usage = reply.usage
    unknown: Mapping[str, Any] = {
        **({"cost_known": False} if reply.cost_usd is None else {}),
        **({"tokens_known": False} if usage.input_tokens is None or usage.output_tokens is None else {}),
    }
    Run.objects.filter(pk=run.pk).update(
        turns=F("turns") + 1,
        input_tokens=F("input_tokens") + (usage.input_tokens or 0),
        output_tokens=F("output_tokens") + (usage.output_tokens or 0),
        cache_read_tokens=F("cache_read_tokens") + (usage.cache_read_tokens or 0),
        cache_write_tokens=F("cache_write_tokens") + (usage.cache_write_tokens or 0),
        cost_usd=F("cost_usd") + (reply.cost_usd or Decimal(0)),
        **unknown,
    )
    run.cost_usd = Decimal(run.cost_usd) + (reply.cost_usd or Decimal(0))


def _journal_failure(work: Work, error: ProviderError) -> None:
    tried = [{"model": one.model, "error": one.error, "message": one.message} for one in error.tried]
    data = {"turn": work.turn, "error": type(error).__name__, "message": error.message, "status": error.status}
    data["tried"] = tried
    with transaction.atomic():
        journal.append(work.run, StepKind.MODEL_FAILED, data)

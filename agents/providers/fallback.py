"""The chain of models of one turn: the next one is asked when a provider is down or set up wrongly."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from agents.providers.base import Attempt, Invalid, ModelReply, ModelRequest, ProviderError, Retryable, split_model
from agents.providers.registry import provider_named


def complete_with_fallback(models: Sequence[str], request_for: Callable[[str], ModelRequest]) -> ModelReply:
    """Return the first answer of the chain; `tried` on the answer, or on the error, says who failed before and why.

    models: "<provider>/<model>", first choice first. request_for: the request for one of them.
    Raises Retryable when at least one of them may answer later, otherwise the first model's own error.
    A refusal, a request that is wrong in itself or one that is too long ends the chain: asking around would not help.
    """
    failures: list[ProviderError] = []
    tried: list[Attempt] = []
    for model in models:
        try:
            reply = provider_named(split_model(model)[0]).complete(request_for(model))
        except ProviderError as error:
            tried.append(Attempt(model, type(error).__name__, error.message))
            failures.append(error)
            if not _worth_another(error):
                break
        else:
            return replace(reply, tried=tuple(tried))
    raise _summed_up(failures, tried)


def _worth_another(error: ProviderError) -> bool:
    return isinstance(error, Retryable) or (isinstance(error, Invalid) and error.setup)


def _summed_up(failures: list[ProviderError], tried: list[Attempt]) -> ProviderError:
    if not failures:
        return Invalid("No model is named.", setup=True)
    chosen = _final(failures) or _soonest(failures) or failures[0]
    chosen.tried = tuple(tried)
    return chosen


def _final(failures: list[ProviderError]) -> ProviderError | None:
    return None if _worth_another(failures[-1]) else failures[-1]


def _soonest(failures: list[ProviderError]) -> ProviderError | None:
    """Return the failure that may pass first, so that the run comes back then."""
    passing = [failure for failure in failures if isinstance(failure, Retryable)]
    return min(passing, key=lambda failure: failure.retry_after_s or 0.0, default=None)

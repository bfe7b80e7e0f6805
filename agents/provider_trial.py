"""One small question to a model, to see whether address, key and name are right."""

from dataclasses import dataclass

from agents.providers.base import ModelReply, ModelRequest, ProviderError, UserText
from agents.providers.registry import provider_named

_TIMEOUT_S = 20.0
_TOKENS = 200


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it: a reply, or the sentence that says what is wrong."""

    model: str
    reply: ModelReply | None
    problem: str


def try_model(provider: str, model: str) -> Trial:
    """Return what the model answered to a greeting. Costs a few tokens; nothing is journaled."""
    if not model:
        return Trial("", None, "Write the name of a model that this provider has.")
    request = ModelRequest(
        model=f"{provider}/{model}",
        system="",
        messages=(UserText("Answer with the one word: ready"),),
        tools=(),
        outcome_schema=None,
        max_output_tokens=_TOKENS,
        timeout_s=_TIMEOUT_S,
    )
    try:
        return Trial(model, provider_named(provider).complete(request), "")
    except ProviderError as error:
        return Trial(model, None, error.message)

"""The shape every model provider fills, and nothing of any vendor.

The loop speaks these words only. An adapter turns a `ModelRequest` into its vendor's wire form and the
answer back into a `ModelReply`; names of tools are ours ("shop.refund_order") on both sides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol


@dataclass(frozen=True)
class ToolSpec:
    """A tool as the model is told about it, under our own name."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class ToolCall:
    """What a model asked for. `arguments` is None, and `problem` says why, when they cannot be read."""

    id: str
    name: str
    arguments: Mapping[str, Any] | None
    raw: str
    problem: str = ""


@dataclass(frozen=True)
class UserText:
    text: str


@dataclass(frozen=True)
class AssistantTurn:
    """An earlier reply, said again. `opaque` goes back to the provider named here and to no other."""

    text: str
    calls: tuple[ToolCall, ...]
    provider: str
    opaque: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class ToolOutput:
    call_id: str
    name: str
    content: str
    is_error: bool = False


@dataclass(frozen=True)
class ToolOutputs:
    """The results of all calls of one turn; they go back together."""

    outputs: tuple[ToolOutput, ...]


Message = UserText | AssistantTurn | ToolOutputs


@dataclass(frozen=True)
class ModelRequest:
    """One question to one model. `model` is "<provider>/<model>"; `agent` and `category` are for the books only."""

    model: str
    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    outcome_schema: Mapping[str, Any] | None
    max_output_tokens: int = 4096
    timeout_s: float = 60
    agent: str = ""
    category: str = ""
    # A person's question about a run, asked beside it and answered in words: what plays a workflow must not go on with it.
    question: str = ""


@dataclass(frozen=True)
class Usage:
    """Tokens as the vendor counted them; None where it did not say.

    `input_tokens` includes cache reads and writes, `output_tokens` includes reasoning.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class Stop(StrEnum):
    END = "end"
    TOOL_CALLS = "tool_calls"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    PAUSED = "paused"


@dataclass(frozen=True)
class Attempt:
    """A model of the chain that was asked before and could not answer."""

    model: str
    error: str
    message: str


@dataclass(frozen=True)
class ModelReply:
    """What came back. `cost_usd` is None when the price is not known; it is never a made-up zero."""

    text: str
    calls: tuple[ToolCall, ...]
    stop: Stop
    usage: Usage
    cost_usd: Decimal | None
    price_source: str
    model: str
    provider: str
    latency_ms: int
    opaque: tuple[Mapping[str, Any], ...] = ()
    request_id: str = ""
    tried: tuple[Attempt, ...] = ()


class ModelProvider(Protocol):
    """Read-only names, so that a frozen dataclass or a property may fill them."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    def complete(self, request: ModelRequest) -> ModelReply:
        """Answers, or raises one of the errors below; never a vendor's own error."""
        ...


class ProviderError(Exception):
    """Whose fault it was and what a caller may do; the message is for people and holds no prompt text."""

    def __init__(
        self, message: str, *, status: int | None = None, retry_after_s: float | None = None, request_id: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s
        self.request_id = request_id
        self.tried: tuple[Attempt, ...] = ()


class Retryable(ProviderError):
    """The provider is busy or away: 429, 5xx, 529, time-out, lost connection, an answer cut short."""


class Refused(ProviderError):
    """The provider declines this content; asking again changes nothing."""


class Invalid(ProviderError):
    """The request or the set-up is wrong (4xx, key, unknown model); not worth a retry with this provider."""

    def __init__(self, message: str, *, setup: bool = False, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.setup = setup


class OverLimit(ProviderError):
    """The request is longer than this model can take."""


def split_model(model: str) -> tuple[str, str]:
    """ "local/llama/3" is provider "local", model "llama/3"."""
    provider, slash, name = model.partition("/")
    if not (provider and slash and name):
        raise Invalid(f"{model!r} does not name a model: write <provider>/<model>.", setup=True)
    return provider, name

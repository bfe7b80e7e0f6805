from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest

from agents.providers.base import ModelProvider, ModelRequest, ToolSpec, UserText
from agents.providers.registry import ADAPTERS
from agents.providers.vendor import Endpoint, VendorProvider
from tests.vendors import VendorServer

MODELS = {"anthropic": "claude-sonnet-4-6", "openai": "gpt-5", "openai_chat": "llama3.3"}
TOOLS = (
    ToolSpec(
        "shop.refund_order",
        "Refund an order.",
        {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]},
    ),
    ToolSpec("shop.get_order", "Read an order.", {"type": "object", "properties": {"order_id": {"type": "string"}}}),
    ToolSpec("hand_off", "Give the case to a person.", {"type": "object"}),
)


@pytest.fixture
def vendor(settings: Any) -> Iterator[VendorServer]:
    with VendorServer() as server:
        settings.OUTBOUND_ALLOW = server.allow
        yield server


@pytest.fixture(params=sorted(ADAPTERS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def provider_of(vendor: VendorServer) -> Iterator[Callable[..., ModelProvider]]:
    made: list[VendorProvider] = []

    def make(kind: str, **fields: Any) -> ModelProvider:
        module, adapter = ADAPTERS[kind]
        values = {"name": "house", "kind": kind, "base_url": vendor.url(kind), "api_key": "sk-secret", **fields}
        made.append(getattr(import_module(module), adapter)(Endpoint(**values)))
        return made[-1]

    yield make
    for provider in made:
        provider.close()


@pytest.fixture
def provider(kind: str, provider_of: Callable[..., ModelProvider]) -> ModelProvider:
    return provider_of(kind)


@pytest.fixture
def ask(kind: str) -> Callable[..., ModelRequest]:
    """Return a builder of requests to the provider of this test."""
    return asking(kind)


def asking(kind: str) -> Callable[..., ModelRequest]:
    def build(*messages: Any, **fields: Any) -> ModelRequest:
        values: dict[str, Any] = {
            "model": f"house/{MODELS[kind]}",
            "system": "You settle refunds.",
            "messages": messages or (UserText("Order A-1 arrived broken."),),
            "tools": TOOLS,
            "outcome_schema": None,
            "timeout_s": 5,
        }
        return ModelRequest(**{**values, **fields})

    return build

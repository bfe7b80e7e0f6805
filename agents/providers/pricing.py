"""What a call cost, in USD. A price on the provider's row wins; an unknown price is None, never 0.

Source: the table inside genai-prices (github.com/pydantic/genai-prices), its version stands in the price source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from agents.providers.base import Usage

_MILLION = Decimal(1_000_000)
_PLACES = Decimal("0.00000001")
_VENDORS = {"anthropic": "anthropic", "openai": "openai"}
UNKNOWN = "unknown"
PRICE_KEYS = ("input", "output", "cache_read", "cache_write")


@dataclass(frozen=True)
class Cost:
    usd: Decimal | None
    source: str


def cost_of(usage: Usage, *, kind: str, base_url: str, models: tuple[str, ...], prices: Mapping[str, Any]) -> Cost:
    """Return the cost of one call. models: names to look up, best first (asked for, then answered as)."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return Cost(None, UNKNOWN)
    for model in models:
        if model in prices:
            return _by_row(usage, usage.input_tokens, usage.output_tokens, prices[model])
    for model in reversed(models):
        found = _by_table(usage, kind, base_url, model)
        if found.usd is not None:
            return found
    return Cost(None, UNKNOWN)


def row_prices(entry: Any) -> dict[str, Decimal] | None:
    """Return USD per million tokens by kind of token, or None when the entry is not a price.

    Cached tokens without a price of their own cost what other input costs.
    """
    if not isinstance(entry, Mapping):
        return None
    try:
        found = {key: Decimal(str(entry[key])) for key in PRICE_KEYS if entry.get(key) not in (None, "")}
    except InvalidOperation:
        return None
    if not {"input", "output"} <= set(found) or not all(price.is_finite() and price >= 0 for price in found.values()):
        return None
    return {"cache_read": found["input"], "cache_write": found["input"], **found}


def _by_row(usage: Usage, input_tokens: int, output_tokens: int, entry: Any) -> Cost:
    prices = row_prices(entry)
    if prices is None:
        return Cost(None, UNKNOWN)
    read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    total = (
        max(input_tokens - read - written, 0) * prices["input"]
        + read * prices["cache_read"]
        + written * prices["cache_write"]
        + output_tokens * prices["output"]
    )
    return Cost((total / _MILLION).quantize(_PLACES), "provider")


def _by_table(usage: Usage, kind: str, base_url: str, model: str) -> Cost:
    # A large table: only who asks for a price loads it.
    import genai_prices

    where: dict[str, Any] = {"provider_id": _VENDORS[kind]} if kind in _VENDORS else {"provider_api_url": base_url}
    tokens = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens or 0,
        "cache_write_tokens": usage.cache_write_tokens or 0,
    }
    try:
        found = genai_prices.calc_price(genai_prices.Usage(**tokens), model, **where)
    except (LookupError, ValueError):
        return Cost(None, UNKNOWN)
    label = f"genai-prices {genai_prices.__version__}: {found.provider.id}/{found.model.id}"
    return Cost(found.total_price.quantize(_PLACES), label)

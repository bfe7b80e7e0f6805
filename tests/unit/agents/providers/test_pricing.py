import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agents.providers.base import Usage
from agents.providers.pricing import cost_of, row_prices

CASES = json.loads((Path(__file__).parents[3] / "fixtures" / "pricing" / "costs.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_call_costs_what_the_vendors_price_list_says(case: dict[str, Any]) -> None:
    cost = cost_of(Usage(**case["usage"]), kind=case["kind"], base_url="", models=(case["model"],), prices={})
    assert cost.usd == (None if case["usd"] is None else Decimal(case["usd"]))
    assert (cost.source == "unknown") is (case["usd"] is None)


def test_the_model_that_answered_is_priced_before_the_alias_that_was_asked_for() -> None:
    cost = cost_of(Usage(1_000_000, 0), kind="openai", base_url="", models=("latest", "gpt-5-2025-08-07"), prices={})
    assert cost.usd == Decimal("1.25")


def test_a_row_price_wins_over_the_table_and_is_named_so() -> None:
    prices = {"gpt-5": {"input": "1", "output": "1"}}
    cost = cost_of(Usage(1_000_000, 1_000_000), kind="openai", base_url="", models=("gpt-5",), prices=prices)
    assert (cost.usd, cost.source) == (Decimal(2), "provider")


def test_a_row_price_of_nothing_is_a_price() -> None:
    prices = {"llama": {"input": 0, "output": 0}}
    cost = cost_of(Usage(10, 10), kind="openai_chat", base_url="", models=("llama",), prices=prices)
    assert cost.usd == 0


def test_cached_tokens_without_a_price_cost_what_input_costs() -> None:
    assert row_prices({"input": "3", "output": "15"}) == {
        "input": Decimal(3),
        "output": Decimal(15),
        "cache_read": Decimal(3),
        "cache_write": Decimal(3),
    }


@pytest.mark.parametrize(
    "entry",
    [
        None,
        3,
        {},
        {"input": "1"},
        {"input": "x", "output": "1"},
        {"input": "-1", "output": "1"},
        {"input": "NaN", "output": "1"},
    ],
)
def test_what_is_not_a_price_makes_the_cost_unknown(entry: Any) -> None:
    cost = cost_of(Usage(10, 10), kind="openai", base_url="", models=("gpt-5",), prices={"gpt-5": entry})
    assert cost.usd is None


def test_a_known_vendor_behind_the_compatible_wire_is_found_by_its_address() -> None:
    usage = Usage(1_000_000, 0)
    known = cost_of(
        usage,
        kind="openai_chat",
        base_url="https://api.groq.com/openai/v1",
        models=("llama-3.3-70b-versatile",),
        prices={},
    )
    local = cost_of(usage, kind="openai_chat", base_url="http://127.0.0.1:11434/v1", models=("gpt-4o",), prices={})
    assert known.usd is not None and known.usd > 0
    assert local.usd is None

"""What is usual for an agent's arguments, and what is not. Pure.

Numbers: outside three times the middle half's width beyond the middle half (Tukey's far fences), a robust measure that
a few odd values do not move. Values: never seen, where the same few come again and again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

from agents.tools.paths import value_at

LEAST_SAMPLES = 30
MOST_SAMPLES = 500
_FENCE = 3.0
# Below this share of different values the argument is one that repeats: a queue, a currency, a recipient.
_REPEATS = 0.2
_NAMES_OF_IDS = ("id", "number", "no", "key", "reference")


@dataclass(frozen=True, slots=True)
class Usual:
    """One argument's history: `low` to `high` for numbers (with the values' middle 90 %), or the values themselves."""

    count: int
    low: float = 0
    high: float = 0
    mostly: tuple[float, float] = (0, 0)
    values: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class History:
    """What is usual for each argument of one tool in the hands of one agent, by dotted path; per currency for money."""

    arguments: Mapping[str, Usual] = field(default_factory=dict)


def usual_of(samples: Sequence[Mapping[str, Any]], paths: Sequence[str]) -> History:
    """Return what is usual for these arguments, where at least thirty earlier calls say so."""
    found: dict[str, Usual] = {}
    for path in paths:
        values = [value for sample in samples if (value := value_at(sample, path)) is not None]
        usual = _numbers(path, values) or _texts(values)
        if usual is not None:
            found[path] = usual
    return History(found)


def is_unusual(usual: Usual, value: Any) -> bool:
    """Return whether the value lies outside what is usual; one of another kind says nothing."""
    if usual.values:
        return isinstance(value, str) and value not in usual.values
    return _is_number(value) and not usual.low <= value <= usual.high


def _numbers(path: str, values: Sequence[Any]) -> Usual | None:
    numbers = [value for value in values if _is_number(value)]
    if len(numbers) < LEAST_SAMPLES or len(numbers) < len(values) or _is_id(path):
        return None
    first, _, third = quantiles(numbers, n=4)
    twentieths = quantiles(numbers, n=20)
    # Where half of all values are equal, a tenth of them is still no news.
    width = max(third - first, abs(third) / 10)
    return Usual(
        count=len(numbers),
        low=first - _FENCE * width,
        high=third + _FENCE * width,
        mostly=(twentieths[0], twentieths[-1]),
    )


def _texts(values: Sequence[Any]) -> Usual | None:
    texts = [value for value in values if isinstance(value, str)]
    different = frozenset(texts)
    if len(texts) < LEAST_SAMPLES or len(texts) < len(values) or len(different) > _REPEATS * len(texts):
        return None
    return Usual(count=len(texts), values=different)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_id(path: str) -> bool:
    name = path.rpartition(".")[2].casefold()
    return any(name == word or name.endswith(f"_{word}") for word in _NAMES_OF_IDS)

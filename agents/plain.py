from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def plain(value: Any) -> Any:
    """Return the value as the JSON columns take it: Decimals as numbers. For screens and models, never for what is signed."""
    if isinstance(value, Mapping):
        return {key: plain(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(child) for child in value]
    return float(value) if isinstance(value, Decimal) else value

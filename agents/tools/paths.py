"""Reading one value out of arguments by its dotted path. Pure."""

from collections.abc import Mapping
from typing import Any


def value_at(arguments: Mapping[str, Any], path: str) -> Any:
    """Return the value at "a.b.c", or None where there is none."""
    value: Any = arguments
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value

"""Serializers that take nothing they do not know, and fields for what has no fixed shape."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


class Strict(serializers.Serializer[Any]):
    """A shape for what comes in: a field that is not there is refused, never ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                listed = ", ".join(self.fields) or "none"
                raise serializers.ValidationError(
                    {name: [f"There is no such field. There are: {listed}."] for name in unknown}
                )
        return super().to_internal_value(data)


class Out(serializers.Serializer[Any]):
    """A shape for what goes out."""


@extend_schema_field({"description": "Any JSON value"})
class Anything(serializers.Field[Any, Any, Any, Any]):
    """Any JSON value, as it was read."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "object", "additionalProperties": True})
class Mapping(serializers.Field[Any, Any, Any, Any]):
    """Any JSON object."""

    default_error_messages = {"type": "An object (name: value) is expected."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            self.fail("type")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"oneOf": [{"type": "integer", "minimum": 1, "maximum": 4}, {"type": "string", "const": "deny"}]})
class LevelField(serializers.Field[Any, Any, Any, Any]):
    """1 to 4 or "deny", as a rule writes it; "" where nothing was judged."""

    def to_representation(self, value: str) -> int | str:
        return int(value) if value.isdigit() else value

"""Do the arguments fit the tool's schema? Sentences that a model can act on.

Patterns run in linear time (no backtracking), because a schema may come from a stranger's document,
and no reference is ever fetched.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import jsonschema_rs

MAX_PROBLEMS = 12
MAX_VALUE_CHARS = 80
MAX_ARGUMENTS_BYTES = 256 * 1024


class BadSchema(ValueError):
    """The schema itself is not one that arguments can be checked against."""


def problems_of(schema: Mapping[str, Any], arguments: Any) -> list[str]:
    """Return what is wrong with the arguments, at most twelve sentences; empty when they fit."""
    if not isinstance(arguments, Mapping):
        return ["The arguments must be a JSON object."]
    validator = _validator(_text_of(schema))
    found = [sentence for error in validator.iter_errors(dict(arguments)) for sentence in _sentences(error)]
    rest = len(found) - MAX_PROBLEMS
    return found if rest <= 0 else [*found[:MAX_PROBLEMS], f"… and {rest} more problems."]


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raise BadSchema when arguments could not be checked against the schema."""
    _validator(_text_of(schema))


def is_linear_pattern(pattern: str) -> bool:
    """Return whether our engine can match the pattern in linear time (no look-around, no back-references)."""
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True


def _text_of(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise BadSchema(f"A schema cannot hold a {type(value).__name__}.")


@lru_cache(maxsize=2048)
def _validator(text: str) -> jsonschema_rs.Draft202012Validator:
    try:
        return jsonschema_rs.Draft202012Validator(
            json.loads(text), pattern_options=jsonschema_rs.RegexOptions(), validate_formats=True, offline=True
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise BadSchema(f"The schema cannot be used: {str(error)[:300]}") from None


def _sentences(error: jsonschema_rs.ValidationError) -> Iterator[str]:
    where = _where(error.instance_path)
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        yield f"`{_joined(where, str(kind.property))}` is missing: it is required."
    elif isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        for name in kind.unexpected:
            yield f"`{_joined(where, name)}` is not an argument of this tool: leave it out."
    else:
        yield f"`{where or 'arguments'}` {_wrong(error)}, but is {_shown(error.instance)}."


def _wrong(error: jsonschema_rs.ValidationError) -> str:
    name, value = error.kind.name, error.kind.value
    if name == "type":
        return f"must be {_either(value if isinstance(value, list) else [value])}"
    if name in ("enum", "const"):
        return f"must be {_either([json.dumps(option, default=str) for option in _options(value)])}"
    if name in ("anyOf", "oneOf"):
        return f"must fit {'exactly one' if name == 'oneOf' else 'one'} of the forms in the schema"
    template = _RULES.get(name)
    return template.format(value=value) if template else f"breaks the rule `{name}` of the schema"


_RULES = {
    "maximum": "must be at most {value}",
    "minimum": "must be at least {value}",
    "exclusiveMaximum": "must be less than {value}",
    "exclusiveMinimum": "must be more than {value}",
    "multipleOf": "must be a multiple of {value}",
    "maxLength": "must have at most {value} characters",
    "minLength": "must have at least {value} characters",
    "maxItems": "must have at most {value} items",
    "minItems": "must have at least {value} items",
    "uniqueItems": "must not hold the same item twice",
    "maxProperties": "must have at most {value} fields",
    "minProperties": "must have at least {value} fields",
    "pattern": "must match the pattern {value}",
    "format": "must be a valid {value}",
    "not": "must not have this form",
    "falseSchema": "must not be given",
}


def _options(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _either(options: list[Any]) -> str:
    texts = [str(option) for option in options[:20]]
    if len(options) > 20:
        texts.append(f"one of {len(options) - 20} others")
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


def _where(path: list[str | int]) -> str:
    place = ""
    for part in path:
        place = f"{place}[{part}]" if isinstance(part, int) else _joined(place, part)
    return place


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[:MAX_VALUE_CHARS]}…"

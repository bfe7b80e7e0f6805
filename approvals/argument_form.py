"""Arguments edited by a person: typed fields in, exact values out, problems beside the field. Pure.

Money is typed in major units and converted exactly; lists and nested objects are typed as JSON.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from approvals.arguments import Kind, json_text, kind_of, label_of, money_of, resolved
from approvals.money import NotMoney, major_text, parse_money
from config import bounded_json

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
_NAMED = re.compile(r"`([^`\[]+)")


@dataclass(frozen=True, slots=True)
class Field:
    """One input. `text` is what stands in it; `given` False: the argument is absent, and empty keeps it absent."""

    path: str
    label: str
    kind: Kind
    text: str
    choices: tuple[str, ...] = ()
    given: bool = True
    required: bool = False
    currency: str = ""
    currency_from: str = ""  # the argument that says which currency a typed amount is in
    was: str = ""
    error: str = ""

    @property
    def name(self) -> str:
        return f"arg-{self.path}"

    @property
    def changed(self) -> bool:
        return self.text != self.was


class BadEdit(ValueError):
    """What was typed is not of the right kind; the text says what to write."""


def edit_fields(
    arguments: Mapping[str, Any], schema: Mapping[str, Any], money_paths: tuple[str, str] = ("", "")
) -> list[Field]:
    """The inputs for these arguments: every property of the schema, then what only the arguments have."""
    properties = schema.get("properties", {})
    money = money_of(arguments, money_paths)
    fields = []
    for name in [*properties, *(name for name in arguments if name not in properties)]:
        rule = resolved(properties.get(name), schema)
        currency = money[1] if money and name == money_paths[0] else ""
        field = _field(name, arguments, rule, currency)
        source = money_paths[1] if currency else ""
        fields.append(replace(field, required=name in schema.get("required", ()), currency_from=source))
    return fields


def typed_fields(fields: Sequence[Field], typed: Mapping[str, str]) -> list[Field]:
    """The same inputs holding what was typed. A field that was not sent keeps its value."""
    filled = [replace(field, text=_newlines(typed.get(field.name, field.text))) for field in fields]
    texts = {field.path: field.text for field in filled}
    return [_in_typed_currency(field, texts) for field in filled]


def _in_typed_currency(field: Field, texts: Mapping[str, str]) -> Field:
    """An amount is read in the currency that stands beside it now: 640.00 is not 64000 yen."""
    currency = texts.get(field.currency_from, field.currency).strip().upper()
    if field.kind is not Kind.MONEY or currency == field.currency:
        return field
    return replace(field, currency=currency, was="")


def edited_arguments(fields: Sequence[Field], before: Mapping[str, Any]) -> tuple[dict[str, Any], list[Field]]:
    """The arguments as typed, and the fields with their problems. A field left alone keeps its exact value."""
    arguments: dict[str, Any] = {}
    judged = []
    for field in fields:
        try:
            if not field.changed and field.given:
                arguments[field.path] = before[field.path]
            elif field.changed:
                arguments.update(_value(field))
            judged.append(field)
        except BadEdit as problem:
            judged.append(replace(field, error=str(problem)))
    return arguments, judged


def with_problems(fields: Sequence[Field], problems: Sequence[str]) -> tuple[list[Field], list[str]]:
    """Put each sentence of the schema check beside its field; return what belongs to none."""
    by_path = {field.path: field for field in fields}
    rest = []
    for sentence in problems:
        named = _NAMED.search(sentence)
        path = named.group(1).split(".")[0] if named else ""
        if path in by_path:
            by_path[path] = replace(by_path[path], error=sentence)
        else:
            rest.append(sentence)
    return [by_path[field.path] for field in fields], rest


def _field(name: str, arguments: Mapping[str, Any], rule: Mapping[str, Any], currency: str) -> Field:
    given = name in arguments
    value = arguments.get(name)
    kind = Kind.MONEY if currency else _kind(value, given, rule)
    text = _typed_text(value, kind, currency) if given else ""
    label = label_of(name.removesuffix("_minor") if currency else name)
    choices = tuple(str(choice) for choice in rule.get("enum", ())) if kind is Kind.CHOICE else ()
    return Field(name, label, kind, text, choices, given, currency=currency, was=text)


def _kind(value: Any, given: bool, rule: Mapping[str, Any]) -> Kind:
    if given:
        return kind_of(value, rule) or Kind.JSON
    if rule.get("enum") and all(isinstance(choice, str) for choice in rule["enum"]):
        return Kind.CHOICE
    declared = rule.get("type")
    return _KINDS.get(declared, Kind.JSON) if isinstance(declared, str) else Kind.JSON


_KINDS = {"string": Kind.TEXT, "integer": Kind.WHOLE, "number": Kind.NUMBER, "boolean": Kind.FLAG}


def _typed_text(value: Any, kind: Kind, currency: str) -> str:
    if kind is Kind.MONEY:
        return major_text(value, currency)
    if kind is Kind.FLAG:
        return "yes" if value else "no"
    if kind in (Kind.NUMBER, Kind.WHOLE):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    return value if kind is not Kind.JSON and isinstance(value, str) else json_text(value)


def _value(field: Field) -> dict[str, Any]:
    """What was typed as one argument; nothing when an argument was taken out or stays absent."""
    if not field.text.strip() and field.kind not in (Kind.TEXT, Kind.LONG_TEXT):
        return {}
    if not field.text and not field.given:
        return {}
    return {field.path: _READERS[field.kind](field)}


def _read_money(field: Field) -> int:
    try:
        return parse_money(field.text, field.currency)
    except NotMoney as problem:
        raise BadEdit(str(problem)) from None


def _read_number(field: Field) -> int | Decimal:
    text = field.text.strip()
    if not _NUMBER.fullmatch(text) or len(text) > 40:
        raise BadEdit("Write a number like 12.5: digits and a point.")
    return Decimal(text) if "." in text else int(text)


def _read_whole(field: Field) -> int:
    text = field.text.strip()
    if not _NUMBER.fullmatch(text) or "." in text or len(text) > 19:
        raise BadEdit("Write a whole number, digits only.")
    return int(text)


def _read_flag(field: Field) -> bool:
    if field.text not in ("yes", "no"):
        raise BadEdit("Choose yes or no.")
    return field.text == "yes"


def _read_choice(field: Field) -> str:
    if field.text not in field.choices:
        raise BadEdit("Choose one of the values that the tool knows.")
    return field.text


def _read_json(field: Field) -> Any:
    try:
        return bounded_json.loads(field.text)
    except bounded_json.BadJson as problem:
        raise BadEdit(problem.message) from None


def _read_text(field: Field) -> str:
    return field.text


_READERS: Mapping[Kind, Callable[[Field], Any]] = {
    Kind.MONEY: _read_money,
    Kind.NUMBER: _read_number,
    Kind.WHOLE: _read_whole,
    Kind.FLAG: _read_flag,
    Kind.CHOICE: _read_choice,
    Kind.JSON: _read_json,
    Kind.TEXT: _read_text,
    Kind.LONG_TEXT: _read_text,
}


def _newlines(text: str) -> str:
    """A browser sends \\r\\n for every line break typed; the value never had them."""
    return text.replace("\r\n", "\n")

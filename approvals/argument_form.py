"""Arguments edited by a person: a form as the tool's JSON Schema draws it, read back without losing a digit. Pure.

Nested objects are groups, lists are rows, money is typed in major units. What the form cannot type (a free object, a
choice of several forms, something nested too deeply) is edited as JSON. A field left alone keeps its exact value.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from approvals.argument_values import BadEdit, read_value, typed_text
from approvals.arguments import MAX_NESTING, Kind, json_text, kind_of, label_of, local_schema, money_of, resolved

MAX_ROWS, MAX_LIST_CHARS, LONG_CHARS = 30, 8_000, 120
FORMATS = {"date", "date-time", "email", "uri", "time", "uuid"}
YES, NULL, NO = "yes", "null", "no"
_PRESENCE = {YES: "given", NULL: "nothing (null)", NO: "left out"}
_NAMED = re.compile(r"`([^`]+)`")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TEXTS = (Kind.TEXT, Kind.LONG_TEXT)
_HOLDERS = (Kind.GROUP, Kind.LIST)
_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Field:
    """One input, or the head of a group or list. `text` is what stands in it.

    given: the argument was there; presence: whether it shall be (yes, null, no). path: unique, as in the input's name.
    """

    path: str
    label: str
    kind: Kind
    text: str = ""
    choices: tuple[str, ...] = ()
    given: bool = True
    required: bool = False
    currency: str = ""
    currency_from: str = ""  # the argument that says which currency a typed amount is in
    was: str = ""
    error: str = ""
    form: str = ""  # a format of the schema: date, email, …
    nullable: bool = False
    presence: str = YES
    was_presence: str = YES
    parts: tuple["Field", ...] = ()
    key: str = ""  # the name in the object that holds it
    row_of: str = ""  # the list whose row this is, and which
    row: int = 0
    rows_before: int = 0
    depth: int = 0
    schema: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    root: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        return f"arg-{self.path}"

    @property
    def changed(self) -> bool:
        if self.presence != self.was_presence:
            return True
        if self.kind is Kind.LIST and self.row_ids != list(range(self.rows_before)):
            return True
        if self.kind in _HOLDERS:
            return any(part.changed for part in self.parts)
        return self.text != self.was

    @property
    def row_ids(self) -> list[int]:
        return [part.row for part in self.parts]

    @property
    def rows(self) -> str:
        """Which rows a list has, for the hidden input that brings it back."""
        return " ".join(map(str, self.row_ids))

    @property
    def presences(self) -> list[tuple[str, str]]:
        """What a person may choose of: given, null, left out; empty where an empty input says it."""
        if self.row_of and not self.nullable:
            return []
        optional = not self.required and (self.kind in (*_TEXTS, *_HOLDERS) or self.nullable)
        codes = [YES, *([NULL] if self.nullable else []), *([NO] if optional else [])]
        return [(code, _PRESENCE[code]) for code in codes] if len(codes) > 1 and self.kind is not Kind.JSON else []

    @property
    def is_date(self) -> bool:
        """A date input would empty a value that is not a date."""
        return self.form == "date" and (not self.text or bool(_DATE.fullmatch(self.text)))


def edit_fields(
    arguments: Mapping[str, Any], schema: Mapping[str, Any], money_paths: tuple[str, str] = ("", "")
) -> list[Field]:
    """The inputs for these arguments: every property of the schema, then what only the arguments have."""
    money = money_of(arguments, money_paths)
    drawing = _Drawing(schema, money_paths, money[1] if money else "")
    return drawing.parts(arguments, schema, "", 0)


def typed_fields(fields: Sequence[Field], typed: Mapping[str, str]) -> list[Field]:
    """The same inputs holding what was typed, with rows added and taken out. What was not sent keeps its value."""
    filled = [_typed(one, typed) for one in fields]
    texts = {one.path: one.text for one in flat(filled)}
    return [_in_typed_currency(one, texts) for one in filled]


def edited_arguments(fields: Sequence[Field], before: Mapping[str, Any]) -> tuple[dict[str, Any], list[Field]]:
    """The arguments as typed, and the fields with their problems. A field left alone keeps its exact value."""
    return _read_parts(fields, before)


def with_problems(fields: Sequence[Field], problems: Sequence[str]) -> tuple[list[Field], list[str]]:
    """Put each sentence of the schema check beside its field; return what belongs to none."""
    errors: dict[str, str] = {}
    rest = []
    places = dict(_places(fields, ""))
    for sentence in problems:
        named = _NAMED.search(sentence)
        path = _nearest(named.group(1), places) if named else None
        if path is None:
            rest.append(sentence)
        else:
            errors.setdefault(path, sentence)
    return [_with_errors(one, errors) for one in fields], rest


def flat(fields: Sequence[Field]) -> Iterator[Field]:
    """Every field in the order it is drawn, a head before its parts."""
    for one in fields:
        yield one
        yield from flat(one.parts)


# ---------- drawing ----------


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Draws fields for values. Money is one argument of the call, wherever it lies."""

    root: Mapping[str, Any]
    money_paths: tuple[str, str] = ("", "")
    currency: str = ""

    def parts(self, value: Any, schema: Mapping[str, Any], prefix: str, depth: int) -> list[Field]:
        properties, required = schema.get("properties", {}), schema.get("required", ())
        held = value if isinstance(value, Mapping) else {}
        names = [*properties, *(name for name in held if name not in properties)]
        return [
            self.field(
                name, _join(prefix, name), held.get(name, _ABSENT), properties.get(name), name in required, depth
            )
            for name in names
        ]

    def field(self, key: str, path: str, value: Any, schema: Any, required: bool, depth: int) -> Field:
        rule = resolved(schema, self.root)
        nullable = _may_be_null(schema, self.root)
        given = value is not _ABSENT
        presence = NULL if value is None and nullable else YES if given or required else NO
        drawn = Field(
            path, label_of(key), Kind.JSON, given=given, required=required, nullable=nullable, presence=presence,
            was_presence=presence if given else NO, key=key, depth=depth, schema=rule, root=self.root,
        )  # fmt: skip
        # Something required that is not there stands open, and counts as changed once it is filled.
        drawn = replace(drawn, was_presence=presence) if not given and required else drawn
        if path == self.money_paths[0] and self.currency:
            return self._money(drawn, value)
        kind = _kind(value, rule, depth)
        return self._held(drawn, kind, value) if kind in _HOLDERS else _leaf(drawn, kind, value)

    def row(self, of: Field, number: int, value: Any) -> Field:
        """One row of a list: its items have no name, so it is called by its number."""
        drawn = self.field("", f"{of.path}[{number}]", value, of.schema.get("items"), True, of.depth + 1)
        return replace(drawn, label=f"{of.label} {number + 1}", row_of=of.path, row=number, required=True)

    def _money(self, drawn: Field, value: int) -> Field:
        text = typed_text(value, Kind.MONEY, self.currency)
        label = label_of(drawn.key.removesuffix("_minor"))
        source = self.money_paths[1]
        return replace(
            drawn, kind=Kind.MONEY, label=label, text=text, was=text, currency=self.currency, currency_from=source
        )

    def _held(self, drawn: Field, kind: Kind, value: Any) -> Field:
        drawn = replace(drawn, kind=kind)
        if kind is Kind.GROUP:
            return replace(drawn, parts=tuple(self.parts(value, drawn.schema, drawn.path, drawn.depth + 1)))
        items = value if isinstance(value, list) else []
        rows = tuple(self.row(drawn, number, item) for number, item in enumerate(items))
        return replace(drawn, parts=rows, rows_before=len(items))


def _leaf(drawn: Field, kind: Kind, value: Any) -> Field:
    given = value is not _ABSENT and (value is not None or kind is Kind.JSON)
    text = newlines(typed_text(value, kind)) if given else ""
    choices = tuple(_choice_texts(drawn.schema)) if kind is Kind.CHOICE else ()
    form = str(drawn.schema.get("format", ""))
    return replace(
        drawn, kind=kind, text=text, was=text, choices=choices, form=form if kind in _TEXTS and form in FORMATS else ""
    )


def _kind(value: Any, rule: Mapping[str, Any], depth: int) -> Kind:
    if value is _ABSENT or (value is None and rule):
        return _kind_by_schema(rule, depth)
    if "enum" in rule:
        return Kind.CHOICE if _is_choice(value, rule) else Kind.JSON
    if depth < MAX_NESTING and len(json_text(value)) <= MAX_LIST_CHARS:
        if isinstance(value, Mapping) and rule.get("properties"):
            return Kind.GROUP
        if isinstance(value, list) and len(value) <= MAX_ROWS and _has_rows(rule):
            return Kind.LIST
    return kind_of(value, rule) or Kind.JSON


def _kind_by_schema(rule: Mapping[str, Any], depth: int) -> Kind:
    if rule.get("enum"):
        return Kind.CHOICE if _choice_texts(rule) else Kind.JSON
    types = _types(rule)
    if len(types) != 1:
        return Kind.JSON
    if types[0] == "string" and rule.get("maxLength", 0) > LONG_CHARS:
        return Kind.LONG_TEXT
    if depth < MAX_NESTING and types[0] == "object" and rule.get("properties"):
        return Kind.GROUP
    if depth < MAX_NESTING and types[0] == "array" and _has_rows(rule):
        return Kind.LIST
    return _KINDS.get(types[0], Kind.JSON)


_KINDS = {"string": Kind.TEXT, "integer": Kind.WHOLE, "number": Kind.NUMBER, "boolean": Kind.FLAG}


def _has_rows(rule: Mapping[str, Any]) -> bool:
    """Whether one row can be drawn: its items have one form that is more than "any object"."""
    items = rule.get("items")
    if not isinstance(items, Mapping) or not items or "prefixItems" in rule:
        return False
    types = _types(items)
    plain = bool(items.get("enum")) or "$ref" in items or (len(types) == 1 and types[0] in _KINDS)
    return plain or (types == ["object"] and bool(items.get("properties"))) or (types == ["array"] and _has_rows(items))


def _types(rule: Mapping[str, Any]) -> list[str]:
    declared = rule.get("type", ())
    return [one for one in ([declared] if isinstance(declared, str) else declared) if one != "null"]


def _may_be_null(schema: Any, root: Mapping[str, Any], depth: int = 0) -> bool:
    if not isinstance(schema, Mapping) or depth > MAX_NESTING:
        return False
    declared = schema.get("type", ())
    if declared == "null" or (not isinstance(declared, str) and "null" in declared):
        return "enum" not in schema or None in schema["enum"]
    if "$ref" in schema:
        return _may_be_null(local_schema(str(schema["$ref"]), root), root, depth + 1)
    branches = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if branches:
        return any(_may_be_null(branch, root, depth + 1) for branch in branches)
    return None in schema.get("enum", ()) and not declared


def _is_choice(value: Any, rule: Mapping[str, Any]) -> bool:
    texts = _choice_texts(rule)
    same = any(type(choice) is type(value) and choice == value for choice in rule["enum"])
    return bool(texts) and (value is None or same)


def _choice_texts(rule: Mapping[str, Any]) -> list[str]:
    """The choices as texts; none when two read the same or one is a fraction or holds others."""
    choices = [choice for choice in rule.get("enum", ()) if choice is not None]
    if not all(isinstance(choice, str | int) for choice in choices):
        return []
    texts = [choice_text(choice) for choice in choices]
    return texts if len(set(texts)) == len(texts) else []


def choice_text(choice: Any) -> str:
    return choice if isinstance(choice, str) else json_text(choice)


# ---------- what was typed ----------


def _typed(one: Field, typed: Mapping[str, str]) -> Field:
    chosen = typed.get(f"has-{one.path}", "")
    presence = chosen if chosen in dict(one.presences) else one.presence
    if one.kind is Kind.LIST:
        parts = tuple(_typed(part, typed) for part in _rows(one, typed))
    elif one.kind is Kind.GROUP:
        parts = tuple(_typed(part, typed) for part in one.parts)
    else:
        one, parts = replace(one, text=newlines(typed.get(one.name, one.text))), ()
    filled = replace(one, presence=presence, parts=parts)
    # Whoever types into something that was left out means it to be there: nothing typed is lost.
    untouched = presence == one.was_presence != YES
    return replace(filled, presence=YES) if untouched and _is_filled(filled) else filled


def _is_filled(one: Field) -> bool:
    if one.kind is Kind.LIST:
        return len(one.parts) != one.rows_before or any(part.changed for part in one.parts)
    return any(part.changed for part in one.parts) if one.kind is Kind.GROUP else one.text != one.was


def _rows(one: Field, typed: Mapping[str, str]) -> list[Field]:
    """The rows that shall be there: those named, without the one cut out, and a new one where the list grows."""
    numbers = _numbers(typed.get(f"rows-{one.path}"), one)
    if typed.get("grow") == one.path and len(numbers) < MAX_ROWS:
        numbers.append(max([one.rows_before - 1, *numbers]) + 1)
    known = {part.row: part for part in one.parts}
    kept = [number for number in numbers if typed.get("cut") != f"{one.path}[{number}]"]
    drawing = _Drawing(one.root)
    return [known[number] if number in known else drawing.row(one, number, _ABSENT) for number in kept]


def _numbers(sent: str | None, one: Field) -> list[int]:
    if sent is None:
        return one.row_ids
    numbers = [int(number) for number in sent.split() if number.isascii() and number.isdigit() and len(number) < 5]
    return list(dict.fromkeys(numbers))[:MAX_ROWS]


def _in_typed_currency(one: Field, texts: Mapping[str, str]) -> Field:
    """An amount is read in the currency that stands beside it now: 640.00 is not 64000 yen."""
    if one.parts:
        return replace(one, parts=tuple(_in_typed_currency(part, texts) for part in one.parts))
    currency = texts.get(one.currency_from, one.currency).strip().upper()
    if one.kind is not Kind.MONEY or currency == one.currency:
        return one
    return replace(one, currency=currency, was="")


# ---------- reading back ----------


def _read_parts(fields: Sequence[Field], before: Any) -> tuple[dict[str, Any], list[Field]]:
    held = before if isinstance(before, Mapping) else {}
    found: dict[str, Any] = {}
    judged = []
    for one in fields:
        value, seen = _read(one, held.get(one.key, _ABSENT), fresh=not isinstance(before, Mapping))
        if value is not _ABSENT:
            found[one.key] = value
        judged.append(seen)
    return found, judged


def _read(one: Field, before: Any, *, fresh: bool) -> tuple[Any, Field]:
    """The value that stands in a field, or nothing; and the field with its problem.

    fresh: what holds it was not there before, so that it needs all that is required.
    """
    if one.given and not one.changed:
        return before, one
    left_alone = not one.given and not one.changed and not (fresh and one.required)
    if one.presence != YES or left_alone:
        return (None if one.presence == NULL else _ABSENT), one
    if one.kind is Kind.GROUP:
        value, parts = _read_parts(one.parts, before)
        return value, replace(one, parts=tuple(parts))
    if one.kind is Kind.LIST:
        return _read_rows(one, before)
    try:
        return _read_leaf(one), one
    except BadEdit as problem:
        return _ABSENT, replace(one, error=str(problem))


def _read_rows(one: Field, before: Any) -> tuple[list[Any], Field]:
    items = before if isinstance(before, list) else []
    read = [_read(part, items[part.row] if part.row < len(items) else _ABSENT, fresh=True) for part in one.parts]
    rows = [value for value, _ in read if value is not _ABSENT]
    return rows, replace(one, parts=tuple(part for _, part in read))


def _read_leaf(one: Field) -> Any:
    """What was typed as one argument; nothing when an argument was taken out."""
    if not one.text.strip() and (one.kind not in _TEXTS or not one.given and one.required):
        if one.required:
            raise BadEdit("This is required.")
        return _ABSENT
    if one.kind is Kind.CHOICE:
        choices = {choice_text(choice): choice for choice in one.schema.get("enum", ()) if choice is not None}
        if one.text not in choices:
            raise BadEdit("Choose one of the values that the tool knows.")
        return choices[one.text]
    return read_value(one.text, one.kind, one.currency)


# ---------- problems beside their fields ----------


def _places(fields: Sequence[Field], prefix: str) -> Iterator[tuple[str, str]]:
    """Each field by the place that the schema check calls it by: rows by where they stand now."""
    for position, one in enumerate(fields):
        place = f"{prefix}[{position}]" if one.row_of else f"{prefix}.{one.key}" if prefix else one.key
        yield place, one.path
        yield from _places(one.parts, place)


def _nearest(named: str, places: Mapping[str, str]) -> str | None:
    """The field that is meant, or the closest that holds it."""
    holding = [place for place in places if named == place or named.startswith((f"{place}.", f"{place}["))]
    return places[max(holding, key=len)] if holding else None


def _with_errors(one: Field, errors: Mapping[str, str]) -> Field:
    parts = tuple(_with_errors(part, errors) for part in one.parts)
    return replace(one, error=errors.get(one.path, one.error), parts=parts)


def _join(prefix: str, name: str) -> str:
    """A path that no other name can make: a dot or bracket inside a name is written otherwise."""
    safe = name.replace("~", "~0").replace(".", "~1").replace("[", "~2")
    return f"{prefix}.{safe}" if prefix else safe


def newlines(text: str) -> str:
    """A browser sends \\r\\n for every line break, whichever the value had."""
    return text.replace("\r\n", "\n").replace("\r", "\n")

"""What a person says about an imported operation: its effect, its money, its target, its checks. Pure.

Read once from the `tools:` part of a connection, then compared with what the document really offers,
so that a wrong name is found when it is saved and not when it matters.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from agents.guards.ensuring import ENSURE_VARIABLES
from approvals.policy.action import Effect
from approvals.policy.conditions import POLICY_VARIABLES, ConditionError, compile_condition
from integrations.openapi.operations import OUR_HEADERS, Operation

_CURRENCY = re.compile(r"[A-Z]{3}")
ArgumentPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(?:\.[^.\s]+)*$", max_length=200)]
ToolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=80)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", max_length=100)]
CallPath = Annotated[str, StringConstraints(pattern=r"^(?:result|args)\.\S+$", max_length=200)]
FieldPath = Annotated[str, StringConstraints(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an override: which tool, which field, what and what to do."""

    tool: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.tool}{'.' if self.field else ''}{self.field}: {self.message}"


class BadOverrides(ValueError):
    """The overrides cannot be used; `problems` says why, one by one."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Idempotency(_Part):
    header: HeaderName
    window_h: Annotated[int, Field(ge=1, le=8760)] = 23


class MoneyOverride(_Part):
    amount: ArgumentPath
    currency: ArgumentPath


class TargetOverride(_Part):
    argument: ArgumentPath
    by: ToolName
    show: tuple[FieldPath, ...] = ()


class CheckOverride(_Part):
    by: ToolName
    compare: Annotated[tuple[FieldPath, ...], Field(min_length=1)]
    after: dict[FieldPath, Annotated[str, StringConstraints(min_length=1, max_length=200)]] = {}


class LookupOverride(_Part):
    by: ToolName
    argument: ToolName


class RequireOverride(_Part):
    """A business rule of the tool. `that`: CEL over what a policy rule sees. With `deny` nobody can sign it either."""

    that: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    say: Annotated[str, StringConstraints(max_length=300)] = ""
    deny: bool = False


class EnsureOverride(_Part):
    """A look at the world before the call. `that`: CEL over record, item and args. `otherwise`: who hears that it fails."""

    by: ToolName
    argument: ArgumentPath
    that: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    say: Annotated[str, StringConstraints(max_length=300)] = ""
    otherwise: Literal["model", "person"] = "model"


def _as_rules(value: Any) -> Any:
    """A rule may be written as its condition alone, and one rule without a list."""
    listed = value if isinstance(value, (list, tuple)) else [value]
    return [{"that": one} if isinstance(one, str) else one for one in listed]


class ToolOverride(_Part):
    """Everything that can be said about one tool; what is not said keeps its imported meaning."""

    effect: Effect | None = None
    idempotency: Idempotency | None = None
    money: MoneyOverride | None = None
    target: TargetOverride | None = None
    sentence: Annotated[str, StringConstraints(max_length=300)] = ""
    authority: tuple[ArgumentPath, ...] | None = None
    check: CheckOverride | None = None
    compensate_with: ToolName | None = None
    compensate_arguments: Mapping[ArgumentPath, CallPath] = Field(default_factory=dict)
    lookup: LookupOverride | None = None
    timeout_s: Annotated[float, Field(gt=0, le=60)] | None = None
    require: Annotated[tuple[RequireOverride, ...], BeforeValidator(_as_rules), Field(max_length=20)] = ()
    ensure: Annotated[tuple[EnsureOverride, ...], Field(max_length=10)] = ()
    redact: Annotated[tuple[FieldPath, ...], Field(max_length=50)] = ()


def parse_overrides(raw: Any) -> dict[str, ToolOverride]:
    """Return the overrides by tool. Raises BadOverrides."""
    if not isinstance(raw, Mapping):
        raise BadOverrides([Problem("tools", "", "must be an object: the tool's name, then what is said about it.")])
    found: dict[str, ToolOverride] = {}
    problems: list[Problem] = []
    for tool, part in raw.items():
        try:
            found[str(tool)] = ToolOverride.model_validate(part if part is not None else {})
        except ValidationError as error:
            problems += [_shape_problem(str(tool), found_error) for found_error in error.errors(include_url=False)]
    if problems:
        raise BadOverrides(problems)
    return found


def named_as_tools(overrides: Mapping[str, ToolOverride], operations: Sequence[Operation]) -> dict[str, ToolOverride]:
    """Return the overrides under the tools' own names; the document's operationId is taken too. Raises BadOverrides."""
    names = {operation.name for operation in operations}
    by_id = {operation.operation_id: operation.name for operation in operations if operation.operation_id}
    unknown = [tool for tool in overrides if tool not in names and tool not in by_id]
    if unknown:
        listed = ", ".join(sorted(names)[:30]) or "none"
        raise BadOverrides(
            [Problem(tool, "", f"the document has no such operation. It has: {listed}.") for tool in unknown]
        )
    return {tool if tool in names else by_id[tool]: part for tool, part in overrides.items()}


def effect_of(operation: Operation, override: ToolOverride) -> Effect:
    """Return the declared effect; undeclared, a GET reads and everything else is blind."""
    return override.effect or (Effect.READ if operation.method == "GET" else Effect.BLIND)


def check_overrides(overrides: Mapping[str, ToolOverride], operations: Sequence[Operation]) -> None:
    """Compare what is said with what the operations offer. Raises BadOverrides with everything that is wrong."""
    by_name = {operation.name: operation for operation in operations}
    effects = {name: effect_of(operation, overrides.get(name, ToolOverride())) for name, operation in by_name.items()}
    problems = [
        Problem(tool, field, message)
        for tool, override in overrides.items()
        for field, message in _Checks(by_name[tool], override, by_name, effects).problems()
    ]
    if problems:
        raise BadOverrides(problems)


def fixed_currency(operation: Operation, money: MoneyOverride) -> str:
    """Return the currency when it is a constant ("EUR"), "" when it names an argument."""
    return money.currency if money.currency not in operation.arguments and _CURRENCY.fullmatch(money.currency) else ""


def argument_for(by: Operation, argument: str) -> str:
    """Return which argument of a reading tool takes the value of `argument`; "" when that is not clear."""
    last = argument.rpartition(".")[2]
    if last in by.arguments and set(by.required) <= {last}:
        return last
    if len(by.required) == 1:
        return by.required[0]
    return by.arguments[0] if len(by.arguments) == 1 else ""


class _Checks:
    def __init__(
        self,
        operation: Operation,
        override: ToolOverride,
        by_name: Mapping[str, Operation],
        effects: Mapping[str, Effect],
    ) -> None:
        self._operation = operation
        self._override = override
        self._by_name = by_name
        self._effects = effects
        self._effect = effects[operation.name]

    def problems(self) -> Iterator[tuple[str, str]]:
        yield from self._about_effect()
        yield from self._about_arguments()
        yield from self._about_target()
        yield from self._about_check()
        yield from self._about_lookup()
        yield from self._about_sentence()
        yield from self._about_compensation()
        yield from self._about_requirements()
        yield from self._about_integrity()

    def _about_effect(self) -> Iterator[tuple[str, str]]:
        if self._effect is Effect.KEYED and self._override.idempotency is None and not self._operation.key_header:
            yield (
                "idempotency",
                "a keyed tool needs the header that carries the key: {header: Idempotency-Key, window_h: 23}.",
            )
        if self._override.idempotency and self._override.idempotency.header.lower() in OUR_HEADERS:
            yield (
                "idempotency.header",
                "this header carries something else. Name the one that the system keeps keys by.",
            )
        if self._effect is Effect.QUERYABLE and self._override.lookup is None:
            yield "lookup", "a queryable tool needs the reading tool that finds an earlier call: {by: …, argument: …}."
        if self._effect is Effect.READ and self._override.compensate_with:
            yield "compensate_with", "a tool that only reads has nothing to compensate. Leave it out."

    def _about_arguments(self) -> Iterator[tuple[str, str]]:
        if self._override.money is not None:
            yield from self._path("money.amount", self._override.money.amount)
            if not fixed_currency(self._operation, self._override.money):
                yield from self._path("money.currency", self._override.money.currency)
        for path in self._override.authority or ():
            yield from self._path("authority", path)

    def _about_target(self) -> Iterator[tuple[str, str]]:
        target = self._override.target
        if target is None:
            return
        yield from self._path("target.argument", target.argument)
        yield from self._reader("target.by", target.by)
        if self._is_reader(target.by) and not argument_for(self._by_name[target.by], target.argument):
            yield (
                "target.by",
                f"it is not clear which argument of {target.by} takes {target.argument}. Use a tool with one required argument.",
            )

    def _about_check(self) -> Iterator[tuple[str, str]]:
        check = self._override.check
        if check is None:
            return
        yield from self._reader("check.by", check.by)
        if self._is_reader(check.by) and not self._can_ask(self._by_name[check.by]):
            yield (
                "check.by",
                f"{check.by} needs arguments that this tool does not have. Add a `target`, or use another tool.",
            )
        for field in check.after:
            if field not in check.compare:
                yield f"check.after.{field}", f"{field} is not compared. Name it in `compare` as well."

    def _about_lookup(self) -> Iterator[tuple[str, str]]:
        lookup = self._override.lookup
        if lookup is None:
            return
        yield from self._reader("lookup.by", lookup.by)
        if self._is_reader(lookup.by) and lookup.argument not in self._by_name[lookup.by].arguments:
            yield (
                "lookup.argument",
                f"{lookup.by} has no argument {lookup.argument}. It has: {_listed(self._by_name[lookup.by].arguments)}.",
            )

    def _about_sentence(self) -> Iterator[tuple[str, str]]:
        try:
            fields = [field for _, field, _, _ in Formatter().parse(self._override.sentence) if field is not None]
        except ValueError:
            yield "sentence", "a brace is not closed. Write {argument}."
            return
        for field in fields:
            if field == "money" and self._override.money is None:
                yield "sentence", "{money} needs `money`, which says where the amount is."
            elif field != "money":
                yield from self._path("sentence", field)

    def _about_compensation(self) -> Iterator[tuple[str, str]]:
        name = self._override.compensate_with
        if name and name not in self._by_name:
            yield "compensate_with", self._no_such(name)
        elif name:
            known = self._by_name[name].arguments
            for argument in self._override.compensate_arguments:
                if argument not in known:
                    yield f"compensate_arguments.{argument}", f"{name} has no argument {argument}."
        elif self._override.compensate_arguments:
            yield "compensate_arguments", "they belong to the tool that takes it back: name that in `compensate_with`."

    def _about_requirements(self) -> Iterator[tuple[str, str]]:
        for index, rule in enumerate(self._override.require):
            yield from _condition(f"require.{index}.that", rule.that, POLICY_VARIABLES)

    def _about_integrity(self) -> Iterator[tuple[str, str]]:
        for index, check in enumerate(self._override.ensure):
            yield from self._path(f"ensure.{index}.argument", check.argument)
            yield from self._reader(f"ensure.{index}.by", check.by)
            if self._is_reader(check.by) and not _asks_one(self._by_name[check.by]):
                yield (
                    f"ensure.{index}.by",
                    f"{check.by} does not ask for one thing. Use a tool with one required argument.",
                )
            yield from _condition(f"ensure.{index}.that", check.that, ENSURE_VARIABLES)

    def _path(self, field: str, path: str) -> Iterator[tuple[str, str]]:
        if path.partition(".")[0] not in self._operation.arguments:
            yield field, f"the tool has no argument {path or '(empty)'}. It has: {_listed(self._operation.arguments)}."

    def _reader(self, field: str, name: str) -> Iterator[tuple[str, str]]:
        if name not in self._by_name:
            yield field, self._no_such(name)
        elif self._effects[name] is not Effect.READ:
            yield field, f"{name} does not only read. Name a tool whose effect is read."

    def _is_reader(self, name: str) -> bool:
        return self._effects.get(name) is Effect.READ

    def _can_ask(self, by: Operation) -> bool:
        missing = set(by.required) - set(self._operation.arguments)
        target = self._override.target
        return not missing or (len(missing) == 1 and len(by.required) == 1 and target is not None)

    def _no_such(self, name: str) -> str:
        return f"the document has no operation {name}. It has: {_listed(sorted(self._by_name)[:30])}."


def _asks_one(reader: Operation) -> bool:
    return len(reader.required or reader.arguments) == 1


def _condition(field: str, text: str, variables: frozenset[str]) -> Iterator[tuple[str, str]]:
    try:
        compile_condition(text, variables)
    except ConditionError as error:
        yield field, error.message


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _shape_problem(tool: str, error: Any) -> Problem:
    field = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = _known_fields(error["loc"])
        return Problem(tool, field, f"there is no such field.{f' Known: {known}.' if known else ''}")
    if error["type"] == "missing":
        return Problem(tool, field, "is missing. Add it.")
    return Problem(tool, field, f"{str(error['msg']).rstrip('.')}.")


def _known_fields(place: Sequence[Any]) -> str:
    model: Any = ToolOverride
    for part in place[:-1]:
        annotation = model.model_fields[part].annotation
        model = next(
            (
                kind
                for kind in (annotation, *get_args(annotation))
                if isinstance(kind, type) and issubclass(kind, BaseModel)
            ),
            None,
        )
        if model is None:
            return ""
    return ", ".join(model.model_fields)

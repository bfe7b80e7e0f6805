"""Conditions in CEL: checked when they are stored, judged when something happens.

A condition that cannot be judged raises ConditionError; whoever asks decides what that means
(for a rule: a person decides).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

import cel

from approvals.policy.cel_checks import FUNCTIONS, OPERATORS, Weight, check_words
from approvals.policy.cel_text import ConditionError, Kind, tokens

__all__ = ["EVENT_VARIABLES", "POLICY_VARIABLES", "Condition", "ConditionError", "Facts", "compile_condition"]

POLICY_VARIABLES = frozenset(
    {
        "args",
        "tool",
        "effect",
        "target",
        "agent",
        "event",
        "subject",
        "mode",
        "tainted",
        "confidence",
        "totals",
    }
)
EVENT_VARIABLES = frozenset({"event", "subject"})
MAX_LENGTH = 500
MAX_DEPTH = 64
# Values that a condition may walk through, by how its cost grows; measured to stay under a second.
_MOST_VALUES_SEARCHED = 2_000
_MOST_VALUES_COPIED = 1_000
_MOST_VALUES_NESTED = 300
_LONGEST_TEXT_MATCHED = 10_000
_LARGEST_INT = 2**63 - 1

_PARSER_MESSAGE = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?(.*)")


class Facts:
    """What conditions are judged against. Built once and asked many times; that is what makes it fast.

    With at_once=False a variable is looked through and handed to the library at the first condition that names it:
    most conditions name one or two.
    """

    __slots__ = ("_context", "_sizes", "_values")

    def __init__(self, values: Mapping[str, Any], *, at_once: bool = True) -> None:
        """Raises ConditionError when values hold what CEL cannot take and all are looked through at once."""
        self._values = values
        self._context = cel.Context()
        self._sizes: dict[str, _Count] = {}
        if at_once:
            self.give(values)

    def answer(self, program: cel.Program, names: Collection[str] | None = None) -> Any:
        """Return what the program says of these facts. names: those it may ask for, None all.

        Raises ConditionError, also when one of these holds what CEL cannot take.
        """
        try:
            self.give(self._values if names is None else names)
            return program.execute(self._context)
        except BaseException as error:  # noqa: BLE001 - a panic in the Rust library is no Exception
            raise _unless_stopping(error) from None

    def give(self, names: Collection[str]) -> None:
        """Hand the variables of these names over. Raises ConditionError for one that CEL cannot take."""
        for name in names:
            if name not in self._sizes and name in self._values:
                count = _Count()
                self._hand_over(name, _plain(self._values[name], count, 0))
                self._sizes[name] = count

    def _hand_over(self, name: str, value: Any) -> None:
        try:
            self._context.add_variable(name, value)
        except ValueError as error:
            raise ConditionError(_first_sentence(error)) from None

    def size_of(self, names: Collection[str]) -> "tuple[int, int]":
        """Return how many values these variables hold, and how long their longest text is."""
        counts = [count for name in names if (count := self._sizes.get(name))]
        return sum(count.values for count in counts), max((count.longest_text for count in counts), default=0)


@dataclass(slots=True)
class _Count:
    values: int = 0
    longest_text: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked condition. `holds` is its only use. names: the variables its text speaks of."""

    text: str
    weight: Weight = field(repr=False)
    program: cel.Program = field(repr=False, compare=False)
    names: frozenset[str] = field(repr=False, compare=False)

    def holds(self, facts: Facts) -> bool:
        """Return the answer, which is exactly a bool. Raises ConditionError for anything else."""
        if self.weight.searches or self.weight.copies or self.weight.pattern:
            self._check_size(facts)
        answer = facts.answer(self.program, self.names)
        if answer is True or answer is False:
            return bool(answer)
        raise ConditionError("it answers with a value instead of true or false")

    def _check_size(self, facts: Facts) -> None:
        facts.give(self.names)
        values, longest_text = facts.size_of(self.names)
        if values > _most_values(self.weight):
            raise ConditionError("the data is too large to be searched")
        if self.weight.pattern and longest_text > _LONGEST_TEXT_MATCHED:
            raise ConditionError("a text is too long to be matched")


@lru_cache(maxsize=4096)
def compile_condition(text: str, variables: frozenset[str] = POLICY_VARIABLES) -> Condition:
    """Return the condition that text says, after every check. Raises ConditionError with the character.

    An empty text holds always. variables: the names that the condition may use.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"A condition has at most {MAX_LENGTH} characters.", MAX_LENGTH)
    words = tokens(text)
    program = _compiled(text if words else "true")
    weight = check_words(words, variables)
    _check_references(program, {word.text for word in words if word.kind is Kind.NAME})
    names = frozenset(word.text for word in words) & variables
    condition = Condition(text.strip(), weight, program, names)
    _check_sample(condition, variables)
    return condition


def uses(condition: Condition, name: str) -> bool:
    """Return whether the condition asks for the variable of that name."""
    return name in condition.program.variables()


def _most_values(weight: Weight) -> float:
    if weight.nested:
        return _MOST_VALUES_NESTED
    if weight.copies:
        return _MOST_VALUES_COPIED
    return _MOST_VALUES_SEARCHED if weight.searches else float("inf")


def _compiled(text: str) -> cel.Program:
    try:
        return cel.compile(text)
    except ValueError as error:
        raise _readable(str(error), text) from None
    except BaseException as error:  # noqa: BLE001 - as above
        raise _unless_stopping(error) from None


def _unless_stopping(error: BaseException) -> BaseException:
    if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit, ConditionError)):
        return error
    return ConditionError(_first_sentence(error))


def _readable(message: str, text: str) -> ConditionError:
    found = _PARSER_MESSAGE.search(message)
    if found is None:
        return ConditionError("This is not a condition.", 0)
    line, column, problem = int(found[1]), int(found[2]), found[3]
    before = text.split("\n")[: line - 1]
    position = sum(len(part) + 1 for part in before) + column - 1
    return ConditionError(_problem(problem), min(position, len(text)))


def _problem(problem: str) -> str:
    if "<EOF>'" in problem:
        return "The condition ends too early."
    quoted = re.search(r"(?:input|at:?) '(.*?)'(?: expecting|$)", problem)
    if quoted is None:
        return "This is not a condition."
    return f"{quoted[1].strip() or 'This'} was not expected here."


def _check_references(program: cel.Program, names: set[str]) -> None:
    """The parser's own list of functions and variables must agree with ours; a difference is refused."""
    functions = set(program.functions()) - FUNCTIONS - OPERATORS
    if functions or not set(program.variables()) <= names:
        unknown = ", ".join(sorted(functions)) or "a name"
        raise ConditionError(f"{unknown} is not allowed in a condition.", 0)


def _check_sample(condition: Condition, variables: Collection[str]) -> None:
    """Ask once with empty facts: what answers already, must answer with true or false."""
    try:
        answer = Facts(_sample(variables)).answer(condition.program)
    except ConditionError:
        return  # a missing key is what empty facts are expected to give
    if not isinstance(answer, bool):
        raise ConditionError("A condition must say true or false.", 0)


def _sample(variables: Collection[str]) -> dict[str, Any]:
    texts = {"tool", "effect", "agent", "subject", "mode"}
    known: dict[str, Any] = {name: "" if name in texts else {} for name in variables}
    return {**known, **{name: value for name, value in _SCALARS.items() if name in variables}}


_SCALARS: dict[str, Any] = {"tainted": True, "confidence": 0.5}


def _plain(value: Any, count: _Count, depth: int) -> Any:
    """Return value as CEL takes it: Decimals as doubles, nothing that is not JSON."""
    count.values += 1
    if isinstance(value, str):
        if len(value) > count.longest_text:
            count.longest_text = len(value)
        return str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float, Decimal)):
        return _number(value)
    return _container(value, count, depth)


def _number(value: float | Decimal) -> int | float:
    if isinstance(value, int):
        if abs(value) > _LARGEST_INT:
            raise ConditionError("a number is too large")
        return int(value)
    number = float(value)
    if number - number != 0:  # NaN or infinity
        raise ConditionError("a number is not finite")
    return number


def _container(value: Any, count: _Count, depth: int) -> Any:
    if depth >= MAX_DEPTH:
        raise ConditionError("the data is nested too deeply")
    if isinstance(value, (dict, Mapping)):  # dict by itself: asking the abstract class costs ten times as much
        return {_key(key): _plain(child, count, depth + 1) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(child, count, depth + 1) for child in value]
    raise ConditionError(f"a {type(value).__name__} cannot be judged")


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str(key)
    raise ConditionError("a key is not a text")


def _first_sentence(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    if isinstance(error, ZeroDivisionError):
        return "it divides by zero"
    if isinstance(error, TypeError):
        return "values of different kinds are compared"
    return str(error).split("\n")[0].split(". ")[0][:200]

"""What an operation of the practice company is: one call of its HTTP API. Routes and the OpenAPI document come from here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Answer = dict[str, Any]
Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One checked request: arguments by name, when it came and under which idempotency key."""

    arguments: Arguments
    now: datetime
    key: str = ""


class Refusal(Exception):
    """The shop says no, by a rule of its own, before anything changed."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def not_found(what: str, number: object) -> Refusal:
    return Refusal(404, "not_found", f"There is no {what} {number}.")


def conflict(code: str, message: str) -> Refusal:
    return Refusal(409, code, message)


@dataclass(frozen=True, slots=True)
class Operation:
    """arguments: JSON Schemas by name. What is not in the path travels in the query (GET) or in the body."""

    id: str
    method: str
    path: str
    summary: str
    arguments: Mapping[str, Mapping[str, Any]]
    answers: str
    handler: Callable[[Call], Answer]
    required: tuple[str, ...] = ()
    tags: tuple[str, ...] = field(default=())

    @property
    def reads(self) -> bool:
        return self.method == "GET"

    @property
    def in_path(self) -> tuple[str, ...]:
        return tuple(name for name in self.arguments if "{" + name + "}" in self.path)

    @property
    def outside_path(self) -> tuple[str, ...]:
        return tuple(name for name in self.arguments if name not in self.in_path)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of all arguments together."""
        return {
            "type": "object",
            "properties": {name: dict(schema) for name, schema in self.arguments.items()},
            "required": [*self.in_path, *self.required],
            "additionalProperties": False,
        }


def text(description: str, *, max_length: int = 300, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, "minLength": 1, "maxLength": max_length, **more}


def whole(description: str, *, minimum: int = 0, **more: Any) -> dict[str, Any]:
    return {"type": "integer", "description": description, "minimum": minimum, **more}


def one_of(description: str, words: list[str]) -> dict[str, Any]:
    return {"type": "string", "description": description, "enum": words}


ORDER_ID = {**text("Number of the order.", max_length=40), "type": ["string", "integer"]}
TICKET_ID = {**text("Number of the ticket.", max_length=60), "type": ["string", "integer"]}
EMAIL = text("E-mail address.", max_length=254, pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+$")
CURRENCY = text("Currency code, three capital letters.", max_length=3, pattern="^[A-Z]{3}$")
AMOUNT = whole("Amount in minor units: 1250 is 12.50.", minimum=1, maximum=10**12)

"""What is wrong with a package, said so that its author can put it right. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what, and what to do about it. Never holds a value that could be a secret."""

    what: str
    todo: str = ""
    path: str = ""
    line: int | None = None
    file: str = ""

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.file, f"line {self.line}" if self.line else "", self.path) if part)
        sentence = f"{self.what} {self.todo}".strip()
        return f"{place}: {sentence}" if place else sentence


class BadPackage(ValueError):
    """The package cannot be taken as it stands; nothing has been changed."""

    code = "BAD_CONFIGURATION"
    status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        self.message = "\n".join(str(problem) for problem in self.problems)
        self.extra = {"problems": [str(problem) for problem in self.problems]}
        super().__init__(self.message)

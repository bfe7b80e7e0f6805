"""What a shape found wrong, in the words of a person who writes packages. Pure."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from integrations.package.problems import Problem
from integrations.package.shapes import FORMS
from integrations.package.yaml_text import Path

_EXPECTED = {
    "string": "Text is expected here.",
    "int": "A whole number is expected here.",
    "float": "A number is expected here.",
    "decimal": "A number is expected here.",
    "bool": "true or false is expected here.",
    "list": "A list is expected here.",
    "dict": "A mapping (name: value) is expected here.",
    "model": "A mapping (name: value) is expected here.",
}


def problems_of(error: ValidationError) -> list[tuple[Path, Problem]]:
    """Return each problem once with its path, in the order of the text. Values are left out: one may be a secret."""
    found: dict[Path, Problem] = {}
    for detail in error.errors(include_url=False, include_input=False):
        path = _path(detail["loc"])
        found.setdefault(path, _problem(detail, path))
    return list(found.items())


def _path(location: tuple[int | str, ...]) -> Path:
    """Return the place in the file; what pydantic adds for the branches of a union or a mapping's key is dropped."""
    if location[:1] == ("connections",) and len(location) > 2:
        # The kind of a connection chooses its shape; the name of that choice stands at this place.
        location = (*location[:2], *location[3:])
    return tuple(part for part in location if part not in ("str", "[key]") and not str(part).startswith("dict["))


def _problem(detail: ErrorDetails, path: Path) -> Problem:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return Problem(what=f"There is no field {path[-1]} here.", todo="Look for a spelling mistake, or leave it out.")
    if kind == "missing":
        return Problem(what=f"{path[-1]} is missing.", todo="Add it.")
    if kind == "literal_error":
        return Problem(what="This is not one of the choices.", todo=f"Write {context['expected']}.")
    if kind == "string_pattern_mismatch":
        what, todo = FORMS.get(context["pattern"], ("This text does not have the right form.", ""))
        return Problem(what=what, todo=todo)
    return Problem(what=_bound(kind, context) or _expected(kind) or f"{detail['msg']}.")


def _bound(kind: str, context: Mapping[str, Any]) -> str:
    match kind:
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            return (
                f"This must be {kind.replace('_', ' ').replace('equal', 'or equal to')} {next(iter(context.values()))}."
            )
        case "string_too_long":
            return f"This is longer than {context['max_length']} characters."
        case "string_too_short":
            return "This must not be empty."
        case "value_error":
            return f"{str(context['error'])[:1].upper()}{str(context['error'])[1:]}."
    return ""


def _expected(kind: str) -> str:
    return _EXPECTED.get(kind.split("_")[0], "") if kind.endswith(("_type", "_parsing", "_from_float")) else ""

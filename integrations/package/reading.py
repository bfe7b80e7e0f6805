"""A package file and the files it names, read and checked as far as text alone can be. Touches no database."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from config import bounded_json
from integrations.package import yaml_text
from integrations.package.problems import BadPackage, Problem
from integrations.package.sentences import problems_of
from integrations.package.shapes import Package, Source
from integrations.package.yaml_text import Path, YamlText, dotted

MAX_DOCUMENT_BYTES = 8 * 1024 * 1024

Fetch = Callable[[str], bytes]


@dataclass(frozen=True)
class Loaded:
    """A package whose schemas and API documents are at hand, and where each part stands in which file."""

    package: Package
    documents: Mapping[str, str]  # connection name → its API document, as JSON text
    sources: Mapping[str, str]  # connection name → where the document came from, as the file says
    file: str = ""
    text: YamlText | None = None

    def problem(self, path: Path, what: str, todo: str = "") -> Problem:
        """Return a problem that says where in the file it is."""
        line = self.text.line_of(path) if self.text else None
        return Problem(what=what, todo=todo, path=dotted(path), line=line, file=self.file)


def read_package(path: FilePath, *, fetch: Fetch) -> Loaded:
    """Return the package in a file. fetch: gets the bytes at an http(s) address. Raises BadPackage with every problem."""
    try:
        return parse_package(_bytes_of(path), file=str(path), folder=path.parent, fetch=fetch)
    except BadPackage as error:
        raise BadPackage([problem if problem.file else replace(problem, file=str(path)) for problem in error.problems]) from None


def parse_package(raw: bytes, *, file: str, folder: FilePath | None, fetch: Fetch) -> Loaded:
    """Return the package in raw. folder: where the files it names lie; None refuses to read any."""
    text = yaml_text.read_yaml(raw)
    package = _shaped(text, file)
    loaded = Loaded(package=package, documents={}, sources={}, file=file, text=text)
    _refuse(list(_twice(loaded)))
    return _with_files(loaded, _Files(folder, fetch))


def _shaped(text: YamlText, file: str) -> Package:
    if not isinstance(text.value, dict):
        raise BadPackage([Problem("A package is a mapping.", "Begin it with `package: <name>`.", line=1)])
    try:
        return Package.model_validate(text.value)
    except ValidationError as error:
        raise BadPackage(
            [replace(found, path=dotted(path), line=text.line_of(path), file=file) for path, found in problems_of(error)]
        ) from None


def _twice(loaded: Loaded) -> Iterator[Problem]:
    """Yield every name that a list holds more than once."""
    for kind in ("providers", "connections", "agents", "sources"):
        seen: Counter[str] = Counter()
        for index, item in enumerate(getattr(loaded.package, kind)):
            seen[item.name] += 1
            if seen[item.name] == 2:
                yield loaded.problem((kind, index, "name"), f"{item.name} stands twice in {kind}.", "Keep one of them.")
    for index, name in enumerate(loaded.package.teams):
        if name in loaded.package.teams[:index]:
            yield loaded.problem(("teams", index), f"{name} stands twice in teams.", "Keep one of them.")


class _Files:
    """The files that a package names: beside it, or at an address."""

    def __init__(self, folder: FilePath | None, fetch: Fetch) -> None:
        self._folder = folder
        self._fetch = fetch

    def value_of(self, name: str) -> Any:
        raw = self._fetch(name) if name.startswith(("http://", "https://")) else self._beside(name)
        return parse_document(raw, is_yaml=name.lower().endswith((".yaml", ".yml")))

    def _beside(self, name: str) -> bytes:
        if self._folder is None:
            raise BadPackage([Problem("A file cannot be named here.", "Write the document itself, or its address.")])
        return _bytes_of(self._folder / name)


def parse_document(raw: bytes, *, is_yaml: bool) -> Any:
    """Return what a JSON or YAML document says, with plain numbers. Raises BadPackage."""
    if is_yaml:
        return yaml_text.read_yaml(raw, max_bytes=MAX_DOCUMENT_BYTES).value
    try:
        return _plain_numbers(bounded_json.loads(raw, max_bytes=MAX_DOCUMENT_BYTES))
    except bounded_json.BadJson as error:
        raise BadPackage([Problem(f"This is not a JSON document: {error}")]) from None


def _with_files(loaded: Loaded, files: _Files) -> Loaded:
    problems: list[Problem] = []
    documents = dict(_documents(loaded, files, problems))
    sources = [_with_schema(loaded, index, files, problems) for index in range(len(loaded.package.sources))]
    _refuse(problems)
    package = loaded.package.model_copy(update={"sources": sources})
    named = {c.name: c.document for c in package.connections if isinstance(c.document, str)}
    return replace(loaded, package=package, documents=documents, sources=named)


def _documents(loaded: Loaded, files: _Files, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    for index, connection in enumerate(loaded.package.connections):
        path: Path = ("connections", index, "document")
        value = _resolved(connection.document, files, loaded, path, problems)
        if isinstance(value, dict):
            yield connection.name, document_text(value)


def _with_schema(loaded: Loaded, index: int, files: _Files, problems: list[Problem]) -> Source:
    source = loaded.package.sources[index]
    if source.schema_ is None:
        return source
    value = _resolved(source.schema_, files, loaded, ("sources", index, "schema"), problems)
    return source.model_copy(update={"schema_": value})


def _resolved(
    value: str | dict[str, Any], files: _Files, loaded: Loaded, path: Path, problems: list[Problem]
) -> dict[str, Any] | None:
    if isinstance(value, dict):
        return value
    try:
        found = files.value_of(value)
    except BadPackage as error:
        problems.extend(loaded.problem(path, f"{value}: {problem}") for problem in error.problems)
        return None
    if not isinstance(found, dict):
        problems.append(loaded.problem(path, f"{value} does not hold a mapping.", "Name another file."))
        return None
    return found


def document_text(value: Mapping[str, Any]) -> str:
    """Return the stored form of a document: the same value is always the same text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain_numbers(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _plain_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain_numbers(item) for item in value]
    return value


def _bytes_of(path: FilePath) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise BadPackage([Problem(f"The file cannot be read: {error.strerror}.", "Check its name.")]) from None


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise BadPackage(problems)

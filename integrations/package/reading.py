"""A package file and the files it names, read and checked as far as text alone can be. Touches no database."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any

import jsonschema_rs
from pydantic import ValidationError

from config import bounded_json
from integrations.openapi.document import BadDocument, read_document
from integrations.package import yaml_text
from integrations.package.problems import BadPackage, Problem
from integrations.package.sentences import problems_of
from integrations.package.shapes import Connection, Package
from integrations.package.yaml_text import Path, YamlText, dotted

MAX_FILE_BYTES = 8 * 1024 * 1024

Fetch = Callable[[str], bytes]
Json = Mapping[str, Any]


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


def read_packages(path: FilePath, *, fetch: Fetch) -> list[Loaded]:
    """Return the packages in a file: one, or several that `---` divides, as `export` writes them.

    fetch: gets the bytes at an http(s) address. Raises BadPackage with every problem found.
    """
    try:
        texts = yaml_text.read_all(_bytes_of(path))
        return [_loaded(text, file=str(path), folder=path.parent, fetch=fetch) for text in texts]
    except BadPackage as error:
        raise BadPackage(
            [found if found.file else replace(found, file=str(path)) for found in error.problems]
        ) from None


def parse_package(raw: bytes, *, file: str, folder: FilePath | None, fetch: Fetch) -> Loaded:
    """Return the one package in raw. folder: where the files it names lie; None refuses to read any."""
    return _loaded(yaml_text.read_yaml(raw), file=file, folder=folder, fetch=fetch)


def _loaded(text: YamlText, *, file: str, folder: FilePath | None, fetch: Fetch) -> Loaded:
    package = _shaped(text, file)
    loaded = Loaded(package=package, documents={}, sources={}, file=file, text=text)
    _refuse(list(_twice(loaded)))
    return _with_files(loaded, Files(folder, fetch))


def _shaped(text: YamlText, file: str) -> Package:
    if not isinstance(text.value, dict):
        raise BadPackage([Problem("A package is a mapping.", "Begin it with `package: <name>`.", line=1)])
    try:
        return Package.model_validate(text.value)
    except ValidationError as error:
        raise BadPackage(
            [
                replace(found, path=dotted(path), line=text.line_of(path), file=file)
                for path, found in problems_of(error)
            ]
        ) from None


def _twice(loaded: Loaded) -> Iterator[Problem]:
    """Yield every name that a list holds more than once."""
    for kind in ("providers", "connections", "agents", "sources"):
        seen: Counter[str] = Counter()
        for index, item in enumerate(getattr(loaded.package, kind)):
            seen[item.name] += 1
            if seen[item.name] == 2:
                yield loaded.problem((kind, index, "name"), f"{item.name} stands twice in {kind}.", "Keep one of them.")
    teams = [team.name for team in loaded.package.teams]
    for index, name in enumerate(teams):
        if name in teams[:index]:
            yield loaded.problem(("teams", index), f"{name} stands twice in teams.", "Keep one of them.")


class Files:
    """The files that a document names: beside it, or at an address. Without a folder, only at an address."""

    def __init__(self, folder: FilePath | None, fetch: Fetch) -> None:
        self._folder = folder
        self._fetch = fetch

    def raw(self, name: str) -> bytes:
        return self._fetch(name) if name.startswith(("http://", "https://")) else self._beside(name)

    def _beside(self, name: str) -> bytes:
        if self._folder is None:
            raise BadPackage([Problem("A file cannot be named here.", "Write the document itself, or its address.")])
        return _bytes_of(self._folder / name)


def api_document(given: str | Json, files: Files) -> str:
    """Return an API document as checked JSON text. Raises BadPackage."""
    raw = document_text(given) if isinstance(given, Mapping) else files.raw(given)
    try:
        return document_text(read_document(raw).content)
    except BadDocument as error:
        raise BadPackage([Problem(error.message)]) from None


def json_schema(given: str | Json | None, files: Files) -> Json | None:
    """Return a JSON Schema that is one; None where there is none. Raises BadPackage."""
    if given is None:
        return None
    value = given if isinstance(given, Mapping) else parse_value(files.raw(given), is_yaml=_is_yaml(given))
    check_schema(value)
    return dict(value)


def _with_files(loaded: Loaded, files: Files) -> Loaded:
    """Return the package with what its documents name read in. Raises BadPackage with the place of each problem."""
    problems: list[Problem] = []
    documents, sources = {}, []
    for index, connection in enumerate(loaded.package.connections):
        if not isinstance(connection, Connection):
            continue
        with _placed(loaded, ("connections", index, "document"), connection.document, problems):
            documents[connection.name] = api_document(connection.document, files)
    for index, source in enumerate(loaded.package.sources):
        with _placed(loaded, ("sources", index, "schema"), source.schema_, problems):
            sources.append(source.model_copy(update={"schema_": json_schema(source.schema_, files)}))
    _refuse(problems)
    documented = [one for one in loaded.package.connections if isinstance(one, Connection)]
    named = {one.name: one.document for one in documented if isinstance(one.document, str)}
    package = loaded.package.model_copy(update={"sources": sources})
    return replace(loaded, package=package, documents=documents, sources=named)


@contextmanager
def _placed(loaded: Loaded, path: Path, given: str | Json | None, problems: list[Problem]) -> Iterator[None]:
    """Gather what goes wrong inside, with its place in the file and the name of the file it named."""
    where = f"{given}: " if isinstance(given, str) else ""
    try:
        yield
    except BadPackage as error:
        problems.extend(loaded.problem(path, f"{where}{found.what}", found.todo) for found in error.problems)


def check_schema(value: Any) -> None:
    """Raise BadPackage unless value is a JSON Schema, as an object."""
    if not isinstance(value, Mapping):
        raise BadPackage([Problem("A JSON Schema is expected here, as a mapping.")])
    try:
        jsonschema_rs.validator_for(dict(value), retriever=_nothing_is_fetched)
    except ValueError as error:
        raise BadPackage([Problem(f"This is not a JSON Schema: {str(error).splitlines()[0]}.")]) from None


def _nothing_is_fetched(address: str) -> Any:
    raise ValueError(f"{address} lies outside the schema")


def parse_value(raw: bytes, *, is_yaml: bool) -> Any:
    """Return what a JSON or YAML text says, with plain numbers. Raises BadPackage."""
    if is_yaml:
        return yaml_text.read_yaml(raw).value
    try:
        return _plain_numbers(bounded_json.loads(raw))
    except bounded_json.BadJson as error:
        raise BadPackage([Problem(f"This is not JSON that is read here: {error.message}")]) from None


def _is_yaml(name: str) -> bool:
    return name.lower().endswith((".yaml", ".yml"))


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
            return stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BadPackage([Problem(f"The file cannot be read: {error.strerror}.", "Check its name.")]) from None


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise BadPackage(problems)

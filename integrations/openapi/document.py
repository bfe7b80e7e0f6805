"""An OpenAPI document, read and checked. Nothing is fetched: every reference must lie inside.

Source: https://spec.openapis.org/oas/v3.0.4 and https://spec.openapis.org/oas/v3.1.1 (2024-10).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from openapi_spec_validator.validation import keywords

MAX_BYTES = 4 * 1024 * 1024
MAX_NODES = 300_000
MAX_DEPTH = 80
_VERSION = re.compile(r"3\.(0|1)\.\d+(-.+)?")


class BadDocument(ValueError):
    """The document cannot be used; the message says where and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Document:
    """A checked OpenAPI 3.0 or 3.1 document with its references still in place."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        self.is_30 = str(content["openapi"]).startswith("3.0")

    @property
    def title(self) -> str:
        return str(self.content.get("info", {}).get("title", ""))

    @property
    def text(self) -> str:
        """The document in one spelling, as it is stored: the same content is the same text."""
        return json.dumps(self.content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @property
    def base_url(self) -> str:
        """The first server that is a whole address, "" when there is none."""
        urls = [server.get("url", "") for server in self.content.get("servers", []) if isinstance(server, Mapping)]
        return next((url for url in urls if url.startswith(("https://", "http://")) and "{" not in url), "")

    def at(self, reference: str) -> Any:
        """Return what an inner reference ("#/components/…") names. Raises BadDocument."""
        value: Any = self.content
        for part in _parts(reference):
            try:
                value = value[int(part)] if isinstance(value, list) else value[part]
            except (KeyError, IndexError, ValueError, TypeError):
                raise BadDocument(f"{reference} names nothing in the document. Correct the $ref.") from None
        return value

    def followed(self, value: Any) -> Any:
        """Return the value, or what its reference leads to, however many steps away."""
        seen: set[str] = set()
        while isinstance(value, Mapping) and isinstance(value.get("$ref"), str):
            reference = value["$ref"]
            if reference in seen:
                raise BadDocument(f"{reference} leads to itself. Correct the $ref.")
            seen.add(reference)
            value = self.at(reference)
        return value


def read_document(text: str | bytes) -> Document:
    """Return the document in a JSON or YAML text. Raises BadDocument with what to do."""
    content = _json_like(_parsed(_decoded(text)))
    if not isinstance(content, dict):
        raise BadDocument("This is not an OpenAPI document: it must be an object with `openapi`, `info` and `paths`.")
    _check_version(content)
    document = Document(content)
    _check_references(document, content)
    _check_rules(document)
    return document


def _decoded(text: str | bytes) -> str:
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        raise BadDocument(
            f"The document is larger than {MAX_BYTES // 1024 // 1024} MiB. Leave out what agents do not need."
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadDocument("The document is not UTF-8 text.") from None


def _parsed(text: str) -> Any:
    try:
        if text.lstrip().startswith("{"):
            return json.loads(text)
        return yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a SafeLoader without dates
    except json.JSONDecodeError as error:
        raise BadDocument(f"The document is not valid JSON: {error.msg} in line {error.lineno}.") from None
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadDocument(f"The document is not valid YAML: {error.problem or 'it cannot be read'}{line}.") from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise BadDocument("The document cannot be read as JSON or YAML.") from None


class _PlainLoader(yaml.SafeLoader):
    """YAML as JSON: a date stays a text, and an alias cannot be used to blow the document up."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        if len(keys) != len(set(keys)):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise yaml.MarkedYAMLError(problem=f"the key {twice} appears twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":bool"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# Only true and false are booleans (YAML 1.2): in a list of countries `no` is Norway.
_PlainLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)"), list("tTfF")
)


def _json_like(value: Any) -> Any:
    """Return the value with text keys (a status code is often a number) and nothing that JSON cannot say."""
    counter = iter(range(MAX_NODES))
    return _copied(value, counter, 0)


def _copied(value: Any, counter: Iterator[int], depth: int) -> Any:
    if depth > MAX_DEPTH or next(counter, None) is None:
        raise BadDocument("The document is nested too deeply or has too many parts. Leave out what agents do not need.")
    if isinstance(value, dict):
        return {_key(key): _copied(child, counter, depth + 1) for key, child in value.items()}
    if isinstance(value, list):
        return [_copied(child, counter, depth + 1) for child in value]
    if isinstance(value, str):
        return _storable(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return value
    raise BadDocument(f"The document holds a {type(value).__name__}, which JSON does not know. Put it in quotes.")


def _key(key: Any) -> str:
    if isinstance(key, str):
        return _storable(key)
    if isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    raise BadDocument(f"The key {key!r} must be a text. Put it in quotes.")


def _storable(text: str) -> str:
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise BadDocument("The document holds a character that is none (NUL, or half of a pair). Take it out.")
    return text


def _check_version(content: Mapping[str, Any]) -> None:
    if "swagger" in content:
        raise BadDocument("This is a Swagger 2.0 document. Convert it to OpenAPI 3.0 or 3.1 first.")
    if not _VERSION.fullmatch(str(content.get("openapi", ""))):
        raise BadDocument("This is not an OpenAPI 3.0 or 3.1 document: `openapi` must say 3.0.x or 3.1.x.")


def _check_references(document: Document, value: Any) -> None:
    """Refuse references that lead outside or nowhere, before anything follows one."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str):
            _check_reference(document, reference)
        for child in value.values():
            _check_references(document, child)
    elif isinstance(value, list):
        for child in value:
            _check_references(document, child)


def _check_reference(document: Document, reference: str) -> None:
    if not reference.startswith("#/"):
        raise BadDocument(
            f"The reference {reference[:200]} leads outside the document. Bundle the document into one file first."
        )
    document.at(reference)


_NOTHING_FETCHES: dict[str, Any] = {}


class _NoValues(keywords.ValueValidator):
    """Default values go unchecked: Python's backtracking patterns would let a document stall us."""

    def __call__(self, schema: Any, value: Any) -> Iterator[Any]:
        return iter(())


class _Rules30(OpenAPIV30SpecValidator):
    resolver_handlers = _NOTHING_FETCHES
    keyword_validators = {**OpenAPIV30SpecValidator.keyword_validators, "default": _NoValues}


class _Rules31(OpenAPIV31SpecValidator):
    resolver_handlers = _NOTHING_FETCHES
    keyword_validators = {**OpenAPIV31SpecValidator.keyword_validators, "default": _NoValues}


def _check_rules(document: Document) -> None:
    content = dict(document.content)
    validator = _Rules30(content) if document.is_30 else _Rules31(content)
    try:
        error = next(iter(validator.iter_errors()), None)
    except Exception as broken:  # noqa: BLE001 - a foreign checker on a foreign document: whatever it raises, the document is at fault
        raise BadDocument(f"The document breaks the OpenAPI rules: {_first_line(broken)}") from None
    if error is not None:
        raise BadDocument(f"The document breaks the OpenAPI rules{_place(error)}: {_first_line(error.message)}")


def _first_line(problem: object) -> str:
    return str(problem).partition("\n")[0][:300]


def _place(error: Any) -> str:
    path = "/".join(str(part) for part in error.absolute_path)
    return f" at {path}" if path else ""


def _parts(reference: str) -> list[str]:
    return [_unescaped(part) for part in reference.removeprefix("#/").split("/")]


def _unescaped(part: str) -> str:
    return (
        re.sub(r"%([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), part).replace("~1", "/").replace("~0", "~")
    )

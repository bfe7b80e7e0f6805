"""What somebody wants to be configured, however they said it: a package file, or one thing by the API. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Self

from approvals.policy.rules import RuleError, parse_rules, rule_document
from integrations.package.diffing import Document, State
from integrations.package.naming import rule_name, trigger_name
from integrations.package.problems import BadPackage, Problem
from integrations.package.reading import Loaded
from integrations.package.yaml_text import Path, dotted


@dataclass(frozen=True)
class Wish:
    """What is to be.

    package: whose wish it is; "" is a person through the browser or the API.
    put: what is to be so, by kind and name, as canonical documents.
    retire: what is to go. A whole package says None: whatever else it had put before goes.
    origins: connection name → where its API document came from.
    """

    package: str
    put: State
    retire: Mapping[str, tuple[str, ...]] | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[tuple[str, str], Path] = field(default_factory=dict)
    loaded: Loaded | None = None

    @property
    def is_package(self) -> bool:
        return self.retire is None

    def problem(self, kind: str, name: str, *inner: str | int, what: str, todo: str = "") -> Problem:
        """Return a problem with the place of this thing, or of a part of it, in what was written."""
        path = (*self.places.get((kind, name), ()), *inner)
        if self.loaded is not None:
            return self.loaded.problem(path, what, todo)
        return Problem(what=what, todo=todo, path=dotted(path) or name)

    def to_json(self) -> dict[str, Any]:
        """Return the wish as a proposal keeps it."""
        put = {kind: {name: dict(document) for name, document in things.items()} for kind, things in self.put.items()}
        retire = None if self.retire is None else {kind: list(names) for kind, names in self.retire.items()}
        return {"package": self.package, "put": put, "retire": retire, "origins": dict(self.origins)}

    @property
    def digest(self) -> str:
        """Return the hash of what is wished, whoever wishes it."""
        said = json.dumps(self.to_json() | {"origins": {}}, sort_keys=True, default=str)
        return sha256(said.encode()).hexdigest()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        retire = document["retire"]
        names = None if retire is None else {kind: tuple(names) for kind, names in retire.items()}
        return cls(package=document["package"], put=document["put"], retire=names, origins=document["origins"])


def wish_of(loaded: Loaded) -> Wish:
    """Return what a package file wants, everything in canonical form. Raises BadPackage for rules that are none."""
    things = list(_things(loaded))
    put: dict[str, dict[str, Document]] = {}
    for kind, name, document, _ in things:
        put.setdefault(kind, {})[name] = document
    places = {(kind, name): path for kind, name, _, path in things}
    return Wish(package=loaded.package.package, put=put, origins=loaded.sources, places=places, loaded=loaded)


def _things(loaded: Loaded) -> Iterator[tuple[str, str, Document, Path]]:
    package = loaded.package
    for index, team in enumerate(package.teams):
        yield "teams", team.name, team.canonical(), ("teams", index)
    for name, group in package.groups.items():
        yield "groups", name, group.canonical(), ("groups", name)
    for kind in ("providers", "agents", "sources"):
        for index, item in enumerate(getattr(package, kind)):
            yield kind, item.name, item.canonical(), (kind, index)
    for index, connection in enumerate(package.connections):
        document = connection.canonical()
        if connection.name in loaded.documents:
            document["document"] = loaded.documents[connection.name]
        yield "connections", connection.name, document, ("connections", index)
    for index, rule in enumerate(_rules(loaded)):
        yield "policy", rule_name(rule), rule, ("policy", index)
    for index, trigger in enumerate(package.triggers):
        yield "triggers", trigger_name(trigger.canonical()), trigger.canonical(), ("triggers", index)


def _rules(loaded: Loaded) -> list[Document]:
    owner = loaded.package.package
    try:
        return canonical_rules(loaded.package.policy, owner)
    except RuleError as error:
        path: Path = ("policy", error.index, error.field)
        raise BadPackage([loaded.problem(path, rule_problem(error))]) from None


def canonical_rules(rules: Sequence[Document], owner: str) -> list[Document]:
    """Return the rules as they are stored, as this owner's. Raises RuleError."""
    for index, rule in enumerate(rules):
        if rule.get("package", owner) != owner:
            raise RuleError(index, "package", "A rule belongs to the package it stands in. Leave this out.")
    return [rule_document(rule) for rule in parse_rules([{**rule, "package": owner} for rule in rules])]


def rule_problem(error: RuleError) -> str:
    """Return what is wrong with a rule, with the character where that is known."""
    return error.message if error.position is None else f"{error.message} (character {error.position + 1})"

"""What is configured, written as the file that would configure it: applied again, it changes nothing."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from integrations.package.diffing import KINDS, Document
from integrations.package.rows import Row, Rows, all_rows
from integrations.package.wishes import canonical_rules


def packages() -> list[str]:
    """Return the names of the packages that have put something, sorted."""
    return sorted({row.package for things in all_rows().values() for row in things.values()} - {""})


def package_document(name: str, *, by_hand: bool = False) -> dict[str, Any]:
    """Return the package as a file says it; with by_hand, what people made in the browser, under this name."""
    rows = _owned(all_rows(), "" if by_hand else name)
    # Teams are shared: those that the agents work for are named, whoever made them, so that the file stands alone.
    teams = sorted({*rows["teams"], *(agent["team"] for agent in rows["agents"].values())})
    document: dict[str, Any] = {"package": name, "teams": [_team(team, rows["teams"].get(team, {})) for team in teams]}
    document["groups"] = {group: _group(said) for group, said in rows["groups"].items()}
    for kind in ("providers", "connections", "agents", "sources"):
        document[kind] = [_said(thing) for thing in rows[kind].values()]
    document["policy"] = [_rule(rule) for rule in rows["policy"].values()]
    document["triggers"] = [_said(trigger) for trigger in rows["triggers"].values()]
    order = ("package", *KINDS)
    return {key: document[key] for key in order if document[key]}


def as_yaml(document: Mapping[str, Any]) -> str:
    """Return the document as YAML with long texts as blocks."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False)


def _owned(rows: Rows, owner: str) -> dict[str, dict[str, Document]]:
    return {
        kind: {name: _with_api(kind, row) for name, row in things.items() if _is(row, owner)}
        for kind, things in rows.items()
    }


def _is(row: Row, owner: str) -> bool:
    return row.package == owner and not row.is_free


def _with_api(kind: str, row: Row) -> Document:
    """Return the document with an API document as a mapping: the file stands alone."""
    if kind != "connections" or "document" not in row.document:
        return row.document
    return {**row.document, "document": json.loads(row.document["document"] or "{}")}


def _team(name: str, document: Document) -> str | dict[str, Any]:
    """Return the team as its name, or as a mapping where there is more to say of it."""
    said = _said(document)
    return {"name": name, **said} if said else name


def _group(document: Document) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "escalates_to" or value}


def _said(document: Document) -> dict[str, Any]:
    """Return only what says something; everything else is the default."""
    return {key: value for key, value in document.items() if value not in (None, "", [], {})}


def _rule(rule: Document) -> dict[str, Any]:
    """Return the rule without the fields that mean the same when they are left out."""
    said = {key: value for key, value in rule.items() if key != "package"}
    for key in [key for key in said if key not in ("tool", "level")]:
        less = {other: value for other, value in said.items() if other != key}
        if canonical_rules([less], rule["package"]) == [rule]:
            said = less
    return said


class _Dumper(yaml.SafeDumper):
    """No aliases, because our own reader refuses them; texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    block = "\n" in value and not any(line.endswith(" ") for line in value.splitlines())
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if block else None)


_Dumper.add_representer(str, _text)

"""Would it work? What a wish names must exist, and every part must be one that its owner takes. Reads only."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from agents.errors import BadAgent
from agents.providers.registry import BUILT_IN
from agents.spec import normal_document, parse_spec
from agents.tools.arguments import BadSchema, check_schema
from approvals import configured
from approvals.policy.conditions import ConditionError, compile_condition
from integrations.channel_documents import is_channel
from integrations.openapi.document import BadDocument
from integrations.openapi.overrides import BadOverrides
from integrations.package.connection_tools import tools_of_document
from integrations.package.diffing import SINGULAR, Change, Document, State, Verb
from integrations.package.problems import Problem
from integrations.package.rows import Rows
from integrations.package.wishes import Wish
from integrations.webhooks.signatures import SCHEMES

EVENT_ONLY = frozenset({"event"})
_OF_THE_AGENT = ("name", "team", "purpose", "category")


def check(wish: Wish, rows: Rows, changes: Sequence[Change]) -> Iterator[Problem]:
    """Yield what stands against the wish, in the order of the kinds."""
    known = {kind: _known(kind, rows, changes) for kind in rows}
    for kind, checker in _CHECKERS.items():
        for name, document in wish.put.get(kind, {}).items():
            yield from checker(_Thing(wish, kind, name, document), known)
    yield from _other_kind(wish, changes)
    yield from _left_behind(rows, changes, known)


def _known(kind: str, rows: Rows, changes: Sequence[Change]) -> set[str]:
    """Return the names that will be there once the changes are made."""
    gone = {change.name for change in changes if change.kind == kind and change.verb is Verb.RETIRE}
    put = {change.name for change in changes if change.kind == kind and change.after is not None}
    return {name for name, row in rows[kind].items() if not row.is_free and name not in gone} | put


class _Thing:
    """One wished thing, with a short way to say what is wrong with it."""

    def __init__(self, wish: Wish, kind: str, name: str, document: Document) -> None:
        self._wish = wish
        self._kind = kind
        self.name = name
        self.document = document

    def problem(self, *inner: str | int, what: str, todo: str = "") -> Problem:
        return self._wish.problem(self._kind, self.name, *inner, what=what, todo=todo)

    def unknown(self, kind: str, name: str, *inner: str | int) -> Problem:
        return self.problem(*inner, what=f"There is no {SINGULAR[kind]} {name}.", todo="Add it, or correct the name.")


Known = Mapping[str, set[str]]


def _escalation(thing: _Thing, known: Known) -> Iterator[Problem]:
    to = thing.document.get("escalates_to", "")
    if to and to not in known["groups"]:
        yield thing.unknown("groups", to, "escalates_to")


def _group(thing: _Thing, known: Known) -> Iterator[Problem]:
    yield from _escalation(thing, known)
    if thing.document["escalates_to"] == thing.name:
        yield thing.problem(
            "escalates_to", what=f"{thing.name} cannot escalate to itself.", todo="Name another group, or none."
        )
    people = thing.document["people"]
    for person in sorted(set(people) - configured.known_people(people)):
        yield thing.problem("people", what=f"There is nobody named {person}.", todo="Add the person first.")


def _connection(thing: _Thing, known: Known) -> Iterator[Problem]:
    if is_channel(thing.document):
        yield from _channel(thing, known)
        return
    if thing.document["kind"] != "openapi":
        yield thing.problem("kind", what="Connections of this kind are not built so far.", todo="Leave this one out.")
        return
    if not thing.document["base_url"]:
        yield thing.problem("base_url", what="base_url is missing.", todo="Write the address that the tools call.")
    try:
        tools_of_document(thing.document)
    except BadDocument as error:
        yield thing.problem("document", what=error.message)
    except BadOverrides as error:
        for found in error.problems:
            inner = [part for part in (found.tool, *found.field.split(".")) if part]
            yield thing.problem("tools", *inner, what=_capital(found.message))


def _channel(thing: _Thing, known: Known) -> Iterator[Problem]:
    for team in thing.document.get("channels", {}):
        if team not in known["teams"]:
            yield thing.unknown("teams", team, "channels", team)


def _agent(thing: _Thing, known: Known) -> Iterator[Problem]:
    if thing.document["team"] not in known["teams"]:
        yield thing.unknown("teams", thing.document["team"], "team")
    for place, model in [(("model",), thing.document["model"]), *_fallbacks(thing.document)]:
        provider = model.partition("/")[0]
        if provider not in BUILT_IN | known["providers"]:
            yield thing.unknown("providers", provider, *place)
    yield from _agent_itself(thing)


def _fallbacks(document: Document) -> list[tuple[tuple[str | int, ...], str]]:
    return [(("fallback", index), model) for index, model in enumerate(document["fallback"])]


def _agent_itself(thing: _Thing) -> Iterator[Problem]:
    try:
        parse_spec(version_document(thing.document))
    except BadAgent as error:
        for sentence in error.extra.get("problems", [error.message]):
            field, _, what = sentence.partition(": ")
            yield thing.problem(*field.split("."), what=_capital(what))
    if thing.document["outcome"] is not None:
        try:
            check_schema(thing.document["outcome"])
        except BadSchema as error:
            yield thing.problem("outcome", what=str(error))


def version_document(document: Document) -> dict[str, Any]:
    """Return the part of an agent's document that its version holds."""
    return normal_document({key: value for key, value in document.items() if key not in _OF_THE_AGENT})


def _source(thing: _Thing, known: Known) -> Iterator[Problem]:
    if thing.document["signature"] not in SCHEMES:
        yield thing.problem("signature", what="There is no such signature scheme.", todo=f"Write {', '.join(SCHEMES)}.")


def _trigger(thing: _Thing, known: Known) -> Iterator[Problem]:
    for kind in ("sources", "agents"):
        if thing.document[SINGULAR[kind]] not in known[kind]:
            yield thing.unknown(kind, thing.document[SINGULAR[kind]], SINGULAR[kind])
    if thing.document["when"]:
        yield from _condition(thing, "when")


def _condition(thing: _Thing, field: str) -> Iterator[Problem]:
    try:
        compile_condition(thing.document[field], EVENT_ONLY)
    except ConditionError as error:
        yield thing.problem(field, what=str(error))


def _rule(thing: _Thing, known: Known) -> Iterator[Problem]:
    approvers = thing.document["approvers"]
    if approvers and approvers not in known["groups"]:
        yield thing.unknown("groups", approvers, "approvers")


_CHECKERS: dict[str, Callable[[_Thing, Known], Iterator[Problem]]] = {
    "teams": _escalation,
    "groups": _group,
    "connections": _connection,
    "policy": _rule,
    "agents": _agent,
    "sources": _source,
    "triggers": _trigger,
}


def _other_kind(wish: Wish, changes: Sequence[Change]) -> Iterator[Problem]:
    """Yield each connection that would become another kind of thing under the same name."""
    for change in changes:
        if change.kind == "connections" and change.before and change.after:
            before, after = change.before["kind"], change.after["kind"]
            if before != after:
                yield wish.problem(
                    "connections",
                    change.name,
                    "kind",
                    what=f"{change.name} is a connection of the kind {before}.",
                    todo="Choose another name.",
                )


def _left_behind(rows: Rows, changes: Sequence[Change], known: Known) -> Iterator[Problem]:
    """Yield what would still need a thing that is to go."""
    for change in changes:
        if change.verb is Verb.RETIRE:
            for what in sorted(set(_needing(change, _after(rows, changes), known))):
                yield Problem(
                    f"{change.sentence[:1].upper()}{change.sentence[1:]}: {what} still needs it.", "Change that first."
                )


def _after(rows: Rows, changes: Sequence[Change]) -> State:
    """Return everything as it would be, with what is retired as it was."""
    put = {(change.kind, change.name): change.after for change in changes if change.after is not None}
    documents = {(kind, name): row.document for kind, things in rows.items() for name, row in things.items()} | put
    return {kind: {name: said for (of, name), said in documents.items() if of == kind} for kind in rows}


def _needing(change: Change, state: State, known: Known) -> Iterator[str]:
    match change.kind:
        case "groups":
            waiting = configured.open_requests_for_group(change.name)
            if waiting:
                yield f"{waiting} open request{'s' if waiting > 1 else ''}"
            yield from _in_use(state, known, "policy", lambda rule: rule.get("approvers") == change.name)
            for kind in ("teams", "groups"):
                yield from _in_use(state, known, kind, lambda one: one["escalates_to"] == change.name)
        case "agents":
            yield from _in_use(state, known, "triggers", lambda trigger: trigger["agent"] == change.name)
        case "providers":
            yield from _in_use(state, known, "agents", lambda agent: change.name in _providers(agent))


def _in_use(state: State, known: Known, kind: str, needs: Callable[[Document], bool]) -> Iterator[str]:
    for name, document in state[kind].items():
        if name in known[kind] and needs(document):
            yield f"{SINGULAR[kind]} {name}"


def _providers(agent: Document) -> set[str]:
    return {model.partition("/")[0] for model in [agent.get("model", ""), *agent.get("fallback", [])]}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

"""REST: the configuration. One thing at a time, as the same document that a file would hold, through the same code."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.urls import URLPattern, path
from django.utils import timezone
from pydantic import Field, ValidationError
from rest_framework import serializers
from rest_framework.request import Request as Call
from rest_framework.response import Response

from agents.selectors import agents_visible_to
from approvals.audit import Actor
from approvals.people import Signer, signer
from approvals.policy.canonical import as_json
from approvals.policy.rules import RuleError, parse_rules, rule_sentence
from approvals.rest import filters
from approvals.rest.errors import ApiError, not_found
from approvals.rest.fields import Anything, Out
from approvals.rest.items import listed_items
from approvals.rest.once import answered_once
from approvals.rest.views import ApiView
from approvals.states import Role
from approvals.tokens import Scope
from integrations.connections import visible_connections
from integrations.event_permissions import visible_sources
from integrations.package import shapes
from integrations.package.applying import Outcome, Result, apply_wish, check_may_configure
from integrations.package.diffing import SINGULAR, Document, Verb
from integrations.package.fetching import fetch
from integrations.package.naming import rule_name, trigger_name
from integrations.package.reading import Files, api_document, json_schema
from integrations.package.rows import Row, rows_of
from integrations.package.sentences import problems_of
from integrations.package.wishes import Wish, canonical_rules, rule_problem
from integrations.package.yaml_text import dotted
from integrations.serializers import WrittenOut

Names = set[str] | None


class GroupDocument(shapes.Group):
    """People whom a rule may name as approvers."""

    name: shapes.Slug


class RuleDocument(shapes.Shape):
    """One rule of the policy, as a file holds it. What it may say is checked by the policy itself."""

    tool: str
    level: int | str
    when: str = ""
    class_: str = Field("normal", alias="class")
    approvers: str = ""
    votes: int = 1
    deadline_h: float | None = None
    constrain: dict[str, Any] | None = None
    until: str | None = None
    note: str = ""
    id: str = ""


class RulesDocument(shapes.Shape):
    """All rules that people made by hand; those of packages stay."""

    rules: list[RuleDocument]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of configured thing. visible: the names this person may see, None for all."""

    name: str
    shape: type[shapes.Shape]
    visible: Callable[[Signer], Names]
    canonical: Callable[[Any], tuple[str, Document]]
    shown: Callable[[str, Row], Document]
    by: str = "name"

    @property
    def fields(self) -> list[str]:
        own = [field.alias or name for name, field in self.shape.model_fields.items()]
        return list(dict.fromkeys([*own, self.by, "package", "disabled"]))


def _everything(who: Signer) -> Names:
    return None


def _names(rows: Callable[[Signer], QuerySet[Any]]) -> Callable[[Signer], Names]:
    return lambda who: None if who.sees_all else set(rows(who).values_list("name", flat=True))


def _groups_of(who: Signer) -> Names:
    return None if who.sees_all or Role.MANAGER in who.roles else set(who.groups)


def _triggers_of(who: Signer) -> Names:
    if who.sees_all:
        return None
    sources = set(visible_sources(who).values_list("name", flat=True))
    return {name for name, row in rows_of("triggers").items() if row.document["source"] in sources}


def _as_said(shape: shapes.Shape) -> tuple[str, Document]:
    document = shape.canonical()
    return document["name"], document


def _team(shape: shapes.Team) -> tuple[str, Document]:
    return shape.name, shape.canonical()


def _group(shape: GroupDocument) -> tuple[str, Document]:
    return shape.name, shape.canonical()


def _connection(shape: shapes.Shape) -> tuple[str, Document]:
    if not isinstance(shape, shapes.Connection):
        return _as_said(shape)
    return shape.name, {**shape.canonical(), "document": api_document(shape.document, Files(None, fetch))}


def _source(shape: shapes.Source) -> tuple[str, Document]:
    return shape.name, {**shape.canonical(), "schema": json_schema(shape.schema_, Files(None, fetch))}


def _trigger(shape: shapes.Trigger) -> tuple[str, Document]:
    document = shape.canonical()
    return trigger_name(document), document


def _rule(shape: RuleDocument) -> tuple[str, Document]:
    """Return the rule as whoever owns its id keeps it; a new one is made by hand."""
    said = {key: value for key, value in shape.canonical().items() if value not in (None, "")}
    owners = {row.document["id"]: row.package for row in rows_of("policy").values()}
    rule = canonical_rules([said], owners.get(shape.id, ""))[0]
    return rule_name(rule), rule


def _with_name(name: str, row: Row) -> Document:
    return {"name": name, **row.document, "package": row.package, "disabled": row.disabled}


def _shown_trigger(name: str, row: Row) -> Document:
    return {"id": name, **row.document, "package": row.package, "disabled": row.disabled}


def _shown_rule(name: str, row: Row) -> Document:
    return {**row.document, "sentence": rule_sentence(parse_rules([row.document])[0]), "disabled": False}


KINDS = (
    Kind("teams", shapes.Team, _names(lambda who: who.user.teams.all()), _team, _with_name),
    Kind("groups", GroupDocument, _groups_of, _group, _with_name),
    Kind("providers", shapes.Provider, _everything, _as_said, _with_name),
    Kind("connections", shapes.Connection, _names(visible_connections), _connection, _with_name),
    Kind("agents", shapes.Agent, _names(lambda who: agents_visible_to(who.user)), _as_said, _with_name),
    Kind("sources", shapes.Source, _names(visible_sources), _source, _with_name),
    Kind("triggers", shapes.Trigger, _triggers_of, _trigger, _shown_trigger, by="id"),
    Kind("policy", RuleDocument, _everything, _rule, _shown_rule, by="id"),
)


class _Configured(ApiView):
    """What the calls on one kind share."""

    kind: ClassVar[Kind]

    def visible(self) -> dict[str, Document]:
        """Return what this person may see of the kind, by the name that stands in the address."""
        names = self.kind.visible(signer(self.person()))
        rows = {name: row for name, row in rows_of(self.kind.name).items() if not row.is_free}
        shown = (self.kind.shown(name, row) for name, row in rows.items() if names is None or name in names)
        return {document[self.kind.by]: as_json(document) for document in shown}

    def one(self, name: str) -> Document:
        found = self.visible().get(name)
        if found is None:
            raise not_found(SINGULAR[self.kind.name])
        return found

    def said(self, shape: type[shapes.Shape]) -> Any:
        """Return the body in the shape. Raises ApiError 400 with each field's problem."""
        try:
            return shape.model_validate(as_json(self.request.data))
        except ValidationError as error:
            fields = {dotted(where): str(problem) for where, problem in problems_of(error)}
            first = next(iter(f"{name}: {sentence}" if name else sentence for name, sentence in fields.items()))
            raise ApiError(400, "BAD_SHAPE", first, fields=fields) from None

    def _shape(self) -> type[shapes.Shape]:
        """Return the shape of the kind; a connection has the one that its own `kind` says."""
        if self.kind.name != "connections":
            return self.kind.shape
        return shapes.CONNECTIONS.get(shapes.connection_tag(self.request.data), self.kind.shape)

    def thing(self) -> tuple[str, Document]:
        """Return the name and canonical document that the body says. Raises ApiError, BadPackage."""
        shape = self.said(self._shape())
        try:
            return self.kind.canonical(shape)
        except RuleError as error:
            raise ApiError(400, "BAD_RULE", f"{error.field}: {rule_problem(error)}", field=error.field) from None

    def written(self, wish: Wish) -> Response:
        """Carry the wish out, or ask a second person: 201 added, 200 changed or the same already, 202 it waits."""
        outcome = apply_wish(wish, actor=Actor.person(self.person()), user=self.person(), now=timezone.now())
        return Response(_outcome_document(outcome), status=_status(outcome))

    def wish(self, name: str, document: Document) -> Wish:
        said: Any = self.request.data
        origin = said.get("document") if self.kind.name == "connections" else None
        origins = {name: origin} if isinstance(origin, str) else {}
        return Wish(package="", put={self.kind.name: {name: document}}, retire={}, origins=origins)


class _Things(_Configured):
    scopes = {"GET": Scope.READ, "POST": Scope.CONFIGURE}

    def get(self, call: Call) -> Response:
        items = [_short(document) for document in self.visible().values()]
        return Response(listed_items(items, call, fields=self.kind.fields, by=self.kind.by))

    def post(self, call: Call) -> Response:
        check_may_configure(self.person())
        return answered_once(call, lambda: self.written(self.wish(*self.thing())))


class _OneThing(_Configured):
    scopes = {"GET": Scope.READ, "PUT": Scope.CONFIGURE, "DELETE": Scope.CONFIGURE}

    def get(self, call: Call, name: str) -> Response:
        self.no_query(call)
        return Response(_opened(self.one(name)))

    def put(self, call: Call, name: str) -> Response:
        self._check(name)
        key, document = self.thing()
        if name != (document.get(self.kind.by) or key):
            raise ApiError(400, "OTHER_NAME", "The document names another thing than the address.", name=name)
        return self.written(self.wish(key, document))

    def delete(self, call: Call, name: str) -> Response:
        self._check(name)
        found = self.one(name)
        key = rule_name(found) if self.kind.name == "policy" else name
        return self.written(Wish(package="", put={}, retire={self.kind.name: (key,)}))

    def _check(self, name: str) -> None:
        """Who may not see it is not told that it is there, before anything else is said."""
        if not signer(self.person()).is_admin:
            self.one(name)
        check_may_configure(self.person())


class PolicyRules(_Things):
    """The rules in force. PUT puts all rules made by hand at once; those of packages stay."""

    scopes = {"GET": Scope.READ, "POST": Scope.CONFIGURE, "PUT": Scope.CONFIGURE}

    def put(self, call: Call) -> Response:
        check_may_configure(self.person())
        said = self.said(RulesDocument)
        try:
            rules = canonical_rules([_sparse(rule) for rule in said.rules], "")
        except RuleError as error:
            where = f"rules[{error.index}].{error.field}"
            raise ApiError(400, "BAD_RULE", f"{where}: {rule_problem(error)}", field=where) from None
        put = {rule_name(rule): rule for rule in rules}
        gone = tuple(name for name, row in rows_of("policy").items() if not row.package and name not in put)
        return self.written(Wish(package="", put={"policy": put}, retire={"policy": gone}))


def _sparse(rule: RuleDocument) -> Document:
    return {key: value for key, value in rule.canonical().items() if value not in (None, "")}


def _short(document: Document) -> Document:
    """Return the thing as a line of a list: an API document is long, so only GET of the one thing has it."""
    return {**document, "document": None} if "document" in document else document


def _opened(document: Document) -> Document:
    """Return the thing with its API document as an object."""
    if "document" not in document:
        return document
    return {**document, "document": json.loads(document["document"] or "{}")}


def _outcome_document(outcome: Outcome) -> Mapping[str, Any]:
    said = {
        "result": outcome.result.value,
        "changes": [change.to_json() for change in outcome.plan.changes],
        "wider": outcome.plan.wider,
        "notes": outcome.plan.notes,
        "request": outcome.request_id,
    }
    return WrittenOut(said).data


def _status(outcome: Outcome) -> int:
    if outcome.result is Result.WAITS:
        return 202
    added = any(change.verb is Verb.ADD for change in outcome.plan.changes)
    return 201 if outcome.result is Result.APPLIED and added else 200


def _urls(kind: Kind) -> Iterator[URLPattern]:
    """Yield the calls of one kind: the list, and one thing by its name."""
    shared = {"kind": kind, "says": _sentences(kind)}
    base = PolicyRules if kind.name == "policy" else _Things
    written = {201: WrittenOut, 200: WrittenOut, 202: WrittenOut}
    page = _shape_of_page(kind)
    many = {
        "filters": dict.fromkeys(kind.fields, filters.text("")),
        "takes": {"POST": kind.shape, "PUT": RulesDocument},
        "gives": {"GET": page, "POST": written, "PUT": written},
    }
    one = {"takes": {"PUT": kind.shape}, "gives": {"GET": kind.shape, "PUT": written, "DELETE": written}}
    title = kind.name.capitalize()
    things: type[_Things] = type(title, (base,), {**shared, **many})
    thing: type[_OneThing] = type(f"One{title}", (_OneThing,), {**shared, **one})
    yield path(f"{kind.name}/", things.as_view(), name=kind.name)
    yield path(f"{kind.name}/<path:name>/", thing.as_view(), name=SINGULAR[kind.name])


def _sentences(kind: Kind) -> Mapping[str, str]:
    one = SINGULAR[kind.name]
    return {
        "GET": f"As a configuration file says it, with the package that put it: {kind.name}.",
        "POST": f"Put one {one}, as a file would: 201 added, 200 changed or the same already, 202 it waits for a second person.",
        "PUT": f"Put this {one}; the answers of POST.",
        "DELETE": f"Retire this {one}: what has a history stays, switched off.",
    }


def _shape_of_page(kind: Kind) -> type[serializers.Serializer[Any]]:
    parts: Sequence[tuple[str, serializers.Field[Any, Any, Any, Any]]] = [(name, Anything()) for name in kind.fields]
    row = type(f"{kind.name.capitalize()}Row", (Out,), dict(parts))
    return type(
        f"{kind.name.capitalize()}Page",
        (Out,),
        {"results": row(many=True), "next": serializers.CharField(allow_null=True)},
    )


configuration_urls: list[URLPattern] = [url for kind in KINDS for url in _urls(kind)]

"""Connections as a source of tools. Derived anew when a row changes, in whichever process changed it."""

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from django.db.models import CharField
from django.db.models.expressions import RawSQL

from agents.tools.base import Tool
from integrations.editors import editors_of
from integrations.models import Connection
from integrations.openapi.call import Account
from integrations.openapi.document import BadDocument
from integrations.openapi.overrides import BadOverrides
from integrations.openapi.tools import ConnectionTools, tools_of

log = logging.getLogger("countersign.tools")


@dataclass(frozen=True, slots=True)
class _Kept:
    row_version: str
    meaning: tuple[object, ...]
    tools: Mapping[str, Tool]


@dataclass(slots=True)
class _Cache:
    by_row: dict[int, _Kept] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


_cache = _Cache()


def connection_tools() -> dict[str, Tool]:
    """Return the tools of every connection in use. One small query says whether anything changed."""
    versions = _row_versions()
    kept = {pk: _tools_in(pk, version) for pk, version in versions.items()}
    with _cache.lock:
        for gone in _cache.by_row.keys() - versions.keys():
            del _cache.by_row[gone]
    return {name: tool for part in kept.values() for name, tool in part.items()}


def account_of(row: Connection) -> Account:
    """Return which account the connection acts with."""
    return Account(
        connection=row.name,
        base_url=row.base_url,
        auth_header=row.auth_header,
        auth_secret=row.auth_secret,
        auth_secret_host=row.auth_secret_host,
    )


def offered_by(row: Connection) -> ConnectionTools:
    """Return what one connection offers. Raises BadDocument or BadOverrides."""
    return tools_of(document=row.document, overrides=row.tools, account=account_of(row), timeout_s=row.timeout_s)


def _row_versions() -> dict[int, str]:
    """Return which version of each row is current: Postgres' own marks, so that no writer can forget to set it."""
    version = RawSQL(
        "integrations_connection.xmin::text || integrations_connection.ctid::text", [], output_field=CharField()
    )
    rows = Connection.objects.filter(kind=Connection.Kind.OPENAPI, disabled=False).order_by("name")
    return dict(rows.annotate(row_version=version).values_list("pk", "row_version"))


def _tools_in(pk: int, row_version: str) -> Mapping[str, Tool]:
    with _cache.lock:
        kept = _cache.by_row.get(pk)
    if kept is not None and kept.row_version == row_version:
        return kept.tools
    renewed = _renewed(pk, row_version, kept)
    with _cache.lock:
        _cache.by_row[pk] = renewed
    return renewed.tools


def _renewed(pk: int, row_version: str, kept: _Kept | None) -> _Kept:
    """Return the row's tools as it stands; what was derived before serves on when only a test report changed."""
    row = Connection.objects.filter(pk=pk).first()
    if row is None:
        return _Kept(row_version, (), {})
    meaning = (account_of(row), row.document, json.dumps([row.tools, row.editors], sort_keys=True), row.timeout_s)
    if kept is not None and kept.meaning == meaning:
        return _Kept(row_version, meaning, kept.tools)
    return _Kept(row_version, meaning, _derived(row))


def _derived(row: Connection) -> Mapping[str, Tool]:
    """Return the tools of a row; one that cannot be read offers none and stops nobody else."""
    try:
        offered = offered_by(row)
    except (BadDocument, BadOverrides) as error:
        log.error("connection %s offers no tools: %s", row.name, error)
        return {}
    return {name: _with_editors(tool, offered, row.editors) for name, tool in offered.tools.items()}


def _with_editors(tool: Tool, offered: ConnectionTools, editors: Mapping[str, int]) -> Tool:
    operation = offered.operations[tool.name]
    return replace(tool, editors=editors_of(editors, {operation.name, operation.operation_id}))

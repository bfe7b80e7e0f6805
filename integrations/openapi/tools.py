"""A connection's document and overrides as tools. Pure: the same input gives the same tools and versions."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from agents.tools.base import (
    CallContext,
    CheckSpec,
    EnsureSpec,
    LookupSpec,
    MoneySpec,
    RequireSpec,
    TargetSpec,
    Tool,
    ToolResult,
)
from approvals.policy.action import Effect
from integrations.openapi.call import Account, Binding, call_operation
from integrations.openapi.document import Document, read_document
from integrations.openapi.operations import Imported, LeftOut, Operation, operations_of
from integrations.openapi.overrides import (
    CheckOverride,
    MoneyOverride,
    ToolOverride,
    check_overrides,
    effect_of,
    fixed_currency,
    named_as_tools,
    parse_overrides,
)

# Raise it when the mapping below changes what a tool means, so that what waits for approval is judged anew.
MAPPING_VERSION = 1
ATTEMPTS = {Effect.READ: 3, Effect.KEYED: 3, Effect.CONVERGENT: 3, Effect.QUERYABLE: 1, Effect.BLIND: 1}


@dataclass(frozen=True, slots=True)
class ConnectionTools:
    """What a connection offers: its tools by full name, and the operations that could not become one."""

    tools: Mapping[str, Tool]
    operations: Mapping[str, Operation]
    overrides: Mapping[str, ToolOverride]
    bindings: Mapping[str, Binding]
    left_out: tuple[LeftOut, ...]
    title: str = ""


def tools_of(*, document: str, overrides: Mapping[str, Any], account: Account, timeout_s: float) -> ConnectionTools:
    """Return the tools of a connection. Raises BadDocument or BadOverrides, which say what to do."""
    checked, imported = _read(document)
    said = named_as_tools(parse_overrides(overrides), imported.operations)
    operations = tuple(_without_our_headers(o, said.get(o.name, ToolOverride()), account) for o in imported.operations)
    check_overrides(said, operations)
    bindings = [_binding(o, said.get(o.name, ToolOverride()), checked, account) for o in operations]
    tools = [_tool(b, said.get(b.operation.name, ToolOverride()), timeout_s) for b in bindings]
    return ConnectionTools(
        tools={tool.name: tool for tool in tools},
        bindings={f"{account.connection}.{b.operation.name}": b for b in bindings},
        operations={f"{account.connection}.{o.name}": o for o in operations},
        overrides={f"{account.connection}.{name}": part for name, part in said.items()},
        left_out=imported.left_out,
        title=checked.title,
    )


@lru_cache(maxsize=32)
def _read(text: str) -> tuple[Document, Imported]:
    """Return the document and its operations. Checking a large one takes a second; nobody changes what is returned."""
    document = read_document(text)
    return document, operations_of(document)


def _binding(operation: Operation, override: ToolOverride, document: Document, account: Account) -> Binding:
    key_header = override.idempotency.header if override.idempotency else operation.key_header
    effect = effect_of(operation, override)
    return Binding(operation, account, effect, key_header, _scheme_prefix(document, account))


def _tool(binding: Binding, override: ToolOverride, timeout_s: float) -> Tool:
    operation, account, effect = binding.operation, binding.account, binding.effect
    return Tool(
        name=f"{account.connection}.{operation.name}",
        description=operation.description,
        schema=operation.schema,
        effect=effect,
        version=_version(operation, override, account),
        connection=account.connection,
        account=account.identity,
        call=partial(_call, binding),
        timeout_s=override.timeout_s or timeout_s,
        attempts=ATTEMPTS[effect],
        window_h=override.idempotency.window_h if override.idempotency else 23,
        money=_money(operation, override.money),
        target=TargetSpec(override.target.argument, override.target.by, override.target.show)
        if override.target
        else None,
        check=_check(override.check) if override.check else None,
        lookup=LookupSpec(override.lookup.by, override.lookup.argument) if override.lookup else None,
        sentence=override.sentence,
        authority=_authority(operation, override, effect),
        compensate_with=override.compensate_with or "",
        compensate_arguments=tuple(override.compensate_arguments.items()),
        require=tuple(RequireSpec(one.that, one.say, one.deny) for one in override.require),
        ensure=tuple(
            EnsureSpec(one.by, one.argument, one.that, one.say, one.otherwise == "model") for one in override.ensure
        ),
        redact=override.redact,
    )


def _call(binding: Binding, arguments: Mapping[str, Any], context: CallContext) -> ToolResult:
    return call_operation(binding, arguments, context)


def _authority(operation: Operation, override: ToolOverride, effect: Effect) -> tuple[str, ...]:
    """Return the arguments that carry power: as declared, otherwise every one of a tool that changes something."""
    if override.authority is not None:
        return override.authority
    return () if effect is Effect.READ else operation.arguments


def _check(check: CheckOverride) -> CheckSpec:
    return CheckSpec(check.by, check.compare, tuple(check.after.items()))


def _money(operation: Operation, money: MoneyOverride | None) -> MoneySpec | None:
    if money is None:
        return None
    fixed = fixed_currency(operation, money)
    return MoneySpec(money.amount, "" if fixed else money.currency, fixed)


def _without_our_headers(operation: Operation, override: ToolOverride, account: Account) -> Operation:
    if account.auth_header:
        operation = operation.without_header(account.auth_header)
    return operation.without_header(override.idempotency.header) if override.idempotency else operation


def _scheme_prefix(document: Document, account: Account) -> str:
    """Return "Bearer " where the document declares bearer tokens and the header is Authorization, else ""."""
    schemes = document.content.get("components", {}).get("securitySchemes", {}).values()
    kinds = [document.followed(scheme) for scheme in schemes]
    bearer = any(kind.get("type") == "http" and str(kind.get("scheme")).lower() == "bearer" for kind in kinds)
    return "Bearer " if bearer and account.auth_header.lower() == "authorization" else ""


def _version(operation: Operation, override: ToolOverride, account: Account) -> str:
    said = override.model_dump(mode="json", exclude_defaults=True)
    places = [[p.argument, p.where, p.name, p.style, p.explode, p.as_json] for p in operation.placements]
    meaning = {
        "mapping": MAPPING_VERSION, "method": operation.method, "path": operation.path, "base": account.base_url,
        "schema": operation.schema, "places": places, "body": operation.body_type, "said": said,
        "key_header": operation.key_header,
    }  # fmt: skip
    return hashlib.sha256(json.dumps(meaning, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

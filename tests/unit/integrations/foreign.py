"""Short ways to a foreign document, its tools and its answers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.tools.base import CallContext, Tool
from integrations.openapi.call import Account, host_of
from integrations.openapi.tools import ConnectionTools, tools_of

FIXTURES = Path(__file__).parents[2] / "fixtures" / "openapi"
CONTEXT = CallContext(key="v1-key", attempt=1, deadline_s=2)


def foreign(name: str) -> str:
    return (FIXTURES / name).read_text(encoding="utf-8")


def account(base_url: str = "http://127.0.0.1:1", **more: str) -> Account:
    return Account("shop", base_url, auth_secret_host=host_of(base_url), **more)


def imported(document: str, overrides: Mapping[str, Any] | None = None, **more: Any) -> ConnectionTools:
    return tools_of(document=document, overrides=overrides or {}, account=more.get("account") or account(), timeout_s=3)


def document(paths: Mapping[str, Any], version: str = "3.1.0", **more: Any) -> str:
    """A document in JSON; operations without responses get one."""
    for item in paths.values():
        for method, operation in item.items():
            if method != "parameters":
                operation.setdefault("responses", {"200": {"description": "ok"}})
    return json.dumps({"openapi": version, "info": {"title": "T", "version": "1"}, "paths": paths, **more})


def json_body(schema: Any, *, required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def only(offered: ConnectionTools) -> Tool:
    (tool,) = offered.tools.values()
    return tool

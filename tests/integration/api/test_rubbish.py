"""Whatever is sent, the answer is one of ours: never a 500."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from tests.factories import refund_agent
from tests.integration.api.conftest import Program, program

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=20),
    st.sampled_from(["shop", "env:X", "openapi", "live", "9" * 40, "\x00", "\ud800", "../x", "a/b", "x" * 400]),
)  # fmt: skip
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=6)  # fmt: skip
RUBBISH = bounds(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def calls() -> list[tuple[str, str, list[str]]]:
    """Return method, address and field names of every call that takes a body."""
    document = json.loads(Client().get("/api/schema/").content)
    found = []
    for path, item in document["paths"].items():
        for method in {"post", "put"} & set(item):
            schema = item[method]["requestBody"]["content"]["application/json"]["schema"]
            shape = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            found.append((method.upper(), path, list(shape["properties"])))
    return found


@pytest.fixture
def api(admin: User, settings: Any) -> Program:
    settings.API_CALLS_PER_MINUTE = 1_000_000
    refund_agent()
    return program(admin)


@pytest.mark.django_db
def test_bodies(api: Program) -> None:
    for method, path, fields in calls():
        address = path.replace("{run_id}", "0" * 8 + "-0000-0000-0000-" + "0" * 12)
        address = address.replace("{request_id}", "0" * 8 + "-0000-0000-0000-" + "0" * 12).replace("{name}", "x")
        _send(api, method, address, fields)


def _send(api: Program, method: str, address: str, fields: list[str]) -> None:
    @RUBBISH
    @given(st.dictionaries(st.sampled_from(fields), VALUES, max_size=len(fields)) | VALUES)
    def send(body: Any) -> None:
        raw = json.dumps(body).encode()
        answer = api.call(method, address, raw)
        assert answer.status < 500, f"{method} {address} {body!r}: {answer.body}"
        assert answer.status < 300 or set(answer.body) == {"code", "message", "extra"}

    send()


@pytest.mark.django_db
def test_queries(api: Program) -> None:
    document = json.loads(Client().get("/api/schema/").content)
    odd = ["", "x", "-1", "1e999", "\x00", "2026-13-01", "a" * 3000, "1,2,,3"]
    for path, item in document["paths"].items():
        if "{" in path or "get" not in item:
            continue
        for parameter in item["get"]["parameters"]:
            for value in ["x\x00"] if parameter["description"].startswith("a text") else odd:
                answer = api._client.get(
                    path, {parameter["name"]: value}, headers={"Authorization": f"Bearer {api._token}"}
                )
                assert answer.status_code in (200, 400), f"{path}?{parameter['name']}={value!r}: {answer.status_code}"

"""Idempotency-Key: sent again it is answered again, never done again."""

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections

from agents.models import Run
from approvals.models import ApiCall
from tests.factories import person, refund_agent
from tests.integration.api.conftest import Answer, program

START = {"agent": "refund-clerk", "goal": "Settle."}


@pytest.mark.django_db
def test_the_same_key_gives_the_same_answer(operator: User) -> None:
    refund_agent()
    api = program(operator)
    first = api.post("runs/", START, Idempotency_Key="k-1")
    second = api.post("runs/", START, Idempotency_Key="k-1")
    assert (first.status, second.status) == (201, 201)
    assert second.body == first.body
    assert second.headers["Idempotent-Replay"] == "true"
    assert Run.objects.count() == 1
    assert api.post("runs/", START, Idempotency_Key="k-2").body["id"] != first.body["id"]


@pytest.mark.django_db
def test_the_same_key_with_another_body_is_refused(operator: User) -> None:
    refund_agent()
    api = program(operator)
    api.post("runs/", START, Idempotency_Key="k-1")
    other = api.post("runs/", {**START, "goal": "Something else."}, Idempotency_Key="k-1")
    assert (other.status, other.body["code"]) == (422, "KEY_REUSED")
    assert api.post("halts/", {"scope": "global", "reason": "x"}, Idempotency_Key="k-1").status == 422
    assert Run.objects.count() == 1


@pytest.mark.django_db
def test_a_refusal_is_not_kept(operator: User) -> None:
    api = program(operator)
    assert api.post("runs/", START, Idempotency_Key="k-1").status == 404
    refund_agent()
    assert api.post("runs/", START, Idempotency_Key="k-1").status == 201


@pytest.mark.django_db
def test_keys_of_two_tokens_do_not_meet(operator: User) -> None:
    refund_agent()
    program(operator).post("runs/", START, Idempotency_Key="k-1")
    program(operator).post("runs/", START, Idempotency_Key="k-1")
    assert Run.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
def test_a_key_that_is_none_is_refused(operator: User, key: str) -> None:
    refund_agent()
    assert program(operator).post("runs/", START, Idempotency_Key=key).body["code"] == "BAD_KEY"


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_do_it_once() -> None:
    refund_agent()
    api = program(person("operator", "operator"))
    answers: list[Answer] = []
    barrier = threading.Barrier(8)

    def send() -> None:
        barrier.wait()
        answers.append(api.post("runs/", START, Idempotency_Key="k-1"))
        connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert Run.objects.count() == 1
    assert ApiCall.objects.count() == 1


@pytest.mark.django_db
def test_it_works_with_the_redis_server_away(operator: User, settings: Any) -> None:
    settings.API_CALLS_PER_MINUTE = 1
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    refund_agent()
    api = program(operator)
    assert [api.post("runs/", START).status for _ in range(3)] == [201, 201, 201]

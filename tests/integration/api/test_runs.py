"""Runs, events, halts, audit, people: what programs start, stop and read."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from agents.models import Run
from approvals.models import AuditEvent, Halt
from integrations.models import Source, Trigger
from tests.factories import refund_agent, refund_run
from tests.integration.api.conftest import program

pytestmark = pytest.mark.django_db
RUN_FIELDS = {
    "id", "agent", "version", "state", "mode", "goal", "subject", "event", "parent", "outcome", "cost", "tokens",
    "started_at", "ended_at", "waiting_for", "steps", "actions",
}  # fmt: skip


def test_a_person_starts_a_run_and_is_its_initiator(operator: User) -> None:
    refund_agent()
    answer = program(operator).post(
        "runs/", {"agent": "refund-clerk", "goal": "Settle.", "input": {"order_id": "7", "sum": 1.25}, "subject": "7"}
    )
    assert answer.status == 201
    assert set(answer.body) == RUN_FIELDS
    assert (answer.body["state"], answer.body["agent"], answer.body["version"]) == ("queued", "refund-clerk", 1)
    run = Run.objects.get()
    assert run.initiator == operator
    assert run.input == {"order_id": "7", "sum": 1.25}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"agent": "refund-clerk"}, 400, "BAD_SHAPE"),
        ({"agent": "refund-clerk", "goal": "x", "input": [1]}, 400, "BAD_SHAPE"),
        ({"agent": "refund-clerk", "goal": "x", "state": "completed"}, 400, "BAD_SHAPE"),
        ({"agent": "nobody", "goal": "x"}, 404, "NOT_FOUND"),
        (b"{", 400, "BAD_JSON"),
        (b'{"agent": "a", "agent": "b", "goal": "x"}', 400, "BAD_JSON"),
        (b"[" * 5000, 400, "BAD_JSON"),
        (b'{"agent": "refund-clerk", "goal": "x", "input": {"a": NaN}}', 400, "BAD_JSON"),
        (b'"text"', 400, "BAD_SHAPE"),
        (b"x" * (2 * 1024 * 1024 + 10), 413, "BAD_JSON"),
    ],
)
def test_what_cannot_be_started_is_refused(operator: User, body: Any, status: int, code: str) -> None:
    refund_agent()
    answer = program(operator).call("POST", "runs/", body)
    assert (answer.status, answer.body["code"]) == (status, code)
    assert not Run.objects.exists()


def test_other_media_are_refused(operator: User) -> None:
    answer = program(operator).call("POST", "runs/", b"a=b", Content_Type="application/x-www-form-urlencoded")
    assert answer.status in (400, 415)


def test_runs_are_filtered_by_their_fields_and_commas_mean_or(operator: User) -> None:
    refund_agent()
    runs = [refund_run(str(number)) for number in range(4)]
    api = program(operator)
    assert {row["subject"] for row in api.get("runs/?subject=1,3").body["results"]} == {"1", "3"}
    assert len(api.get("runs/?state=queued,running&agent=refund-clerk&mode=live").body["results"]) == 4
    assert api.get(f"runs/?id={runs[0].pk}").body["results"][0]["id"] == str(runs[0].pk)
    assert api.get("runs/?state=completed").body["results"] == []
    assert len(api.get("runs/?version=1&tokens=0&cost=0").body["results"]) == 4


@pytest.mark.parametrize(
    "query",
    ["colour=red", "id=7", "version=x", "started_at=yesterday", "limit=0", "limit=1000", "limit=x", "cursor=zzz", "cost=NaN",
     "subject=%00", "cursor=bnVsbA", "version=99999999999999999999"],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_refused(operator: User, query: str) -> None:
    answer = program(operator).get(f"runs/?{query}")
    assert answer.status == 400, query
    assert answer.body["message"].endswith(".")


def test_pages_follow_a_cursor_and_new_rows_shift_nothing(operator: User) -> None:
    refund_agent()
    ids = [str(refund_run(str(number)).pk) for number in range(5)]
    api = program(operator)
    first = api.get("runs/?limit=2").body
    refund_run("new")
    second = api.get(f"runs/?limit=2&cursor={first['next']}").body
    last = api.get(f"runs/?limit=2&cursor={second['next']}").body
    assert [row["id"] for page in (first, second, last) for row in page["results"]] == ids[::-1]
    assert last["next"] is None


def test_a_run_is_cancelled_once(operator: User) -> None:
    refund_agent()
    run = refund_run()
    answer = program(operator).post(f"runs/{run.pk}/cancel/", {"reason": "Not needed."})
    assert (answer.status, answer.body["state"]) == (200, "cancelled")
    again = program(operator).post(f"runs/{run.pk}/cancel/")
    assert (again.status, again.body["code"]) == (409, "MOVE_REFUSED")


def test_an_event_is_taken_in_once(operator: User) -> None:
    refund_agent()
    source = Source.objects.create(name="orders", signature="stripe")
    Trigger.objects.create(source=source, agent="refund-clerk", goal="Settle.")
    body = {"source": "orders", "payload": {"order_id": "7"}, "dedupe_key": "k1"}
    first, second = (program(operator).post("events/", body) for _ in range(2))
    assert (first.status, first.body["status"]) == (202, "accepted")
    assert (second.status, second.body) == (200, {"id": first.body["id"], "status": "duplicate"})
    event = program(operator).get(f"events/{first.body['id']}/").body
    assert (event["source"], event["payload"]) == ("orders", '{"order_id":"7"}')
    assert program(operator).post("events/", {**body, "source": "nowhere"}).status == 404


def test_a_misspelt_agent_is_not_said_to_be_halted(operator: User) -> None:
    refund_agent()
    answer = program(operator).post("halts/", {"scope": "agent:refund-clrk", "reason": "Strange refunds."})
    assert (answer.status, answer.body["message"]) == (404, "There is no agent refund-clrk. Nothing was halted.")
    assert not Halt.objects.exists()


def test_a_halt_is_engaged_and_listed(operator: User) -> None:
    refund_agent()
    answer = program(operator).post("halts/", {"scope": "agent:refund-clerk", "reason": "Strange refunds."})
    assert (answer.status, answer.body["scope"], answer.body["engaged_by"]) == (201, "agent:refund-clerk", "operator")
    assert program(operator).get("halts/?released_by=").status == 200
    assert len(program(operator).get("halts/?open=1").body["results"]) == 1
    assert program(operator).post("halts/", {"scope": "everything", "reason": "x"}).status in (400, 404)
    assert Halt.objects.count() == 1


def test_the_audit_trail_is_listed_and_exported(operator: User, admin: User) -> None:
    refund_agent()
    run = refund_run("=cmd()")
    assert program(operator).get("audit/?verb=policy.activated").body["results"] == []
    exported = program(admin).get(f"audit/export/?run={run.pk}")
    assert exported.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert exported.body.decode().splitlines()[1].count('"\'=cmd()"') == 1
    assert AuditEvent.objects.filter(verb="audit.exported", actor="admin").exists()
    rows = program(admin).get(f"audit/?run={run.pk}&verb=run.queued,run.done").body["results"]
    assert [row["verb"] for row in rows] == ["run.queued"]
    assert len(program(admin).get("audit/?limit=1").body["results"]) == 1
    assert AuditEvent.objects.count() > 1


def test_people_are_seen_by_their_team(operator: User, second_operator: User, stranger: User, admin: User) -> None:
    def seen(user: User) -> set[str]:
        return {row["username"] for row in program(user).get("people/").body["results"]}

    assert seen(operator) == {"operator", "second-operator", "admin"}
    assert seen(stranger) == {"stranger"}
    assert seen(admin) == {"operator", "second-operator", "stranger", "admin"}
    (row,) = program(admin).get("people/?username=operator").body["results"]
    assert row == {
        "username": "operator",
        "active": True,
        "roles": ["operator"],
        "teams": ["support"],
        "groups": {"finance": {"EUR": 50_000}},
    }

"""A refund signed by programs: who may, what is bound, who was first."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from agents.models import Action
from agents.providers.scripted import ScriptedProvider
from agents.states import RunState
from approvals.models import Request
from tests.driving import work
from tests.factories import DONE, person, refund_agent, refund_run, says, wants_refund
from tests.integration.api.conftest import Answer, Program, program
from tests.shop import Shop

FIELDS = {
    "id", "kind", "state", "action", "digest", "title", "arguments", "money", "target", "rule", "votes",
    "votes_needed", "class", "decide_by", "decisions",
}  # fmt: skip


@pytest.fixture
def waiting(shop: Shop, model: ScriptedProvider) -> Request:
    """A refund of 640 EUR that waits."""
    refund_agent()
    model.say(says("", wants_refund(64_000)))
    refund_run()
    work()
    return Request.objects.get(state="open")


def decide(who: Program, request: Request, vote: str = "approve", **more: Any) -> Answer:
    return who.post(f"requests/{request.pk}/decide/", {"vote": vote, "digest": request.action_digest, **more})


def test_a_request_has_the_fields_of_the_contract(waiting: Request, operator: User) -> None:
    (row,) = program(operator).get("requests/?state=open").body["results"]
    assert set(row) == FIELDS
    assert row["arguments"] == {"order_id": "20871", "amount_minor": 64_000, "currency": "EUR"}
    assert row["money"] == {"amount_minor": 64_000, "currency": "EUR"}
    assert (row["votes"], row["votes_needed"], row["class"], row["kind"]) == (0, 1, "normal", "approval")
    assert row["target"]
    assert row["rule"]["id"]
    detail = program(operator).get(f"requests/{waiting.pk}/").body
    assert detail == row


def test_mine_leaves_what_this_person_may_sign(waiting: Request, operator: User, second_operator: User) -> None:
    assert program(operator).get("requests/?state=open&mine=1").body["results"] == []
    assert len(program(operator).get("requests/?state=open&mine=0").body["results"]) == 1
    assert len(program(second_operator).get("requests/?mine=1").body["results"]) == 1


def test_over_the_limit_is_refused_with_the_sentence_and_signed_by_another_it_runs_once(
    waiting: Request, operator: User, second_operator: User, shop: Shop, model: ScriptedProvider
) -> None:
    refused = decide(program(operator), waiting)
    assert refused.status == 403
    assert "your limit in finance is €500.00" in refused.body["message"]
    done = decide(program(second_operator), waiting)
    assert (done.status, done.body["state"], done.body["settled"]) == (200, "approved", True)
    assert [vote["via"] for vote in done.body["decisions"]] == ["api"]
    model.say(DONE)
    work()  # no undo window: it runs at once
    assert shop.paid("20871") == [64_000]
    run = program(operator).get(f"runs/{waiting.run_id}/").body
    assert run["state"] == RunState.COMPLETED
    assert [action["state"] for action in run["actions"]] == ["succeeded"]


def test_the_second_to_decide_is_told_who_was_first_and_when(
    waiting: Request, second_operator: User, admin: User
) -> None:
    decide(program(second_operator), waiting, "reject", comment="No proof.")
    late = decide(program(second_operator), waiting)
    assert (late.status, late.body["code"]) == (409, "ALREADY_SETTLED")
    assert late.body["extra"]["by"] == "second-operator"
    assert late.body["extra"]["at"]
    assert "second-operator rejected this" in late.body["message"]


def test_another_digest_is_a_conflict(waiting: Request, second_operator: User) -> None:
    answer = program(second_operator).post(f"requests/{waiting.pk}/decide/", {"vote": "approve", "digest": "0" * 64})
    assert (answer.status, answer.body["code"]) == (409, "REQUEST_CHANGED")
    waiting.refresh_from_db()
    assert waiting.state == "open"


def test_rejected_nothing_runs(waiting: Request, second_operator: User, shop: Shop, model: ScriptedProvider) -> None:
    assert decide(program(second_operator), waiting, "reject", comment="Not ours.").status == 200
    model.say(DONE)
    work()
    assert shop.paid("20871") == []


def test_edited_down_it_is_executed_on_the_editors_vote(
    waiting: Request, second_operator: User, shop: Shop, model: ScriptedProvider
) -> None:
    less = {"order_id": "20871", "amount_minor": 60_000, "currency": "EUR"}
    answer = decide(program(second_operator), waiting, arguments=less)
    assert (answer.status, answer.body["settled"]) == (200, True)
    assert answer.body["withdrawn"] == str(waiting.pk)
    assert answer.body["request"] == answer.body["id"] != str(waiting.pk)
    assert answer.body["arguments"] == less
    model.say(DONE)
    work()
    assert shop.paid("20871") == [60_000]


def test_edited_up_it_waits_for_somebody_else(waiting: Request, second_operator: User, shop: Shop) -> None:
    more = {"order_id": "20871", "amount_minor": 90_000, "currency": "EUR"}
    answer = decide(program(second_operator), waiting, arguments=more)
    assert (answer.status, answer.body["settled"], answer.body["state"]) == (202, False, "open")
    again = program(second_operator).post(
        f"requests/{answer.body['request']}/decide/", {"vote": "approve", "digest": answer.body["digest"]}
    )
    assert again.status == 403
    work()
    assert shop.paid("20871") == []


def test_an_edit_that_the_schema_refuses_is_told_and_changes_nothing(waiting: Request, second_operator: User) -> None:
    answer = decide(program(second_operator), waiting, arguments={"order_id": "20871"})
    assert (answer.status, answer.body["code"]) == (422, "BAD_ARGUMENTS")
    assert answer.body["extra"]["problems"]
    waiting.refresh_from_db()
    assert waiting.state == "open"


def test_of_two_votes_the_first_is_accepted_and_hidden(waiting: Request, second_operator: User, operator: User) -> None:
    Request.objects.update(votes_needed=2)
    first = decide(program(second_operator), waiting)
    assert (first.status, first.body["votes"], first.body["state"]) == (202, 1, "open")
    assert [vote["person"] for vote in first.body["decisions"]] == ["second-operator"]
    assert decide(program(second_operator), waiting).status == 403
    for other in (operator, person("reader", "auditor"), person("boss", "admin")):
        api = program(other)
        assert api.get(f"requests/{waiting.pk}/").body["decisions"] == []
        assert [row["decisions"] for row in api.get("requests/").body["results"]] == [[]]
        assert api.get("requests/?decisions=second-operator").body["results"] == []
        assert not [row for row in api.get("audit/").body["results"] if row["verb"].startswith("decision.")]


def test_high_class_is_never_signed_by_a_token(waiting: Request, second_operator: User) -> None:
    Request.objects.update(cls="high")
    answer = decide(program(second_operator), waiting)
    assert (answer.status, answer.body["code"]) == (403, "NOT_ALLOWED_TO_DECIDE")
    assert "browser" in answer.body["message"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "vote"),
        ({"vote": "maybe", "digest": "x"}, "vote"),
        ({"vote": "approve"}, "digest"),
        ({"vote": "approve", "digest": "x", "arguments": [1]}, "arguments"),
        ({"vote": "approve", "digest": "x", "via": "browser"}, "via"),
        ({"vote": "approve", "digest": "x", "stepped_up": True}, "stepped_up"),
    ],
)
def test_a_wrong_shape_names_the_field(waiting: Request, second_operator: User, body: Any, path: str) -> None:
    answer = program(second_operator).post(f"requests/{waiting.pk}/decide/", body)
    assert (answer.status, answer.body["code"]) == (400, "BAD_SHAPE")
    assert path in answer.body["extra"]["fields"]


def test_the_wrong_kind_of_vote_is_told(waiting: Request, second_operator: User) -> None:
    assert decide(program(second_operator), waiting, "happened").status == 400


def test_an_action_has_the_fields_of_the_contract(waiting: Request, operator: User) -> None:
    action = Action.objects.get()
    found = program(operator).get(f"actions/{action.pk}/").body
    assert set(found) == {
        "id", "run", "tool", "arguments", "digest", "effect", "level", "rule", "state", "reason", "confidence",
        "result", "error", "replaces", "attempts",
    }  # fmt: skip
    assert (found["level"], found["state"], found["effect"], found["tool"]) == (
        3,
        "pending",
        "keyed",
        "shop.refund_order",
    )
    assert found["reason"] == "Two of four lamps arrived broken."
    assert found["digest"] == waiting.action_digest

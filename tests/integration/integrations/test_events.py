"""What becomes of an event: judged by schema and triggers, kept when it is refused, run once."""

import json
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.test import Client

from agents.models import Run
from approvals.models import AuditEvent
from integrations.errors import BadPayload, EventMoved, NoSuchEvent, NoSuchSource, NotYours
from integrations.jobs import EventClaimer, sweep_events
from integrations.models import Event
from integrations.services import (
    accept_event,
    correct_event,
    discard_event,
    process_event,
    replay_event,
)
from tests.factories import person
from tests.hooks import SCHEMA, deliver, judge_all, only_event, refund, source, trigger

pytestmark = pytest.mark.django_db


def story(event: Event) -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.filter(subject_type="event", subject_id=str(event.pk)).order_by("pk")
    return [(row.verb, row.from_state, row.to_state) for row in rows]


def messages(event: Event) -> str:
    return " | ".join(f"{problem['path']} {problem['message']}".strip() for problem in event.problems)


def test_matching_event_becomes_one_run_about_its_subject(client: Client, clerk: None) -> None:
    trigger(source(schema=SCHEMA))
    deliver(client, refund("20871", amount_minor=6400))
    assert judge_all() == 1
    event, run = only_event(), Run.objects.get()
    assert (event.state, event.subject, event.kind) == ("accepted", "20871", "refund.requested")
    assert event.run_ids == [run.pk]
    assert (run.event_id, run.subject, run.goal) == (event.pk, "20871", "Settle this refund request.")
    assert run.input == {"type": "refund.requested", "order_id": "20871", "amount_minor": 6400}
    assert (run.initiator, run.tainted) == (None, True)
    assert story(event) == [("event.accepted", "received", "accepted")]


def test_event_that_no_trigger_wants_is_ignored_and_says_so(client: Client, clerk: None) -> None:
    trigger(source())
    deliver(client, b'{"type":"order.created","order_id":"1"}')
    judge_all()
    event = only_event()
    assert (event.state, messages(event)) == ("ignored", "No trigger's condition matched.")
    assert not Run.objects.exists()


def test_source_without_trigger_says_that_nobody_waits(client: Client) -> None:
    source()
    deliver(client)
    judge_all()
    assert "no trigger" in messages(only_event())


def test_payload_that_breaks_the_schema_is_kept_with_readable_problems(client: Client, clerk: None) -> None:
    trigger(source(schema=SCHEMA))
    deliver(client, b'{"type":"refund.requested","amount_minor":"many"}')
    judge_all()
    event = only_event()
    assert event.state == "invalid"
    assert "order_id is missing" in messages(event)
    assert 'amount_minor "many" is not of type "integer"' in messages(event)
    assert story(event) == [("event.invalid", "received", "invalid")]
    assert not Run.objects.exists()


def test_condition_that_cannot_be_judged_is_a_question_of_data(client: Client, clerk: None) -> None:
    trigger(source(), when="event.amount_minor > 5")
    deliver(client)
    judge_all()
    event = only_event()
    assert event.state == "invalid"
    assert "refund-clerk cannot be judged" in messages(event)


def test_trigger_for_an_agent_that_takes_no_work_is_told(client: Client) -> None:
    trigger(source(), agent="nobody")
    deliver(client)
    judge_all()
    assert (only_event().state, "no agent named 'nobody'" in messages(only_event())) == ("invalid", True)


def test_one_bad_condition_does_not_hold_back_the_other_trigger(client: Client, clerk: None) -> None:
    row = source()
    trigger(row, when="event.nothing.here == 1")
    trigger(row)
    deliver(client)
    judge_all()
    event = only_event()
    assert (event.state, len(event.run_ids)) == ("invalid", 1)


def test_two_triggers_make_two_runs_and_none_twice(client: Client, clerk: None) -> None:
    row = source()
    trigger(row)
    trigger(row, when="")
    deliver(client)
    judge_all()
    event = only_event()
    Event.objects.filter(pk=event.pk).update(lease_expires_at=None)
    process_event(event_id=event.pk)
    assert Run.objects.count() == len(only_event().run_ids) == 2


def test_trigger_that_is_switched_off_wants_nothing(client: Client, clerk: None) -> None:
    row = trigger(source())
    row.disabled = True
    row.save()
    deliver(client)
    judge_all()
    assert only_event().state == "ignored"


def test_event_that_was_judged_is_not_judged_again(client: Client, clerk: None) -> None:
    trigger(source())
    deliver(client)
    judge_all()
    process_event(event_id=only_event().pk)
    assert Run.objects.count() == 1
    assert len(story(only_event())) == 1


def test_githubs_ping_is_ignored_without_being_held_against_the_schema(client: Client) -> None:
    source(signature="github", schema=SCHEMA)
    deliver(client, b'{"zen":"Keep it logically awesome."}', signature="github", **{"X-GitHub-Event": "ping"})
    judge_all()
    event = only_event()
    assert (event.state, "ping" in messages(event)) == ("ignored", True)


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("event.order.id", "77"),
        ("order.id", "77"),
        ("event.lines.1.sku", "b"),
        ("event.order", ""),
        ("event.nope.deep", ""),
        ("event.flag", ""),
        ("", ""),
    ],
)
def test_subject_is_the_value_at_its_path(client: Client, path: str, subject: str) -> None:
    source(subject=path)
    deliver(client, json.dumps({"order": {"id": 77}, "lines": [{"sku": "a"}, {"sku": "b"}], "flag": True}).encode())
    judge_all()
    assert only_event().subject == subject


def test_form_becomes_an_object_and_slacks_button_the_json_inside(client: Client, clerk: None) -> None:
    trigger(source(signature="slack"), when='event.type == "block_actions"')
    form = b"payload=%7B%22type%22%3A%22block_actions%22%2C%22order_id%22%3A%221%22%7D"
    deliver(client, form, signature="slack", content_type="application/x-www-form-urlencoded")
    judge_all()
    assert Run.objects.get().input == {"type": "block_actions", "order_id": "1"}


def test_list_becomes_the_items_of_an_object(client: Client, clerk: None) -> None:
    trigger(source(signature="hubspot"), when="event.items.exists(x, x.objectId == 7)")
    deliver(client, b'[{"objectId":7}]', signature="hubspot")
    judge_all()
    assert Run.objects.get().input == {"items": [{"objectId": 7}]}


def test_exact_numbers_reach_the_run(client: Client, clerk: None) -> None:
    trigger(source())
    deliver(client, refund(price=19.99, big=2**53 + 1))
    judge_all()
    assert Run.objects.get().input["price"] == 19.99
    assert Run.objects.get().input["big"] == 2**53 + 1


def test_raw_body_cannot_be_changed_and_states_move_only_as_drawn(client: Client) -> None:
    source()
    deliver(client)
    event = only_event()
    for change in ({"body": b"{}"}, {"dedupe_key": "other"}, {"body_sha256": "0"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Event.objects.update(**change)
    judge_all()
    Event.objects.filter(pk=event.pk, state="ignored").update(state="received")
    Event.objects.filter(pk=event.pk).update(state="accepted")
    with pytest.raises(DatabaseError), transaction.atomic():
        Event.objects.update(state="received")


# --- people


def invalid_event(client: Client) -> Event:
    trigger(source(schema=SCHEMA))
    deliver(client, b'{"type":"refund.requested"}')
    judge_all()
    return only_event()


def test_corrected_event_runs_with_the_persons_payload_and_keeps_the_raw(
    client: Client, clerk: None, operator: User
) -> None:
    event = invalid_event(client)
    correct_event(event_id=event.pk, user=operator, text='{"type":"refund.requested","order_id":"20871"}')
    judge_all()
    event, run = only_event(), Run.objects.get()
    assert (event.state, event.corrected_by) == ("accepted", operator)
    assert bytes(event.body) == b'{"type":"refund.requested"}'
    assert run.input["order_id"] == "20871"
    assert run.initiator == operator, "who wrote the payload must not sign what comes of it"
    assert [verb for verb, _, _ in story(event)] == ["event.invalid", "event.corrected", "event.accepted"]


@pytest.mark.parametrize("text", ["{", '{"type":"refund.requested"}', "5", '{"a":1,"a":2}', '"\ud800"'])
def test_correction_that_is_still_wrong_is_refused_with_its_problems(
    client: Client, clerk: None, operator: User, text: str
) -> None:
    event = invalid_event(client)
    with pytest.raises(BadPayload) as caught:
        correct_event(event_id=event.pk, user=operator, text=text)
    assert caught.value.extra["problems"]
    assert only_event().state == "invalid"


def test_ignored_event_is_judged_anew_once_a_trigger_wants_it(client: Client, clerk: None, operator: User) -> None:
    row = source()
    deliver(client)
    judge_all()
    trigger(row)
    assert replay_event(event_id=only_event().pk, user=operator) == only_event().pk
    judge_all()
    assert only_event().state == "accepted"


def test_run_anyway_of_an_accepted_event_is_a_new_event(client: Client, clerk: None, operator: User) -> None:
    trigger(source())
    deliver(client)
    judge_all()
    first = only_event()
    again = Event.objects.get(pk=replay_event(event_id=first.pk, user=operator))
    judge_all()
    again.refresh_from_db()
    assert (again.replay_of, again.given_by, again.state) == (first.pk, operator, "accepted")
    assert bytes(again.body) == bytes(first.body)
    assert Run.objects.count() == 2
    assert Run.objects.get(event_id=again.pk).initiator == operator
    assert story(again)[0][0] == "event.run_again"


def test_discarded_event_is_set_aside_with_its_reason(client: Client, clerk: None, operator: User) -> None:
    event = invalid_event(client)
    discard_event(event_id=event.pk, user=operator, reason="A test of theirs.")
    assert only_event().state == "ignored"
    assert AuditEvent.objects.get(verb="event.discarded").data["why"] == "A test of theirs."


@pytest.mark.parametrize("role", ["manager", "auditor"])
def test_others_may_not_touch_events(client: Client, clerk: None, role: str) -> None:
    event, user = invalid_event(client), person("other", role)
    verbs: list[Any] = [
        lambda: correct_event(event_id=event.pk, user=user, text="{}"),
        lambda: replay_event(event_id=event.pk, user=user),
        lambda: discard_event(event_id=event.pk, user=user, reason=""),
    ]
    for verb in verbs:
        with pytest.raises(NotYours, match=f"signed in as {role}"):
            verb()


def test_stranger_from_another_team_does_not_find_the_event(client: Client, clerk: None) -> None:
    event, user = invalid_event(client), person("stranger", "operator", team="sales")
    with pytest.raises(NoSuchEvent):
        replay_event(event_id=event.pk, user=user)


def test_event_that_waits_to_be_judged_is_not_run_again(client: Client, clerk: None, operator: User) -> None:
    trigger(source())
    deliver(client)
    with pytest.raises(EventMoved):
        replay_event(event_id=only_event().pk, user=operator)


def test_given_event_belongs_to_its_giver_and_is_kept_once_per_key(clerk: None, operator: User) -> None:
    trigger(source())
    first = accept_event(
        source="shop-orders", payload={"type": "refund.requested", "order_id": "9"}, dedupe_key="k", user=operator
    )
    again = accept_event(source="shop-orders", payload={"type": "refund.requested"}, dedupe_key="k", user=operator)
    judge_all()
    assert (first.fresh, again.fresh, first.event_id) == (True, False, again.event_id)
    assert Run.objects.get().initiator == operator
    assert story(only_event())[0] == ("event.given", "", "received")


def test_given_event_does_not_take_the_key_of_a_senders(client: Client) -> None:
    source()
    accept_event(source="shop-orders", payload={}, dedupe_key="evt_1")
    assert deliver(client).status_code == 202


@pytest.mark.parametrize("payload", [float("nan"), {"a": {1, 2}}, {"a": float("inf")}])
def test_given_payload_that_is_no_json_is_refused(payload: Any) -> None:
    source()
    with pytest.raises(BadPayload):
        accept_event(source="shop-orders", payload=payload)


def test_given_payload_over_the_sources_size_is_refused() -> None:
    source(max_bytes=100)
    with pytest.raises(BadPayload):
        accept_event(source="shop-orders", payload={"a": "x" * 200})


def test_event_for_an_unknown_source_is_refused() -> None:
    with pytest.raises(NoSuchSource):
        accept_event(source="nobody", payload={})


# --- workers


def test_claimed_event_is_not_claimed_again_until_its_lease_ends(client: Client) -> None:
    source()
    deliver(client)
    assert len(EventClaimer().claim(5)) == 1
    assert EventClaimer().claim(5) == []
    end_leases()
    assert len(EventClaimer().claim(5)) == 1


def test_claimer_takes_no_more_than_there_are_threads(client: Client) -> None:
    source()
    for number in range(3):
        deliver(client, event_id=str(number))
    assert [len(EventClaimer().claim(free)) for free in (0, -1, 2, 2)] == [0, 0, 2, 1]


def test_event_whose_judging_keeps_dying_is_put_aside_for_a_person(client: Client) -> None:
    source()
    deliver(client)
    for _ in range(5):
        EventClaimer().claim(1)
        end_leases()
    assert judge_all() == 1
    event = only_event()
    assert (event.state, "failed 5 times" in messages(event)) == ("invalid", True)


def test_sweep_puts_aside_what_no_worker_meets_again(client: Client) -> None:
    source()
    deliver(client)
    Event.objects.update(attempts=6)
    sweep_events(later_argument=1)
    assert only_event().state == "invalid"


def end_leases() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE integrations_event SET lease_expires_at = clock_timestamp() - interval '1 second'")


def test_event_id_is_a_uuid_that_others_can_hold(client: Client) -> None:
    source()
    assert UUID(deliver(client).json()["id"]) == only_event().pk

"""The policy's workbench over HTTP: constraints by rows, hints, a past action judged again, replays, a rule made from a request."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from agents.models import Action
from agents.past import past_action
from agents.providers import registry
from agents.providers.scripted import ScriptedProvider
from approvals.models import AuditEvent, PolicyReplay, Request
from approvals.policy.action import Money
from approvals.replays import work_on_replay
from tests.driving import work
from tests.factories import DONE, person, refund_agent, refund_run, says, shop_connection, wants_refund
from tests.shop import Shop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people(transactional_db: None, settings: Any) -> Any:
    with Shop() as shop:
        settings.OUTBOUND_ALLOW = shop.allow
        shop_connection(shop)
        refund_agent()
        provider = ScriptedProvider()
        registry.put(provider)
        yield {
            name: person(name, name, team=team)
            for name, team in (("admin", "support"), ("operator", "support"), ("manager", "sales"))
        } | {"model": provider}
        registry.remove("scripted")


@pytest.fixture
def as_person(people: dict[str, Any]) -> Callable[[str], Client]:
    def signed_in(name: str) -> Client:
        client = Client()
        client.force_login(people[name])
        return client

    return signed_in


def proposed(people: dict[str, Any], amount_minor: int) -> Action:
    """Return the action of an agent that asked for this refund."""
    people["model"].say(says("", wants_refund(amount_minor)), DONE)
    run = refund_run()
    work()
    return Action.objects.get(run=run)


FORM = {"tool": "shop.refund_order", "level": "1", "votes": "1", "cls": "normal", "when": 'args.currency == "EUR"'}


def test_rows_become_constraints_with_the_types_of_the_arguments(people: Any, as_person: Any) -> None:
    client = as_person("admin")
    rows = {
        "pin_name": ["order_id", "amount_minor", "currency"],
        "pin_kind": ["one_of", "max", "one_of"],
        "pin_value": ["20871, 20872", "5000", "EUR"],
    }
    assert client.post("/policy/rule/", FORM | rows).status_code == 303
    rule = client.session["policy_draft"]["rules"][-1]
    assert rule["constrain"] == {"amount_minor": {"max": 5000}, "currency": ["EUR"], "order_id": ["20871", "20872"]}
    page = client.get(f"/policy/?rule={len(client.session['policy_draft']['rules'])}").content.decode()
    assert 'value="20871, 20872"' in page and "carries power" in page
    wrong = client.post("/policy/rule/", FORM | rows | {"pin_value": ["20871", "many", "EUR"]})
    assert wrong.status_code == 422 and "amount_minor: write a whole number" in wrong.content.decode()


def test_a_misspelt_argument_and_an_impossible_value_are_doubted(people: Any, as_person: Any) -> None:
    client = as_person("admin")
    page = client.post("/policy/condition/", FORM | {"when": "args.amount_minr > 5"}).content.decode()
    assert "has no argument amount_minr" in page and 'data-use="amount_minor"' in page and "^^^^^^^^^^^" in page
    assert "has no argument" not in client.post("/policy/condition/", FORM).content.decode()


def test_a_past_action_is_explained_to_its_team_alone(people: Any, as_person: Any) -> None:
    action = proposed(people, 64_000)
    page = as_person("operator").get(f"/policy/actions/{action.pk}/").content.decode()
    assert "As it was judged then" in page and "As it would be judged now" in page and "64000" in page
    assert as_person("manager").get(f"/policy/actions/{action.pk}/").status_code == 404
    assert as_person("manager").post("/policy/try/", {"action": str(action.pk)}).status_code == 404


def test_the_question_is_built_again_as_it_was_put(people: Any) -> None:
    action = proposed(people, 1200)
    past = past_action(action.pk)
    assert past is not None and past.proposed is not None and past.verdict is not None
    asked = past.proposed
    assert asked.money == Money(1200, "EUR")
    assert set(asked.authority) == {"order_id", "amount_minor", "currency"} and asked.event == action.run.input
    assert past.level == past.verdict["level"] == "1"


def test_a_past_action_is_judged_by_both_side_by_side(people: Any, as_person: Any) -> None:
    action, client = proposed(people, 1200), as_person("admin")
    client.post("/policy/rule/", FORM | {"level": "deny", "when": ""})
    page = client.post("/policy/try/", {"action": str(action.pk)}, headers={"HX-Request": "true"}).content.decode()
    assert 'id="try-active"' in page and 'id="try-draft"' in page and "Rule 4 denies this." in page


def test_a_replay_is_asked_for_watched_and_said_to_the_second_person(people: Any, as_person: Any) -> None:
    for amount in (1200, 1300):
        proposed(people, amount)
    client = as_person("admin")
    assert client.post("/policy/replay/").status_code in (400, 422)  # no draft yet
    client.post("/policy/rule/", FORM | {"level": "deny", "when": "args.amount_minor > 1250"})
    url = client.post("/policy/replay/")["Location"]
    working = client.get(url).content.decode()
    assert "Stop the replay" in working and "of 2 judged" in working
    while work_on_replay():
        pass
    page = client.get(url).content.decode()
    assert '<b class="is-stop">1</b>would be denied' in page and "had not been asked about 1" in page
    assert "had not been asked about 1" in client.get("/policy/save/").content.decode()
    assert AuditEvent.objects.filter(verb="policy.replay_asked").count() == 1
    assert as_person("operator").get(url).status_code == 403


def test_a_replay_is_stopped(people: Any, as_person: Any) -> None:
    client = as_person("admin")
    client.post("/policy/rule/", FORM | {"level": "deny"})
    url = client.post("/policy/replay/")["Location"]
    assert as_person("operator").post(f"{url}cancel/").status_code == 403
    assert client.post(f"{url}cancel/").status_code == 303
    assert not work_on_replay() and PolicyReplay.objects.get().state == "cancelled"
    assert client.post(f"{url}cancel/").status_code == 409


def test_m_offers_a_rule_for_exactly_this_and_says_what_still_stands_against_it(people: Any, as_person: Any) -> None:
    proposed(people, 64_000)
    request, client = Request.objects.get(), as_person("admin")
    link = f"/policy/rule/?request={request.pk}"
    assert f'href="{link}" data-key="m"' in as_person("operator").get(f"/inbox/{request.pk}/").content.decode()
    page = client.get(link).content.decode()
    assert 'value="20871"' in page and 'value="64000"' in page and "would still wait" in page and 'name="until"' in page
    assert as_person("manager").get(f"/policy/rule/?request={request.pk}").status_code == 404
    assert client.get("/policy/rule/?request=nonsense").status_code == 404


def test_what_is_no_longer_kept_is_not_judged(people: Any, as_person: Any) -> None:
    action = proposed(people, 1200)
    Action.objects.filter(pk=action.pk).update(judged={})
    client = as_person("admin")
    client.post("/policy/rule/", FORM | {"level": "deny", "when": "args.amount_minor > 9000000"})
    url = client.post("/policy/replay/")["Location"]
    while work_on_replay():
        pass
    assert "0 of 1 could be judged" in client.get(url).content.decode()
    assert "was kept" in client.get(f"/policy/actions/{action.pk}/").content.decode()

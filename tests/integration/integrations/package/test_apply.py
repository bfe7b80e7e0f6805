"""`manage.py apply`: what a package puts, replaces, retires and must not touch."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.management import call_command

from agents.models import Agent, Provider
from agents.services import start_run
from agents.tools.registry import get_tool
from approvals.models import ApproverGroup, AuditEvent, PolicyVersion, Request, Team
from approvals.people_demo import ensure_demo_people
from integrations.models import Connection, Source, Trigger
from tests.integration.integrations.package.conftest import shop_package

pytestmark = pytest.mark.django_db
Apply = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def everybody(people: dict[str, User]) -> dict[str, User]:
    return people


def changed(**parts: Any) -> dict[str, Any]:
    return {**shop_package(), **parts}


def rules() -> list[dict[str, Any]]:
    return list(PolicyVersion.objects.get(active=True).rules)


def test_a_package_becomes_what_it_says(apply: Apply) -> None:
    code, text = apply(shop_package())
    assert code == 0, text
    assert "add agent refund-clerk" in text
    agent = Agent.objects.get(name="refund-clerk")
    assert (agent.team.name, agent.package, agent.current.number) == ("support", "shop", 1)
    assert agent.current.document["limits"]["moved_minor_per_day"] == {"EUR": 500000}
    assert {team.name for team in Team.objects.all()} >= {"support", "sales"}
    assert ApproverGroup.objects.get(name="finance").memberships.get().limits == {"EUR": 50000}
    assert Provider.objects.get(name="local").base_url == "http://127.0.0.1:4010/v1"
    assert Connection.objects.get(name="shop").auth_secret == "env:SHOP_TOKEN"
    assert Source.objects.get(name="shop-orders").schema["properties"]["amount"]["maximum"] == 1.5
    assert Trigger.objects.get().agent == "refund-clerk"
    assert [rule["package"] for rule in rules()] == ["shop", "shop"]


def test_its_tools_are_there_at_once(apply: Apply) -> None:
    apply(shop_package())
    tool = get_tool("shop.refund_order")
    assert tool is not None
    assert tool.effect == "keyed"


def test_applied_again_it_changes_nothing(apply: Apply) -> None:
    apply(shop_package())
    version, audited = PolicyVersion.objects.get(active=True).pk, AuditEvent.objects.count()
    code, text = apply(shop_package())
    assert (code, "Nothing to change." in text) == (0, True)
    assert PolicyVersion.objects.get(active=True).pk == version
    assert AuditEvent.objects.count() == audited


def test_a_dry_run_shows_and_does_nothing(apply: Apply) -> None:
    code, text = apply(shop_package(), dry_run=True)
    assert (code, "add connection shop" in text) == (0, True)
    assert not Agent.objects.exists()
    assert not AuditEvent.objects.filter(verb="configuration.applied").exists()


def test_the_difference_is_shown_field_by_field(apply: Apply) -> None:
    apply(shop_package())
    agents = [{**shop_package()["agents"][0], "confidence_floor": 0.9}]
    _, text = apply(changed(agents=agents))
    assert "change agent refund-clerk\n    confidence_floor: 0.7 → 0.9" in text
    assert Agent.objects.get(name="refund-clerk").current.number == 2


def test_what_the_package_leaves_out_is_retired_and_the_rest_is_untouched(apply: Apply) -> None:
    other = {"package": "other", "teams": ["back-office"], "providers": [{"name": "far", "kind": "openai"}]}
    apply(shop_package(), other)
    start_run(agent="refund-clerk", goal="x", input={})
    code, text = apply({"package": "shop", "teams": ["support"]})
    assert code == 0, text
    agent = Agent.objects.get(name="refund-clerk")
    assert agent.disabled
    assert agent.runs.count() == 1
    assert Connection.objects.get(name="shop").disabled
    assert Trigger.objects.get().disabled
    assert not ApproverGroup.objects.filter(name="finance").exists()
    assert not Team.objects.filter(name="sales").exists()
    assert rules() == []
    assert not Provider.objects.get(name="far").disabled


def test_what_was_retired_comes_back_under_its_name(apply: Apply) -> None:
    apply(shop_package())
    apply({"package": "shop"})
    code, text = apply(shop_package())
    assert code == 0, text
    agent = Agent.objects.get(name="refund-clerk")
    assert (agent.disabled, agent.package, agent.versions.count()) == (False, "shop", 1)
    assert Trigger.objects.filter(disabled=False).count() == 1


def test_what_a_person_switched_off_stays_off(apply: Apply) -> None:
    apply(shop_package())
    Agent.objects.update(disabled=True)
    assert "Nothing to change." in apply(shop_package())[1]
    agents = [{**shop_package()["agents"][0], "confidence_floor": 0.9}]
    triggers: list[Any] = []
    assert apply(changed(agents=agents, triggers=triggers))[0] == 0
    assert Agent.objects.get(name="refund-clerk").disabled


@pytest.mark.parametrize("owner", ["other", ""])
def test_a_name_of_somebody_else_is_refused_with_its_owner(apply: Apply, owner: str) -> None:
    Provider.objects.create(name="local", kind="openai", package=owner)
    code, text = apply(shop_package())
    assert code == 1
    words = "belongs to the package other" if owner else "was made in the browser"
    assert f"providers[0]: The provider local {words}. Choose another name." in text
    assert "shop.yaml, line " in text
    assert not Agent.objects.exists()


def test_teams_are_shared_between_packages(apply: Apply) -> None:
    apply({"package": "first", "teams": ["support"]})
    assert apply(shop_package())[0] == 0
    assert apply({"package": "first"})[0] == 0
    assert Team.objects.filter(name="support").exists()


def test_the_demonstrations_group_steps_back_for_a_package(apply: Apply) -> None:
    ensure_demo_people(password="practice-only")
    richer = {"finance": {"people": ["operator"], "limits": {"operator": {"EUR": 99900}}}}
    code, text = apply(changed(groups=richer))
    assert code == 0, text
    assert "limits.operator.EUR: 50000 → 99900" in text
    group = ApproverGroup.objects.get(name="finance")
    assert (group.package, group.memberships.get().limits) == ("shop", {"EUR": 99900})
    ensure_demo_people(password="practice-only")
    assert "Nothing to change." in apply(changed(groups=richer))[1]


def test_rules_of_other_packages_stay_where_they_are(apply: Apply) -> None:
    apply({"package": "house", "policy": [{"tool": "*.delete_*", "level": "deny"}]}, shop_package())
    policy = shop_package()["policy"]
    assert apply(changed(policy=[*policy, {"tool": "shop.get_order", "level": 3}]))[0] == 0
    assert [rule["package"] for rule in rules()] == ["house", "shop", "shop", "shop"]


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"triggers": [{"source": "nowhere", "agent": "refund-clerk", "goal": "x"}]}, "triggers[0].source: There is no source nowhere."),
        ({"groups": {"finance": {"people": ["ghost"]}}}, "groups.finance.people: There is nobody named ghost."),
        ({"policy": [{"tool": "shop.x", "level": 3, "approvers": "board"}]}, "policy[0].approvers: There is no group board."),
        ({"policy": [{"tool": "shop.x", "level": 9}]}, "policy[0].level: The level is 1, 2, 3, 4 or deny."),
        ({"policy": [{"tool": "shop.x", "level": 1, "when": "args.x >"}]}, "policy[0].when: "),
        ({"sources": [{"name": "shop-orders", "signature": "morse"}]}, "sources[0].signature: There is no such signature scheme."),
        ({"providers": []}, "agents[0].model: There is no provider local."),
        ({"teams": []}, "agents[0].team: There is no team support."),
    ],
)  # fmt: skip
def test_what_would_not_work_is_refused_with_its_place(apply: Apply, part: dict[str, Any], sentence: str) -> None:
    code, text = apply(changed(**part))
    assert code == 1
    assert sentence in text
    assert not Agent.objects.exists()


def test_an_override_for_no_operation_is_refused_with_its_line(apply: Apply) -> None:
    connection = {**shop_package()["connections"][0], "tools": {"refund_ordr": {"effect": "keyed"}}}
    code, text = apply(changed(connections=[connection]))
    assert code == 1
    assert "connections[0].tools.refund_ordr: The document has no such operation." in text


def test_a_thing_that_others_need_does_not_go(apply: Apply) -> None:
    own = {"package": "own", "triggers": [{"source": "shop-orders", "agent": "refund-clerk", "goal": "Again."}]}
    apply(shop_package(), own)
    code, text = apply(changed(agents=[], triggers=[]))
    assert code == 1
    assert "Retire agent refund-clerk: trigger " in text


def test_one_bad_package_stops_all_of_them(apply: Apply) -> None:
    code, _ = apply(shop_package(), {"package": "bad", "agents": [{"name": "x"}]})
    assert code == 1
    assert not Agent.objects.exists()


def test_packages_may_build_on_each_other_in_one_go(apply: Apply) -> None:
    second = {"package": "more", "triggers": [{"source": "shop-orders", "agent": "refund-clerk", "goal": "More."}]}
    assert apply(shop_package(), second, dry_run=True)[0] == 0
    assert apply(shop_package(), second)[0] == 0


def test_only_an_admin_applies_in_a_persons_name(apply: Apply) -> None:
    code, text = apply(shop_package(), person="operator")
    assert (code, text) == (1, "Admins configure agents, tools and policy; you are not one.")
    assert apply(shop_package(), person="nobody") == (1, "There is nobody named nobody.")
    assert apply(shop_package(), person="admin")[0] == 0
    event = AuditEvent.objects.get(verb="configuration.applied")
    assert (event.actor, event.actor_kind) == ("admin", "person")


def test_without_a_person_the_command_line_is_the_actor(apply: Apply) -> None:
    apply(shop_package())
    event = AuditEvent.objects.get(verb="configuration.applied")
    assert event.actor == "command line"
    assert "add agent refund-clerk" in event.data["changes"]


def test_what_is_exported_and_applied_changes_nothing(apply: Apply, tmp_path: Path) -> None:
    apply(shop_package(), {"package": "house", "policy": [{"tool": "x.y", "level": 4, "deadline_h": 2}]})
    out = StringIO()
    call_command("export", stdout=out)
    path = tmp_path / "all.yaml"
    path.write_text(out.getvalue())
    again = StringIO()
    call_command("apply", str(path), stdout=again)
    assert again.getvalue().count("Nothing to change.") == 2
    assert "|" in out.getvalue()  # instructions as a block
    assert [document["package"] for document in yaml.safe_load_all(out.getvalue())] == ["house", "shop"]


def test_a_secret_that_cannot_be_had_is_told_but_does_not_stop(apply: Apply) -> None:
    _, text = apply(shop_package())
    assert "Note: connection shop: SECRET_NAMES does not list SHOP_TOKEN." in text


def test_a_typed_secret_stays_until_the_host_changes(apply: Apply) -> None:
    from config.secrets import seal

    bare = {**shop_package()["connections"][0], "auth": {"header": "Authorization", "value": ""}}
    apply(changed(connections=[bare]))
    Connection.objects.update(auth_secret=seal("typed"), auth_secret_host="127.0.0.1:8711")
    assert apply(changed(connections=[{**bare, "timeout_s": 5}]))[0] == 0
    assert Connection.objects.get().auth_secret.startswith("enc:")
    _, text = apply(changed(connections=[{**bare, "base_url": "http://127.0.0.1:9999"}]))
    assert "its secret was typed for another host and is dropped" in text
    assert Connection.objects.get().auth_secret == ""


def test_a_typed_provider_key_never_goes_to_another_host(apply: Apply) -> None:
    from config.secrets import seal

    apply(shop_package())
    Provider.objects.update(api_key=seal("typed"))
    provider = shop_package()["providers"][0]
    assert apply(changed(providers=[{**provider, "base_url": "http://127.0.0.1:4010/v2"}]))[0] == 0
    assert Provider.objects.get().api_key.startswith("enc:")
    _, text = apply(changed(providers=[{**provider, "base_url": "http://127.0.0.1:9999/v1"}]))
    assert "provider local: its secret was typed for another host and is dropped" in text
    assert Provider.objects.get().api_key == ""


def test_a_group_that_open_requests_wait_for_does_not_go(apply: Apply) -> None:
    apply(shop_package())
    Request.objects.create(kind="approval", title="x", approvers="finance")
    code, text = apply(changed(groups={}, policy=[]))
    assert code == 1
    assert "1 open request still needs it" in text

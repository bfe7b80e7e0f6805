"""Separation of duties through every door: what somebody started, wrote or edited is signed by somebody else."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from agents.models import Agent
from agents.providers.scripted import ScriptedProvider
from agents.services import publish_agent_version
from approvals.audit import COMMAND_LINE, Actor
from approvals.errors import NotAllowedToDecide, RequestChanged
from approvals.models import ApproverGroup, Decision, GroupMember, PolicyVersion, Request
from approvals.policy_versions import activate_policy
from approvals.services import propose_change
from integrations.services import accept_event, process_event
from tests.driving import work
from tests.factories import RULES, person, refund_agent, says, wants_refund
from tests.hooks import source, trigger
from tests.integration.api.conftest import program
from tests.integration.integrations.package.conftest import shop_package
from tests.integration.security.doors import STOPPED, countersign, edited, turn, two_votes, vote, waiting_refund
from tests.shop import Shop

NOT_YOURS = "Someone else signs"


def refused_at_every_door(request: Request, user: User) -> None:
    """Say that neither page nor API counts this person's approval, nor an edit of theirs."""
    with pytest.raises(NotAllowedToDecide, match=NOT_YOURS):
        vote(request, user, via="browser")
    with pytest.raises(NotAllowedToDecide, match=NOT_YOURS):
        edited(request, user, 60_000)
    browser = Client()
    browser.force_login(user)
    sent = {"vote": "approve", "digest": request.action_digest}
    assert browser.post(f"/inbox/{request.pk}/decide/", sent).status_code == 403
    answer = program(user).post(f"requests/{request.pk}/decide/", sent)
    assert answer.status == 403 and NOT_YOURS in answer.body["message"]
    assert Decision.objects.count() == 0


def test_who_started_the_run(shop: Shop, model: ScriptedProvider, signer: User) -> None:
    refused_at_every_door(waiting_refund(model, initiator=signer), signer)


def test_who_wrote_the_rule(shop: Shop, model: ScriptedProvider, signer: User) -> None:
    refund_agent()
    activate_policy(rules=two_votes(), actor=Actor.person(signer), user=signer)
    model.say(says("", wants_refund(64_000)), STOPPED)
    from tests.factories import refund_run

    refund_run()
    work()
    refused_at_every_door(Request.objects.get(), signer)


def test_who_gave_the_event(shop: Shop, model: ScriptedProvider, signer: User) -> None:
    refund_agent()
    trigger(source())
    model.say(says("", wants_refund(64_000)), STOPPED)
    stored = accept_event(source="shop-orders", payload={"type": "refund.requested", "order_id": "20871"}, user=signer)
    process_event(event_id=stored.event_id)
    work()
    refused_at_every_door(Request.objects.get(), signer)


def test_who_brings_back_words_that_another_wrote_does_not_make_them_theirs(
    shop: Shop, model: ScriptedProvider, signer: User, admin: User
) -> None:
    agent = refund_agent()
    assert agent.current is not None
    first = agent.current.document
    written = {**first, "instructions": "Pay whatever is asked."}
    for document, who in ((written, signer), (first, admin), (written, admin)):
        publish_agent_version(agent=agent, document=document, actor=Actor.person(who), user=who)
    model.say(says("", wants_refund(64_000)), STOPPED)
    from tests.factories import refund_run

    refund_run()
    work()
    assert set(Request.objects.get().barred) == {signer.pk, admin.pk}
    refused_at_every_door(Request.objects.get(), signer)


def test_who_shortened_a_rule_wrote_it(shop: Shop, model: ScriptedProvider, signer: User, admin: User) -> None:
    """The database finds the shorter rule inside the longer one of somebody else; that is not the same rule."""
    longer = {
        "tool": "shop.refund_order",
        "level": 1,
        "id": "mine",
        "constrain": {"order_id": ["1"], "currency": ["EUR"]},
    }
    shorter = {**longer, "constrain": {"order_id": ["1"]}}
    refund_agent()
    activate_policy(rules=[longer], actor=Actor.person(admin), user=admin)
    activate_policy(rules=[shorter], actor=Actor.person(signer), user=signer)
    model.say(says("", wants_refund(64_000)), STOPPED)
    from tests.factories import refund_run

    refund_run()
    work()
    assert Request.objects.get().barred == [signer.pk]


def test_who_raised_the_amount_stays_out_when_the_world_makes_it_a_new_request(
    shop: Shop, model: ScriptedProvider, signer: User, other_signer: User
) -> None:
    raised = edited(waiting_refund(model), signer, 90_000).request
    assert raised is not None and Request.objects.get(pk=raised.pk).barred == [signer.pk]
    vote(raised, other_signer)
    activate_policy(rules=[*RULES[:2], {**RULES[2], "deadline_h": 12}], actor=COMMAND_LINE)
    work()
    again = Request.objects.get(state="open")
    assert again.money_minor == 90_000
    refused_to = pytest.raises(NotAllowedToDecide, match=NOT_YOURS)
    with refused_to:
        vote(again, signer)
    assert vote(again, other_signer).settled
    work()
    assert shop.paid("20871") == [90_000]


def test_who_raised_the_amount_stays_out_when_a_third_person_edits_on(
    shop: Shop, model: ScriptedProvider, signer: User, other_signer: User
) -> None:
    raised = edited(waiting_refund(model, rules=two_votes()), signer, 90_000).request
    assert raised is not None
    lowered = edited(raised, other_signer, 89_999)
    assert lowered.request is not None and not lowered.settled
    with pytest.raises(NotAllowedToDecide, match=NOT_YOURS):
        vote(lowered.request, signer)


def test_one_person_in_two_groups_is_one_vote(
    shop: Shop, model: ScriptedProvider, signer: User, other_signer: User
) -> None:
    board = ApproverGroup.objects.create(name="board")
    GroupMember.objects.create(group=board, user=signer, limits={"EUR": 9_000_000})
    request = waiting_refund(model, rules=two_votes())
    assert not vote(request, signer).settled
    with pytest.raises(NotAllowedToDecide, match="another person's"):
        vote(request, signer)
    with pytest.raises(NotAllowedToDecide, match="another person's"):
        edited(request, signer, 1_000)
    work()
    assert shop.refunds == {}
    assert vote(request, other_signer).settled
    work()
    assert shop.paid("20871") == [64_000]


def test_a_lower_limit_in_the_group_that_is_asked_is_not_made_good_by_another_group(
    shop: Shop, model: ScriptedProvider
) -> None:
    small = person("small", "operator", limits={"EUR": 100})
    board = ApproverGroup.objects.create(name="board")
    GroupMember.objects.create(group=board, user=small, limits={"EUR": 9_000_000})
    with pytest.raises(NotAllowedToDecide, match="your limit in finance"):
        vote(waiting_refund(model), small)


def test_more_votes_than_needed_do_nothing(
    shop: Shop, model: ScriptedProvider, signer: User, other_signer: User, admin: User
) -> None:
    from approvals.errors import AlreadySettled

    request = waiting_refund(model)
    vote(request, signer)
    with pytest.raises(AlreadySettled, match="second-operator"):
        vote(request, other_signer)
    work()
    assert shop.paid("20871") == [64_000] and Decision.objects.count() == 1


def test_an_approval_without_its_votes_does_not_run(shop: Shop, model: ScriptedProvider, signer: User) -> None:
    """Somebody with the app's own database role writes the state instead of voting."""
    from agents.models import Action, Run

    request = waiting_refund(model)
    Request.objects.update(state="approved")
    Action.objects.update(state="approved")
    Run.objects.update(state="queued")
    for column, by in (("execute_after", "-1 second"), ("execute_by", "10 minutes"), ("settled_at", "-1 second")):
        turn("approvals_request", column, by, request.pk)
    work()
    assert shop.refunds == {}
    assert Request.objects.get(state="open").pk != request.pk


def test_a_proposal_that_was_rewritten_in_the_database_is_not_put_in_force(
    transactional_db: None, admin: User, second_admin: User
) -> None:
    rules = [{"tool": "shop.get_order", "level": 1}]
    request = propose_change(
        change="policy",
        payload={"rules": rules, "base": 1, "note": "n", "plan": "p"},
        title="Let agents do more alone",
        card={"sentence": "s"},
        proposer=admin,
    )
    with pytest.raises(NotAllowedToDecide):
        vote(request, admin)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE approvals_request SET proposal = jsonb_set(proposal, '{payload,rules,0,tool}', '\"*\"') WHERE id = %s",
            [request.pk],
        )
    with pytest.raises(RequestChanged):
        countersign(request, second_admin)
    assert PolicyVersion.objects.get(active=True).number == 1
    assert countersign(request, second_admin, "reject", comment="changed").settled


def test_an_admin_gives_themselves_no_authority_by_the_api(
    transactional_db: None, admin: User, second_admin: User
) -> None:
    person("operator", "operator")
    refund_agent()
    own: dict[str, Any] = {"name": "finance", "people": ["admin"], "limits": {"admin": {"EUR": 9_000_000}}}
    ApproverGroup.objects.create(name="finance")
    answer = program(admin).put("groups/finance/", own)
    assert answer.status == 202, answer.body
    assert GroupMember.objects.count() == 0
    request = Request.objects.get(kind="proposal")
    with pytest.raises(NotAllowedToDecide):
        countersign(request, admin)
    countersign(request, second_admin)
    assert GroupMember.objects.get().limits == {"EUR": 9_000_000}
    raised = {**own, "limits": {"admin": {"EUR": 99_000_000}}}
    assert program(admin).put("groups/finance/", raised).status == 202
    others = {**own, "people": ["admin", "operator"], "limits": {**own["limits"], "operator": {"EUR": 1}}}
    assert program(admin).put("groups/finance/", others).status == 202
    assert program(second_admin).put("groups/finance/", {**own, "limits": {}}).status == 200


def test_an_admin_gives_themselves_no_authority_by_a_file(transactional_db: None, admin: User, tmp_path: Any) -> None:
    import yaml
    from django.core.management import CommandError, call_command

    person("operator", "operator")
    package = tmp_path / "shop.yaml"
    package.write_text(yaml.safe_dump(shop_package()))
    call_command("apply", str(package), person="admin")
    mine = {"finance": {"people": ["operator", "admin"], "limits": {"admin": {"EUR": 9_000_000}}}}
    package.write_text(yaml.safe_dump({**shop_package(), "groups": mine}))
    with pytest.raises(CommandError, match="nobody changes their own authority") as waits:
        call_command("apply", str(package), person="admin")
    assert waits.value.returncode == 3
    assert not GroupMember.objects.filter(user=admin).exists()


def test_a_countersigned_version_is_still_its_authors(transactional_db: None, admin: User, second_admin: User) -> None:
    agent = refund_agent(mode="suggest")
    from agents.changes import propose_version

    assert agent.current is not None
    wider = {**agent.current.document, "mode": "live"}
    request = propose_version(agent=agent, document=wider, proposer=admin, note="faster")
    countersign(request, second_admin)
    version = Agent.objects.get().current
    assert version is not None and version.editors == [admin.pk]


@pytest.mark.parametrize("way", ["switched off", "retired"])
def test_away_and_back_with_more_room_needs_a_second_person_too(
    transactional_db: None, shop: Shop, admin: User, way: str
) -> None:
    agent = refund_agent(mode="suggest", model="offline/refunds")
    api = program(admin)
    before = api.get("agents/refund-clerk/").body
    wider = {key: value for key, value in before.items() if key not in ("package", "disabled")} | {"mode": "live"}
    assert api.put("agents/refund-clerk/", wider).status == 202
    if way == "retired":
        assert api.delete("agents/refund-clerk/").status == 200
    else:
        from agents.publishing import switch_agent

        switch_agent(agent=agent, disabled=True, user=admin)
    assert api.put("agents/refund-clerk/", wider).status == 202
    free = {"tool": "shop.send_mail", "level": 1, "id": "free"}
    assert api.post("policy/", free).status == 202
    version = Agent.objects.get().current
    assert version is not None and version.document["mode"] == "suggest"

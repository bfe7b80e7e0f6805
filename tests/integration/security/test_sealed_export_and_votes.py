"""The sealed chain is whole or nothing: whoever still has to judge alone does not get the others' votes with it."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from agents.providers.scripted import ScriptedProvider
from approvals.models import ApproverGroup, GroupMember
from tests.factories import person
from tests.integration.security.doors import two_votes, vote, waiting_refund
from tests.shop import Shop

EXPORT = "/audit/export/sealed/"


def status_for(user: User) -> int:
    browser = Client()
    browser.force_login(user)
    return int(browser.get(EXPORT).status_code)


@pytest.mark.parametrize("may_sign", [True, False])
def test_who_votes_next_gets_no_chain_with_the_first_vote_in_it(
    shop: Shop, model: ScriptedProvider, signer: User, admin: User, may_sign: bool
) -> None:
    if may_sign:
        GroupMember.objects.create(
            group=ApproverGroup.objects.get_or_create(name="finance")[0], user=admin, limits={"EUR": 1_000_000}
        )
    request = waiting_refund(model, rules=two_votes())
    assert status_for(admin) == 200
    assert not vote(request, signer).settled
    assert status_for(admin) == (403 if may_sign else 200)
    assert status_for(person("reader", "auditor")) == 200
    if may_sign:
        assert vote(request, admin).settled
        assert status_for(admin) == 200

"""R10: however many people decide at the same instant, one decision settles and one effect follows."""

import threading

from django.contrib.auth.models import User
from django.db import connection

from agents.providers.scripted import ScriptedProvider
from approvals.errors import ApprovalError
from approvals.models import Decision, Request
from approvals.services import decide_request
from tests.audit_checker import history_problems
from tests.driving import work
from tests.factories import DONE, person, refund_agent, refund_run, says, wants_refund
from tests.shop import Shop

ROUNDS = 40


def both_decide(request: Request, first: User, second: User) -> list[str]:
    """Return what each of two simultaneous votes heard."""
    barrier, heard = threading.Barrier(2), []

    def vote(user: User, way: str) -> None:
        try:
            barrier.wait()
            decide_request(request_id=request.pk, user=user, vote=way, digest=request.action_digest, via="api")
            heard.append("counted")
        except ApprovalError as error:
            heard.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=vote, args=pair) for pair in ((first, "approve"), (second, "reject"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(heard)


def test_one_of_two_simultaneous_votes_wins(shop: Shop, model: ScriptedProvider, second_operator: User) -> None:
    other = person("third", "operator", limits={"EUR": 1_000_000})
    refund_agent()
    for number in range(ROUNDS):
        model.say(says("", wants_refund(64_000, order_id=str(number))))
        refund_run(str(number))
        work()
        request = Request.objects.get(state="open")
        assert both_decide(request, second_operator, other) == ["ALREADY_SETTLED", "counted"]
        model.say(DONE)
        work()
    assert Decision.objects.count() == ROUNDS
    assert len(shop.refunds) == Request.objects.filter(state="approved").count()
    assert history_problems() == []

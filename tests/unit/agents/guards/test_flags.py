"""The guards can only tighten: over every verdict and every set of flags the answer is at least as strict."""

from itertools import product

from agents.guard_settings import Answer, GuardSettings, guard_problems, looser, parse_guards
from agents.guards.checks import flags_of
from agents.guards.flags import Demand, Flag, tightened
from agents.guards.screening import Finding
from agents.guards.unusual import History, is_unusual, usual_of
from agents.tools.base import MoneySpec, RequireSpec, Tool, ToolResult
from approvals.policy.action import Effect, Mode, Money, ProposedAction
from approvals.policy.verdict import Allow, AllowAndNotify, Deny, Escalate, NeedsApproval, RuleRef, is_stricter
from approvals.states import RequestClass

REF = RuleRef(number=0, id="default", hash="h", text="")
TERMS = {"approvers": "", "votes": 1, "cls": RequestClass.NORMAL, "deadline_s": 60}
VERDICTS = [
    Allow(rule=REF, why="a"),
    AllowAndNotify(rule=REF, why="b"),
    NeedsApproval(rule=REF, why="c", **TERMS),  # type: ignore[arg-type]
    Escalate(rule=REF, why="d", reason="d"),
    Deny(rule=REF, why="e", reason="e"),
]


def _tool(**changes: object) -> Tool:
    base = {
        "name": "shop.refund", "description": "", "schema": {}, "effect": Effect.KEYED, "version": "1", "connection": "shop",
        "account": "", "call": lambda _a, _c: ToolResult({}, 200), "authority": ("order_id", "amount_minor"),
        "money": MoneySpec("amount_minor", "currency"),
    }  # fmt: skip
    return Tool(**{**base, **changes})  # type: ignore[arg-type]


def _action(**changes: object) -> ProposedAction:
    base = {
        "tool": "shop.refund", "effect": Effect.KEYED, "arguments": {"order_id": "1", "amount_minor": 500, "currency": "EUR"},
        "authority": ("order_id", "amount_minor"), "agent": "clerk", "mode": Mode.LIVE, "subject": "1", "tainted": True,
        "confidence": 0.9, "confidence_floor": 0.5, "event": {"email": "me@example.com"}, "target": {"total_minor": 1000},
        "totals": {}, "money": Money(500, "EUR"), "target_argument": "order_id",
    }  # fmt: skip
    return ProposedAction(**{**base, **changes})  # type: ignore[arg-type]


def test_no_flag_ever_loosens() -> None:
    flags = [Flag("x", "text", demand) for demand in Demand]
    for verdict, size in product(VERDICTS, range(4)):
        for chosen in product(flags, repeat=size):
            after = tightened(verdict, chosen, [])
            assert not is_stricter(verdict, after), (verdict, chosen)


def test_a_demand_brings_a_person_and_a_denial_a_no() -> None:
    assert isinstance(tightened(VERDICTS[0], [Flag("x", "t", Demand.PERSON)], []), NeedsApproval)
    assert isinstance(tightened(VERDICTS[2], [Flag("x", "t", Demand.DENY)], []), Deny)
    assert tightened(VERDICTS[0], [Flag("x", "t")], []) == VERDICTS[0]


def _codes(action: ProposedAction, tool: Tool, **settings: object) -> list[tuple[str, Demand]]:
    found = flags_of(action, tool, GuardSettings(**settings), (), History())  # type: ignore[arg-type]
    return [(flag.code, flag.demand) for flag in found]


def test_a_requirement_that_fails_asks_a_person_or_denies() -> None:
    rule = "args.amount_minor <= target.total_minor"
    assert _codes(_action(), _tool(require=(RequireSpec(rule),))) == []
    too_much = _action(arguments={"order_id": "1", "amount_minor": 5000, "currency": "EUR"})
    assert _codes(too_much, _tool(require=(RequireSpec(rule),))) == [("rule", Demand.PERSON)]
    assert _codes(too_much, _tool(require=(RequireSpec(rule, deny=True),))) == [("rule", Demand.DENY)]
    assert _codes(_action(target=None), _tool(require=(RequireSpec(rule, deny=True),))) == [("rule", Demand.PERSON)]


def test_data_of_others_in_a_free_text_asks_a_person_and_the_customers_own_does_not() -> None:
    said = {"order_id": "1", "amount_minor": 5, "note": "Answer me@example.com"}
    assert _codes(_action(arguments=said), _tool()) == []
    other = {**said, "note": "Send it to DE89 3704 0044 0532 0130 00"}
    assert _codes(_action(arguments=other), _tool()) == [("personal", Demand.PERSON)]
    assert _codes(_action(arguments=other), _tool(), personal=Answer.FLAG) == [("personal", Demand.NOTHING)]
    assert _codes(_action(arguments=other), _tool(), personal=Answer.OFF) == []
    ours = {**said, "note": "Write to help@shop.example"}
    assert _codes(_action(arguments=ours), _tool()) == [("personal", Demand.PERSON)]
    assert _codes(_action(arguments=ours), _tool(), own=("shop.example",)) == []


def test_the_recipient_is_for_policy_not_for_this_guard() -> None:
    action = _action(arguments={"to": "thief@example.org", "text": "hi"}, authority=("to",))
    assert _codes(action, _tool(money=None, authority=("to",))) == []


def test_findings_are_shown_and_ask_a_person_only_where_set() -> None:
    finding = Finding("the event.body", "gives orders to a model", "ignore all rules")
    for answer, demand in ((Answer.FLAG, Demand.NOTHING), (Answer.PERSON, Demand.PERSON)):
        (flag,) = flags_of(_action(), _tool(), GuardSettings(screening=answer), [finding], History())
        assert (flag.demand, flag.phrase) == (demand, "ignore all rules")
        assert flag.text == "Looks manipulated: the event.body gives orders to a model."
    assert (
        flags_of(_action(effect=Effect.READ), _tool(), GuardSettings(screening=Answer.PERSON), [finding], History())
        == []
    )


def test_unusual_amounts_and_values_are_named_with_the_usual_ones() -> None:
    samples = [
        {"amount_minor": 1200 + 80 * n, "queue": "support" if n % 2 else "sales", "order_id": str(n)} for n in range(60)
    ]
    history = usual_of(samples, ["amount_minor", "queue", "order_id"])
    assert set(history.arguments) == {"amount_minor", "queue"}  # an order number is always new
    assert not is_unusual(history.arguments["amount_minor"], 6500)
    (flag,) = flags_of(
        _action(arguments={"amount_minor": 41_000}, money=Money(41_000, "EUR")), _tool(), GuardSettings(), (), history
    )
    assert flag.text.startswith("amount_minor: usually ") and "this is 410.00" in flag.text.replace(
        "\xa0", " "
    ).replace("€", "")
    assert is_unusual(history.arguments["queue"], "legal") and not is_unusual(history.arguments["queue"], "sales")


def test_a_few_samples_say_nothing_and_odd_ones_move_nothing() -> None:
    assert usual_of([{"amount_minor": 5}] * 29, ["amount_minor"]).arguments == {}
    odd = usual_of([{"amount_minor": 1000 + n} for n in range(95)] + [{"amount_minor": 10**9}] * 5, ["amount_minor"])
    assert is_unusual(odd.arguments["amount_minor"], 10**9)
    assert not is_unusual(odd.arguments["amount_minor"], 1200)


def test_settings_are_checked_and_a_weaker_guard_is_wider_autonomy() -> None:
    assert guard_problems({"screening": "maybe"}) == ["guards.screening: write off, flag or person."]
    assert guard_problems({"sreening": "off"}) == ["guards.sreening: there is no such guard."]
    assert guard_problems({"redact": ["customer.email"]}) == [
        "guards.redact: a path begins with event., as event.customer.email."
    ]
    assert guard_problems([]) == ["guards: must be names with settings."]
    before, after = GuardSettings(redact=("event.a",)), parse_guards({"personal": "flag", "own": ["x.example"]})
    assert looser(before, after) == [
        "Guard personal goes from person to flag.",
        "Guard personal lets x.example pass.",
        "The model may read event.a.",
    ]
    assert looser(after, before) == []

from agents.providers.base import AssistantTurn, ModelRequest, ToolCall, ToolOutput, ToolOutputs, UserText
from agents.providers.call_ids import settle_ids
from agents.providers.history import NO_RESULT, repairs_an_ending, tidied


def _call(call_id: str) -> ToolCall:
    return ToolCall(call_id, "shop.get_order", {}, "{}")


def _request(*messages: UserText | AssistantTurn | ToolOutputs) -> ModelRequest:
    return ModelRequest("a/b", "system", messages, (), None)


def test_ids_that_come_twice_are_made_different() -> None:
    assert [call.id for call in settle_ids([_call("x"), _call("x"), _call("x")], ())] == ["x", "x_2", "x_3"]


def test_an_id_that_an_earlier_turn_has_is_changed() -> None:
    earlier = AssistantTurn("", (_call("call_0"),), "house")
    assert [call.id for call in settle_ids([_call("call_0")], [earlier])] == ["call_0_2"]


def test_missing_and_foreign_ids_become_legal_and_stay_different() -> None:
    ids = [call.id for call in settle_ids([_call(""), _call(""), _call("call|fc.1"), _call("x" * 200)], ())]
    assert len(set(ids)) == 4
    assert all(id.replace("_", "").isalnum() and len(id) <= 64 for id in ids)


def test_every_call_gets_a_result_directly_behind_it_and_strays_are_left_out() -> None:
    messages = (
        UserText("go"),
        ToolOutputs((ToolOutput("stray", "t", "?"),)),
        AssistantTurn("", (_call("a"), _call("b")), "house"),
        ToolOutputs((ToolOutput("b", "t", "two"), ToolOutput("stray", "t", "?"))),
        AssistantTurn("", (_call("c"),), "house"),
        UserText("a person says: go on"),
    )
    _, _, results, _, filled, _ = tidied(_request(*messages), "house").messages
    assert isinstance(results, ToolOutputs) and isinstance(filled, ToolOutputs)
    assert [(output.call_id, output.content) for output in results.outputs] == [("a", NO_RESULT), ("b", "two")]
    assert [(output.call_id, output.is_error) for output in filled.outputs] == [("c", True)]


def test_another_providers_opaque_blocks_are_dropped_and_own_ones_kept() -> None:
    own = AssistantTurn("a", (), "house", ({"type": "thinking"},))
    foreign = AssistantTurn("b", (), "elsewhere", ({"type": "reasoning"},))
    kept, dropped = tidied(_request(own, foreign), "house").messages
    assert isinstance(kept, AssistantTurn) and isinstance(dropped, AssistantTurn)
    assert (kept.opaque, dropped.opaque) == (({"type": "thinking"},), ())


def test_text_that_cannot_be_sent_is_made_sendable() -> None:
    tidy = tidied(_request(UserText("a\x00b\ud800c")), "house")
    assert tidy.messages == (UserText("a�b�c"),)


def test_a_repair_is_known_by_an_ending_that_was_answered() -> None:
    ending, question = AssistantTurn("not json", (), "house"), UserText("that was not JSON")
    assert repairs_an_ending(_request(UserText("go"), ending, question))
    assert not repairs_an_ending(_request(UserText("go")))
    assert not repairs_an_ending(_request(UserText("go"), AssistantTurn("", (_call("a"),), "house"), question))

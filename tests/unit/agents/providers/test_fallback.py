from collections.abc import Callable, Iterator

import pytest

from agents.providers import registry
from agents.providers.base import (
    Invalid,
    ModelReply,
    ModelRequest,
    OverLimit,
    ProviderError,
    Refused,
    Retryable,
    Stop,
    Usage,
    UserText,
    split_model,
)
from agents.providers.fallback import complete_with_fallback
from agents.providers.scripted import Line, ScriptedProvider, ScriptError

REPLY = ModelReply("done", (), Stop.END, Usage(), None, "unknown", "", "", 1)
Play = Callable[[str, Line], ScriptedProvider]


@pytest.fixture
def play() -> Iterator[Play]:
    names: list[str] = []

    def add(name: str, *lines: Line) -> ScriptedProvider:
        provider = ScriptedProvider(lines, name=name)
        registry.put(provider)
        names.append(name)
        return provider

    yield add
    for name in names:
        registry.remove(name)


def _request(model: str) -> ModelRequest:
    return ModelRequest(model, "", (UserText("go"),), (), None)


def test_the_first_model_answers_and_nobody_else_is_asked(play: Play) -> None:
    play("one", REPLY)
    second = play("two", REPLY)
    reply = complete_with_fallback(["one/m", "two/m"], _request)
    assert (reply.model, reply.tried, second.requests) == ("one/m", (), [])


@pytest.mark.parametrize("error", [Retryable("busy"), Invalid("no key", setup=True)])
def test_the_next_model_is_asked_when_a_provider_is_down_or_not_set_up(error: ProviderError, play: Play) -> None:
    play("one", error)
    play("two", REPLY)
    reply = complete_with_fallback(["one/m", "two/m"], _request)
    assert reply.provider == "two"
    assert [(tried.model, tried.error) for tried in reply.tried] == [("one/m", type(error).__name__)]


@pytest.mark.parametrize("error", [Refused("no"), Invalid("bad request"), OverLimit("too long")])
def test_what_lies_in_the_request_itself_is_not_asked_around(error: ProviderError, play: Play) -> None:
    play("one", error)
    second = play("two", REPLY)
    with pytest.raises(type(error)) as caught:
        complete_with_fallback(["one/m", "two/m"], _request)
    assert second.requests == [] and [tried.model for tried in caught.value.tried] == ["one/m"]


def test_when_all_fail_the_run_may_come_back_as_soon_as_one_may_answer(play: Play) -> None:
    play("one", Retryable("busy", retry_after_s=60))
    play("two", Retryable("busy", retry_after_s=5))
    play("three", Invalid("no key", setup=True))
    with pytest.raises(Retryable) as caught:
        complete_with_fallback(["one/m", "two/m", "three/m"], _request)
    assert caught.value.retry_after_s == 5
    assert [tried.model for tried in caught.value.tried] == ["one/m", "two/m", "three/m"]


def test_when_nothing_is_set_up_the_first_models_sentence_is_said(play: Play) -> None:
    play("one", Invalid("The key of one is missing.", setup=True))
    play("two", Invalid("The key of two is missing.", setup=True))
    with pytest.raises(Invalid, match="key of one"):
        complete_with_fallback(["one/m", "two/m"], _request)


@pytest.mark.parametrize("model", ["", "gpt", "/gpt", "house/"])
def test_a_name_that_is_no_model_is_said_so(model: str) -> None:
    with pytest.raises(Invalid):
        complete_with_fallback([model], _request)


def test_no_model_at_all_is_said_so() -> None:
    with pytest.raises(Invalid, match="No model"):
        complete_with_fallback([], _request)


def test_a_models_own_name_may_have_slashes() -> None:
    assert split_model("local/meta/llama-3") == ("local", "meta/llama-3")


def test_a_script_fails_on_a_question_it_does_not_know() -> None:
    with pytest.raises(ScriptError):
        ScriptedProvider().complete(_request("scripted/m"))


def test_a_script_fails_on_a_line_nobody_asked_for() -> None:
    with pytest.raises(ScriptError):
        ScriptedProvider([REPLY]).check_done()


def test_a_line_may_depend_on_the_question() -> None:
    provider = ScriptedProvider([lambda request: Retryable(request.model)])
    with pytest.raises(Retryable, match="scripted/m"):
        provider.complete(_request("scripted/m"))

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.models import Provider
from agents.providers import registry
from agents.providers.base import Invalid, ModelReply, ModelRequest, Retryable, UserText
from agents.providers.fallback import complete_with_fallback
from config.secrets import seal
from tests.vendors import VendorServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def vendor(settings: Any) -> Iterator[VendorServer]:
    with VendorServer() as server:
        settings.OUTBOUND_ALLOW = server.allow
        yield server
    registry.forget()


def _row(vendor: VendorServer, **fields: Any) -> Provider:
    kind = fields.get("kind", "openai_chat")
    values = {"name": "house", "kind": kind, "base_url": vendor.url(kind), "api_key": seal("sk-one")}
    return Provider.objects.create(**{**values, **fields})


def _ask(model: str = "house/llama") -> ModelReply:
    request = ModelRequest(model, "", (UserText("go"),), (), None, timeout_s=5)
    return registry.provider_named(model.split("/")[0]).complete(request)


@pytest.mark.parametrize("kind", ["anthropic", "openai", "openai_chat"])
def test_one_agent_runs_on_any_kind_by_its_row_alone(kind: str, vendor: VendorServer) -> None:
    _row(vendor, kind=kind)
    vendor.say(text="done")
    assert _ask().text == "done"
    assert vendor.requests[0].wire == kind
    assert vendor.requests[0].headers["authorization"] == "Bearer sk-one"


def test_the_client_is_kept_until_the_row_changes(vendor: VendorServer) -> None:
    row = _row(vendor)
    first = registry.provider_named("house")
    assert registry.provider_named("house") is first
    Provider.objects.filter(pk=row.pk).update(api_key=seal("sk-two"))
    vendor.say(text="done")
    _ask()
    assert vendor.requests[0].headers["authorization"] == "Bearer sk-two"


def test_a_key_that_changes_in_its_file_is_used_at_once(vendor: VendorServer, settings: Any, tmp_path: Path) -> None:
    settings.SECRETS_DIR = str(tmp_path)
    _row(vendor, api_key="file:house_key")
    for key in ("sk-old", "sk-new"):
        (tmp_path / "house_key").write_text(key)
        vendor.say(text="done")
        _ask()
    assert [asked.headers["authorization"] for asked in vendor.requests] == ["Bearer sk-old", "Bearer sk-new"]


def test_a_missing_key_says_what_to_set(vendor: VendorServer) -> None:
    _row(vendor, api_key="env:HOUSE_KEY")
    with pytest.raises(Invalid, match="HOUSE_KEY") as caught:
        _ask()
    assert caught.value.setup and not vendor.requests


def test_a_provider_that_is_switched_off_or_unknown_is_said_so(vendor: VendorServer) -> None:
    _row(vendor, disabled=True)
    with pytest.raises(Invalid, match="switched off"):
        _ask()
    with pytest.raises(Invalid, match="no provider"):
        _ask("elsewhere/m")


def test_the_offline_model_needs_no_row() -> None:
    assert registry.provider_named("offline").kind == "offline"


@pytest.mark.parametrize(("name", "variable"), [("anthropic", "ANTHROPIC_API_KEY"), ("openai", "OPENAI_API_KEY")])
def test_a_vendor_needs_no_row_but_its_key(
    name: str, variable: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SECRET_NAMES = (variable,)
    monkeypatch.delenv(variable, raising=False)
    assert variable in registry.refusal_of(name)
    with pytest.raises(Invalid, match=variable):
        registry.provider_named(name)
    monkeypatch.setenv(variable, "sk-of-the-house")
    assert registry.refusal_of(name) == ""
    assert registry.provider_named(name).kind == name
    registry.forget()


def test_a_row_of_a_vendors_name_wins(vendor: VendorServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SECRET_NAMES = ("OPENAI_API_KEY",)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-house")
    _row(vendor, name="openai", kind="openai_chat")
    vendor.say(text="done")
    assert _ask("openai/m").text == "done"
    assert vendor.requests[0].headers["authorization"] == "Bearer sk-one"


def test_a_price_of_the_row_is_the_price(vendor: VendorServer) -> None:
    _row(vendor, prices={"llama": {"input": "1", "output": "1"}})
    vendor.say(text="done")
    assert str(_ask().cost_usd) == "0.00012000"


def test_a_chain_of_rows_goes_on_when_the_first_is_down(vendor: VendorServer) -> None:
    _row(vendor, name="first", kind="anthropic")
    _row(vendor, name="second", kind="openai")
    vendor.fail(529)
    vendor.say(text="done")
    reply = complete_with_fallback(
        ["first/claude-sonnet-4-6", "second/gpt-5"],
        lambda model: ModelRequest(model, "", (UserText("go"),), (), None, timeout_s=5),
    )
    assert (reply.provider, [tried.model for tried in reply.tried]) == ("second", ["first/claude-sonnet-4-6"])


def test_a_chain_that_is_down_altogether_comes_back_later(vendor: VendorServer) -> None:
    _row(vendor)
    vendor.fail(429, retry_after="3")
    with pytest.raises(Retryable) as caught:
        complete_with_fallback(
            ["house/m"], lambda model: ModelRequest(model, "", (UserText("go"),), (), None, timeout_s=5)
        )
    assert caught.value.retry_after_s == 3

"""Providers of models: the list, one with its form, and a question to see whether it answers."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agents.forms import ProviderForm
from agents.models import Agent, Provider
from agents.permissions import check_may_configure, refusal_to_configure
from agents.provider_changes import ProviderFields, drops_key, save_provider
from agents.provider_trial import Trial, try_model
from agents.providers.registry import VENDORS, refusal_of
from agents.selectors import agents_visible_to
from config.secrets import describe
from config.web import see_other, signed_in


@require_GET
def providers(request: HttpRequest) -> HttpResponse:
    """Every provider, with the agents that use it. Keys are described, never shown."""
    person = signed_in(request).user
    agents = _agents(person)
    rows = [_row(provider, agents) for provider in Provider.objects.order_by("disabled", "name")]
    stored = {row["provider"].name for row in rows}
    built_in = [
        {"name": name, "key": describe(key), "problem": refusal_of(name), "users": _users(name, agents)}
        for name, key in VENDORS.items()
        if name not in stored
    ]
    context = {"rows": rows, "built_in": built_in, "refusal": refusal_to_configure(person), "now": timezone.now()}
    return render(request, "agents/providers.html", context)


@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    check_may_configure(signed_in(request).user)
    form = ProviderForm(
        request.POST or None,
        initial={"kind": request.GET.get("kind", "openai_chat"), "name": request.GET.get("name", "")},
    )
    if form.is_bound and form.is_valid():
        return _saved(request, None, form)
    return _page(request, None, form)


@require_http_methods(["GET", "POST"])
def provider(request: HttpRequest, name: str) -> HttpResponse:
    row = _provider(name)
    if request.method != "POST":
        return _page(request, row, ProviderForm(row=row, initial=ProviderForm.fields_of(row)))
    check_may_configure(signed_in(request).user)
    form = ProviderForm(request.POST, row=row, initial=ProviderForm.fields_of(row))
    if not form.is_valid():
        return _page(request, row, form)
    if drops_key(row, form.cleaned_data["base_url"]) and not form.cleaned_data["api_key"]:
        form.add_error(
            "api_key", "The address has another host. Enter its key: a stored key stays with the host it was typed for."
        )
        return _page(request, row, form)
    return _saved(request, row, form)


@require_POST
def attempt(request: HttpRequest, name: str) -> HttpResponse:
    """Ask one small question, to see whether address, key and model are right. Costs a few tokens."""
    check_may_configure(signed_in(request).user)
    row = _provider(name)
    model = request.POST.get("model", "").strip()[:200]
    trial = try_model(row.name, model)
    return _page(request, row, ProviderForm(row=row, initial=ProviderForm.fields_of(row)), trial=trial)


def _saved(request: HttpRequest, row: Provider | None, form: ProviderForm) -> HttpResponse:
    said = form.cleaned_data
    fields = ProviderFields(
        name=said["name"],
        kind=said["kind"],
        base_url=said["base_url"],
        api_key=said["api_key"],
        prices=said["prices"],
        disabled=said["disabled"],
    )
    kept = save_provider(row=row, fields=fields, user=signed_in(request).user)
    messages.success(request, f"{kept.name} is saved. The next question to it uses this.")
    return see_other("agents:provider", kept.name)


def _page(
    request: HttpRequest, row: Provider | None, form: ProviderForm, *, trial: Trial | None = None
) -> HttpResponse:
    person = signed_in(request).user
    refusal = refusal_to_configure(person)
    if refusal:
        for field in form.fields.values():
            field.disabled = True
    context = {
        "provider": row,
        "form": form,
        "trial": trial,
        "refusal": refusal,
        "stored_key": describe(row.api_key) if row else "",
        "users": _users(row.name, _agents(person)) if row else [],
        "now": timezone.now(),
    }
    return render(request, "agents/provider.html", context, status=422 if form.is_bound else 200)


def _row(row: Provider, agents: Sequence[Agent]) -> dict[str, Any]:
    return {"provider": row, "key": describe(row.api_key), "users": _users(row.name, agents)}


def _agents(person: Any) -> list[Agent]:
    return list(agents_visible_to(person).filter(current__isnull=False).select_related("current").order_by("name"))


def _users(name: str, agents: Sequence[Agent]) -> list[tuple[str, str]]:
    """Return agent and model of every one of these agents that names the provider."""
    return [(agent.name, model) for agent in agents for model in _models(agent) if model.startswith(f"{name}/")]


def _models(agent: Agent) -> list[str]:
    document = agent.current.document if agent.current else {}
    return [str(model) for model in (document.get("model", ""), *(document.get("fallback") or ()))]


def _provider(name: str) -> Provider:
    row = Provider.objects.filter(name=name).first()
    if row is None:
        raise Http404
    return row

"""Providers by name: the row says how, and the client it needs is kept per process and per state of the row.

A vendor's SDK costs seconds and 80 MB to import, so it is imported when first needed, or by `warm` in a worker.
"""

import hashlib
import json
import os
import threading
from importlib import import_module

from django.db import DatabaseError

from agents.models import Provider
from agents.providers.base import Invalid, ModelProvider
from agents.providers.vendor import Endpoint, VendorProvider
from config.secrets import SecretMissing, reveal

OFFLINE = "offline"
# The vendors themselves are there without a row: setting the key in the environment is enough. A row of that name wins.
VENDORS = {"anthropic": "env:ANTHROPIC_API_KEY", "openai": "env:OPENAI_API_KEY"}
BUILT_IN = frozenset({OFFLINE, *VENDORS})
# kind of a row: module and class
ADAPTERS = {
    "anthropic": ("agents.providers.anthropic", "AnthropicProvider"),
    "openai": ("agents.providers.openai_responses", "ResponsesProvider"),
    "openai_chat": ("agents.providers.openai_chat", "ChatProvider"),
}
_OFFLINE_ADAPTER = ("agents.providers.offline", "OfflineProvider")

_kept: dict[tuple[int, str], tuple[str, VendorProvider]] = {}
_superseded: list[VendorProvider] = []
_put: dict[str, ModelProvider] = {}
_lock = threading.Lock()


def provider_named(name: str) -> ModelProvider:
    """Return the provider of that name. Raises Invalid with a sentence that says what to set up."""
    if name in _put:
        return _put[name]
    row = _row(name)
    return _offline() if row.kind == OFFLINE else _of_row(row)


def refusal_of(name: str) -> str:
    """Return why this provider could not be asked now, as far as one can say without asking it; "" when it could."""
    try:
        _key(_row(name))
    except Invalid as error:
        return error.message
    return ""


def put(provider: ModelProvider) -> None:
    """Make a provider known without a row (tests: a scripted one)."""
    _put[provider.name] = provider


def remove(name: str) -> None:
    _put.pop(name, None)


def forget() -> None:
    """Close and drop the kept clients of this process."""
    with _lock:
        for place in [place for place in _kept if place[0] == os.getpid()]:
            _superseded.append(_kept.pop(place)[1])
        while _superseded:
            _superseded.pop().close()


def warm() -> None:
    """Import the SDKs that are in use, and the price table, so that no run waits for them (in a worker, at its start)."""
    try:
        kinds = set(Provider.objects.filter(disabled=False).values_list("kind", flat=True)) & set(ADAPTERS)
    except DatabaseError:
        # It comes back later, and the imports with it.
        return
    kinds |= {name for name in VENDORS if not refusal_of(name)}
    for kind in kinds:
        import_module(ADAPTERS[kind][0])
    if kinds:
        import_module("genai_prices")


def _row(name: str) -> Provider:
    row = Provider.objects.filter(name=name).first() or _built_in(name)
    if row is None:
        raise Invalid(f"There is no provider named {name}. Add it, or choose another model.", setup=True)
    if row.disabled:
        raise Invalid(f"The provider {name} is switched off.", setup=True)
    return row


def _built_in(name: str) -> Provider | None:
    """Return a row that is not stored, for what is there without one."""
    return Provider(name=name, kind=name, api_key=VENDORS.get(name, "")) if name in BUILT_IN else None


def _of_row(row: Provider) -> ModelProvider:
    endpoint = Endpoint(row.name, row.kind, row.base_url, _key(row), row.prices or {})
    state, place = _fingerprint(endpoint), (os.getpid(), row.name)
    with _lock:
        kept = _kept.get(place)
        if kept is None or kept[0] != state:
            if kept is not None:
                # Somebody may be in the middle of a call with it; rows and keys change rarely enough to keep it.
                _superseded.append(kept[1])
            kept = _kept[place] = (state, _built(endpoint))
    return kept[1]


def _built(endpoint: Endpoint) -> VendorProvider:
    module, adapter = ADAPTERS[endpoint.kind]
    built: VendorProvider = getattr(import_module(module), adapter)(endpoint)
    return built


def _offline() -> ModelProvider:
    module, adapter = _OFFLINE_ADAPTER
    built: ModelProvider = getattr(import_module(module), adapter)()
    return built


def _key(row: Provider) -> str:
    if not row.api_key:
        return ""
    try:
        return reveal(row.api_key)
    except SecretMissing as missing:
        raise Invalid(f"The key of the provider {row.name} is missing. {missing.message}", setup=True) from None


def _fingerprint(endpoint: Endpoint) -> str:
    """Return a digest of everything a client is built from; a key that is rotated in its file changes it too."""
    parts = [endpoint.kind, endpoint.base_url, endpoint.api_key, endpoint.prices]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

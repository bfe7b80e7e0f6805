"""Saving a provider. Its key is bound to its host: another host asks for it again, so a key cannot be sent elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.db import transaction

from agents.models import Provider
from agents.permissions import check_may_configure
from approvals.audit import Actor, record
from approvals.database_clock import database_now
from config.secrets import SEALED, as_stored, describe


@dataclass(frozen=True, slots=True)
class ProviderFields:
    """What a person fills in. `api_key` "" leaves the stored one."""

    name: str
    kind: str
    base_url: str
    api_key: str
    prices: Mapping[str, Any]
    disabled: bool


def save_provider(*, row: Provider | None, fields: ProviderFields, user: User) -> Provider:
    """Make or change a provider and write the audit row, without the key. Raises NotAllowed."""
    check_may_configure(user)
    with transaction.atomic():
        kept = Provider.objects.select_for_update().get(pk=row.pk) if row else Provider(name=fields.name)
        kept.api_key = _key(kept, fields)
        kept.kind, kept.base_url = fields.kind, fields.base_url
        kept.prices, kept.disabled = dict(fields.prices), fields.disabled
        kept.updated_at = database_now()
        kept.save()
        record(
            actor=Actor.person(user),
            verb="provider.changed" if row else "provider.created",
            subject_type="provider",
            subject_id=kept.name,
            subject=kept.name,
            kind=kept.kind,
            base_url=kept.base_url,
            key=describe(kept.api_key),
            key_changed=bool(fields.api_key),
            prices=kept.prices,
            disabled=kept.disabled,
        )
    return kept


def drops_key(row: Provider | None, base_url: str) -> bool:
    """Return whether the stored key was typed for another host than this address."""
    return row is not None and row.api_key.startswith(SEALED) and host_of(row.base_url) != host_of(base_url)


def host_of(url: str) -> str:
    """Return host and port of an address, "" for the vendor's own."""
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return url


def _key(row: Provider, fields: ProviderFields) -> str:
    if fields.api_key:
        return as_stored(fields.api_key)
    kind_changed = bool(row.pk) and row.kind != fields.kind
    return "" if drops_key(row, fields.base_url) or (kind_changed and row.api_key.startswith(SEALED)) else row.api_key

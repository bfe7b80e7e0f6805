"""The parts of a card that stand on their own: the desk's panel and the remarks. They ask for what they show."""

from typing import Any

from django import template
from django.template.context import Context
from django.utils import timezone

from approvals import desk_panel as panels
from approvals.desk_terms import RESULT_WORDS
from approvals.models import Request
from approvals.subject_address import subject_address

register = template.Library()


@register.simple_tag(takes_context=True)
def desk_panel(context: Context, item: Request) -> panels.DeskPanel | None:
    """{% desk_panel item as desk %}: None for what is no work of the desk."""
    given = context.get("desk")
    if isinstance(given, panels.DeskPanel):
        return given
    return panels.desk_panel(_person(context), item, now=context.get("now") or timezone.now())


@register.simple_tag(takes_context=True)
def remarks_panel(context: Context, item: Request) -> panels.RemarksPanel:
    """{% remarks_panel item as remarks %}"""
    given = context.get("remarks")
    return given if isinstance(given, panels.RemarksPanel) else panels.remarks_panel(_person(context), item)


@register.filter
def subject_url(subject: str) -> str:
    """{{ item.subject|subject_url }}: the page of everything that was done about it."""
    return subject_address(subject)


@register.simple_tag
def result_choices() -> list[tuple[str, str]]:
    """{% result_choices as results %}: how a person may say that a hand-off ended."""
    return [(code.value, words) for code, words in RESULT_WORDS.items()]


def _person(context: Context) -> Any:
    return context["request"].user

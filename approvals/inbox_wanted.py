"""What a person asked the list for, read from an address or a form, and written back as one."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.http import urlencode

from approvals.models import Request
from approvals.money import currencies_with_other_units
from approvals.states import RequestClass, RequestKind

TABS = ("mine", "others", "snoozed", "settled")
LONGEST_QUERY = 500
_DEAREST = Decimal(10) ** 13


@dataclass(frozen=True, slots=True)
class Wanted:
    """One list: a tab, what it is narrowed by, whether alike requests stand together, and the page of it."""

    tab: str = "mine"
    words: str = ""
    kind: str = ""
    agent: str = ""
    team: str = ""
    cls: str = ""
    least: str = ""
    most: str = ""
    assigned: str = ""
    alike: bool = False
    page: int = 1

    @property
    def narrowed(self) -> bool:
        return any((self.words, self.kind, self.agent, self.team, self.cls, self.least, self.most, self.assigned))

    @property
    def query(self) -> str:
        """The same list as the query of an address, without its page: "tab=others&kind=question"."""
        names = {"tab": self.tab if self.tab != "mine" else "", "alike": "1" if self.alike else ""}
        names |= {param: getattr(self, name) for param, name in _TEXTS.items()}
        return urlencode({name: value for name, value in names.items() if value})

    @property
    def suffix(self) -> str:
        return f"?{self.query}" if self.query else ""

    @property
    def other_way(self) -> str:
        """The same list grouped when it is not, and not when it is."""
        query = QueryDict(self.query, mutable=True)
        query.pop("alike", None)
        if not self.alike:
            query["alike"] = "1"
        return f"?{query.urlencode()}"


_TEXTS = {
    "q": "words",
    "kind": "kind",
    "agent": "agent",
    "team": "team",
    "class": "cls",
    "from": "least",
    "to": "most",
    "assigned": "assigned",
}
_CHOICES = {
    "tab": frozenset(TABS),
    "kind": frozenset(RequestKind),
    "class": frozenset(RequestClass),
    "assigned": frozenset(("me", "nobody")),
}


def wanted_from(params: Mapping[str, Any]) -> Wanted:
    """Read a list's parameters, or `list`, which holds them all as a form carries them; what is unknown is left out."""
    given = QueryDict(params["list"][:LONGEST_QUERY]) if "list" in params else params
    page = given.get("page", "1")
    return Wanted(
        tab=_choice(given, "tab") or "mine",
        words=given.get("q", "").strip()[:200],
        kind=_choice(given, "kind"),
        agent=given.get("agent", "")[:80],
        team=given.get("team", "")[:80],
        cls=_choice(given, "class"),
        least=_amount(given.get("from", "")),
        most=_amount(given.get("to", "")),
        assigned=_choice(given, "assigned"),
        alike=given.get("alike", "") == "1",
        page=int(page) if page.isascii() and page.isdecimal() and len(page) < 6 and int(page) else 1,
    )


def narrowed(rows: QuerySet[Request], wanted: Wanted, user: Any) -> QuerySet[Request]:
    """Return those of the rows that this list asks for."""
    for word in wanted.words.split():
        rows = rows.filter(_has(word))
    exactly = {"kind": wanted.kind, "agent": wanted.agent, "cls": wanted.cls, "team__name": wanted.team}
    rows = rows.filter(**{name: value for name, value in exactly.items() if value})
    if wanted.assigned:
        rows = rows.filter(assignee=user) if wanted.assigned == "me" else rows.filter(assignee__isnull=True)
    if wanted.least:
        rows = rows.filter(_moves(wanted.least, "gte"))
    return rows.filter(_moves(wanted.most, "lte")) if wanted.most else rows


def _has(word: str) -> Q:
    found = Q()
    for name in ("title", "subject", "agent", "tool"):
        found |= Q(**{f"{name}__icontains": word})
    try:
        return found | Q(pk=UUID(word))
    except ValueError:
        return found


def _moves(amount: str, how: str) -> Q:
    """At least or at most so much, in whole units of whatever currency: 500 means €500.00 and ¥500."""
    odd = currencies_with_other_units()
    usual = ~Q(currency__in=list(odd)) & Q(**{f"money_minor__{how}": _minor(amount, 2)})
    for exponent in set(odd.values()):
        names = [name for name, found in odd.items() if found == exponent]
        usual |= Q(currency__in=names, **{f"money_minor__{how}": _minor(amount, exponent)})
    return usual


def _minor(amount: str, exponent: int) -> int:
    return int(Decimal(amount).scaleb(exponent))


def _choice(given: Mapping[str, Any], name: str) -> str:
    value: str = given.get(name, "")
    return value if value in _CHOICES[name] else ""


def _amount(text: str) -> str:
    """The amount as it was typed when it is one, else nothing."""
    try:
        amount = Decimal(text.strip().replace(",", "")) if text.strip() else None
    except InvalidOperation:
        return ""
    return f"{amount:f}" if amount is not None and amount.is_finite() and 0 <= amount < _DEAREST else ""

"""Groups of alike requests: one line each in the list, and the card on which their differences stand in a table."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Max, Min, QuerySet, Sum

from approvals import waiting
from approvals.alike import apart
from approvals.arguments import Kind, Shown
from approvals.models import Request
from approvals.ports import StoredAction, actions
from approvals.reviewing import readable_facts, shown_of
from approvals.waiting import by_pressure

BULK_AT_ONCE = 100
# A value is unusual when so many of the others in its column say the same.
_NORMAL_SHARE, _ENOUGH_ROWS = 0.75, 4


@dataclass(frozen=True, slots=True)
class Group:
    """One line of the list for several alike requests. `first` is the one whose deadline comes first."""

    key: str
    count: int
    title: str
    first: Request
    money_minor: int | None
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    is_number: bool = False
    unusual: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """One request of a group as a row of its table."""

    request: Request
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class GroupCard:
    """Several alike requests before one person: what is the same in all, what differs, and who stays out and why."""

    key: str
    title: str
    members: Sequence[Member]
    apart: Sequence[tuple[Request, str]]
    columns: Sequence[str]
    same: Sequence[tuple[str, str]]
    later: int
    now: datetime

    @property
    def first(self) -> Request:
        return self.members[0].request if self.members else self.apart[0][0]

    @property
    def waiting(self) -> int:
        return len(self.members) + len(self.apart) + self.later

    @property
    def total_minor(self) -> int | None:
        """What all of them move together; None when none moves money."""
        amounts = [row.request.money_minor for row in self.members if row.request.money_minor is not None]
        return sum(amounts) if amounts else None


def groups_in(found: QuerySet[Request], at_most: int) -> list[Group]:
    """Return a group for each key that at least two of these requests share, those with the nearest deadline first."""
    summed = (
        by_pressure(found.filter(alike__gt=""))
        .order_by()
        .values("alike")
        .annotate(
            n=Count("pk"),
            total=Sum("money_minor"),
            oldest=Min("created_at"),
            newest=Max("created_at"),
            due=Min("pressing"),
            low=Min("title"),
            high=Max("title"),
        )
        .filter(n__gt=1)
        .order_by(F("due").asc(nulls_last=True), "alike")[:at_most]
    )
    rows = list(summed)
    firsts = _firsts(found, [row["alike"] for row in rows])
    return [_group(row, firsts[row["alike"]]) for row in rows if row["alike"] in firsts]


def group_card(user: Any, key: str, now: datetime, only: Sequence[UUID] = ()) -> GroupCard | None:
    """Return the group's card for this person, or None when nothing of it waits for them. only: those picked by hand."""
    waits = waiting.mine(user).filter(alike=key)
    waits = waits.filter(pk__in=only) if only else waits
    found = list(by_pressure(waits).select_related("team")[: BULK_AT_ONCE + 1])
    if not key or not found:
        return None
    stored = _stored(found)
    looked = [(row, *shown_of(row, stored.get(row.action_id) if row.action_id else None)) for row in found]
    sentences = [(row, shown, apart(row, shown, tampered=bad)) for row, shown, bad in looked[:BULK_AT_ONCE]]
    together = [(row, _values(row, shown)) for row, shown, why in sentences if not why]
    names, same = _split([values for _, values in together])
    return GroupCard(
        key=key,
        title=common_words(*(row.title for row in found)),
        members=_members(together, names),
        apart=[(row, why) for row, _, why in sentences if why],
        columns=names,
        same=[*_same_of(found[0]), *same],
        later=waiting.counted(waits) - len(sentences) if len(found) > BULK_AT_ONCE else 0,
        now=now,
    )


def common_words(*titles: str) -> str:
    """Return the words that all titles share, with "…" for what differs: "Refund … for order …"."""
    split = [title.split() for title in titles]
    shortest = min(len(words) for words in split)
    if any(len(words) != shortest for words in split):
        return _common_start(split)
    kept = [column[0] if len(set(column)) == 1 else "…" for column in zip(*split, strict=True)]
    return " ".join(word for at, word in enumerate(kept) if word != "…" or at == 0 or kept[at - 1] != "…")


def _common_start(split: Sequence[Sequence[str]]) -> str:
    same: list[str] = []
    for column in zip(*split, strict=False):
        if len(set(column)) > 1:
            break
        same.append(column[0])
    return " ".join([*same, "…"])


def _group(row: Mapping[str, Any], first: Request) -> Group:
    return Group(
        key=row["alike"],
        count=row["n"],
        title=common_words(row["low"], row["high"]),
        first=first,
        money_minor=int(row["total"]) if row["total"] is not None else None,
        oldest=row["oldest"],
        newest=row["newest"],
    )


def _firsts(found: QuerySet[Request], keys: Sequence[str]) -> dict[str, Request]:
    """Return each group's most pressing request."""
    if not keys:
        return {}
    rows = by_pressure(found.filter(alike__in=keys)).order_by("alike", *waiting.PRESSING).distinct("alike")
    return {row.alike: row for row in rows.defer("card", "proposal")}


def _stored(found: Sequence[Request]) -> Mapping[UUID, StoredAction]:
    return actions().read([row.action_id for row in found if row.action_id])


def _values(request: Request, shown: Sequence[Shown]) -> dict[str, tuple[str, bool]]:
    """Every name a reviewer may compare by, with its text and whether it is a number."""
    facts = readable_facts((request.card.get("target") or {}).get("facts") or ())
    values = {argument.label: (argument.text, argument.kind in _NUMBERS) for argument in shown}
    # What is signed comes first where a record says the same by the same name.
    values = {name: (text, False) for name, text in facts if name not in values} | values
    claim = request.card.get("claim") or {}
    return values | {"Confidence": (str(claim.get("confidence", "")), True)} if claim.get("confidence") else values


_NUMBERS = (Kind.MONEY, Kind.NUMBER, Kind.WHOLE)


def _split(rows: Sequence[Mapping[str, tuple[str, bool]]]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the names whose values differ, and name and value of those that are the same everywhere."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    texts = {name: {row.get(name, ("", False))[0] for row in rows} for name in names}
    return [name for name in names if len(texts[name]) > 1], [
        (name, next(iter(texts[name]))) for name in names if len(texts[name]) == 1
    ]


def _members(rows: Sequence[tuple[Request, Mapping[str, tuple[str, bool]]]], names: Sequence[str]) -> list[Member]:
    usual = {name: _usual([values.get(name, ("", False))[0] for _, values in rows]) for name in names}
    return [
        Member(request, [_cell(values.get(name, ("", False)), usual[name]) for name in names])
        for request, values in rows
    ]


def _cell(value: tuple[str, bool], usual: str | None) -> Cell:
    text, is_number = value
    return Cell(text, is_number, unusual=usual is not None and text != usual)


def _usual(texts: Sequence[str]) -> str | None:
    """Return the value nearly all have, when there is one: whatever differs from it is marked."""
    text, times = Counter(texts).most_common(1)[0]
    return text if len(texts) >= _ENOUGH_ROWS and times >= _NORMAL_SHARE * len(texts) else None


def _same_of(request: Request) -> list[tuple[str, str]]:
    card = request.card
    why, then = card.get("why") or {}, card.get("then") or {}
    facts = [
        ("Tool", f"{request.tool}, {card.get('effect', '')}"),
        ("Rule", str(why.get("rule", ""))),
        ("Asked because", str(why.get("condition", "")) or str(request.rule.get("text", ""))),
        ("Reversible?", str(then.get("reversible", ""))),
        ("On approve", f"Each by itself, 10 s after your vote. {then.get('approve', '')}".strip()),
    ]
    return [(name, value) for name, value in facts if value]

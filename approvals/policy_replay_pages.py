"""What a replay says, for the page: four figures, sentences, a table of what changes, and the largest examples."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from approvals.models import PolicyReplay
from approvals.money import money_text
from approvals.policy.replay import Tally
from approvals.policy.sentences import and_list
from approvals.replays import done_so_far

_WAITS, _RUNS = ("3", "4"), ("1", "2")
_THEN = {"1": "runs alone", "2": "runs, people told", "3": "waits", "4": "handed to a person", "deny": "denied"}
_PEOPLE = {
    "approved": "approved {}",
    "edited": "edited {}",
    "rejected": "rejected {}",
    "expired": "let {} expire",
    "withdrawn": "had {} withdrawn",
    "open": "have {} still open",
    "not_asked": "had not been asked about {}",
}
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Change:
    """One kind of change, e.g. from "runs alone" to "waits"."""

    before: str
    after: str
    count: int
    people: str
    money: str
    compensated: int


@dataclass(frozen=True, slots=True)
class ReplayPage:
    """A replay as it is shown."""

    replay: PolicyReplay
    done: int
    more_wait: int
    denied: int
    fewer_wait: int
    other: int
    same: int
    judged: int
    sentences: tuple[str, ...]
    changes: tuple[Change, ...]
    by_tool: tuple[tuple[str, int], ...]
    by_agent: tuple[tuple[str, int], ...]
    examples: tuple[Mapping[str, Any], ...]
    unjudged: tuple[tuple[str, int], ...]

    @property
    def working(self) -> bool:
        return self.replay.state == PolicyReplay.State.WORKING

    @property
    def percent(self) -> int:
        return min(100, self.done * 100 // self.replay.total) if self.replay.total else 100

    @property
    def not_judged(self) -> int:
        return sum(count for _, count in self.unjudged)


def replay_page(replay: PolicyReplay | None) -> ReplayPage | None:
    """Return the replay for the page, None where there is none."""
    if replay is None:
        return None
    tally = Tally.of(replay.result)
    kinds = Counter(dict.fromkeys(("more_wait", "denied", "fewer_wait", "other"), 0))
    for move, count in tally.moves.items():
        kinds[_kind(move)] += count
    return ReplayPage(
        replay=replay,
        done=done_so_far(replay),
        **kinds,
        same=tally.same,
        judged=tally.judged,
        sentences=tuple(_sentences(tally)),
        changes=tuple(_changes(tally)),
        by_tool=_totals(tally.tools),
        by_agent=_totals(tally.agents),
        examples=tuple(_examples(tally)),
        unjudged=tuple(tally.unjudged.most_common()),
    )


def replay_sentences(replay: PolicyReplay | None) -> list[str]:
    """Return what a finished replay found, as the second person reads it on the card; empty where none has finished."""
    page = replay_page(replay)
    if page is None or replay is None or replay.state != PolicyReplay.State.DONE:
        return []
    counted = (
        f"Over {page.judged} actions of the last 90 days {page.more_wait} more would wait, {page.denied} would be denied, "
        f"{page.fewer_wait} fewer would wait, {page.other} would change otherwise and {page.same} stay as they were."
    )
    missing = f"{page.not_judged} could not be judged." if page.not_judged else ""
    return [text for text in (counted, *page.sentences, missing) if text]


def _kind(move: str) -> str:
    before, _, after = move.partition(">")
    if after == "deny":
        return "denied"
    if before in _RUNS and after in _WAITS:
        return "more_wait"
    return "fewer_wait" if after in _RUNS and before not in _RUNS else "other"


def _sentences(tally: Tally) -> Iterator[str]:
    wordings = (
        ("denied", "would be denied"),
        ("more_wait", "more that would wait"),
        ("fewer_wait", "that would no longer wait"),
    )
    for kind, words in wordings:
        moves = [move for move in tally.moves if _kind(move) == kind]
        count = sum(tally.moves[move] for move in moves)
        if not count:
            continue
        people = sum((tally.people.get(move, Counter()) for move in moves), Counter[str]())
        undone = sum(tally.compensated[move] for move in moves)
        told = f"Of the {count} {words}, people {_people_words(people)}."
        yield told + (f" {undone} had been undone later." if undone else "")


def _people_words(counts: Mapping[str, int]) -> str:
    return and_list([_PEOPLE[name].format(counts[name]) for name in _PEOPLE if counts.get(name)]) or "were not asked"


def _changes(tally: Tally) -> Iterator[Change]:
    for move, count in tally.moves.most_common():
        before, _, after = move.partition(">")
        yield Change(
            before=_THEN[before],
            after="waits on other terms" if before == after else _THEN[after],
            count=count,
            people=_people_words(tally.people.get(move, {})),
            money=and_list([money_text(sum_, unit) for unit, sum_ in sorted(tally.money.get(move, {}).items())]),
            compensated=tally.compensated[move],
        )


def _totals(counts: Mapping[str, Counter[str]]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter({name: sum(moves.values()) for name, moves in counts.items()}).most_common(SHOWN))


def _examples(tally: Tally) -> Sequence[Mapping[str, Any]]:
    all_of_them = [
        {**example, "before": _THEN[before], "after": "waits on other terms" if before == after else _THEN[after],
         "kind": _kind(move), "people_words": example["people"].replace("_", " ")}
        for move, examples in tally.examples.items()
        for before, _, after in [move.partition(">")]
        for example in examples
    ]  # fmt: skip
    return sorted(all_of_them, key=lambda example: -example["amount_minor"])[:SHOWN]

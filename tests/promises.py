"""The table that `make chaos` prints: what was promised, how often it was tried, what broke it, and whether its
negative control failed as it must.

A test says it with the fixture: promise("One decision wins", tried=10_000, violations=0, note="…"), and its negative
control, which runs the same harness with the guard off, with control=True.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import pytest

_KEY = "promise"


@dataclass(frozen=True, slots=True)
class Tried:
    """One test's figures about one promise."""

    words: str
    tried: int
    violations: int
    control: bool = False
    note: str = ""


class Promise(Protocol):
    def __call__(self, words: str, *, tried: int, violations: int, control: bool = False, note: str = "") -> None: ...


@pytest.fixture
def promise(request: pytest.FixtureRequest) -> Promise:
    """Keep figures for the table. They travel with the test's report, so that a worker of xdist may have run it."""

    def kept(words: str, *, tried: int, violations: int, control: bool = False, note: str = "") -> None:
        told = Tried(words, tried, violations, control, note)
        request.node.user_properties.append((_KEY, asdict(told)))
        print(f"\n{told}")

    return kept


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    told = [Tried(**value) for report in reports for key, value in report.user_properties if key == _KEY]
    if told and config.option.markexpr != "not chaos":
        terminalreporter.section("promises")
        for line in table(told):
            terminalreporter.write_line(line)


def table(told: Iterable[Tried]) -> list[str]:
    """Return the lines of the table: one per promise, with the figures of its largest test."""
    rows: dict[str, list[Tried]] = defaultdict(list)
    for one in told:
        rows[one.words].append(one)
    width = max(map(len, rows), default=0)
    head = f"{'':{width}} {'tried':>8} {'broken':>7}  negative control"
    return [head, *(f"{words:{width}} {_figures(found)}" for words, found in rows.items())]


def _figures(found: Sequence[Tried]) -> str:
    kept = [one for one in found if not one.control]
    most = max(kept, key=lambda one: one.tried, default=None)
    controls = [one for one in found if one.control]
    tried, broken = (f"{most.tried:,}", sum(one.violations for one in kept)) if most else ("-", "-")
    return f"{tried:>8} {broken:>7}  {_control(controls)}{'   ' + most.note if most and most.note else ''}"


def _control(controls: Sequence[Tried]) -> str:
    if not controls:
        return "none"
    tried, found = sum(one.tried for one in controls), sum(one.violations for one in controls)
    return f"{'broke' if found else 'DID NOT BREAK'} {found:,} of {tried:,}"

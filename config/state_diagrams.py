"""The state diagrams of the README files, drawn from the moves that the code and the database enforce."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from agents.states import ACTION_MOVES, RUN_MOVES
from approvals.states import REQUEST_MOVES
from integrations.states import EVENT_MOVES

Moves = Mapping[str, Iterable[str]]
DRAWN: Mapping[str, Mapping[str, Moves]] = {
    "agents/README.md": {"run": RUN_MOVES, "action": ACTION_MOVES},
    "approvals/README.md": {"request": REQUEST_MOVES},
    "integrations/README.md": {"event": EVENT_MOVES},
}


def with_diagrams(text: str, machines: Mapping[str, Moves]) -> str:
    """Return the text with each marked block drawn anew. Raises KeyError for a block that the text lacks."""
    for name, moves in machines.items():
        begin, end = f"<!-- states: {name} -->\n", "<!-- end -->"
        head, found, rest = text.partition(begin)
        _old, closed, tail = rest.partition(end)
        if not found or not closed:
            raise KeyError(f"There is no block for the states of {name}.")
        text = head + begin + diagram(moves) + end + tail
    return text


def diagram(moves: Moves) -> str:
    """Return a Mermaid diagram: first states begin, states without a way out end."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {_plain(next(iter(moves)))}"]
    for before, allowed in moves.items():
        lines += [f"    {_plain(before)} --> {_plain(after)}" for after in sorted(allowed, key=_plain)]
        lines += [] if allowed else [f"    {_plain(before)} --> [*]"]
    return "\n".join([*lines, "```", ""])


def outdated(base: Path) -> list[str]:
    """Return the files whose diagrams are not what the code says."""
    return [name for name, machines in DRAWN.items() if _drawn(base / name, machines) != _read(base / name)]


def draw(base: Path) -> None:
    """Write the diagrams into the files."""
    for name, machines in DRAWN.items():
        (base / name).write_text(_drawn(base / name, machines), encoding="utf-8")


def _drawn(file: Path, machines: Mapping[str, Moves]) -> str:
    return with_diagrams(_read(file), machines)


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _plain(state: str) -> str:
    return str(getattr(state, "value", state))

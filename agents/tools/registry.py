"""Which tools exist now. Sources (the connections) are asked each time; they cache, not we."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from agents.tools.base import Tool

Source = Callable[[], Mapping[str, Tool]]

_sources: list[Source] = []


class DuplicateTool(ValueError):
    """Two sources offer a tool of the same name."""


def register_source(source: Source) -> None:
    """Add a source of tools; adding the same one again changes nothing."""
    if source not in _sources:
        _sources.append(source)


def tools_matching(patterns: Sequence[str]) -> dict[str, Tool]:
    """Return the tools whose name matches one of the patterns ("shop.*"), by name, sorted."""
    return {name: tool for name, tool in sorted(_all()) if any(fnmatchcase(name, pattern) for pattern in patterns)}


def get_tool(name: str) -> Tool | None:
    """Return the tool of that name, or None when nobody offers it."""
    return dict(_all()).get(name)


def tools_named(names: Collection[str]) -> dict[str, Tool]:
    """Return those of the named tools that somebody offers, having asked the sources once."""
    return {name: tool for name, tool in _all() if name in names}


def _all() -> Iterator[tuple[str, Tool]]:
    seen: set[str] = set()
    for source in _sources:
        for name, tool in source().items():
            if name in seen:
                raise DuplicateTool(f"Two sources offer a tool named {name}.")
            seen.add(name)
            yield name, tool

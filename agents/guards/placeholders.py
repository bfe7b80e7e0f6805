"""Values that a model need not read, as stable placeholders: "[customer_email_1]" goes in, the value comes out at our edge. Pure.

Derived anew from where the values lie (the event, the results), in a fixed order, so that one run always has the same
names and nothing is stored a second time.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# A shorter text is hidden where it was asked for, not wherever its letters happen to stand.
SHORTEST_EVERYWHERE = 4
_TOKEN = re.compile(r"\[([a-z0-9_]{1,80}_[0-9]{1,6})\]")
_NOT_NAME = re.compile(r"[^a-z0-9]+")


class Placeholders:
    """The names of one run's hidden values. Empty: everything passes as it is."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self._values: dict[str, Any] = {}
        self._counts: dict[str, int] = {}
        self._everywhere: re.Pattern[str] | None = None

    def __bool__(self) -> bool:
        return bool(self._values)

    def learn(self, value: Any, paths: Sequence[str]) -> None:
        """Give every value at the paths its name; lists are walked through, an object hides all it holds."""
        for path in paths:
            for leaf in _leaves_at(value, path.split(".")):
                self._name(_short(path), leaf)
        self._everywhere = None

    def hide(self, value: Any) -> Any:
        """Return the value as the model may read it, however deep a hidden one stands in it."""
        if not self:
            return value
        if isinstance(value, str):
            return self.hide_text(value)
        if isinstance(value, Mapping):
            return {self.hide_text(str(key)): self.hide(child) for key, child in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.hide(child) for child in value]
        return f"[{name}]" if (name := self._names.get(_key(value))) else value

    def hide_text(self, text: str) -> str:
        """Return the text with every hidden value in it named; what only looks like a name loses its brackets."""
        if not self:
            return text
        whole = self._names.get(_key(text))
        if whole:
            return f"[{whole}]"
        text = _TOKEN.sub(lambda match: f"({match[1]})" if match[1] in self._values else match[0], text)
        pattern = self._pattern()
        return pattern.sub(lambda match: f"[{self._named(match[0])}]", text) if pattern else text

    def restore(self, value: Any) -> Any:
        """Return what a model wrote with the real values in it; a text that is one name alone keeps the value's type."""
        if not self:
            return value
        if isinstance(value, str):
            whole = _TOKEN.fullmatch(value.strip())
            if whole and whole[1] in self._values:
                return self._values[whole[1]]
            return _TOKEN.sub(lambda match: str(self._values.get(match[1], match[0])), value)
        if isinstance(value, Mapping):
            return {key: self.restore(child) for key, child in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.restore(child) for child in value]
        return value

    def _name(self, short: str, value: Any) -> None:
        if value is None or isinstance(value, bool) or value == "" or _key(value) in self._names:
            return
        number = self._counts[short] = self._counts.get(short, 0) + 1
        name = f"{short}_{number}"
        self._names[_key(value)] = name
        self._values[name] = value

    def _named(self, text: str) -> str:
        return self._names.get(_key(text)) or next(
            name for (_, known), name in self._names.items() if known.casefold() == text.casefold()
        )

    def _pattern(self) -> re.Pattern[str] | None:
        if self._everywhere is None:
            texts = [str(value) for value in self._values.values() if len(str(value)) >= SHORTEST_EVERYWHERE]
            longest_first = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
            self._everywhere = re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)", re.IGNORECASE) if texts else None
        return self._everywhere


NOTHING_HIDDEN = Placeholders()


def placeholders_in(sources: Sequence[tuple[Any, Sequence[str]]]) -> Placeholders:
    """Return the names for what stands at the paths of each source, numbered in the order of the sources."""
    if not any(paths for _, paths in sources):
        return NOTHING_HIDDEN
    found = Placeholders()
    for value, paths in sources:
        found.learn(value, paths)
    return found


def _key(value: Any) -> tuple[str, str]:
    return ("text" if isinstance(value, str) else "value", str(value))


def _short(path: str) -> str:
    parts = [_NOT_NAME.sub("_", part.casefold()).strip("_") for part in path.split(".")]
    return "_".join(part for part in parts[-2:] if part)[:60] or "value"


def _leaves_at(value: Any, steps: Sequence[str]) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for child in value:
            yield from _leaves_at(child, steps)
    elif isinstance(value, Mapping):
        if not steps:
            for child in value.values():
                yield from _leaves_at(child, ())
        elif steps[0] in value:
            yield from _leaves_at(value[steps[0]], steps[1:])
    elif not steps:
        yield value

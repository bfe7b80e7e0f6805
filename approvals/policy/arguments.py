"""The arguments of tools as people pick them for a rule, and what a condition says about arguments that are not there. Pure."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from approvals.policy.cel_text import ConditionError, Kind, Token, tokens

_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a tool by its dotted path. authority: it carries power, and acting alone asks for it to be pinned."""

    path: str
    type: str
    choices: tuple[Any, ...] = ()
    about: str = ""
    authority: bool = False


@dataclass(frozen=True, slots=True)
class Hint:
    """A doubt about a sound condition: at which character, what is odd, and what may have been meant."""

    position: int
    wrong: str
    message: str
    instead: str


def arguments_of(schema: Mapping[str, Any], authority: Sequence[str] = ()) -> list[Argument]:
    """Return the arguments of a tool's schema, objects opened up to four deep."""
    return list(_walk(schema, "", frozenset(authority), 0))


def hints(text: str, tools: Mapping[str, Sequence[Argument]]) -> list[Hint]:
    """Return what in a condition fits none of the tools that its rule is about; empty where no tool is known."""
    try:
        words = tokens(text)
    except ConditionError:
        return []
    known = {argument.path: argument for arguments in tools.values() for argument in arguments}
    found = [_unknown(path, words[index], known, tools) for index, path in _argument_names(words)] if known else []
    return [hint for hint in [*found, *_odd_values(words, known)] if hint is not None]


def _walk(schema: Any, before: str, authority: frozenset[str], depth: int) -> Iterator[Argument]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    for name, one in (properties if isinstance(properties, Mapping) else {}).items():
        path = f"{before}{name}"
        yield _argument(path, one if isinstance(one, Mapping) else {}, authority)
        if depth < _DEEPEST:
            yield from _walk(one, f"{path}.", authority, depth + 1)


def _argument(path: str, schema: Mapping[str, Any], authority: frozenset[str]) -> Argument:
    kind = schema.get("type", "any")
    choices = schema.get("enum")
    return Argument(
        path=path,
        type=" or ".join(map(str, kind)) if isinstance(kind, list) else str(kind),
        choices=tuple(choices[:50]) if isinstance(choices, list) else (),
        about=str(schema.get("description", ""))[:200],
        authority=any(path == held or path.startswith(f"{held}.") for held in authority),
    )


def _argument_names(words: Sequence[Token]) -> Iterator[tuple[int, str]]:
    """Yield (index of the first name behind args, dotted path) for each `args.a.b` that is no call."""
    for index, word in enumerate(words):
        if word.text == "args" and not (index and words[index - 1].is_sign(".")):
            path, at = [], index + 1
            while at + 1 < len(words) and words[at].is_sign(".") and words[at + 1].kind is Kind.NAME:
                if at + 2 < len(words) and words[at + 2].is_sign("("):
                    break
                path.append(words[at + 1].text)
                at += 2
            if path:
                yield index + 2, ".".join(path)


def _unknown(
    path: str, at: Token, known: Mapping[str, Argument], tools: Mapping[str, Sequence[Argument]]
) -> Hint | None:
    open_ended = any(path.startswith(f"{name}.") and known[name].type in ("any", "object", "array") for name in known)
    if path in known or open_ended:
        return None
    names = sorted(known)
    near = difflib.get_close_matches(path, names, n=1, cutoff=0.6)
    who = next(iter(tools)) if len(tools) == 1 else "None of these tools"
    has = "has no argument" if len(tools) == 1 else "has an argument"
    return Hint(at.start, path, f"{who} {has} {path}. There are: {', '.join(names[:12])}.", near[0] if near else "")


def _odd_values(words: Sequence[Token], known: Mapping[str, Argument]) -> Iterator[Hint]:
    """Yield a hint for each text that is compared with an argument which has other choices only."""
    for index, path in _argument_names(words):
        after = index + 2 * path.count(".") + 1
        sides = words[after : after + 2]
        choices = known[path].choices if path in known else ()
        if len(sides) < 2 or not choices or not sides[0].is_sign("==", "!=") or sides[1].kind is not Kind.TEXT:
            continue
        said = sides[1].text[1:-1]
        if said not in choices:
            texts = [str(choice) for choice in choices]
            near = difflib.get_close_matches(said, texts, n=1, cutoff=0.4)
            message = f"{path} is never {said}. It is one of: {', '.join(texts[:12])}."
            yield Hint(sides[1].start + 1, said, message, near[0] if near else "")

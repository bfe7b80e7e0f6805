"""axe-core in a page that allows no foreign script: injected by the browser itself, so the page's CSP stays strict."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

GRAVE = ("serious", "critical")


def look_with_axe(page: Page) -> None:
    """Let every page that this context opens from now on carry axe-core."""
    page.context.add_init_script(AXE_SCRIPT)


def grave_issues(page: Page) -> list[str]:
    """Return what axe finds serious or critical on the page that is open, a line per rule with its first place."""
    found: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [_line(page, issue) for issue in found["violations"] if issue["impact"] in GRAVE]


def _line(page: Page, issue: dict[str, Any]) -> str:
    first = issue["nodes"][0]
    why = " ".join((first.get("failureSummary") or "").split())[:200]
    return f"{page.url} {issue['id']} x{len(issue['nodes'])}: {first['html'][:160]} ({why})"

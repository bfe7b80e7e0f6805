"""`make screenshots`: the product as `make run` starts it, looked at page by page, kept under docs/screenshots.

Starts it on a free port in a folder of its own, lets agents work on samples, and draws every page in light on a desktop
and the most used ones in dark and on a phone (tests/browser/test_every_page.py looks at all of them in all looks).
Names: <page>-<desktop|phone>-<light|dark>.png
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

BASE = Path(__file__).resolve().parent.parent
FOLDER = BASE / "docs" / "screenshots"
PASSWORD = "practice-only"
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
ADMIN_PAGES = ("people", "policy", "policy-rule", "checkpoints", "erasure", "reviewers")
# Every page in light on a desktop; in the other looks those that people look at all day.
LOOKS = {
    "desktop-dark": ("home", "inbox", "request-approval", "policy"),
    "phone-light": ("home", "inbox", "request-approval", "request-hand-off", "desk", "run"),
    "phone-dark": ("inbox", "request-approval"),
}
WORKFLOWS = ("refunds", "orders", "leads", "tickets")
EVERY_NTH = 3
PAGES = {
    "home": "/",
    "inbox": "/inbox/",
    "inbox-grouped": "/inbox/?alike=1",
    "inbox-others": "/inbox/?tab=others",
    "desk": "/desk/",
    "runs": "/runs/",
    "agents": "/agents/",
    "policy": "/policy/",
    "policy-rule": "/policy/?rule=1",
    "connections": "/connections/",
    "practice": "/practice/",
    "people": "/people/",
    "reviewers": "/reviewers/",
    "audit": "/audit/",
    "checkpoints": "/audit/checkpoints/",
    "erasure": "/audit/erasure/",
    "halts": "/halts/",
    "undo": "/rollback/new/",
    "deliveries": "/deliveries/",
    "notifications": "/profile/notifications/",
    "second-factor": "/accounts/2fa/",
}


def main() -> None:
    """Draw every page; the list of those wider than the phone is the exit message."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with product() as url, sync_playwright() as play:
        for old in FOLDER.glob("*.png"):
            old.unlink()
        browser = play.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        give_work(browser, url)
        wide = [
            line for dark in (False, True) for size in SIZES for line in draw_all(browser, url, size=size, dark=dark)
        ]
        wide += draw_halted(browser, url)
        browser.close()
    sys.exit("\n".join(wide) or None)


@contextmanager
def product() -> Iterator[str]:
    """The running product's address; its folder is thrown away at the end."""
    port, folder = free_port(), tempfile.mkdtemp(prefix="cs-screenshots-")
    environment = {**os.environ, "PORT": str(port), "COUNTERSIGN_DATA": folder, "DEMO_PASSWORD": PASSWORD}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"], cwd=BASE, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def give_work(browser: Browser, url: str) -> None:
    """Send samples of every workflow through the practice company, and wait until the agents are done with them."""
    page = signed_in(browser, url, "operator")
    for workflow in WORKFLOWS:
        page.goto(f"/practice/?workflow={workflow}")
        names = page.locator("#pick-sample option").evaluate_all("found => found.map(option => option.value)")
        for name in names[::EVERY_NTH]:
            page.goto(f"/practice/?workflow={workflow}&sample={name}")
            page.locator("#send-form button:not([type=button])").last.click()
    page.wait_for_timeout(15_000)
    page.context.close()
    decide_some(browser, url)


def decide_some(browser: Browser, url: str) -> None:
    """Approve one request and reject another, so that pages about decisions have something to show."""
    page = signed_in(browser, url, "second-operator")
    page.goto("/inbox/?kind=approval")
    for _ in range(2):
        page.get_by_role("button", name="Approve").first.click()
        page.wait_for_timeout(1500)
    page.screenshot(path=FOLDER / "decided-desktop-light.png")
    page.keyboard.press("r")
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(15_000)
    page.context.close()


def draw_all(browser: Browser, url: str, *, size: str, dark: bool) -> list[str]:
    """Draw the pages of this look once; return the sentences about those that are too wide."""
    person = signed_in(browser, url, "second-operator", size=size, dark=dark)
    admin = signed_in(browser, url, "admin", size=size, dark=dark)
    ending = f"{size}-{'dark' if dark else 'light'}"
    pages = {**PAGES, **details(person)}
    if ending in LOOKS:
        pages = {name: path for name, path in pages.items() if name in LOOKS[ending]}
    found = [draw(admin if name in ADMIN_PAGES else person, name, path, ending) for name, path in pages.items()]
    if ending not in LOOKS:
        door = browser.new_page(base_url=url, viewport=SIZES[size])
        found.append(draw(door, "sign-in", "/accounts/login/", ending))
        door.context.close()
    for page in (person, admin):
        page.context.close()
    return [line for line in found if line]


def draw_halted(browser: Browser, url: str) -> list[str]:
    """Home and inbox while everything is halted."""
    admin = signed_in(browser, url, "admin")
    admin.goto("/#halt")
    admin.get_by_label("Reason, seen by everybody").fill("Refund amounts look wrong since v15.")
    admin.locator("#halt form button").last.click()
    admin.wait_for_url(f"{url}/")
    phone = signed_in(browser, url, "second-operator", size="phone", dark=True)
    found = [draw(admin, "home-halted", "/", "desktop-light"), draw(admin, "inbox-halted", "/inbox/", "desktop-light")]
    found.append(draw(phone, "home-halted", "/", "phone-dark"))
    for page in (admin, phone):
        page.context.close()
    return [line for line in found if line]


def details(page: Page) -> dict[str, str]:
    """A card of each kind, the forms on it, a run, an agent, an event: pages that need something to show."""
    pages: dict[str, str] = {}
    for kind in ("approval", "question", "hand_off", "unknown_outcome"):
        links = links_on(page, f"/inbox/?kind={kind}", "#rows a")
        if links:
            pages[f"request-{kind.replace('_', '-')}"] = links[0]
    if card := pages.get("request-approval"):
        pages |= {"request-edit": f"{card}?do=edit", "request-reject": f"{card}?do=reject", "keys": f"{card}#keys"}
    for link in links_on(page, "/inbox/?tab=settled", "#rows a")[-1:]:
        pages["request-settled"] = link
    for name, listing in (
        ("run", "/runs/?q=refund"),
        ("agent", "/agents/"),
        ("event", "/events/"),
        ("subject", "/subjects/"),
    ):
        base = listing.partition("?")[0]
        links = [
            one for one in links_on(page, listing, f"main a[href^='{base}']") if len(one) > len(base) and "?" not in one
        ]
        if links:
            pages[name] = links[0]
    return pages


def links_on(page: Page, path: str, selector: str) -> list[str]:
    page.goto(path)
    found: list[str] = page.locator(selector).evaluate_all("links => links.map(link => link.getAttribute('href'))")
    return found


def draw(page: Page, name: str, path: str, ending: str) -> str:
    answer = page.goto(path)
    if answer is not None and answer.status >= 400:
        return f"{path} answered {answer.status}"
    page.wait_for_timeout(150)
    page.screenshot(path=FOLDER / f"{name}-{ending}.png", animations="allow", caret="initial")
    width, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    return f"{path} is {width} px wide in {window} px" if width > window else ""


def signed_in(browser: Browser, url: str, name: str, *, size: str = "desktop", dark: bool = False) -> Page:
    context = browser.new_context(base_url=url, viewport=SIZES[size], color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.goto("/accounts/login/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url(f"{url}/")
    return page


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_until_ready(url: str, seconds: float = 240) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise TimeoutError(f"{url} did not answer within {seconds:.0f} s")


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    sys.exit("The screenshots need Chromium and find none. Install it:  apt-get install -y chromium")


if __name__ == "__main__":
    main()

"""What must be true of the files as they lie there."""

import re
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command, get_commands

from config.state_diagrams import with_diagrams

BASE = Path(settings.BASE_DIR)
OURS = ("agents", "approvals", "config", "integrations", "monitoring")
_HTML_MADE_BY_HAND = re.compile(r"\bmark_safe\(|\|\s*safe\b|\{%\s*autoescape off")

_ONE_MACHINE = re.compile(r"/home/\w+|/Users/\w+|/work/|/root/|pypi\.org|pythonhosted|index-url[ =]+http")
_PICTURES = {".png", ".jpg", ".ico", ".woff2"}


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=BASE, capture_output=True, text=True).stdout
    return [BASE / line for line in listed.splitlines() if (BASE / line).exists()]


@pytest.mark.parametrize("name", ["requirements.txt", "dev.txt", "bootstrap.txt", "requirements.in", "dev.in"])
def test_locks_name_no_address(name: str) -> None:
    text = (BASE / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index-url" not in text and "--find-links" not in text


@pytest.mark.parametrize("name", ["requirements.txt", "dev.txt", "bootstrap.txt"])
def test_every_locked_package_has_hashes(name: str) -> None:
    text = (BASE / name).read_text(encoding="utf-8").replace("\\\n", " ")
    packages = [line for line in text.splitlines() if "==" in line]
    assert packages
    assert [line for line in packages if "--hash=sha256:" not in line] == []


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    said = StringIO()
    call_command("makemigrations", check=True, dry_run=True, stdout=said, verbosity=1)
    assert "No changes" in said.getvalue()


def test_no_template_or_code_switches_escaping_off() -> None:
    files = _tracked("templates/*.html", "templates/**/*.html", *(f"{app}/**/*.py" for app in OURS))
    found = [
        str(file.relative_to(BASE)) for file in files if _HTML_MADE_BY_HAND.search(file.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_pages_load_nothing_from_elsewhere() -> None:
    outside = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)\s*=\s*["']?(?:https?:)?//""", re.I)
    found = [
        str(f.relative_to(BASE))
        for f in _tracked("templates/**/*.html")
        if outside.search(f.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    """Home folders, workplaces and package indexes are of one machine; the product must start on any."""
    found = [
        f"{file.relative_to(BASE)}: {hit.group()}"
        for file in _tracked()
        if file.suffix not in _PICTURES and file != Path(__file__)
        for hit in [_ONE_MACHINE.search(file.read_text(encoding="utf-8", errors="replace"))]
        if hit
    ]
    assert found == []


def test_every_command_of_ours_is_tried_by_some_test() -> None:
    """A command that no test names is a command that may not even start. Django's and the libraries' have their own."""
    ours = {name for name, app in get_commands().items() if isinstance(app, str) and app.split(".")[0] in OURS}
    tests = "\n".join(file.read_text(encoding="utf-8") for file in _tracked("tests/**/*.py"))
    assert sorted(name for name in ours if not re.search(rf"""["'/ ]{name}\b""", tests)) == []


def test_no_file_is_left_by_an_editor_or_a_tool() -> None:
    assert _tracked("*.orig", "*.rej", "*.pyc", "*.sqlite3", ".env") == []


def test_state_diagrams_are_what_the_code_allows() -> None:
    call_command("draw_states", check=True)


def test_a_move_that_is_not_drawn_is_noticed() -> None:
    text = "<!-- states: x -->\n<!-- end -->\n"
    drawn = with_diagrams(text, {"x": {"open": ["closed"], "closed": []}})
    assert "open --> closed" in drawn and "closed --> [*]" in drawn
    assert with_diagrams(drawn, {"x": {"open": ["closed", "lost"], "closed": []}}) != drawn

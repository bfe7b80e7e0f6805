"""What no template may hold, because the content policy refuses it or because it would act on foreign text."""

import hashlib
import re
from pathlib import Path

import pytest
from django.template import Origin
from django.template.loader import get_template

BASE = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((BASE / "templates").rglob("*.html"))
FORBIDDEN = {
    "an inline style": re.compile(r"\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "an inline script": re.compile(r"<script(?![^>]*\ssrc=)(?![^>]*type=\"application/json\")", re.IGNORECASE),
    "an event attribute": re.compile(r"\son[a-z]+\s*=", re.IGNORECASE),
    "htmx that needs eval": re.compile(r"hx-on|hx-vals=.?js:|hx-trigger=\"[^\"]*\["),
    "a javascript address": re.compile(r"javascript:", re.IGNORECASE),
    "|safe": re.compile(r"\|\s*safe\b"),
    "autoescape off": re.compile(r"autoescape\s+off"),
}


def name_of(path: Path) -> str:
    return str(path.relative_to(BASE / "templates"))


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_holds_nothing_that_the_policy_refuses(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [what for what, pattern in FORBIDDEN.items() if pattern.search(text)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_a_template_compiles(path: Path) -> None:
    found = get_template(name_of(path)).origin
    assert isinstance(found, Origin) and Path(found.name) == path


def test_htmx_may_not_evaluate_or_remember() -> None:
    shell = (BASE / "templates" / "base.html").read_text(encoding="utf-8")
    for setting in (
        '"allowEval":false',
        '"selfRequestsOnly":true',
        '"allowScriptTags":false',
        '"historyCacheSize":0',
        '"includeIndicatorStyles":false',
    ):
        assert setting in shell


def test_vendor_files_are_the_ones_that_were_looked_at() -> None:
    folder = BASE / "static" / "vendor"
    rows = [
        line.split(" | ") for line in (folder / "VERSIONS.txt").read_text().splitlines() if not line.startswith("#")
    ]
    assert {row[0] for row in rows} == {path.name for path in folder.iterdir() if path.name != "VERSIONS.txt"}
    for name, _package, version, licence, digest, *_ in rows:
        assert version and licence
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


def test_every_icon_that_is_used_exists() -> None:
    known = set(re.findall(r'<symbol id="([a-z]+)"', (BASE / "static" / "img" / "icons.svg").read_text()))
    used = {name for path in TEMPLATES for name in re.findall(r'{% icon "([a-z]+)"', path.read_text(encoding="utf-8"))}
    code = "".join(path.read_text() for path in (BASE / "agents").glob("*.py"))
    used |= set(re.findall(r'icon="([a-z]+)"', code))
    assert used <= known

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env


@pytest.mark.parametrize(("raw", "wanted"), [("1", True), ("yes", True), ("0", False), ("off", False), ("", True)])
def test_boolean_takes_plain_words(monkeypatch: pytest.MonkeyPatch, raw: str, wanted: bool) -> None:
    monkeypatch.setenv("DEMO", raw)
    assert env.boolean("DEMO", True) is wanted


def test_boolean_refuses_a_typing_error_instead_of_taking_it_for_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO", "ture")
    with pytest.raises(ImproperlyConfigured, match="Set DEMO to 1 or 0"):
        env.boolean("DEMO", True)


@pytest.mark.parametrize("raw", ["99999", "-1", "8000.5", "80OO", "0x50"])
def test_integer_out_of_bounds_stops_the_start_and_says_the_bounds(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("PORT", raw)
    with pytest.raises(ImproperlyConfigured, match="Set PORT to a whole number from 1 to 65535"):
        env.integer("PORT", 8000, low=1, high=65535)


def test_secret_may_begin_with_a_dollar_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_PASSWORD", "$HOME")
    assert env.secret("API_PASSWORD") == "$HOME"


def test_secret_from_file_loses_its_last_line_break_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(" two words \n")
    monkeypatch.setenv("SOME_KEY_FILE", str(tmp_path / "key"))
    assert env.secret("SOME_KEY") == " two words "


def test_secret_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY_FILE", "/nowhere/key")
    with pytest.raises(ImproperlyConfigured, match="Set SOME_KEY_FILE to a file that can be read; /nowhere/key"):
        env.secret("SOME_KEY")


def test_database_on_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app@/countersign?host=/data/run")
    found = env.database("DATABASE_URL", "")
    assert (found["HOST"], found["USER"], found["NAME"]) == ("/data/run", "app", "countersign")


def test_database_with_password_and_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://app:p%40ss@db.internal:6432/cs?sslmode=require")
    found = env.database("DATABASE_URL", "")
    assert (found["HOST"], found["PORT"], found["PASSWORD"]) == ("db.internal", 6432, "p@ss")
    assert found["OPTIONS"]["sslmode"] == "require"


def test_wrong_database_url_is_refused_without_showing_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://app:verysecret@db/cs")
    with pytest.raises(ImproperlyConfigured) as caught:
        env.database("DATABASE_URL", "")
    assert "postgresql://" in str(caught.value)
    assert "verysecret" not in str(caught.value)


@pytest.mark.parametrize("raw", ["example.com", "ftp://a", "https://a/path", "https://user@a", "https://a?x=1"])
def test_public_address_must_be_an_origin(monkeypatch: pytest.MonkeyPatch, raw: str) -> None:
    monkeypatch.setenv("PUBLIC_URL", raw)
    with pytest.raises(ImproperlyConfigured, match="Set PUBLIC_URL"):
        env.web_address("PUBLIC_URL", "")

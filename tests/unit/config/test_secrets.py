from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from config.secrets import SecretMissing, as_stored, credential_id, describe, resealed, reveal, seal

CANARY = "canary-7f3a"


@pytest.fixture
def keys(settings: Settings) -> list[str]:
    settings.SECRET_KEYS = (Fernet.generate_key().decode(),)
    return list(settings.SECRET_KEYS)


def test_sealed_secret_when_revealed_is_the_same_and_unreadable_at_rest(keys: list[str]) -> None:
    stored = seal(CANARY)
    assert CANARY not in stored
    assert reveal(stored) == CANARY


def test_sealed_secret_when_key_is_rotated_still_opens_and_is_resealed_with_the_new_key(
    keys: list[str], settings: Settings
) -> None:
    stored, new = seal(CANARY), Fernet.generate_key().decode()
    settings.SECRET_KEYS = (new, *keys)
    again = resealed(stored)
    settings.SECRET_KEYS = (new,)
    assert reveal(again) == CANARY
    with pytest.raises(SecretMissing, match="SECRET_KEYS"):
        reveal(stored)


def test_environment_secret_when_not_listed_is_refused(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("SHOP_TOKEN", CANARY)
    settings.SECRET_NAMES = ()
    with pytest.raises(SecretMissing, match="SECRET_NAMES does not list SHOP_TOKEN") as caught:
        reveal("env:SHOP_TOKEN")
    assert CANARY not in str(caught.value)


def test_environment_secret_when_listed_is_read(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setenv("SHOP_TOKEN", CANARY)
    settings.SECRET_NAMES = ("SHOP_TOKEN",)
    assert reveal("env:SHOP_TOKEN") == CANARY
    monkeypatch.delenv("SHOP_TOKEN")
    with pytest.raises(SecretMissing, match="Set it"):
        reveal("env:SHOP_TOKEN")


def test_file_secret_when_below_the_folder_is_read_without_its_line_break(tmp_path: Path, settings: Settings) -> None:
    settings.SECRETS_DIR = str(tmp_path)
    (tmp_path / "shop").write_text(f"{CANARY}\n")
    assert reveal("file:shop") == CANARY


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "sub/shop", "link", ".hidden", "", "a\x00b"])
def test_file_secret_when_it_leads_out_of_the_folder_is_refused(name: str, tmp_path: Path, settings: Settings) -> None:
    inside = tmp_path / "secrets"
    (inside / "sub").mkdir(parents=True)
    (inside / "sub" / "shop").write_text(CANARY)
    (tmp_path / "outside").write_text(CANARY)
    (inside / "link").symlink_to(tmp_path / "outside")
    settings.SECRETS_DIR = str(inside)
    with pytest.raises(SecretMissing):
        reveal(f"file:{name}")


@pytest.mark.parametrize("stored", ["", "plain text", "enc:", "enc:garbage", "env:", "file:missing"])
def test_reveal_when_nothing_usable_is_stored_says_what_to_do(
    stored: str, keys: list[str], tmp_path: Path, settings: Settings
) -> None:
    settings.SECRETS_DIR = str(tmp_path)
    with pytest.raises(SecretMissing) as caught:
        reveal(stored)
    assert caught.value.message.endswith(".")


def test_typed_secret_is_sealed_and_a_reference_is_kept(keys: list[str]) -> None:
    assert as_stored(" env:SHOP_TOKEN ") == "env:SHOP_TOKEN"
    assert as_stored("") == ""
    assert reveal(as_stored(CANARY)) == CANARY
    # A pasted ciphertext is a secret like any other, never somebody else's row.
    assert reveal(as_stored(seal("other"))) != "other"


def test_descriptions_and_ids_never_hold_the_secret(keys: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", CANARY)
    for stored in (seal(CANARY), "env:SHOP_TOKEN", "file:shop", ""):
        assert CANARY not in describe(stored) + credential_id(stored)
    assert credential_id(seal(CANARY)) != credential_id(seal(CANARY))


def test_the_key_of_the_audit_trail_is_nobodys_credential(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """An admin who could have it sent to a system of their own could sign a trail that never was."""
    (tmp_path / "audit.key").write_text(CANARY)
    (tmp_path / "other.key").write_text("harmless")
    (tmp_path / "alias").symlink_to(tmp_path / "audit.key")
    settings.SECRETS_DIR, settings.AUDIT_KEY = str(tmp_path), f"file:{tmp_path / 'audit.key'}"
    for name in ("audit.key", "alias"):
        with pytest.raises(SecretMissing, match="signs the audit trail"):
            reveal(f"file:{name}")
    assert reveal("file:other.key") == "harmless"
    monkeypatch.setenv("SEAL", CANARY)
    settings.SECRET_NAMES, settings.AUDIT_KEY = ("SEAL",), "env:SEAL"
    with pytest.raises(SecretMissing, match="signs the audit trail"):
        reveal("env:SEAL")

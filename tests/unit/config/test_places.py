import json
from pathlib import Path

import pytest

from config.embedded.places import LONGEST_SOCKET_FOLDER, Places, fill_environment


def test_sockets_of_a_deep_data_folder_get_a_short_path() -> None:
    deep = Places(Path("/" + "/".join(["a-long-folder-name"] * 8)))
    assert len(str(deep.sockets)) <= LONGEST_SOCKET_FOLDER
    assert deep.sockets != Places(Path("/" + "/".join(["another-folder-name"] * 8))).sockets


def test_what_is_set_wins_over_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Places(tmp_path)
    here.keys.mkdir()
    here.environment.write_text(json.dumps({"SECRET_KEY": "kept", "PRACTICE_TOKEN": "kept"}))
    monkeypatch.setenv("COUNTERSIGN_DATA", str(tmp_path))
    environment = {"SECRET_KEY": "given", "REDIS_URL": "redis://elsewhere/0"}
    fill_environment(environment)
    assert environment["SECRET_KEY"] == "given"
    assert environment["PRACTICE_TOKEN"] == "kept"
    assert environment["REDIS_URL"] == "redis://elsewhere/0"
    assert str(tmp_path) in environment["DATABASE_URL"]


def test_a_damaged_file_of_keys_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Places(tmp_path)
    here.keys.mkdir()
    here.environment.write_text("{half")
    monkeypatch.setenv("COUNTERSIGN_DATA", str(tmp_path))
    environment: dict[str, str] = {}
    fill_environment(environment)
    assert set(environment) == {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"}

"""A public address switches the strict start on: what is missing is said, and nothing is served."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings

BASE = Path(settings.BASE_DIR)
KEY = "2Xd8Y0cqHnXcWcZlW2Zk1l7m0sVbq3yqv3o1k6tQb1E="


def _manage(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept: dict[str, Any] = {n: v for n, v in os.environ.items() if n in ("PATH", "HOME", "DATABASE_URL", "REDIS_URL")}
    own = {"COUNTERSIGN_DATA": "/nowhere", "PUBLIC_URL": "https://countersign.example.com"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=BASE, env=kept | own | environment, capture_output=True, text=True, timeout=60
    )


def test_public_start_without_keys_is_refused_with_what_to_set() -> None:
    done = _manage("manage.py", "web")
    assert done.returncode == 1
    assert "SECRET_KEY is not set" in done.stderr and "SECRET_KEYS holds no key" in done.stderr
    assert "Traceback" not in done.stderr


def test_public_installation_with_its_keys_passes_the_check() -> None:
    done = _manage("manage.py", "check", "--deploy", "--fail-level", "ERROR", SECRET_KEY="x" * 60, SECRET_KEYS=KEY)
    assert done.returncode == 0, done.stderr


def test_public_cookies_are_bound_to_the_host_and_to_tls() -> None:
    names = (
        "SESSION_COOKIE_NAME",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_NAME",
        "CSRF_COOKIE_SECURE",
        "SECURE_HSTS_SECONDS",
    )
    code = f"import django; from django.conf import settings as s; print([getattr(s, n) for n in {names}])"
    done = _manage("-c", f"import os; os.environ['DJANGO_SETTINGS_MODULE']='config.settings'\n{code}")
    assert done.stdout.strip() == "['__Host-session', True, '__Host-csrf', True, 31536000]", done.stderr


def test_wrong_setting_is_a_sentence() -> None:
    done = _manage("manage.py", "web", PORT="eighty")
    assert done.returncode == 1
    assert "Countersign cannot start: Set PORT to a whole number from 1 to 65535; 'eighty' is not one." in done.stderr


def test_wrong_setting_is_a_sentence_for_every_other_command_too() -> None:
    done = _manage("manage.py", "migrate", REDIS_URL="http://redis")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "manage.py migrate: Set REDIS_URL to a URL such as redis://host:6379/0; the value it has is not one."
    )

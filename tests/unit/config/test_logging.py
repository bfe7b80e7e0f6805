import pytest

from config.logging import HIDDEN, redact, redacted_text


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer CANARY-123456789",
        "https://user:CANARY-1@host/path",
        "api_key=CANARY-123456789&x=1",
        '{"password": "CANARY-12345"}',
        "the key is sk-CANARY1234567890",
        "whsec_CANARYCANARYCANARY",
    ],
)
def test_secret_in_a_text_is_hidden(text: str) -> None:
    assert "CANARY" not in redacted_text(text)


def test_secret_under_a_telling_name_is_hidden_at_any_depth() -> None:
    event = {"event": "call", "headers": {"X-Api-Key": "CANARY", "Accept": "json"}, "list": [{"token": "CANARY"}]}
    cleaned = redact(None, "info", event)
    assert cleaned["headers"] == {"X-Api-Key": HIDDEN, "Accept": "json"}
    assert "CANARY" not in str(cleaned)


def test_plain_text_stays_as_it_is() -> None:
    assert redacted_text("run 12 waits for a person: refund 640 EUR") == "run 12 waits for a person: refund 640 EUR"

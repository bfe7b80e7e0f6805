"""One line per event with the request's or the run's id on it, and no secret in any of them."""

import logging.config
import re
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[hidden]"
_SECRET_NAMES = re.compile(
    r"(?i)(password|passwd|secret|token(?!s)|api[_-]?key|authorization|cookie|credential|signature)"
)
_SECRET_TEXTS = (
    re.compile(r"(?i)(bearer\s+)[^\s\"',;]{6,}"),
    re.compile(r"(?i)((?:api[_-]?key|token|secret|password)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]{4,}"),
    re.compile(r"(?i)(://[^/\s:@]*:)[^@/\s]+(?=@)"),
    re.compile(r"()\b(?:sk-|whsec_|xox[abp]-)[A-Za-z0-9_\-+/=]{8,}"),
)


def configure(settings: Mapping[str, Any]) -> None:
    """Apply Django's LOGGING and point structlog at the same handlers."""
    logging.config.dictConfig(dict(settings))
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def logging_settings(*, level: str, as_json: bool) -> dict[str, Any]:
    """Return the dictConfig: everything to stderr, in lines for people or as JSON."""
    renderer: Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": _formatter, "renderer": renderer}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            "rq.worker": {"handlers": [], "level": "WARNING", "propagate": True},
            "httpx2": {"level": "WARNING"},
            "gunicorn.error": {"handlers": [], "propagate": True},
        },
    }


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Return the event without what looks like a secret, by the name of its field or by its text."""
    return {name: HIDDEN if _SECRET_NAMES.search(name) else _clean(value) for name, value in event.items()}


def redacted_text(text: str) -> str:
    """Return a text without tokens, passwords and keys."""
    for pattern in _SECRET_TEXTS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return text


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, Mapping):
        return {key: HIDDEN if _SECRET_NAMES.search(str(key)) else _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.UnicodeDecoder(),
    ]


def _formatter(renderer: Processor) -> structlog.stdlib.ProcessorFormatter:
    # Redaction comes after the traceback became text: an exception's message may quote what it was given.
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
    )

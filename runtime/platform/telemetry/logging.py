"""Structured logs on standard error: one JSON object per line, with what looks like a secret blotted out."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import orjson
import structlog

__all__ = ["configure", "get_logger", "redact"]

BLOT: Final = "[redacted]"
# Names under which secrets travel. `Idempotency-Key` and the like are not secrets: only whole words count.
SECRET_NAME: Final = re.compile(
    r"(?i)(^|[_\-.])(pass(word|wd|phrase)?|secret|token|authorization|cookie|credentials?|api[_\-]?key|apikey|"
    r"private[_\-]?key|master[_\-]?key|access[_\-]?key|dsn|database[_\-]?url|client[_\-]?secret)([_\-.]|$)"
)
# Shapes that are secret wherever they stand: bearer tokens, our own keys, user:password in an address, vendor keys.
SECRET_TEXT: Final = re.compile(
    r"(?i)\b(?:bearer|basic)\s+[\w\-.~+/=]{8,}|\bt8_[\w.\-]+_[0-9a-f]{48}\b|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|\b(?:sk|pk|rk|ghp|xox[abp]|hvs|s)[-_.][\w\-]{20,}"
)


def redact(value: Any, *, depth: int = 8) -> Any:
    """The same JSON value with secrets blotted out, by name of the key and by shape of the text."""
    if isinstance(value, str):
        return SECRET_TEXT.sub(BLOT, value)
    if depth == 0:
        return BLOT if isinstance(value, dict | list | tuple) else value
    if isinstance(value, dict):
        return {
            key: BLOT if isinstance(key, str) and SECRET_NAME.search(key) else redact(inner, depth=depth - 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(inner, depth=depth - 1) for inner in value]
    return value


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog's processor signature around `redact`."""
    return {key: BLOT if key != "event" and SECRET_NAME.search(key) else redact(value) for key, value in event.items()}


def _to_json(event: Any, **_: Any) -> str:
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()


def configure(level: str = "info") -> None:
    """Send structlog and the standard library's loggers to standard error as JSON lines at this level and above."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    structlog.configure(
        processors=[*shared[:4], structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared[:4], structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *shared[4:],
                structlog.processors.JSONRenderer(serializer=_to_json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its INFO line has the whole URL, query string included


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger; bind tenant, run and step with `structlog.contextvars.bind_contextvars`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger

"""Structured logs on standard error: one JSON object per line, with what looks like a secret masked."""

import logging
import sys
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any

import orjson
import structlog

from schemas.redact import MASK, is_secret_name, redact_json
from schemas.task import Task
from schemas.trace_ids import step_span_id, trace_id

__all__ = ["begin_context", "bind_context", "configure", "get_logger", "task_context"]


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask secrets in a line, as a structlog processor."""
    return {key: MASK if is_secret_name(key) else redact_json(value) for key, value in event.items()}


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
    """Return a logger. Its lines carry the facts that are bound in their context: a request's tenant and run, a task's step."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def begin_context() -> None:
    """Drop the facts of the context: a request begins, perhaps on the asyncio task of an earlier one."""
    structlog.contextvars.clear_contextvars()


def bind_context(**facts: str) -> None:
    """Add facts (`tenant`, `workflow_id`) to every later line of this asyncio task and of those that it starts. A run brings its
    `trace_id`.
    """
    if workflow_id := facts.get("workflow_id"):
        facts["trace_id"] = trace_id(workflow_id)
    structlog.contextvars.bind_contextvars(**facts)


def task_context(task: Task) -> AbstractContextManager[None]:
    """Return a context manager: lines written in it carry tenant, run (`workflow_id`), trace, step and attempt of a task."""
    meta = task["meta"]
    run, step = meta["execution_id"], task["step"]["name"]
    return structlog.contextvars.bound_contextvars(
        tenant=meta["tenant"],
        workflow_id=run,
        trace_id=trace_id(run),
        span_id=step_span_id(run, step, task["run_index"]),
        step=step,
        attempt=task.get("attempt", 1),
    )

"""One key per outgoing request of a task, the same on every attempt."""

import hashlib
import json

from schemas.task import Task

__all__ = ["idempotency_key"]


def idempotency_key(task: Task, item: int) -> str:
    """Return the key of the task's next request for input item `item`: a hash of chain, step, iteration, item, the request's
    ordinal, and for a tool which call of the model it answers.
    """
    meta = task["meta"]
    ordinals: dict[int, int] = meta.setdefault("ordinals", {})
    ordinal = ordinals[item] = ordinals.get(item, -1) + 1
    run = (meta.get("chain_id") or meta["execution_id"], task["step"]["name"], task["run_index"])
    parts = (*run, item, ordinal, task.get("method", ""), task.get("call", ""))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

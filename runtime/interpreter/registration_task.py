"""The task by which a trigger is registered at its vendor: it runs where steps run, with the credential of its step."""

from collections.abc import Mapping
from typing import Any, Final

from schemas.plan import Kind, Step
from schemas.task import Task

__all__ = ["registration_task"]

METHOD: Final = "register"


def registration_task(step: Step, tenant: str, execution_id: str, payload: Mapping[str, Any], now: float) -> Task:
    """Return the task that calls `register` of a trigger.

    Args:
        step: the trigger; its parameters are constants.
        tenant: whose credential is used.
        execution_id: under which the use of the credential is recorded.
        payload: see `runtime.integrations.triggers.registration.register`.
        now: milliseconds since the epoch.
    """
    return {
        "step": step.model_dump(mode="json") | {"kind": str(Kind.ACTIVITY), "expressions": []},
        "inputs": [],
        "source": [],
        "run_index": 0,
        "columns": [],
        "memory": {},
        "method": METHOD,
        "payload": dict(payload),
        "meta": {
            "tenant": tenant,
            "execution_id": execution_id,
            "workflow": {"id": payload["workflow_id"], "name": "", "active": True},
            "timezone": "UTC",
            "mode": "trigger",
            "now": now,
            "seed": 0,
            "connected_outputs": 0,
            "parents": [],
        },
    }

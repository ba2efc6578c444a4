"""Runs whose workflow limits how many of them go on at a time: a place in the queue, and the wait for a turn."""

import contextlib
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from temporalio import workflow

from runtime.hosts.temporal.host import TemporalHost
from runtime.hosts.temporal.timeouts import CRASH_RETRY, LOCAL_ACTIVITY_TIMEOUT
from runtime.interpreter.execution import Execution
from schemas import names
from schemas.kinds import Mode
from schemas.outcome import Finished
from schemas.plan import Plan
from schemas.run import StartInput

__all__ = ["in_turn"]

MAX_TURN_POLL_SECONDS: Final = 30.0
"""A waiting run asks for its turn again after this long, in case the signal of a run that ended was lost."""


async def in_turn(host: TemporalHost, execution: Execution, finish: Callable[[], Awaitable[Finished]]) -> Finished:
    """Run `finish` when it is the run's turn, and give the place back whatever happens."""
    place = _place(execution.plan, host.start)
    if place is None:
        return await finish()
    try:
        if not (host.start.carried or {}).get("turn"):
            await _wait(host, execution, place)
        host.turn = True
        finished = await finish()
    except workflow.ContinueAsNewError:  # the place goes along
        raise
    except BaseException:
        await _slot(names.GIVE_SLOT_BACK, place)
        raise
    await _slot(names.GIVE_SLOT_BACK, place)
    return finished


def _place(plan: Plan, start: StartInput) -> dict[str, Any] | None:
    """The place in the queue of the run's workflow. Sub-workflows, tests and error workflows need none, as in n8n."""
    limit = plan.settings.concurrency
    if limit is None or start.depth or start.mode in (Mode.MANUAL, Mode.ERROR):
        return None
    key = start.template
    if limit.key is not None:
        value: Any = start.items[0].get("json") if start.items else None
        for name in limit.key.keys:
            value = _member(value, name)
        text = json.dumps(value, sort_keys=True)
        key = f"{key}:{hashlib.sha256(text.encode()).hexdigest()}"
    return {"tenant": start.tenant, "key": key, "workflow_id": workflow.info().workflow_id, "limit": limit.limit}


async def _wait(host: TemporalHost, execution: Execution, place: dict[str, Any]) -> None:
    pause = 1.0
    began = host.now()
    while True:
        host.called = False
        if await _slot(names.TAKE_SLOT, place):
            execution.active = None
            return
        execution.active = {
            "node": host.start.start or "", "run": 0, "attempt": 1, "started": began, "waiting": True,
            "reason": {"for": "turn"},
        }  # fmt: skip
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(lambda: host.called, timeout=pause)
        pause = min(MAX_TURN_POLL_SECONDS, 2 * pause)


async def _slot(activity: str, place: dict[str, Any]) -> Any:
    return await workflow.execute_local_activity(
        activity, place, start_to_close_timeout=LOCAL_ACTIVITY_TIMEOUT, retry_policy=CRASH_RETRY
    )


def _member(value: Any, name: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    return value[name] if isinstance(value, list) and isinstance(name, int) and 0 <= name < len(value) else None

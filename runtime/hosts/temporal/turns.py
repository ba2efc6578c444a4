"""Runs of which only so many go on at a time, by their workflow's settings or by the tenant's limit: a place in each queue, and
the wait for a turn.
"""

import contextlib
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from temporalio import workflow

from runtime.hosts.temporal.host import TemporalHost
from runtime.interpreter.border import hand_out
from runtime.interpreter.execution import Execution
from schemas import names
from schemas.kinds import Mode
from schemas.outcome import Finished
from schemas.plan import Concurrency, Plan
from schemas.run import StartInput

__all__ = ["in_turn"]

TENANT_KEY: Final = "*"
"""Names the queue of a tenant; no template has this key."""
MAX_TURN_POLL_SECONDS: Final = 30.0
"""A waiting run asks for its turn again after this long, in case the signal of a run that ended was lost."""


async def in_turn(host: TemporalHost, execution: Execution, finish: Callable[[], Awaitable[Finished]]) -> Finished:
    """Run `finish` when it is the run's turn, and give the place back whatever happens."""
    places = _places(execution.plan, host.start)
    if not places:
        return await finish()
    try:
        if not (host.start.carried or {}).get("turn"):
            for place in places:
                await _wait(host, execution, place)
        host.turn = True
        finished = await finish()
    except workflow.ContinueAsNewError:  # the places go along
        raise
    except BaseException:
        await _leave(host, places)
        raise
    await _leave(host, places)
    return finished


async def _leave(host: TemporalHost, places: Sequence[dict[str, Any]]) -> None:
    for place in places:
        await _slot(host, names.GIVE_SLOT_BACK, place)


def _places(plan: Plan, start: StartInput) -> list[dict[str, Any]]:
    """Return the run's places, in the order in which every run takes them: who has the tenant's waits for no other.

    Sub-workflows, tests and error workflows need none, as in n8n: a run that waits for its child would wait for itself.
    """
    if start.depth or start.mode in (Mode.MANUAL, Mode.ERROR):
        return []
    of_run = {"tenant": start.tenant, "workflow_id": workflow.info().workflow_id}
    places = []
    if (limit := plan.settings.concurrency) is not None:
        places.append({**of_run, "key": _key(limit, start), "limit": limit.limit})
    if start.tenant_limit is not None:
        places.append({**of_run, "key": TENANT_KEY, "limit": start.tenant_limit})
    return places


def _key(limit: Concurrency, start: StartInput) -> str:
    """Return the name of the queue of a workflow's runs, or of those with the same value in their first item."""
    key = start.template
    if limit.key is not None:
        value: Any = start.items[0].get("json") if start.items else None
        for name in limit.key.keys:
            value = _member(value, name)
        text = json.dumps(value, sort_keys=True)
        key = f"{key}:{hashlib.sha256(text.encode()).hexdigest()}"
    return key


async def _wait(host: TemporalHost, execution: Execution, place: dict[str, Any]) -> None:
    pause = 1.0
    began = host.now()
    while True:
        host.called = False
        if await _slot(host, names.TAKE_SLOT, place):
            execution.active = None
            return
        execution.active = {
            "node": host.start.start or "", "run": 0, "attempt": 1, "started": began, "waiting": True,
            "reason": {"for": "turn"},
        }  # fmt: skip
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(lambda: host.called, timeout=pause)
        await host.begin_anew()
        pause = min(MAX_TURN_POLL_SECONDS, 2 * pause)


async def _slot(host: TemporalHost, activity: str, place: dict[str, Any]) -> Any:
    return await host.local.finish(activity, hand_out(place, "", None))


def _member(value: Any, name: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    return value[name] if isinstance(value, list) and isinstance(name, int) and 0 <= name < len(value) else None

"""Runs the code of Code, Function and Function Item nodes."""

import asyncio
import gc
import json
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, Final

import orjson

from runtime.confinement.priority import LONG_RUN_SECONDS, lower_priority
from runtime.contract import Items, NodeError
from runtime.contract.capabilities.code import LIBRARY, Helpers
from runtime.sandbox.calls import Calls, calls_of
from runtime.sandbox.child_process import ChildLost, ChildProcess
from runtime.sandbox.failures import SandboxLimitError, crashed, out_of_memory, timed_out, too_many_items
from runtime.sandbox.limits import CodeLimits
from runtime.sandbox.pool import IDLE_CHILD_WAIT_SECONDS, MAX_BUSY_CHILDREN, ChildPool, pool_for
from runtime.sandbox.tenant_slots import TenantSlots
from runtime.values.json_bytes import MAX_DOCUMENT_DEPTH, is_deeper
from schemas.item import MAX_NESTING
from schemas.run import MAX_ITEMS

LONG_ANSWER: Final = 100_000
"""Characters of an answer of a child that takes the event loop for noticeably long."""
MAX_REQUEST_SECONDS: Final = 45.0
"""Seconds that all requests of one run may take together: with the code's own time less than a local activity has."""


class CodeRunner:
    """The sandboxes of a host. Children are shared by all runners of a process and start at first use.

    Args:
        limits: of each run.
        slots: how many runs there are at a time, of both languages, and how many of one tenant.
    """

    def __init__(self, limits: CodeLimits | None = None, slots: TenantSlots | None = None) -> None:
        self.limits = limits or CodeLimits()
        self.slots = slots or TenantSlots(MAX_BUSY_CHILDREN)

    async def run(
        self,
        task: Mapping[str, Any],
        language: str,
        code: str,
        mode: str,
        *,
        items: Items | None = None,
        continue_on_fail: bool = False,
        helpers: Helpers | None = None,
        patience: float | None = None,
    ) -> dict[str, Any]:
        """Run code for a task's tenant over its snapshot; see `runtime.contract.capabilities.code`. It waits for a slot for as
        many seconds as `patience` says; None: until there is one.

        Raises:
            NodeError: a limit is hit.
            SlotsTaken: there was no slot, since the tenant's other runs hold what it may have.
        """
        snapshot = task.get("snapshot") or {}
        owner = task.get("meta", {}).get("tenant", "")
        async with self.slots.hold(owner, patience):
            if language == "python":
                from runtime.sandbox.python import run_python  # noqa: PLC0415 - starts its own worker process

                return await run_python(
                    code,
                    mode=mode,
                    snapshot=snapshot,
                    limits=self.limits,
                    items=items,
                    continue_on_fail=continue_on_fail,
                )
            return await self.javascript(
                code,
                mode=mode,
                snapshot=snapshot,
                items=items,
                continue_on_fail=continue_on_fail,
                owner=owner,
                helpers=helpers,
            )

    async def javascript(
        self,
        code: str,
        *,
        mode: str,
        snapshot: Mapping[str, Any],
        items: Items | None = None,
        continue_on_fail: bool = False,
        owner: str = "",
        helpers: Helpers | None = None,
    ) -> dict[str, Any]:
        """Run code over a snapshot (see scope.js).

        `mode`: 'all', 'each', 'function', 'functionItem', 'sort' or LIBRARY. `items`: the input, where it is not all that the snapshot has
        (Execute Once). `owner`: whose code it is, since code of one owner may meet what earlier code of the same owner
        left in memory, and of no other. `helpers`: what `this.helpers` reaches. Raise NodeError when a limit
        is hit.
        """
        if items is not None:
            snapshot = {**snapshot, "items": items}
        job = {
            "code": code,
            "mode": "function" if mode == LIBRARY else mode,
            "isLibrary": mode == LIBRARY,
            "continueOnFail": continue_on_fail,
            "maxItems": MAX_ITEMS,
            "snapshot": snapshot,
        }
        state = await self._run(owner, _dumps(job), calls_of(helpers) if helpers is not None else {})
        if "done" not in state:
            raise self._refused(state)
        result = state["done"]
        return {
            "value": {"outcomes": result["outcomes"]},
            "static_data": result.get("staticData"),
            "custom_data": result.get("customData"),
            "logs": result["logs"],
        }

    async def close(self) -> None:
        """End the children that wait."""
        await asyncio.to_thread(pool_for(self.limits).close)

    async def _run(self, owner: str, job: str, calls: Calls) -> dict[str, Any]:
        """Run a job, and once more when its process died of something else than its limits: code that has asked for nothing outside
        can begin anew.
        """
        until = asyncio.get_running_loop().time() + self.limits.seconds
        try:
            return await self._attempt(owner, job, calls, until)
        except ChildLost as lost:
            if lost.reason not in ("abort", "crash") or lost.asked:
                raise self._error(lost) from lost
        try:
            return await self._attempt(owner, job, calls, until)
        except ChildLost as lost:
            raise self._error(lost, again=True) from lost

    async def _attempt(self, owner: str, job: str, calls: Calls, until: float) -> dict[str, Any]:
        """Run a job in a child, until a time of the event loop. Raise ChildLost."""
        pool = pool_for(self.limits)
        child = await _take_child(pool, owner)
        loop, long = asyncio.get_running_loop(), asyncio.Event()

        def give_way() -> None:
            long.set()
            lower_priority(child.pid)

        timers = (
            loop.call_later(IDLE_CHILD_WAIT_SECONDS, pool.note_slow, child),
            loop.call_later(LONG_RUN_SECONDS, give_way),
        )
        try:
            state = await self._converse(pool, child, f"{owner}\n{job}", calls, until)
        except BaseException as error:
            pool.lose(child)
            if isinstance(error, TimeoutError):
                raise timed_out(self.limits) from error
            raise
        finally:
            for timer in timers:
                timer.cancel()
        if long.is_set():
            pool.lose(child)
        else:
            pool.give_back(owner, child)
        return state

    async def _converse(
        self, pool: ChildPool, child: ChildProcess, text: str, calls: Calls, until: float
    ) -> dict[str, Any]:
        """Exchange frames until the run is over."""
        loop = asyncio.get_running_loop()
        kind, asked = "R", False
        async with asyncio.timeout(until - loop.time() + MAX_REQUEST_SECONDS):
            while True:
                left = until - loop.time()
                try:
                    kind, text = await loop.run_in_executor(pool.threads, child.exchange, kind, text, left)
                except ChildLost as lost:
                    lost.asked = asked
                    raise
                if kind == "D":
                    return _loads(text)
                if kind != "C":
                    child.kill()
                    raise ChildLost("memory" if kind == "M" else "failure", text)
                call_began, asked = loop.time(), True
                kind, text = "A", _dumps(await _answer(_loads(text)["calls"], calls))
                until += loop.time() - call_began

    def _error(self, lost: ChildLost, *, again: bool = False) -> NodeError:
        """Return the error of a step whose child is gone; `again`: for the second time."""
        if lost.reason == "time":
            return timed_out(self.limits)
        if lost.reason == "memory" or (lost.reason == "abort" and again):
            return out_of_memory(self.limits)
        return crashed(f"Its process ended before the code did: {lost.detail}")

    def _refused(self, state: Mapping[str, Any]) -> NodeError:
        if "tooMany" in state:
            return too_many_items(int(state["tooMany"]))
        if "tooLarge" in state:
            return SandboxLimitError(f"The code returned more than {self.limits.output_mb} MB")
        return NodeError("The code never finishes", description="It waits for a promise that nothing will ever settle.")


async def _take_child(pool: ChildPool, owner: str) -> ChildProcess:
    taking = pool.takers.submit(pool.take, owner)
    try:
        return await asyncio.wrap_future(taking)
    except BaseException:  # cancelled, or dropped with its event loop

        def return_it(future: Future[ChildProcess]) -> None:
            if not future.cancelled() and future.exception() is None:
                pool.give_back(owner, future.result())

        taking.add_done_callback(return_it)
        raise


async def _answer(requests: list[dict[str, Any]], calls: Calls) -> list[dict[str, Any]]:
    return list(await asyncio.gather(*(_one(each, calls) for each in requests)))


async def _one(request: Mapping[str, Any], calls: Calls) -> dict[str, Any]:
    work = calls.get(request["name"])
    if work is None:
        message = f'The function "helpers.{request["name"]}" is not supported in the Code Node'
        return {"id": request["id"], "error": {"message": message}}
    try:
        return {"id": request["id"], "value": await work(*request["args"])}
    except NodeError as error:
        shape = {"message": error.message, "description": error.description, "data": error.data}
        return {"id": request["id"], "error": shape}


def _dumps(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):  # integers beyond 64 bits, lone surrogates
        return json.dumps(value, separators=(",", ":"))


def _loads(text: str) -> dict[str, Any]:
    """Return a child's answer. The collector of garbage would look at all of it again and again while it is made, which takes longer
    than the rest, and nothing of it can be garbage yet.
    """
    long = len(text) > LONG_ANSWER and gc.isenabled()
    if long:
        gc.disable()
    try:
        return _parsed(text)
    finally:
        if long:
            gc.enable()


def _parsed(text: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError:  # lone surrogates, or more levels than it reads
        try:
            value = json.loads(text)
        except RecursionError as error:
            raise _too_deep() from error
        if is_deeper(value, MAX_DOCUMENT_DEPTH):  # from Python 3.12 on, some thousand levels are read
            raise _too_deep() from None
    return value


def _too_deep() -> NodeError:
    return NodeError(f"The output of the code is nested deeper than {MAX_NESTING} levels")

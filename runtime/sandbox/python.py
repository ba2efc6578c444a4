"""Python of Code nodes, on an interpreter without files, sockets, environment or foreign modules (pydantic-monty).

n8n's native Python: `_items` in the mode for all items, `_item` in the mode per item, both as dictionaries; the code is
the body of a function. The interpreter is its own worker process, replaced when it dies.
"""

import asyncio
import atexit
import json
import math
import os
import re
import signal
import textwrap
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date, datetime
from typing import Any, Final

from pydantic_monty import Monty, MontyCrashedError, MontyError, MontySession

from runtime.confinement.priority import FROM_THE_START, LONG_RUN_SECONDS, lower_priority
from runtime.contract import Items, NodeError
from runtime.sandbox.failures import crashed, out_of_memory, timed_out, too_many_items
from runtime.sandbox.limits import CodeLimits
from runtime.sandbox.pool import MAX_BUSY_CHILDREN
from runtime.sandbox.python_program import python_program
from schemas.run import MAX_ITEMS

NAMES: Final = {"all": "_items", "each": "_item"}
MAX_LOG_LINES: Final = 1000
OVERTIME_SECONDS: Final = 0.5
"""Seconds in which the interpreter itself says that the time is over, before its process is killed."""
MAX_INTEGER: Final = 2**63 - 1
"""Beyond this an integer is a float, as it is to JavaScript."""
UNSUPPORTED: Final = re.compile(r"The monty syntax parser does not yet support (?:the )?(.+)")
LEGACY: Final = re.compile(r"name '(_input|_node|_json|items|item|_now|_jmespath|_vars)' is not defined")


class _Interpreters:
    """The worker processes of this process, started at first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: Monty | None = None
        self._owner = 0
        self.threads: ThreadPoolExecutor
        """Of the runs, and of nothing else: one thread each until the run's process has ended."""

    def get(self) -> Monty:
        with self._lock:
            if self._pool is None or self._owner != os.getpid():
                pool = Monty(
                    binary_path=python_program(), max_processes=MAX_BUSY_CHILDREN, max_checkouts_per_worker=1000
                )
                self._pool, self._owner = pool.__enter__(), os.getpid()
                self.threads = ThreadPoolExecutor(MAX_BUSY_CHILDREN, thread_name_prefix="python_code")
            return self._pool

    def close(self) -> None:
        with self._lock:
            if self._pool is not None and self._owner == os.getpid():
                with suppress(Exception):  # its processes end with ours anyway
                    self._pool.__exit__(None, None, None)
            self._pool = None


_interpreters: Final = _Interpreters()
atexit.register(_interpreters.close)


class _Process:
    """The interpreter's process of one run, which another thread may end at any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._over = self._long = False

    @contextmanager
    def of(self, pid: int) -> Iterator[None]:
        """Run the body in the process `pid`, which ends with it unless all went well and fast."""
        with self._lock:
            self._pid = pid
            if self._over:
                self._kill()
            elif pid:
                lower_priority(pid, FROM_THE_START)
        well = False
        try:
            yield
            well = True
        finally:
            with self._lock:
                if self._long or not well:
                    self._kill()
                self._pid = 0  # it is the next run's

    def give_way(self) -> None:
        """Let others have the processor first."""
        with self._lock:
            self._long = True
            if self._pid:
                lower_priority(self._pid)

    @property
    def is_over(self) -> bool:
        """Whether it was ended."""
        return self._over

    def end(self) -> None:
        """Kill it, now or as soon as it is there."""
        with self._lock:
            self._over = True
            self._kill()

    def _kill(self) -> None:
        if self._pid:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)


async def run_python(
    code: str,
    *,
    mode: str,
    snapshot: Mapping[str, Any],
    limits: CodeLimits,
    items: Items | None = None,
    continue_on_fail: bool = False,
) -> dict[str, Any]:
    """Run Python code like `CodeRunner.javascript`. `mode`: 'all' or 'each'. Raise NodeError when a limit is hit.

    The process of the code ends with the call, also with one that is cancelled. The time limit is of the clock and for all items
    together: the interpreter's own does not count sleep, and begins anew with each item.
    """
    inputs: Items = snapshot["items"] if items is None else items
    process, loop = _Process(), asyncio.get_running_loop()
    _interpreters.get()
    timer = loop.call_later(LONG_RUN_SECONDS, process.give_way)
    try:
        async with asyncio.timeout(limits.seconds + OVERTIME_SECONDS):
            return await loop.run_in_executor(
                _interpreters.threads, _run, process, code, mode, inputs, limits, continue_on_fail
            )
    except TimeoutError as error:
        raise timed_out(limits) from error
    finally:
        timer.cancel()
        process.end()


def _run(
    process: _Process, code: str, mode: str, items: Items, limits: CodeLimits, continue_on_fail: bool
) -> dict[str, Any]:
    try:
        try:
            outcomes, logs = _outcomes(process, code, mode, items, limits, continue_on_fail)
        except MontyCrashedError:
            if process.is_over:
                raise
            # the pool may have given a worker that the run before ended; code has no effects, so that it can begin anew
            outcomes, logs = _outcomes(process, code, mode, items, limits, continue_on_fail)
    except MontyCrashedError as error:
        raise crashed(str(error)) from error
    if mode == "each":
        outcomes = [_paired(outcome, i) for i, outcome in enumerate(outcomes)]
    return {"value": {"outcomes": outcomes}, "static_data": None, "custom_data": None, "logs": logs}


def _outcomes(
    process: _Process, code: str, mode: str, items: Items, limits: CodeLimits, continue_on_fail: bool
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Return the outcome of each call of the code, and what it printed. Raise NodeError, MontyCrashedError."""
    logs: list[dict[str, str]] = []
    outcomes: list[dict[str, Any]] = []
    bounds: Any = {"max_feed_duration_secs": limits.seconds, "max_memory": limits.memory_mb << 20}
    program = (
        f"def _user_function({NAMES[mode]}):\n{textwrap.indent(code, '    ')}\n    pass\n_user_function({NAMES[mode]})"
    )
    with (
        _interpreters.get().checkout(limits=bounds, script_name="code") as session,
        process.of(session.worker_pid or 0),
    ):
        for value in [items] if mode == "all" else items:
            outcomes.append(_once(session, program, {NAMES[mode]: value}, logs, limits))
            if "error" in outcomes[-1] and not continue_on_fail:
                break
    return outcomes, logs


def _once(
    session: MontySession, program: str, inputs: dict[str, Any], logs: list[dict[str, str]], limits: CodeLimits
) -> dict[str, Any]:
    def printed(stream: str, text: str) -> None:
        if len(logs) < MAX_LOG_LINES and text.strip():
            logs.append({"level": "error" if stream == "stderr" else "info", "text": text.rstrip("\n")})

    try:
        value = session.feed_run(program, inputs=inputs, print_callback=printed)
    except MontyCrashedError:
        raise
    except MontyError as error:
        if "time limit exceeded" in str(error):
            raise timed_out(limits) from error
        if "memory limit exceeded" in str(error):
            raise out_of_memory(limits) from error
        return {"error": _error(error)}
    try:
        if isinstance(value, list | tuple) and len(value) > MAX_ITEMS:
            raise too_many_items(len(value))
        return {"missing": "undefined"} if value is None else {"data": _json(value)}
    except RecursionError as error:
        raise NodeError("The code returned data that is nested too deep") from error


def _error(error: MontyError) -> dict[str, Any]:
    inner = error.exception()
    message = str(inner) or type(inner).__name__
    frames = error.traceback() if hasattr(error, "traceback") else []
    line = frames[-1].line - 1 if frames else None  # the line above the code is ours
    shape: dict[str, Any] = {"message": message, "description": type(inner).__name__}
    if (missing := UNSUPPORTED.search(message)) is not None:
        shape["message"] = f"Python in Code nodes does not support {missing[1]}"
    if LEGACY.search(message) is not None:
        shape["description"] = "Python in Code nodes reads its input from `_items`, or `_item` in the mode per item"
    if line:
        shape["line"] = line
    return shape


def _json(value: Any) -> Any:
    """What JSON can hold: dates as ISO text, tuples and sets as lists, anything else as text; NaN is null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        return float(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _json(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_json(each) for each in value]
    return value.isoformat() if isinstance(value, date | datetime) else json.loads(json.dumps(str(value)))


def _paired(outcome: dict[str, Any], i: int) -> dict[str, Any]:
    """Return an outcome of the mode per item in the shape of JavaScript's: an item with its pairing."""
    if "data" not in outcome:
        return outcome
    value, pairing = outcome["data"], {"item": i}
    if isinstance(value, dict) and "json" in value:
        files = {"binary": value["binary"]} if value.get("binary") else {}
        return {"data": {"json": value["json"], **files, "pairedItem": pairing}}
    return {"data": {"json": value, "pairedItem": pairing}}

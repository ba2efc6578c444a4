"""The V8 binding: the only file that knows it. Contexts with the kernel loaded, in a pool, within limits.

A context is made on a plain thread, since the binding adopts whatever event loop runs where it is made. One that hit a
limit is thrown away: what its scripts left behind is unknown.
"""

import atexit
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import orjson
from py_mini_racer import JSEvalException, JSOOMException, JSParseException, JSTimeoutException, MiniRacer, init_mini_racer

from schemas.expression import FORBIDDEN_NAMES

__all__ = ["ScriptLimit", "call", "start"]

T = TypeVar("T")

_FOLDER = Path(__file__).parent
_SOURCES = (
    "vendor/luxon.min.js",
    "vendor/jmespath.js",
    "extensions.js",
    "scope.js",
    "kernel.js",
)
_TABLES = "vendor/transliteration.min.js"  # run at first use: it takes 50 ms
_FLAGS = (
    "--single-threaded",  # the binding's own default: no compiler threads beside the caller's
    "--disallow-code-generation-from-strings",  # eval and Function never make code, whoever reaches them
    "--stack-size=800",  # KiB; the same depth of recursion wherever a context runs
)
_MEMORY = 256 * 1024 * 1024
_KEPT_SCRIPTS = 2_000
_LONG_REQUEST = 16_384  # characters from which a handle is cheaper than a literal that V8 parses


class ScriptLimit(Exception):  # noqa: N818  # a limit, not a mistake
    """A script ran out of time or memory. Never a node error inside workflow code: how long something takes is not
    deterministic, so the host repeats the step in a recorded local activity. `message` is for the author."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class _Context(MiniRacer):  # type: ignore[misc]  # the binding is untyped for us
    """One isolate with the kernel, and the scripts that it has been given."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: OrderedDict[str, str] = OrderedDict()
        self.set_hard_memory_limit(_MEMORY)
        self.eval(f"globalThis.__forbidden={json.dumps(sorted(FORBIDDEN_NAMES))}")
        self.eval(f"globalThis.__transliteration=()=>{{{_read(_TABLES)}\n;return transliteration}}")
        for source in _SOURCES:
            self.eval(_read(source))
        self.entry = self.eval("__run")

    def __del__(self) -> None:
        """Closing belongs to the pool: it may wait for a thread, which a collector must not."""

    def define(self, sources: Sequence[str]) -> list[str]:
        """The ids of these scripts, which the context now knows."""
        if len(self.scripts) > _KEPT_SCRIPTS:
            self.eval("__forget()")
            self.scripts.clear()
        return [self.scripts.get(source) or self._define(source) for source in sources]

    def _define(self, source: str) -> str:
        name = f"s{len(self.scripts)}"
        try:
            self.eval(f'__define("{name}",function(___s,___x,___k,___r,___j,___this){{{source}\n}})')
        except JSParseException:
            self.eval(f'__define("{name}",null)')
        self.scripts[source] = name
        return name

    def run(self, request: str, seconds: float) -> str:
        """The kernel's answer to a request."""
        if len(request) > _LONG_REQUEST:
            return str(self.entry(request, timeout_sec=seconds))
        return str(self.eval(f"__run({json.dumps(request)})", timeout_sec=seconds))


@cache
def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


# --- making contexts --------------------------------------------------------------------------------------------------


def _on_plain_thread(work: Callable[[], T]) -> T:
    outcome: list[T] = []
    problem: list[BaseException] = []

    def target() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001  # carried over to the caller's thread
            problem.append(error)

    thread = threading.Thread(target=target, name="v8")
    thread.start()
    thread.join()
    if problem:
        raise problem[0]
    return outcome[0]


@contextmanager
def _neutral_environment() -> Iterator[None]:
    """n8n's own process runs in UTC and en-US; ICU reads both from the environment when it is first used."""
    wanted = {"TZ": "UTC", "LC_ALL": "en_US.UTF-8", "LANG": "en_US.UTF-8"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class _Pool:
    """Contexts that wait for work. Grows on demand, so a caller never waits for another one's script."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Context] = []
        self._ready = False

    def _make(self) -> _Context:
        with self._lock:
            if not self._ready:
                with suppress(Exception):  # another part of the process may have loaded V8 with its own flags
                    init_mini_racer(flags=_FLAGS)
                with _neutral_environment():
                    made = _on_plain_thread(_Context)
                    made.eval("new Intl.NumberFormat().format(1) + new Intl.DateTimeFormat().format(0) + new Date(0).getHours()")
                self._ready = True
                return made
        return _on_plain_thread(_Context)

    def fill(self, count: int) -> None:
        """Make sure that `count` contexts wait."""
        while len(self._idle) < count:
            self._idle.append(self._make())

    @contextmanager
    def borrow(self) -> Iterator[_Context]:
        """A context for one call."""
        try:
            context = self._idle.pop()
        except IndexError:
            context = self._make()
        try:
            yield context
        except (JSTimeoutException, JSOOMException) as error:
            _discard(context)
            timed = isinstance(error, JSTimeoutException)
            raise ScriptLimit("Expression timed out" if timed else "Expression ran out of memory") from error
        except BaseException:
            _discard(context)
            raise
        self._idle.append(context)

    def close(self) -> None:
        """Close what waits. Without this the interpreter hangs at its end."""
        while self._idle:
            self._idle.pop().close()


_pool = _Pool()
atexit.register(_pool.close)


def _discard(context: _Context) -> None:
    """Close in the background: an isolate that does not answer must not hold up its caller."""
    threading.Thread(target=context.close, name="v8-close", daemon=True).start()


def start(contexts: int = 2) -> None:
    """Make contexts ahead of time; call it once on a plain thread when a worker starts."""
    _pool.fill(contexts)


def call(scripts: Sequence[str], request: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Run scripts (sources) over a request; see kernel.js for its shape. Raises ScriptLimit."""
    with _pool.borrow() as context:
        request = request | {"scripts": context.define(scripts)}
        try:
            answer = context.run(_dumps(request), seconds)
        except JSEvalException as error:
            if "Invalid string length" in str(error) or "Array buffer allocation" in str(error):
                raise ScriptLimit("The result of the expression is too large") from error
            raise
    return _loads(answer)


def _dumps(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (TypeError, orjson.JSONEncodeError):  # integers beyond 64 bits, lone surrogates
        return json.dumps(value, separators=(",", ":"))


def _loads(text: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError:  # lone surrogates
        value = json.loads(text)
    return value

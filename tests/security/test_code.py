"""Attacks on the sandboxes of Code nodes: each ends as an error or as nothing, and the next run works."""

import time
from typing import Any

import pytest

from runtime.contract import NodeError
from runtime.sandbox import CodeLimits
from runtime.sandbox.runner import CodeRunner
from tests.patience import PATIENCE
from tests.unit.sandbox.world import INPUT, snapshot

LIMITS = CodeLimits(seconds=2, memory_mb=128, output_mb=2)
PATIENT = CodeLimits(seconds=PATIENCE, memory_mb=128, output_mb=2)
"""For code that is to meet another limit than that of time."""


async def javascript(code: str, owner: str = "tenant") -> dict[str, Any]:
    """The single outcome of a snippet."""
    result = await CodeRunner(LIMITS).javascript(code, mode="all", snapshot=snapshot(), owner=owner)
    outcome: dict[str, Any] = result["value"]["outcomes"][0]
    return outcome


async def python(code: str, limits: CodeLimits = LIMITS) -> dict[str, Any]:
    """The single outcome of a Python snippet."""
    task = {"snapshot": snapshot(), "meta": {"tenant": "tenant"}}
    result = await CodeRunner(limits).run(task, "python", code, "all", items=INPUT)
    outcome: dict[str, Any] = result["value"]["outcomes"][0]
    return outcome


async def works() -> bool:
    """The next run is none the worse."""
    return await javascript("return [1, 2].map((n) => n + 1)") == {"data": [2, 3]}


ENDLESS = {
    "loop": "while (true) {}",
    "microtasks": "const next = () => Promise.resolve().then(next); await next()",
    "regular expression": "return /^(a+)+$/.test('a'.repeat(50) + 'b')",
    "timers": "await new Promise((done) => { setInterval(() => {}, 1) })",
    "getter": "return [{ get json() { for (;;); } }]",
    "toJSON": "return [{ json: { toJSON() { for (;;); } } }]",
    "caught": "for (;;) { try { while (true) {} } catch {} }",
}


@pytest.mark.parametrize("code", ENDLESS.values(), ids=ENDLESS.keys())
async def test_code_without_an_end_is_stopped(code: str) -> None:
    """By the clock, whatever it does; or by memory, which a chain of promises eats, too."""
    started = time.monotonic()
    with pytest.raises(NodeError, match=r"timed out after 2 seconds|out of memory"):
        await javascript(code)
    assert time.monotonic() - started < PATIENCE
    assert await works()


BOMBS = {
    "lists": "const a = []; for (;;) a.push(new Array(1e6).fill(1))",
    "strings": "const a = []; for (;;) a.push('x'.repeat(1e6) + Math.random())",
    "objects": "const a = {}; for (let i = 0; ; i++) a['key' + i] = { i }",
    "typed arrays": "const a = []; for (;;) a.push(new Uint8Array(5e7).fill(1))",
    "buffers": "const a = []; for (;;) a.push(Buffer.alloc(5e7, 1))",
    "one string": "let s = 'x'; for (;;) s += s",
    "one list": "return new Array(1e9).fill(0)",
}


@pytest.mark.parametrize("code", BOMBS.values(), ids=BOMBS.keys())
async def test_code_that_eats_memory_is_stopped(code: str) -> None:
    """By V8's limit, by the limit of written memory, or by an error of the language; the parent keeps its size."""
    try:
        outcome = await javascript(code)
    except NodeError as error:
        assert "memory" in error.message or "timed out" in error.message  # noqa: PT017 - either limit may come first
    else:
        assert outcome["error"]["description"] == "RangeError"
    assert await works()


async def test_deep_recursion_is_an_error_of_the_author() -> None:
    """With the line, as in n8n."""
    outcome = await javascript("(function again() { again() })()")
    assert outcome["error"]["message"] == "Maximum call stack size exceeded"
    assert await works()


async def test_a_result_beyond_the_limit_is_refused() -> None:
    """Before it leaves the child."""
    with pytest.raises(NodeError, match="returned more than 2 MB"):
        await javascript("return [{ json: { text: 'x'.repeat(3 * 1024 * 1024) } }]")
    assert await works()


async def test_a_promise_that_never_settles_is_told() -> None:
    """At once, not after the time limit."""
    with pytest.raises(NodeError, match="never finishes"):
        await javascript("await new Promise(() => {})")


OUTSIDE = [
    "process", "Deno", "Bun", "fetch", "XMLHttpRequest", "WebSocket", "importScripts", "WebAssembly", "SharedArrayBuffer",
    "Atomics", "FinalizationRegistry", "WeakRef", "luxon", "__start", "__poll", "__settle", "__clean", "__modules",
    "__openScope",
]  # fmt: skip


async def test_nothing_of_the_host_is_in_sight() -> None:
    """No process, no network, no way into the sandbox's own machinery."""
    checks = ", ".join(f"{name}: typeof {name}" for name in OUTSIDE)
    outcome = await javascript(f"return {{ {checks} }}")
    assert outcome["data"] == dict.fromkeys(OUTSIDE, "undefined")


ESCAPES = [
    "return this.constructor.constructor('return process')()",
    "return (async () => {}).constructor('return process.env')()",
    "return require('fs').readFileSync('/etc/passwd')",
    "return require('child_process').execSync('id')",
    "return (await import('fs')).readdirSync('/')",
    "return Object.getPrototypeOf(console.log).constructor('return process.pid')()",
    "return Error.prepareStackTrace(new Error(), []).getThis()",
    "return items.constructor.constructor('return process.mainModule')()",
]


@pytest.mark.parametrize("code", ESCAPES)
async def test_ways_out_of_other_sandboxes_lead_nowhere(code: str) -> None:
    """V8 has no host objects here, so there is nothing on the other side."""
    assert "error" in await javascript(code)
    assert await works()


async def test_bent_intrinsics_do_not_outlive_a_run() -> None:
    """Not even for the same owner."""
    bend = """
      Array.prototype.map = () => 'evil'; Object.prototype.evil = 1; JSON.stringify = () => '[]'; Math.max = () => 0;
      globalThis.leak = 'x'; String.prototype.trim = function () { return 'evil' }; DateTime.now = () => 'evil';
      Promise.prototype.then = null; console.log = null; RegExp.prototype.exec = null; setTimeout = null;
      Object.defineProperty(globalThis, 'stuck', { value: 1 }); return [];
    """
    try:
        await javascript(bend)
    except NodeError:
        pass
    probe = """return [{ json: { map: [1].map((n) => n), evil: ({}).evil ?? null, max: Math.max(1, 2), leak: typeof leak,
      trim: ' a '.trim(), now: DateTime.now().isValid, exec: /a/.test('a'), timer: typeof setTimeout, stuck: typeof stuck } }]"""
    wanted = {"map": [1], "evil": None, "max": 2, "leak": "undefined", "trim": "a", "now": True, "exec": True}
    assert await javascript(probe) == {"data": [{"json": {**wanted, "timer": "function", "stuck": "undefined"}}]}


async def test_owners_do_not_meet_in_a_context() -> None:
    """A luxon zone is cached inside the library, where no check sees it: another owner still gets a fresh context."""
    await javascript("DateTime.now().zone.offset = () => 999; return []", owner="a")
    outcome = await javascript("return [{ json: { offset: DateTime.fromISO('2024-01-01').offset } }]", owner="b")
    assert outcome == {"data": [{"json": {"offset": -300}}]}


async def test_prototype_keys_in_data_are_data() -> None:
    """`__proto__` in JSON is a member like any other, on the way in and on the way out."""
    outcome = await javascript(
        'return [{ json: JSON.parse(\'{"__proto__": {"a": 1}}\') }, { json: { polluted: ({}).a ?? null } }]'
    )
    assert outcome["data"] == [{"json": {"__proto__": {"a": 1}}}, {"json": {"polluted": None}}]


async def test_pending_work_does_not_run_in_the_next_run() -> None:
    """Timers and promises of a finished run are gone."""
    await javascript("setTimeout(() => { globalThis.late = 1 }, 20); return []")
    assert await javascript("await new Promise((r) => setTimeout(r, 60)); return typeof late") == {"data": "undefined"}


PYTHON = [
    "import os\nreturn os.listdir('/')", "return open('/etc/passwd').read()", "import os\nreturn dict(os.environ)",
    "import socket\nreturn []", "import subprocess\nreturn []", "return __import__('os')", "return ().__class__.__bases__",
    "import sys\nreturn sys.modules",
]  # fmt: skip


@pytest.mark.parametrize("code", PYTHON)
async def test_python_reaches_nothing(code: str) -> None:
    """No files, no environment, no sockets, no other modules."""
    assert "error" in await python(code)


async def test_python_is_stopped() -> None:
    """By time and by memory; the next run works."""
    with pytest.raises(NodeError, match="timed out"):
        await python("while True:\n  pass")
    with pytest.raises(NodeError, match="out of memory"):
        await python("x = []\nwhile True:\n  x.append('a' * 1000000)", PATIENT)
    assert await python("return [{'a': 1}]") == {"data": [{"a": 1}]}

"""Attacks in expressions: nothing outside the item changes, the worker lives, and the answer is clear."""

import resource
import time
from typing import Any

import pytest

from compiler.expressions import compile_expression
from runtime.expressions import ScriptLimit, evaluate
from runtime.expressions.scope import ExpressionError
from schemas.expression import Invalid
from schemas.item import UNDEFINED
from tests.patience import PATIENCE
from tests.unit.expressions.world import run_scripts, scope, value

REFUSED = [
    "={{ $json.__proto__ }}",
    "={{ $json['__proto__'] }}",
    "={{ $json[`constructor`] }}",
    "={{ $json?.['constructor'] }}",
    "={{ $json.constructor.constructor('return 1')() }}",
    "={{ [].constructor }}",
    "={{ (function(){}). constructor('return this')() }}",
    "=text.constructor {{ 1 }}",
    "={{ Object.getPrototypeOf({}) }}",
    "={{ Object.setPrototypeOf({}, null) }}",
    "={{ Object.defineProperty({}, 'a', {}) }}",
    "={{ Object.getOwnPropertyDescriptors({}) }}",
    "={{ ({}).__lookupGetter__('__proto__') }}",
    "={{ __defineGetter__ }}",
    "={{ Error.prepareStackTrace = (e, s) => s }}",
    "={{ process.mainModule }}",
    "={{ process.binding('fs') }}",
    "={{ (() => { const { constructor } = {}; return constructor })() }}",
    "={{ (({ constructor: c }) => c)({}) }}",
    "={{ (({ '\\x63onstructor': c }) => c)({}) }}",
    "={{ (({ ['x']: c }) => c)({}) }}",
    "={{ $json.\\u0063onstructor }}",
    "={{ (class extends Function {}) }}",
    "={{ import('fs') }}",
    "={{ (() => { const f = async () => { await 0; f() }; f(); return 1 })() }}",
    "={{ import.meta }}",
    "={{ arguments.callee }}",
    "={{ (() => { with ({}) {} })() }}",
    "={{ ___s }}",
    "={{ (() => { const ___x = 1; return ___x })() }}",
    "={{ ((___n8n_data) => 1)({}) }}",
    "={{ $ }}",
    "={{ `}}`; eval('1') }}",
]


@pytest.mark.parametrize("expression", REFUSED)
def test_what_shows_in_the_text_is_refused_when_it_is_compiled(expression: str) -> None:
    compiled = compile_expression(expression)
    assert isinstance(compiled.expression, Invalid)
    assert compiled.problems


STOPPED = [
    "={{ $json['__pro' + 'to__'] }}",
    "={{ $json[['__proto__']] }}",
    "={{ ''['const' + 'ructor'] }}",
    "={{ ({})[$json.key] }}",
    "={{ ({})[{ toString: () => 'constructor' }] }}",
    "={{ (() => { let n = 0; return [][{ toString: () => n++ ? 'caller' : 'x' }] || []['constr' + 'uctor'] })() }}",
    "={{ $json['\\x63onstructor'] }}",
    "={{ (k => ({})[k])('prototype') }}",
    "={{ Math.max['const' + 'ructor']('return 1')() }}",
]


@pytest.mark.parametrize("expression", STOPPED)
def test_what_is_computed_is_stopped_when_it_runs(expression: str) -> None:
    with pytest.raises(ExpressionError, match="due to security concerns"):
        value(expression, {"key": "constructor"})


NOTHING = [
    "={{ eval('1 + 1') }}",
    "={{ new Function('return 1')() }}",
    "={{ Function('return 1')() }}",
    "={{ require('fs').readFileSync('/etc/passwd') }}",
    "={{ process.env.PATH }}",
    "={{ globalThis.process }}",
    "={{ setTimeout(() => 1, 0) }}",
    "={{ fetch('http://127.0.0.1') }}",
    "={{ WebAssembly.compile }}",
    "={{ Reflect.ownKeys }}",
    "={{ new Proxy({}, {}) }}",
    "={{ new WeakRef({}) }}",
    "={{ RegExp.$1 }}",
    "={{ RegExp.lastMatch }}",
    "={{ luxon.Settings }}",
    "={{ Error.captureStackTrace({}) }}",
    "={{ console.log(1) }}",
    "={{ this.process.env }}",
    "={{ (function() { return this.luxon })() }}",
    "={{ [1].map(function() { return this.__run })[0] }}",
    "={{ new Uint8Array(1e9) }}",
    "={{ new ArrayBuffer(1e9) }}",
    "={{ new SharedArrayBuffer(1e9) }}",
    "={{ 'a'.repeat(2 ** 30) }}",
    "={{ new Array(-1) }}",
    "={{ (() => { const f = () => f(); return f() })() }}",
    "={{ (() => { const u = new Uint8Array(1e5), a = []; for (let i = 0; i < 1e6; i++) a.push(u.slice()) })() }}",
]


@pytest.mark.parametrize("expression", NOTHING)
def test_what_is_not_there_gives_nothing(expression: str) -> None:
    assert value(expression) is UNDEFINED


POLLUTION = [
    "={{ [].push.apply.call.call.x = 1 }}",
    "={{ Array.x = 1 }}",
    "={{ Math.max = () => 7 }}",
    "={{ JSON.parse = () => 7 }}",
    "={{ Object.assign(Math, { max: () => 7 }) }}",
    "={{ Object.assign(Object.assign, { x: 1 }) }}",
    "={{ (o => { o.toString = () => 'x'; return 1 })(Math) }}",
    "={{ ([].map.x = 1) }}",
    "={{ ('x'.trim.y = 2) }}",
    "={{ DateTime.now = () => 7 }}",
    "={{ DateTime.fromISO.x = 1 }}",
    "={{ (x1 = 5) }}",
    "={{ (undefined = 5) }}",
    "={{ ($json = 5) }}",
    "={{ Intl.NumberFormat.x = 1 }}",
    "={{ Object.freeze(Math) && ($vars.plan = 'free') }}",
    '={{ JSON.parse(\'{"__proto__": {"x": 1}}\') }}',
    "={{ ({ __proto__: { x: 1 } }) }}",
    '={{ Object.assign({}, JSON.parse(\'{"__proto__": {"x": 1}}\')) }}',
    '={{ [JSON.parse(\'{"__proto__": {"x": 1}}\')].merge([{ a: 1 }]) }}',
    "={{ Symbol.iterator.x = 1 }}",
]
PROBE = """={{ [({}).x, [].x, (() => 1).x, Math.max(1, 2), JSON.parse('3'), DateTime.now().toISODate(), String({}),
 typeof x1, $json.ok, Array.x, [].map.x, 'x'.trim.y, DateTime.fromISO.x, Intl.NumberFormat.x, $vars.plan] }}"""
CLEAN = [
    None, None, None, 2, 3, "2024-02-29", "[object Object]", "undefined", True, None, None, None, None, None, "pro",
]  # fmt: skip


@pytest.mark.parametrize("expression", POLLUTION)
def test_nothing_that_a_script_changes_outlives_it(expression: str) -> None:
    attack, probe = (compile_expression(text).expression for text in (expression, PROBE))
    evaluate([attack], scope([{"ok": True}]), 1, run_scripts)
    assert evaluate([probe], scope([{"ok": True}]), 1, run_scripts)[0][0] == CLEAN


def test_proto_keys_in_data_are_plain_keys() -> None:
    """A value that a script computes has none of that name, as in n8n, which copies it by setting members."""
    item: dict[str, Any] = {"a": {"__proto__": {"x": 1}, "constructor": 5}}
    assert value("={{ $json.a }}", item) == item["a"]
    assert value("={{ [$json.a][0] }}", item) == {"constructor": 5}
    assert value("={{ ({}).x }}", item) is UNDEFINED
    assert value("={{ JSON.stringify($json.a) }}", item) == '{"__proto__":{"x":1},"constructor":5}'


ENDLESS = [
    "={{ (() => { while (true) {} })() }}",
    "={{ (() => { for (;;) {} })() }}",
    "={{ /(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!') }}",
    "={{ 'x'.repeat(1e5).replace(/x*x*x*y/, '') }}",
    "={{ ({ toString() { while (true) {} } }) + '' }}",
    "={{ BigInt(7) ** BigInt(1e9) }}",
    "={{ new Array(2 ** 32 - 1).fill(0) }}",
    "={{ (() => { const a = []; for (;;) a.push('x'.repeat(1e6) + a.length) })() }}",
    "={{ (() => { const m = new Map(); for (let i = 0; ; i++) m.set(i, i) })() }}",
    "={{ [...Array(1e9).keys()] }}",
    "={{ numberList(1, 1e9) }}",
]


@pytest.mark.parametrize("expression", ENDLESS)
def test_what_never_ends_or_takes_everything_is_stopped_and_the_worker_lives(expression: str) -> None:
    started = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    compiled = compile_expression(expression).expression
    with pytest.raises(ScriptLimit):
        evaluate([compiled], scope(), 1, run_scripts, seconds=2)
    assert time.monotonic() - started < PATIENCE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024  # KiB, of this process
    assert value("={{ $json.a.map(x => x * 2) }}", {"a": [1, 2]}) == [2, 4]


def test_in_an_activity_a_limit_is_the_error_of_the_script_at_fault_alone() -> None:
    texts = ["={{ (() => { while (true) {} })() }}", "={{ [3, 1].sort() }}", "={{ $json.a }}"]
    expressions = [compile_expression(text).expression for text in texts]
    columns = evaluate(expressions, scope([{"a": 1}]), 1, run_scripts, seconds=1, final=True)
    assert isinstance(columns[0][0], ExpressionError)
    assert columns[0][0].message == "Expression timed out"
    assert columns[1:] == [[[1, 3]], [1]]


def test_one_steps_data_is_not_seen_by_the_next() -> None:
    secret = scope([{"password": "canary-7f3a"}])
    leave = compile_expression("={{ (kept = $json.password), $json.password.match(/(c).*/)[0] }}")
    evaluate([leave.expression], secret, 1, run_scripts)
    look = "={{ [typeof kept, RegExp.input, RegExp.lastMatch, RegExp.$1, Object.keys($item(0)).length] }}"
    assert "canary" not in str(value(look))

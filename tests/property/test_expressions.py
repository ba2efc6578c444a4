"""Expressions: the short cuts in Python give what V8 gives, and nothing that an author writes makes the compiler raise."""

import math
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from compiler.expressions import compile_expression
from runtime.expressions import evaluate
from runtime.expressions.rendering import as_script
from runtime.expressions.scope import ExpressionError
from runtime.values.javascript import js_number, js_string, json_stringify, loose_equal, strict_equal, truthy
from schemas.expression import Path, Script, Template
from schemas.item import UNDEFINED
from tests.unit.expressions.world import run_scripts, scope

_NUMBERS = st.one_of(
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -0.0, 1e21, 1e-7, 0.1, 2**53, -1]),
)
_TEXT = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ["", "0", "1e3", " 7 ", "true", "null", "a,b"]
)
_SCALARS = st.one_of(st.none(), st.booleans(), _NUMBERS, _TEXT)
_KEYS = st.sampled_from(["a", "b", "c", "length", "0", "1", "toString", "x y"])
VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=6
)
ITEMS = st.dictionaries(_KEYS, VALUES, max_size=5)


def _path(keys: list[str]) -> str:
    return "$json" + "".join(f"[{json_stringify(key)}]" for key in keys)


_PATHS = st.tuples(
    st.lists(_KEYS.filter(lambda key: key != "toString"), min_size=1, max_size=3),
    st.sampled_from([[], [], ["toString"]]),
).map(lambda parts: _path(parts[0] + parts[1]))
_CONSTANTS = st.one_of(
    st.integers(-9, 9).map(str), st.sampled_from(["'x'", "''", "'1'", "1.5", "null", "true", "false"])
)
_BINARY = st.sampled_from(
    ["+", "-", "*", "/", "%", "===", "!==", "==", "!=", "<", ">", "<=", ">=", "&&", "||", "??"]
)  # fmt: skip
CODE = st.recursive(
    _PATHS | _CONSTANTS,
    lambda inner: st.one_of(
        st.tuples(inner, _BINARY, inner).map(lambda t: f"(({t[0]}) {t[1]} ({t[2]}))"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
        inner.map(lambda code: f"!{code}"),
        inner.map(lambda code: f"`${{{code}}}!`"),
        inner.map(lambda code: f"({code}).trim()"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]}).includes({t[1]})"),
    ),
    max_leaves=5,
)


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, ExpressionError) or isinstance(right, ExpressionError):
        return (
            isinstance(left, ExpressionError) and isinstance(right, ExpressionError) and left.message == right.message
        )
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if left is UNDEFINED or right is UNDEFINED or isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return float(left) == float(right)  # V8 knows doubles only
    return bool(left == right)


def _on_v8(text: str) -> Script:
    expression = compile_expression(text).expression
    if isinstance(expression, Path | Template):
        return as_script(expression)
    assert isinstance(expression, Script)
    return expression.model_copy(update={"quick": None})


@given(st.one_of(CODE.map(lambda code: f"={{{{ {code} }}}}"), st.lists(CODE, min_size=1, max_size=2).map(
    lambda codes: "=a" + "b".join(f"{{{{ {code} }}}}" for code in codes))), st.lists(ITEMS, min_size=1, max_size=3))  # fmt: skip
def test_python_gives_what_v8_gives(text: str, items: list[dict[str, Any]]) -> None:
    expression = compile_expression(text).expression
    if not isinstance(expression, Path | Template | Script):
        return
    world = scope(items)
    here, there = (
        evaluate([expression], world, len(items), run_scripts)[0],
        evaluate([_on_v8(text)], world, len(items), run_scripts)[0],
    )
    assert all(map(_same, here, there)), (text, items, here, there)


@given(st.lists(VALUES, min_size=2, max_size=2))
def test_javascripts_conversions_in_python_give_what_v8_gives(pair: list[Any]) -> None:
    source = """return (((a, b) => [___s.String(a), ___s.Number(a), !!a, a == b, a === b, ___s.JSON.stringify(a), a < b, a > b])(
        ___s.$json.pair[0], ___s.$json.pair[1]));"""
    script = Script(source=source, variables=("$json",), linear=True)
    (answer,) = evaluate([script], scope([{"pair": pair}]), 1, run_scripts)[0]
    if answer is UNDEFINED:
        return  # an object whose toString is data cannot become text
    a, b = pair
    assert answer[0] == js_string(a)
    assert _same(answer[1], js_number(a))
    assert answer[2] is truthy(a)
    if not _has_methods(pair):
        assert answer[3] is loose_equal(a, b)
    if not isinstance(a, dict | list):
        assert answer[4] is strict_equal(a, b)
    assert answer[5] == json_stringify(a)


def _has_methods(value: Any) -> bool:
    if isinstance(value, dict):
        return "toString" in value or any(map(_has_methods, value.values()))
    return isinstance(value, list) and any(map(_has_methods, value))


@given(st.text(max_size=60) | st.lists(st.sampled_from(
    ["{{", "}}", "\\", "$json", "$('A')", ".", "?.", "(", ")", "[", "]", "{", "}", "`", "'", '"', "/", "=>", "first", "$if",
     "1", " ", "\n", "+", "...", "async", "class", "#x", "//", "/*", "*/", "<!--", "\ud83d", "é", ",", "=", "function"]),
    max_size=25).map("".join))  # fmt: skip
@example("{{`\ud83d\\")  # a place behind half of a surrogate pair
def test_compiling_never_raises_and_always_says_the_same(text: str) -> None:
    compiled = compile_expression("=" + text)
    assert compiled == compile_expression("=" + text)
    for problem in compiled.problems:
        assert 0 <= problem.offset <= len(text) + 1
        assert problem.line >= 1
        assert problem.column >= 1

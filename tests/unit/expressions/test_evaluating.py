"""Expressions at run time: values, leniency, n8n's errors, determinism."""

import math
import os
import subprocess
import sys
from typing import Any

import pytest

from compiler.expressions import compile_expression
from runtime.expressions import evaluate, evaluate_scripts, evaluate_snapshot, render, snapshot, split
from runtime.expressions.scope import ExpressionError
from runtime.values.javascript import BigInt
from schemas.expression import EXTENSION_NAMES, Script
from schemas.item import UNDEFINED
from tests.unit.expressions.world import run_scripts, scope, value, values

ITEM: dict[str, Any] = {
    "id": 1,
    "name": "Ada",
    "uni": "Zo\u00eb \U0001f680",
    "tags": ["red", "blue"],
    "nested": {"a": {"b": [{"c": "deep"}]}},
    "nul": None,
    "0": "zero",
    "f": 1.5,
}

VALUES: list[tuple[str, Any]] = [
    ("={{ $json.nested.a.b[0].c }}", "deep"),
    ("={{ $json[0] }}", "zero"),
    ("={{ $json.missing.deeper }}", UNDEFINED),
    ("={{ $json.nul.x }}", UNDEFINED),
    ("={{ $json.tags.length }}", 2),
    ("={{ $json.tags['1'] }}", "blue"),
    ("={{ $json.tags['01'] }}", UNDEFINED),
    ("={{ $json.uni.length }}", 6),
    ("={{ $json.uni[4] }}", "\ud83d"),
    ("={{ $json.id + 1 }}", 2),
    ("={{ $json.name.toUpperCase() }}", "ADA"),
    ("={{ $json.missing.x || 'd' }}", UNDEFINED),
    ("={{ $json.missing?.x || 'd' }}", "d"),
    ("={{ $json.missing || 'd' }}", "d"),
    ("={{ nope.x }}", UNDEFINED),
    ("={{ typeof nope }}", "undefined"),
    ("={{ JSON.parse('x') }}", UNDEFINED),
    ("={{ null.isEmpty() }}", True),
    ("={{ 1; 2 }}", 1),
    ("={{ $now.toISO() }}", "2024-02-29T13:45:30.123Z"),
    ("={{ $now }}", "2024-02-29T13:45:30.123Z"),
    ("={{ $today }}", "2024-02-29T00:00:00.000Z"),
    ("={{ new Date() }}", "2024-02-29T13:45:30.123Z"),
    ("={{ [new Date('x'), DateTime.fromISO('x')] }}", [None, None]),
    ("={{ DateTime.fromISO('x') }}", "Invalid DateTime"),
    ("={{ ({ a: undefined, b: 1 }) }}", {"b": 1}),
    ("={{ [undefined, 1] }}", [None, 1]),
    ("={{ new Set([1]) }}", {}),
    ("={{ 1 / 0 }}", math.inf),
    ("={{ $('Src').item.json.id }}", 1),
    ("={{ $('Src').first().json.id + 1 }}", 2),
    ("={{ $('Br').first().json.id }}", 1),
    ("={{ $('Br').all(0) }}", []),
    ("={{ $('Never').isExecuted }}", False),
    ("={{ $('Src').context.count }}", 3),
    ("={{ $('Src').params.mode }}", "manual"),
    ('={{ $node["Src"].json.name }}', "Ada"),
    ('={{ $node["Never"].runIndex }}', -1),
    ("={{ $prevNode.name + $prevNode.outputIndex }}", "Br1"),
    ("={{ $workflow.name }}", "Case"),
    ("={{ $execution.id }}", "9"),
    ("={{ $vars.plan }}", "pro"),
    ("={{ $input.first().json.name }}", "Ada"),
    ("={{ $items('Src').length }}", 1),
    ("={{ $item(0).$json.id + 1 }}", 2),
    ("={{ $nodeVersion }}", 2),
    ("={{ $jmespath($json, 'nested.a.b[*].c') }}", ["deep"]),
    ("={{ $fromAI('name', 'd') }}", "Ada"),
    ("={{ $json.tags.last() }}", "blue"),
    ("={{ $json.nul?.isEmpty() }}", UNDEFINED),
    ("=a {{ $json.nul }} {{ $json.tags }} {{ $json.f }} {{ $json.nested }}", "a  red,blue 1.5 [object Object]"),
    ("=a {{ 0/0 }}{{ nope.x }}{{ [1,[2,null]] }} b", "a 1,2, b"),
    ("=a {{ $json.tags.map }}", "a function map() { [native code] }"),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES)
def test_an_expression_gives_what_n8n_gives(expression: str, expected: Any) -> None:
    got = value(expression, ITEM)
    assert got is UNDEFINED if expected is UNDEFINED else got == expected


ERRORS = [
    ("={{ $('Nope').first() }}", "Referenced node doesn't exist"),
    ("={{ $('Never').first().json.x }}", "Node 'Never' hasn't been executed"),
    ("={{ $('Never').first().json.x ?? 1 }}", "Node 'Never' hasn't been executed"),
    ("={{ $('Never').item.json.x }}", "Invalid expression"),
    ("={{ $('Src').first(3) }}", 'Node "Src" has no branch with index 3.'),
    ("={{ $('Src').all(0, 5) }}", 'Run 5 of node "Src" not found'),
    ("={{ $('Src').itemMatching() }}", "Missing item index for .itemMatching()"),
    ("={{ $item(4).$json.id }}", '"E" node has 1 item(s) but you\'re trying to access item 4'),
    ("={{ $env.HOME }}", "access to env vars denied"),
    ("={{ $json.missing.first() }}", "first can't be used on undefined value"),
    ("={{ $json.name.first() }}", 'first() is only callable on type "Array"'),
    ("={{ $json.name.trim }}", "Expression evaluation failed: function trim() { [native code] } could not be cloned."),
    ("={{ [() => 1] }}", "Expression evaluation failed: () => 1 could not be cloned."),
    (
        "={{ (function () { return 1 }) }}",
        "Expression evaluation failed: function () { [native code] } could not be cloned.",
    ),
    ("={{ (() => { const o = {}; o.o = o; return o })() }}", "Expression evaluation failed: Maximum call stack"),
    ("={{ $fromAI('bad key!') }}", "Invalid parameter key, must be between 1 and 64 characters long"),
    ("=x {{ 1 }} {{ throw }}", "invalid syntax"),
    ("={{ /a/zz }}", "invalid syntax"),
    ("=a {{ $('Never').first() }}", "Node 'Never' hasn't been executed"),
]


@pytest.mark.parametrize(("expression", "message"), ERRORS)
def test_only_n8ns_own_errors_surface(expression: str, message: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        value(expression, ITEM)
    assert raised.value.message.startswith(message)


def test_an_error_stays_with_its_item() -> None:
    cells = values("={{ $json.tags.first() }}", [ITEM, {}, ITEM])
    assert cells[0] == cells[2] == "red"
    assert isinstance(cells[1], ExpressionError)


def test_a_script_that_writes_leaves_the_data_alone() -> None:
    items = [{"a": [2, 1]}, {"a": [3]}]
    world = scope(items)
    codes = ["$json.a.sort()", "$json.a", "$input.first().json.a.push(9)", "$json.a.length + 0"]
    columns = evaluate([compile_expression(f"={{{{ {code} }}}}").expression for code in codes], world, 2, run_scripts)
    assert columns == [[[1, 2], [3]], [[2, 1], [3]], [3, 3], [2, 1]]
    assert world.items[0]["json"] == {"a": [2, 1]}


def test_bigints_and_odd_numbers_survive_inside_values() -> None:
    got = value("={{ [1n, { a: 0/0, b: -1/0 }] }}")
    assert isinstance(got[0], BigInt)
    assert math.isnan(got[1]["a"])
    assert got[1]["b"] == -math.inf


def test_lone_surrogates_and_large_integers_cross_both_ways() -> None:
    assert value("={{ $json.a + '' }}", {"a": "\ud83d"}) == "\ud83d"
    assert value("={{ [$json.a][0] }}", {"a": 2**70}) == pytest.approx(2**70)


def test_zone_of_the_workflow() -> None:
    assert value("={{ $now.toISO() }}", zone="Asia/Kolkata") == "2024-02-29T19:15:30.123+05:30"
    assert value("={{ DateTime.fromISO('2024-07-01').offset }}", zone="America/New_York") == -240
    assert value("={{ new Date(2024, 0, 1).toISOString() }}", zone="Asia/Tokyo") == "2024-01-01T00:00:00.000Z"


def test_custom_data_comes_back() -> None:
    world = scope([{}])
    evaluate([compile_expression("={{ $execution.customData.set('k', 5) }}").expression], world, 1, run_scripts)
    assert world.custom_data == {"k": "5"}


def test_a_tools_arguments_are_what_the_model_gave() -> None:
    assert value("={{ $fromAI('q', 'd', 'string', 'x') + '!' }}", {"q": "item"}, arguments={"q": "model"}) == "model!"
    assert value("={{ $fromAI('z', 'd', 'string', 'x') }}", {}, arguments={}) == "x"


def test_scripts_can_run_later_over_what_was_split_off() -> None:
    expressions = [compile_expression(text).expression for text in ("={{ $json.id }}", "={{ $json.id.toString(2) }}")]
    columns, data = split(expressions, scope([{"id": 5}]), 1)
    assert columns == [[5], None]
    assert data is not None
    scripts = [each for each in expressions if isinstance(each, Script)]
    assert evaluate_scripts(scripts, data, 1, run_scripts) == ([["101"]], None)


def test_one_item_over_a_snapshot() -> None:
    data = snapshot(scope([{"id": 5}]), None) | {"paged": {"$pageCount": 2, "$response": {"body": {"next": "u"}}}}
    texts = [
        "={{ $response.body.next }}",
        "={{ $pageCount + $json.id }}",
        "=p{{ $json.id }}",
        "={{ $('Src').item.json.id }}",
        "=c",
    ]
    values = evaluate_snapshot([compile_expression(text).expression for text in texts], data, 0, run_scripts)
    assert values == ["u", 7, "p5", 5, "c"]


def test_rendering_inside_text() -> None:
    cells: list[Any] = [None, UNDEFINED, math.nan, True, 1e21, -0.0, [1, None], {"a": 1}]
    assert [render(cell) for cell in cells] == ["", "", "", "true", "1e+21", "0", "1,", "[object Object]"]


CHANCY = [
    "={{ Math.random() }}",
    "={{ [1,2,3,4,5,6,7,8].randomItem() }}",
    "={{ Date.now() }}",
    "={{ $now.toMillis() }}",
    "={{ new Intl.DateTimeFormat('en', { timeStyle: 'long' }).format() }}",
    "={{ new Date().toLocaleString() }}",
    "={{ DateTime.now().toRelative() }}",
    "={{ new Error('x').stack }}",
    "={{ $json.list.toSorted(() => Math.random() - 0.5) }}",
    "={{ Object.keys($json) }}",
]


def _chancy() -> list[Any]:
    world = scope([{"list": list(range(50)), "b": 1, "a": 2, "7": 3}] * 3)
    return evaluate([compile_expression(text).expression for text in CHANCY], world, 3, run_scripts)


def test_the_same_input_gives_the_same_result_twice() -> None:
    first = _chancy()
    assert first == _chancy()
    assert first[0][0] != first[0][1]


def test_the_same_input_gives_the_same_result_in_another_process_elsewhere_in_the_world() -> None:
    program = "from tests.unit.expressions.test_evaluating import _chancy; print(_chancy())"
    environment = os.environ | {"TZ": "Asia/Tokyo", "LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": "3"}
    process = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert process.stdout.strip() == str(_chancy())


def test_the_compiler_knows_exactly_the_extensions_that_there_are() -> None:
    (names,) = evaluate([Script(source="return __extensionNames")], scope(), 1, run_scripts)[0]
    assert frozenset(names) | {"isEmpty", "isNotEmpty"} == EXTENSION_NAMES

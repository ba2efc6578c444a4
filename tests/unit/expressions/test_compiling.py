"""Expressions at compile time: what becomes of a parameter string."""

from typing import Any

import pytest

from compiler.expressions import compile_expression, compile_parts, compile_resolvables
from compiler.expressions.template import CodePart, TextPart, split
from compiler.sites.programs import analyze_program
from schemas.expression import Invalid, Literal, Path, Script, Template

LITERALS: list[tuple[str, Any]] = [
    ("=plain", "plain"),
    ("=", ""),
    ("==x", "=x"),
    ("={{ 5 }}", 5),
    ("={{ -1.5 }}", -1.5),
    ("={{ 'it\\'s' }}", "it's"),
    ("={{ `a` }}", "a"),
    ("={{ true }}", True),
    ("={{ null }}", None),
    ("={{ (7) }}", 7),
    ("={{ 5 }} ", "5 "),
    ("={{ 1 }}{{ 'a' }}{{ null }}", "1a"),
    (r"=\{{ $json.id }}", r"\{{ $json.id }}"),
    (r"=\\{{ 1 }}", "\\1"),
    ("=a {{", "a "),
]


@pytest.mark.parametrize(("text", "expected"), LITERALS)
def test_a_constant_needs_no_run_time(text: str, expected: Any) -> None:
    assert compile_expression(text).expression == Literal(value=expected)


PATHS: list[tuple[str, str, str | None, tuple[Any, ...]]] = [
    ("={{ $json }}", "$json", None, ()),
    ("={{ $json.a['b c'][0] }}", "$json", None, ("a", "b c", 0)),
    ("={{ $json?.a?.[1] }}", "$json", None, ("a", 1)),
    ("={{ ($json).a; }}", "$json", None, ("a",)),
    ("={{ $data.a }}", "$json", None, ("a",)),
    ("={{ $('X').item.json.a }}", "node.item", "X", ("json", "a")),
    ('={{ $("X").first().json.a }}', "node.first", "X", ("json", "a")),
    ("={{ $(`X`).all()[2].json }}", "node.all", "X", (2, "json")),
    ('={{ $node["X y"].json.a }}', "$node.json", "X y", ("a",)),
    ("={{ $node.X.json.a }}", "$node.json", "X", ("a",)),
    ("={{ $input.item.json.a }}", "$input.item", None, ("json", "a")),
    ("={{ $itemIndex }}", "$itemIndex", None, ()),
    ("={{ $json.name", "$json", None, ("name",)),
]


@pytest.mark.parametrize(("text", "root", "node", "keys"), PATHS)
def test_a_walk_through_data_becomes_a_path(text: str, root: str, node: str | None, keys: tuple[Any, ...]) -> None:
    assert compile_expression(text).expression == Path(root=root, node=node, keys=keys)


def test_text_with_paths_becomes_a_template() -> None:
    compiled = compile_expression("=Hi {{ $json.name }}, {{ 5 }} {{ $('X').item.json.y }}!")
    name = Path(root="$json", keys=("name",))
    other = Path(root="node.item", node="X", keys=("json", "y"))
    assert compiled.expression == Template(parts=("Hi ", name, ", 5 ", other, "!"))
    assert compiled.references == frozenset({"X"})
    assert compiled.variables == {"$json", "$"}


INVALID = [
    ("={{ }}", "invalid syntax"),
    ("={{ 1 + }}", "invalid syntax"),
    ("={{ let a = 1 }}", "invalid syntax"),
    ("={{ return 5 }}", "invalid syntax"),
    ('={{ "a }} b" }}', "invalid syntax"),
    ("={{ {{ 1 }} }}", "invalid syntax"),
    ("={{ $if(true) }}", "invalid syntax"),
    ("={{ -1 ** 2 }}", "invalid syntax"),
    ("={{ a ?? b || c }}", "invalid syntax"),
    ("={{ <b>x</b> }}", "invalid syntax"),
    ("={{ import('x') }}", "Imports are not supported"),
    ("={{ $ }}", 'Cannot access "$" without calling it as a function'),
]


@pytest.mark.parametrize(("text", "message"), INVALID)
def test_what_n8n_refuses_is_refused_with_its_words(text: str, message: str) -> None:
    compiled = compile_expression(text)
    assert compiled.expression == Invalid(message=message)
    assert [problem.message for problem in compiled.problems] == [message]


def test_a_problem_has_its_place() -> None:
    (problem,) = compile_expression("=one\ntwo {{ $json. }}").problems
    assert (problem.line, problem.column) == (2, 8)
    (problem,) = compile_expression("={{ $json.__proto__ }}").problems
    assert (problem.line, problem.column) == (1, 11)


REWRITTEN = [
    ("={{ $json.a + b }}", "___s.$json.a + ___s.b"),
    ("={{ x[k] }}", "___s.x[___k(___s.k)]"),
    ("={{ x['k'][0] + y }}", "___s.x['k'][0] + ___s.y"),
    ("={{ $json.a.first(2) }}", '___x(___s.$json.a,"first",[2])'),
    ("={{ $json.a. first() }}", "___s.$json.a. first()"),
    ("={{ v?.a.first() }}", '((___t0=(___s.v))==null?void 0:___x(___t0.a,"first",[]))'),
    ("={{ $if(a, b, c) }}", "((___s.a)?(___s.b):(___s.c))"),
    ("={{ $if(a, b) }}", "((___s.a)?(___s.b):(false))"),
    ("={{ [1].map(x => x + y) }}", "[1].map(x => x + ___s.y)"),
    ("={{ ({ a, b: c }) }}", "({ a: ___s.a, b: ___s.c })"),
    ("={{ (() => { const a = 1; { let b = a } return b })() }}", "{ const a = 1; { let b = a } return ___s.b }"),
    (
        "={{ (function() { return this })() }}",
        "(function() { return ({process:{},require:{},module:{},Buffer:{}}) })()",
    ),
    ("={{ $('X').first().json.a + 1 }}", "___s.$('X').first().json.a + 1"),
    ("={{ Math.max(a) }}", "___s.Math.max(___s.a)"),
    ("={{ { a: 1 } }}", "( { a: 1 } )"),
    ("={{ a /* c */ + 1 // d }}", "___s.a   + 1"),
]


@pytest.mark.parametrize(("text", "expected"), REWRITTEN)
def test_a_script_reads_its_names_from_the_scope(text: str, expected: str) -> None:
    expression = compile_expression(text).expression
    assert isinstance(expression, Script)
    assert expected in expression.source


LINEAR = [
    ("={{ $json.a.map(x => x.b) }}", True),
    ("={{ $json.a.replace(/[^a-z]+/g, '-') }}", True),
    ("={{ $json.a ? $json.b.trim() : $now.toISO() }}", True),
    ("={{ $json.a.padStart(8, '0') }}", True),
    ("={{ $json.a.map(x => x.map(y => y)) }}", False),
    ("={{ /(a+)+$/.test($json.a) }}", False),
    ("={{ $json.a.sort() }}", False),
    ("={{ 'x'.repeat($json.n) }}", False),
    ("={{ (() => { while (true) {} })() }}", False),
    ("={{ (() => { const f = () => f(); f() })() }}", False),
    ("={{ new Array(5) }}", False),
    ("={{ $json.a.replaceAll('x', $json.b) }}", False),
    ("={{ $(a).first() }}", False),
    ("={{ $json.items.map(x => x.price * $json.rate) }}", True),
    ("={{ $json.items.map(x => x.id === $json.id ? 'a' : 'b') }}", True),
    ("={{ $json.items.map(x => x.id).includes($json.id) }}", True),
    ("={{ $json.items.map(x => $json.text) }}", False),
    ("={{ $json.items.map(x => $json.text).join('') }}", False),
    ("={{ $json.items.map(x => `${$json.text}${x}`).length }}", False),
    ("={{ $json.items.flatMap(x => $('A').all()) }}", False),
    ("={{ $json.items.map(x => x + $json.text) }}", False),
]


@pytest.mark.parametrize(("text", "linear"), LINEAR)
def test_only_scripts_of_known_shapes_may_run_in_workflow_code(text: str, linear: bool) -> None:
    expression = compile_expression(text).expression
    assert isinstance(expression, Script)
    assert expression.linear is linear


def test_references_say_how_a_node_is_read() -> None:
    read = "$('A').first().json.x + $('B').item.json.y + $node['C'].json.z + $items('D').length"
    expression = compile_expression(f"={{{{ {read} }}}}")
    assert expression.references == frozenset("ABCD")
    script = expression.expression
    assert isinstance(script, Script)
    assert script.ways == {"A": ("first",), "B": ("item",), "C": ("legacy",), "D": ("all",)}
    assert script.pairs
    assert compile_expression("={{ $('A' + 1).first() }}").references is None
    assert compile_expression("={{ $item(0).$node['A'].json.x + 1 }}").references == frozenset({"A"})


def test_a_script_that_writes_gets_copies() -> None:
    for code in ("$json.a.sort()", "$json.b = 1", "delete $json.b", "Object.assign($json, {a:1})"):
        expression = compile_expression(f"={{{{ {code} }}}}").expression
        assert isinstance(expression, Script)
        assert expression.writes
    reader = compile_expression("={{ $json.a.map(x => x + 1) }}").expression
    assert isinstance(reader, Script)
    assert not reader.writes


def reads(source: str, language: str) -> frozenset[str] | None:
    return analyze_program(source, language).reads


def test_programs_tell_which_nodes_they_read() -> None:
    assert reads("for (const i of $('A').all()) {} return $items('B')", "javaScript") == frozenset({"A", "B"})
    assert reads("return $input.all()", "javaScript") == frozenset()
    assert reads("const n = 'A'; return $(n).all()", "javaScript") is None
    assert reads("return [", "javaScript") is None
    assert reads("return _('A').all()", "python") == frozenset({"A"})
    assert reads("return _items", "pythonNative") == frozenset()


def test_a_list_of_values_gives_its_parts_unless_it_is_one_expression_alone() -> None:
    assert compile_parts("={{ $json.a }}").expression == Path(root="$json", keys=("a",))
    for text in ("={{ $json.a }},x", "{{ $json.a }},x"):
        script = compile_parts(text).expression
        assert isinstance(script, Script)
        assert script.source.startswith('return {"$parts":[')
        assert script.source.endswith(',",x"]};')
        assert script.variables == ("$json",)


def test_resolvables_are_templates_without_the_equals_sign() -> None:
    assert compile_resolvables("select 1", "text").expression == Literal(value="select 1")
    assert compile_resolvables("=a {{ 1", "text").expression == Literal(value="a {{ 1")
    script = compile_resolvables('={"a": {{ $json.a }} }', "json").expression
    assert isinstance(script, Script)


def test_the_first_closing_pair_ends_the_code() -> None:
    parts = split("a {{ 'x' }} b }} {{ '\\}}' }}")
    assert [part.value for part in parts] == ["a ", " 'x' ", " b }} ", " '}}' "]
    assert [type(part) for part in parts] == [TextPart, CodePart, TextPart, CodePart]


def test_compiling_twice_gives_the_same() -> None:
    text = "={{ $('B').first().json.x + $('A').item.json.y + $json.z.first() }}"
    assert compile_expression(text) == compile_expression(text)

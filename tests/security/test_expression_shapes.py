"""Expressions of every shape are compiled in linear time: an upload of five kilobytes had taken a compiler half a minute."""

from collections.abc import Mapping
from itertools import count

import pytest

from bench.exports import START, chain, set_node
from compiler import compile_export
from runtime.catalog import CATALOG
from tests.security.growth import super_linear

LENGTH = 1_024
"""Characters: an expression eight times as long is still below the limit."""
SHAPES: Mapping[str, tuple[str, str, str, str]] = {
    "links": ("={{ $json", "?.a.first()", "", " }}"), "calls": ("={{ $json.a", "()", "", " }}"),
    "optional calls": ("={{ a", "?.()", "", " }}"), "keys": ("={{ $json", "?.[a]", "", ".isEmpty() }}"),
    "keys in keys": ("={{ a", "?.[a", "]", " }}"), "computed keys": ("={{ a", "[b+1]", "", " }}"),
    "callbacks": ("={{ $json.a", ".map(x=>x)", "", " }}"), "callbacks in callbacks": ("={{ ", "a.map(x=>", ")", " }}"),
    "extensions": ("={{ 'a'", ".isEmpty()", "", " }}"), "extensions in extensions": ("={{ ", "a.first(", ")", " }}"),
    "chains in brackets": ("={{ ", "(", "?.b)", " }}"), "awaits": ("={{ ", "await(", ")", " }}"),
    "names of strict mode": ("={{ ", "let[", "]", " }}"), "choices": ("={{ ", "$if(a,b,", ")", " }}"),
    "variables in blocks": ("={{ (()=>{", "{var a;", "}", "})() }}"), "returns": ("={{ (()=>{", "{return 1;", "}", "})() }}"),
    "functions": ("={{ (()=>{", "function f(){", "}", "})() }}"), "chains in templates": ("={{ `", "${a?.b}", "", "` }}"),
    "assignments": ("={{ (()=>{ var a;", "a.b=", "", "1})() }}"), "sums": ("={{ a", "+a", "", " }}"),
    "lists": ("={{ [", "a,", "", "] }}"), "pieces of code": ("=", "{{ a }}", "", ""), "nodes": ("={{ 1", "+$('A').item.json.a", "", " }}"),
    "brackets": ("={{ ", "-(", "1)", " }}"), "comments": ("={{ a", "/* b */", "", " }}"), "patterns": ("={{ a", "+/b/.test(a)", "", " }}"),
}  # fmt: skip
"""What is repeated -> text before, what opens, what closes, text behind."""


@pytest.mark.parametrize("name", SHAPES)
def test_an_expression_is_compiled_in_linear_time(name: str) -> None:
    before, opens, closes, behind = SHAPES[name]
    numbers = count()

    def text(length: int) -> str:
        """Return an expression of about so many characters."""
        number = max(1, length // len(opens + closes))
        return before + opens * number + closes * number + behind

    def compile_text(expression: str) -> None:
        # what was compiled once is remembered: no two are the same
        export = chain(START, set_node("Set", 200, {"a": f"{expression} {next(numbers)}"}))
        compile_export(export, file="a.json", catalog=CATALOG)

    compile_text(text(16))  # what the first one loads
    assert super_linear(compile_text, text, LENGTH, LENGTH // 2) is None

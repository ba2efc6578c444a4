"""An expression that does not parse says what is probably wrong, and where."""

import pytest

from schemas.diagnostic.expressions import InvalidExpression
from tests.unit.compiler.making import compiled, export, node


def invalid_expression(value: str) -> InvalidExpression:
    fields = {"assignments": {"assignments": [{"id": "1", "name": "a", "value": value, "type": "string"}]}}
    compilation = compiled(export(node("Edit", "n8n-nodes-base.set", 3.4, parameters=fields)))
    return next(each for each in compilation.diagnostics if isinstance(each, InvalidExpression))


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("={{ {a: {b: 1}} }}", "the first }} ends an expression"),
        ("={{ }}", "write an expression between"),
        ("={{ {{ $json.a }} }}", "there is a {{ inside"),
        ("=Hello {{#each $json.items}}x{{/each}}", "n8n has no blocks"),
        ("={{ const a = 1; a }}", "an expression must have a value"),
        ("=Title: {{ $json.title } #short", "an expression must end with }}"),
        ("={{ $fromAI('color', 'without '#'', 'string') }}", "write \\' or"),
    ],
)
def test_a_syntax_error_has_a_hint(value: str, hint: str) -> None:
    assert invalid_expression(value).hint.startswith(hint)


@pytest.mark.parametrize("value", ["={{ $json.a + }}", "={{ $json. }}"])
def test_where_the_cause_is_not_plain_there_is_no_hint(value: str) -> None:
    assert invalid_expression(value).hint == ""


def test_the_caret_stands_where_the_parser_stumbled() -> None:
    finding = invalid_expression("={{ $fromAI('color', 'without '#'', 'string') }}")
    assert finding.at.offset == len("={{ $fromAI('color', 'without '")

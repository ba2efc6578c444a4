"""Template literals with line breaks: what n8n 2.41.1 gave for each, by its default expression engine."""

import pytest

from compiler.expressions.printed import printed
from compiler.expressions.syntax import parse_expression


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("`a${1}b`", None, id="a literal on one line is as it stands"),
        pytest.param("`\t${1}\t`", None, id="so are tabs in it"),
        pytest.param("`a\n${1}`", r"`a\n ${1}`", id="a break before a value is followed by a blank"),
        pytest.param("`a\nb${1}c\n${2}`", r"`a\nb ${1}c\n ${2}`", id="so is a word, in each piece with a break"),
        pytest.param("`a\nb: ${1}\n- ${2}`", r"`a\nb: ${1}\n- ${2}`", id="what is no word is not"),
        pytest.param("`a\nb\u00e9${1}`", "`a\\nb\u00e9${1}`", id="nor is a letter beyond ASCII"),
        pytest.param("`a\n$${1}`", r"`a\n$ ${1}`", id="a dollar sign is of a word"),
        pytest.param(r"`a\n${1}`", r"`a\n ${1}`", id="an escape of a line feed is a break"),
        pytest.param(r"`a\u000a${1}`", r"`a\u000a ${1}`", id="in each form"),
        pytest.param(r"`a\\n${1}`", None, id="an escaped backslash is none"),
        pytest.param(r"`a\r${1}`", None, id="nor is a carriage return"),
        pytest.param("`a\r\n\tb`", r"`a\n    b`", id="a tab at the begin of a line is four blanks"),
        pytest.param("`a\n \tb\n     \tc`", r"`a\n    b\n        c`", id="or as many as are left to the next stop"),
        pytest.param("`a\n\u00a0\ufeff\vb`", r"`a\n b`", id="other blanks count one or none"),
        pytest.param("`\t q\n`", r"`  q\n`", id="each blank before the first line is one"),
        pytest.param("`a\nb\t`", r"`a\nb\t`".replace(r"\t", "\t"), id="a tab within a line stays"),
        pytest.param("`a\\\nb`", r"`a\\nb`", id="a line that goes on has a backslash and an n instead"),
        pytest.param("`\nx${`\ny${1}`}`", r"`\nx ${`\ny ${1}`}`", id="a literal in a literal"),
        pytest.param("{a: `\n${1}`}", r"{a: `\n ${1}`}", id="in an object"),
    ],
)
def test_printed(code: str, expected: str | None) -> None:
    source, root = parse_expression(code)
    assert printed(source, root) == expected

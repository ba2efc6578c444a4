"""The probable cause of a syntax error in an expression, derived from its text."""

import re
from typing import Final

from compiler.expressions.template import CodePart, split

BLOCK: Final = re.compile(r"^\s*[#/](each|if|unless|with)\b|^\s*else\s*$")
STATEMENT: Final = re.compile(r"^\s*(const|let|var|if|for|while|return|function|class|throw|try)\b")

AFTER_BRACE: Final = re.compile(r"\}\s*\S")
QUOTES: Final = re.compile(r"""['"]\w[^'"]*['"]\w|\w'\s+\w|['"]{2}\s*[,)]""")


def explain_syntax_error(text: str, offset: int) -> str:
    """Return a hint for an expression with a syntax error at `offset`, or an empty text if the cause is not clear."""
    code = _chunk(text[1:], offset - 1)
    if code is None:
        return ""
    if not code.strip():
        return "write an expression between {{ and }}"
    if BLOCK.match(code):
        return "n8n has no blocks such as {{#each}}: build the text in a Code node or with .map(...).join('')"
    if code.lstrip().startswith("{{"):
        return "there is a {{ inside {{ }}: remove the inner one"
    if code.count("{") > code.count("}"):
        return "the first }} ends an expression, even inside brackets: write } } with a space"
    if STATEMENT.match(code):
        return "an expression must have a value: move statements into a Code node"
    if AFTER_BRACE.search(code) and code.count("}") > code.count("{"):
        return "an expression must end with }}"
    if _quotes(code):
        return "write \\' or \\\" for a quote inside a string"
    return ""


def _chunk(template: str, offset: int) -> str | None:
    """Return the code that contains the error."""
    start = 0
    for part in split(template):
        if isinstance(part, CodePart):
            begins = template.find("{{", start)
            ends = begins + 2 + len(part.value) + 2
            if offset <= ends:
                return part.value
            start = ends
        else:
            start += len(part.value)
    return None


def _quotes(code: str) -> bool:
    """Return whether a quote is probably part of a string: between letters, or two in a row."""
    return bool(QUOTES.search(code)) or code.count("'") % 2 == 1

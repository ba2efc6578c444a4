r"""Template literals as n8n's printer writes them again, which changes what they say.

n8n parses every expression and prints it before it runs. Where a piece of a template literal has a line break, the printer writes the
break as its escape, turns what a line begins with into blanks, and puts a blank between a word and the `${` behind it:

| author | runs |
|---|---|
| `Hello` break `dear${name}` | `Hello\ndear ${name}` |
| `a` break, tab, `b` | `a\n    b` |
| `dear${name}` | the same |

It also loses its way at comments in a `${}`. One behind the value is a syntax error. A block comment before the value, where the text
before the `${` has a break, takes the `${` along, and what follows is text. One before brackets does so anywhere, and is gone itself:

| author | runs |
|---|---|
| `a` break `${ /* c */ 5 }` | `a\n /* c */ 5 }` |
| `a${ /* c */ (5) }` | `a (5) }` |
| `${ 5 /* c */ }` | refused |
"""

import re
from collections.abc import Iterator
from typing import Final

from compiler.expressions.extended import key_edits, lost_link_edits
from compiler.expressions.syntax import InvalidCodeError, Node, ParsedCode, walk

__all__ = ["printed"]

_BREAK: Final = re.compile(r"\r\n|[\r\n\u2028\u2029]")
_ESCAPE: Final = re.compile(r"\\(?:(n|u000[aA]|u\{0{0,8}[aA]\}|x0[aA])|[\s\S])")
"""An escape; group 1: one of a line feed."""
_WORD_END: Final = re.compile(r"[0-9A-Za-z_$]\Z")
_TAB_WIDTH: Final = 4
_NO_WIDTH: Final = frozenset("\v\r\ufeff")
_BLANKS: Final = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""JavaScript's white space."""


def printed(source: ParsedCode, root: Node, *, extended: bool = False) -> str | None:
    """Return the author's code as n8n runs it; None: it runs as it stands. `extended`: its template calls an extension method."""
    edits = [edit for node in walk(root) if node.type == "template_string" for edit in _edits(source, node)]
    edits += key_edits(source, root) if extended else lost_link_edits(root)
    if not edits:
        return None
    data, at, pieces = source.data, 0, list[bytes]()
    for start, end, text in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        if start < at:
            continue  # inside of what is replaced as a whole
        pieces += [data[at:start], text.encode("utf-8", "surrogatepass")]
        at = end
    code = b"".join([*pieces, data[at:]]).decode("utf-8", "surrogatepass")
    return code[source.shift : len(code) - source.shift]


def _edits(source: ParsedCode, literal: Node) -> Iterator[tuple[int, int, str]]:
    """Yield first byte, end and new text of each piece that changes. Raise InvalidCodeError for a comment behind a value."""
    substitutions = [child for child in literal.children if child.type == "template_substitution"]
    for n, each in enumerate(substitutions, 1):
        last = each.named_children[-1] if each.named_children else None
        if last is not None and last.type == "comment" and source.text(last).startswith("/*"):
            told = "Unexpected end of input" if n == len(substitutions) else "Missing } in template expression"
            raise InvalidCodeError(f"Expression evaluation failed: {told}", source.index(last.start_byte))
    starts = [literal.start_byte + 1, *(each.end_byte for each in substitutions)]
    ends = [*(each.start_byte for each in substitutions), literal.end_byte - 1]
    for n, (start, end) in enumerate(zip(starts, ends, strict=True)):
        raw = source.data[start:end].decode("utf-8", "surrogatepass")
        behind = _comment_before_brackets(source, substitutions[n]) if n < len(substitutions) else None
        if behind is not None:
            yield substitutions[n].start_byte, behind.end_byte, ""
        if _BREAK.search(raw) is None and not any(match[1] for match in _ESCAPE.finditer(raw)):
            continue
        text = _lines(raw)
        if n < len(substitutions) and behind is None and _WORD_END.search(text):
            text += " "
        if text != raw:
            yield start, end, text
        if n == len(substitutions) or behind is not None:
            continue
        if (comment := _leading_comment(source, substitutions[n])) is not None:
            yield substitutions[n].start_byte, comment.start_byte, ""


def _leading_comment(source: ParsedCode, substitution: Node) -> Node | None:
    """Return the block comment before a value that can be text of the literal as it stands."""
    first = substitution.named_children[0] if substitution.named_children else None
    if first is None or first.type != "comment" or not source.text(first).startswith("/*"):
        return None
    rest = source.data[first.start_byte : substitution.end_byte]
    return None if b"`" in rest or b"${" in rest else first


def _comment_before_brackets(source: ParsedCode, substitution: Node) -> Node | None:
    """Return the leading comment where nothing but a value in brackets follows it."""
    comment = _leading_comment(source, substitution)
    rest = substitution.named_children[1:]
    return comment if len(rest) == 1 and rest[0].type == "parenthesized_expression" else None


def _lines(raw: str) -> str:
    first, *others = _BREAK.split(raw)
    rest = first.lstrip(_BLANKS)
    return "\\n".join([" " * (len(first) - len(rest)) + rest, *(_indented(line) for line in others)])


def _indented(line: str) -> str:
    rest = line.lstrip(_BLANKS)
    width = 0
    for character in line[: len(line) - len(rest)]:
        if character == "\t":
            width = (width // _TAB_WIDTH + 1) * _TAB_WIDTH
        elif character not in _NO_WIDTH:
            width += 1
    return " " * width + rest

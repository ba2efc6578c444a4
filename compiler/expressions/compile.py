"""Compile an expression string: split, parse, check, then choose the simplest form with the same value."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from compiler.expressions.cost import is_linear
from compiler.expressions.effects import writes
from compiler.expressions.extended import calls_extension, check_extended
from compiler.expressions.gate import UNPRINTABLE_CHAIN, check_printable, check_text
from compiler.expressions.printed import printed
from compiler.expressions.quick import quick
from compiler.expressions.references import References, references
from compiler.expressions.rewrite import rewrite
from compiler.expressions.simple import simplify
from compiler.expressions.syntax import InvalidCodeError, Node, ParsedCode, parse_expression
from compiler.expressions.template import CodePart, TextPart, split, split_resolvables
from schemas.expression import Expression, Invalid, Literal, Path, Script, Template

__all__ = ["CompiledExpression", "ExpressionProblem", "compile_expression", "compile_parts", "compile_resolvables"]

MAX_CHARACTERS: Final = 10_000
"""Characters of the code of one `{{ }}`, since a parser that goes on after errors takes more than linear time over them. The
longest one in 9,390 real exports has about 2,000."""


@dataclass(frozen=True)
class ExpressionProblem:
    """Why n8n refuses an expression. `message` is n8n's; the position is relative to the start of the string as written."""

    message: str
    offset: int
    line: int
    """From 1."""
    column: int
    """From 1."""


@dataclass(frozen=True)
class CompiledExpression:
    """A compiled expression string."""

    expression: Expression
    references: frozenset[str] | None = frozenset()
    """Names of the nodes it may read; None: any."""
    variables: frozenset[str] = frozenset()
    """n8n's variables (`$json`, `$now`, ...) that it reads."""
    problems: tuple[ExpressionProblem, ...] = ()


def compile_expression(text: str) -> CompiledExpression:
    """Compile a parameter string that starts with `=`. Never raises: what n8n refuses becomes `Invalid`."""
    return _compile(text[1:], 1)


def compile_resolvables(text: str, mode: str) -> CompiledExpression:
    """Compile text of an editor that n8n fills in by itself (SQL, HTML, raw JSON), with or without a leading `=`.

    n8n puts the value of each `{{ }}` into the text one after the other with JavaScript's replace. `mode` 'text': as
    String() shows it (`null` and `undefined` included), with the patterns of replace (`$&`) at work; 'json': objects as
    JSON, no patterns, and every leading `=` is dropped. Inserted values are not evaluated again here.
    """
    shift = len(text) - len(text.lstrip("=")) if mode == "json" else int(text.startswith("="))
    return _compile(text[shift:], shift, resolvables=mode)


def compile_parts(text: str) -> CompiledExpression:
    """Compile text whose values a node takes one by one, with or without a leading `=`: `{"$parts": ["text", [value], ...]}`.

    One `{{ }}` alone behind a `=` is an expression like any other.
    """
    if text.startswith("=") and len(parts := split(text[1:])) == 1 and isinstance(parts[0], CodePart):
        return compile_expression(text)
    shift = int(text.startswith("="))
    return _compile(text[shift:], shift, resolvables="parts")


def _compile(template: str, shift: int, resolvables: str | None = None) -> CompiledExpression:
    try:
        check_text(template)
        parts = _Parts(split(template) if resolvables is None else split_resolvables(template), resolvables)
        return CompiledExpression(
            parts.expression(), parts.reads.nodes, frozenset(v for v in parts.reads.variables if v.startswith("$"))
        )
    except InvalidCodeError as error:
        problem = _problem(template, error, shift)
        return CompiledExpression(Invalid(message=error.message), problems=(problem,))


def _problem(template: str, error: InvalidCodeError, shift: int) -> ExpressionProblem:
    before = template[: error.index]
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return ExpressionProblem(error.message, error.index + shift, line, column + (shift if line == 1 else 0))


@dataclass
class _Chunk:
    """The parsed code of one `{{ }}`."""

    source: ParsedCode
    root: Node
    simple: Literal | Path | None


@dataclass
class _Parts:
    """The parsed parts of a template, and what they read."""

    parts: list[TextPart | CodePart]
    resolvables: str | None = None
    reads: References = field(default_factory=References)
    chunks: list[TextPart | _Chunk] = field(default_factory=list)
    trees: list[tuple[CodePart, ParsedCode, Node]] = field(default_factory=list)
    """The code as the author wrote it."""

    extended: bool = False
    """Whether an extension method is called somewhere."""

    def __post_init__(self) -> None:
        self.extended = any(calls_extension(each.value) for each in self.codes())
        self.chunks = [part if isinstance(part, TextPart) else self._chunk(part) for part in self.parts]
        check_extended(self.trees)

    def codes(self) -> Iterator[CodePart]:
        """Yield the pieces of code."""
        return (part for part in self.parts if isinstance(part, CodePart))

    def _chunk(self, code: CodePart) -> _Chunk:
        if len(code.value) > MAX_CHARACTERS:
            raise InvalidCodeError(
                f"The expression has more than {MAX_CHARACTERS:,} characters: move it into a Code node", code.place(0)
            )
        try:
            source, root = parse_expression(code.value)
            self.trees.append((code, source, root))
            check_printable(source, root)
            if (text := printed(source, root, extended=self.extended)) is not None:
                source, root = parse_expression(text)
            reads = references(source, root)
            simple = simplify(source, root)
            rewrite(source, root) if simple is None else None
        except InvalidCodeError as error:
            message = "invalid syntax" if error.message == UNPRINTABLE_CHAIN and self.extended else error.message
            raise InvalidCodeError(message, code.place(error.index)) from None
        self.reads.variables |= reads.variables
        self.reads.dynamic |= reads.dynamic
        for name, ways in reads.ways.items():
            for way in ways:
                self.reads.add(name, way)
        return _Chunk(source, root, simple)

    def expression(self) -> Expression:
        """Return the simplest form that gives the same value."""
        if self.resolvables is not None and any(isinstance(chunk, _Chunk) for chunk in self.chunks):
            return self._script(*(self._listed() if self.resolvables == "parts" else self._replaced()))
        if len(self.chunks) == 1 and isinstance(only := self.chunks[0], _Chunk):
            return only.simple or self._script(*self._value(only), quick(only.source, only.root))
        return self._template() or self._script(*self._text(), self._quick_text())

    def _quick_text(self) -> list[Any] | None:
        tree: list[Any] = ["text"]
        for chunk in self.chunks:
            part = chunk.value if isinstance(chunk, TextPart) else quick(chunk.source, chunk.root)
            if part is None:
                return None
            tree.append(part)
        return tree

    def _template(self) -> Expression | None:
        """Return text, or text mixed with paths; None if a part needs JavaScript."""
        parts: list[str | Path] = []
        for chunk in self.chunks:
            part = chunk.value if isinstance(chunk, TextPart) else _literal_text(chunk.simple)
            if part is None:
                return None
            if isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            else:
                parts.append(part)
        if all(isinstance(part, str) for part in parts):
            return Literal(value="".join(str(part) for part in parts))
        return Template(parts=tuple(parts))

    def _value(self, chunk: _Chunk) -> tuple[str, bool]:
        text, temporaries = rewrite(chunk.source, chunk.root)
        return _body(f"({text}\n)", temporaries), is_linear(chunk.source, chunk.root)

    def _text(self) -> tuple[str, bool]:
        pieces: list[str] = []
        temporaries, linear = 0, True
        for chunk in self.chunks:
            if isinstance(chunk, TextPart):
                pieces.append(_quote(chunk.value))
                continue
            text, temporaries = rewrite(chunk.source, chunk.root, temporaries)
            pieces.append(f"___r(()=>({text}\n))")
            linear = linear and is_linear(chunk.source, chunk.root)
        return _body("+".join(['""', *pieces]), temporaries), linear

    def _listed(self) -> tuple[str, bool]:
        """Return code that gives the parts in order, text as it is and each value in a list, which is empty for undefined; a
        value that cannot be read is undefined, as in n8n.
        """
        pieces: list[str] = []
        temporaries, linear = 0, True
        for chunk in self.chunks:
            if isinstance(chunk, TextPart):
                pieces.append(_quote(chunk.value))
                continue
            text, temporaries = rewrite(chunk.source, chunk.root, temporaries)
            value = f"(()=>{{try{{return ({text}\n)}}catch(e){{if(e instanceof TypeError)return;throw e}}}})()"
            pieces.append(f"(v=>v===undefined?[]:[v])({value})")
            linear = linear and is_linear(chunk.source, chunk.root)
        return _body(f'{{"$parts":[{",".join(pieces)}]}}', temporaries), linear

    def _replaced(self) -> tuple[str, bool]:
        """Return code that replaces each chunk of the text by its value, in order, at its first occurrence."""
        whole = "".join(part.value if isinstance(part, TextPart) else f"{{{{{part.value}}}}}" for part in self.parts)
        lines, temporaries, linear = [f"let ___q={_quote(whole)};"], 0, True
        for part, chunk in zip(self.parts, self.chunks, strict=True):
            if isinstance(part, TextPart) or isinstance(chunk, TextPart):
                continue
            text, temporaries = rewrite(chunk.source, chunk.root, temporaries)
            value = f"___j(()=>({text}\n))" if self.resolvables == "json" else f"___w(()=>({text}\n))"
            new = f"()=>{value}" if self.resolvables == "json" else value
            lines.append(f"___q=___q.replace({_quote(f'{{{{{part.value}}}}}')},{new});")
            linear = linear and is_linear(chunk.source, chunk.root)
        declarations = "".join(f"let ___t{i};" for i in range(temporaries))
        return f"{declarations}{''.join(lines)}return ___q;", linear

    def _script(self, source: str, linear: bool, quick_tree: list[Any] | None = None) -> Script:
        return Script(
            source=source,
            quick=quick_tree,
            nodes=None if self.reads.dynamic else tuple(sorted(self.reads.ways)),
            variables=tuple(sorted(self.reads.variables)),
            linear=linear and not self.reads.dynamic,
            pairs=self.reads.pairs,
            ways={name: tuple(sorted(ways)) for name, ways in sorted(self.reads.ways.items())},
            writes=any(writes(chunk.source, chunk.root) for chunk in self.chunks if isinstance(chunk, _Chunk)),
        )


def _literal_text(simple: Literal | Path | None) -> str | Path | None:
    """Return a constant as a template prints it; a path as it is; None if the value needs JavaScript."""
    if not isinstance(simple, Literal):
        return simple
    value = simple.value
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else None


def _body(expression: str, temporaries: int) -> str:
    declarations = ",".join(f"___t{i}" for i in range(temporaries))
    return f"{f'let {declarations};' if declarations else ''}return {expression};"


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=True)

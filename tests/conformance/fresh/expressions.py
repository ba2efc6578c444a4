"""Fresh expressions: recorded ones crossed with each other, drawn from a seed. The same seed always gives the same ones."""

import json
import random
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

from compiler.expressions.syntax import InvalidCodeError, Node, ParsedCode, parse_expression, walk
from tests.conformance.known import HERE

__all__ = ["document_of", "draw_document"]

VOLATILE: Final = re.compile(
    r"\$now|\$today|Date\.now|new Date\(\s*\)|random|performance|\$execution|DateTime\.(now|local|utc)\(\s*\)|uuid|\$env|\$vars|"
    r"\$secrets|process|toRelative|diffToNow|isInNext|isInLast|inLast|inNext|localeCompare|while|for\s*\(|\bdo\b|eval|import|"
    r"fromNow|toLocal|Intl|Date\(\)|DateTime\.now|new Date\b(?!\()|repeat|padEnd|padStart|Function|constructor|cause|stack|Error",
    re.IGNORECASE,
)
"""What differs from one moment, process or edition of Unicode to the next, or does not end."""
SPLIT: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
EXPRESSIONS: Final = frozenset({
    "string", "number", "array", "object", "template_string", "call_expression", "member_expression", "subscript_expression",
    "binary_expression", "ternary_expression", "unary_expression", "parenthesized_expression", "identifier", "new_expression",
    "true", "false", "null", "undefined", "regex",
})  # fmt: skip
LONGEST: Final = 140
"""Characters of a piece: longer ones are whole programs."""
LITERALS: Final = (
    "0", "1", "-1", "2.5", "'a'", "''", "' x '", "null", "undefined", "true", "false", "[]", "{}", "[1, 'a', null]", "'2024-02-29'",
    "({ a: 1, b: { c: [2] } })", "NaN", "'12.50'", "/a+/g", "10n", "$json.tags", "$json.nested", "$json.s", "$json.n", "$json.date",
    "$json.objs", "$json.nope", "$json", "$json.mixed", "[[1], [2]]", "'é🚀'", "$('Src').item.json", "$input.all()", "new Date(0)",
    "DateTime.fromISO('2024-03-10T08:30:00')", "(x => x)", "'a,b,c'", "$itemIndex", "-0", "1e21", "\"it's\"", "`t${1}`",
)  # fmt: skip
WRAPPINGS: Final = (
    "[{0}]", "({{ k: {0} }})", "`a${{{0}}}b`", "!({0})", "typeof ({0})", "({0}) ?? {1}", "({0}) || {1}", "({0}) && {1}", "({0}) + {1}",
    "({0}) == {1}", "({0}) === {1}", "({0}) ? {1} : {2}", "$if({0}, {1}, {2})", "$ifEmpty({0}, {1})", "[{0}, {1}]", "[...({0})]",
    "({{ ...({0}), z: {1} }})", "(({0})).toString()", "String({0})", "Number({0})", "JSON.stringify({0})", "({0})?.length",
    "(v => [v, typeof v])({0})", "(() => {{ const v = {0}; return v; }})()", "Object.keys({0})", "({0})[{1}]", "({0}) > {1}",
    "({0}) * 2", "-({0})", "[{0}].map(x => x)", "(({{ a, ...r }}) => r)({0})", "(([f, ...r]) => [f, r])({0})", "void ({0})",
    "{1} in ({0})", "({0}) instanceof Array", "Array.isArray({0})", "[{0}, {1}].includes({2})", "({0}, {1})", "$max(1, {0})",
    "(() => {{ try {{ return {0} }} catch (e) {{ return e.message }} }})()", "`${{ /* c */ {0} }}`", "`${{ {0}\n }}`", "({0}).isEmpty()",
    "({0}) /* c */", "{0} // c\n", "[{0}].flat()", "Object.entries({0})", "`\n${{{0}}}\\n`", "({0}) ** 2", "({0}) % {1}", "~({0})",
    "[{0}, {1}].sort()", "({0}) ?. a", "({0})?.[{1}]", "({{ [{0}]: {1} }})", "((a, b = {1}) => [a, b])({0})", "$jmespath({0}, 'a')",
)  # fmt: skip


@cache
def recorded() -> tuple[str, ...]:
    """Return the recorded expressions whose result is the same every time."""
    found: dict[str, None] = {}
    for path in sorted((HERE / "expressions").glob("*.json")):
        document = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
        for case in document["cases"]:
            if not case.get("volatile") and not VOLATILE.search(case["expression"]):
                found.setdefault(case["expression"])
    return tuple(found)


@cache
def codes() -> tuple[str, ...]:
    """Return the JavaScript of the recorded expressions."""
    return tuple(
        {code.strip(): None for each in recorded() for code in SPLIT.findall(each) if _parsed(code) is not None}
    )


def _parsed(code: str) -> ParsedCode | None:
    try:
        return parse_expression(code)[0]
    except (InvalidCodeError, RecursionError):
        return None


def _pieces(code: str) -> list[tuple[int, int, str]]:
    """Return (start, end, text) of the expressions in a piece of code; positions count its characters."""
    parsed = _parsed(code)
    return [] if parsed is None else [_place(parsed, each) for each in walk(parsed.root) if _is_expression(each)]


def _is_expression(node: Node) -> bool:
    """Whether another expression may stand in the place of this one."""
    above = node.parent
    if (
        node.type not in EXPRESSIONS
        or above is None
        or above.type in ("formal_parameters", "variable_declarator", "array_pattern")
    ):
        return False
    return not (
        node.type == "identifier"
        and above.type in ("arrow_function", "object_pattern", "catch_clause", "new_expression")
    )


def _place(parsed: ParsedCode, node: Node) -> tuple[int, int, str]:
    return parsed.index(node.start_byte), parsed.index(node.end_byte), parsed.text(node)


@cache
def pieces() -> tuple[str, ...]:
    """Return every expression inside the recorded ones, each once."""
    return tuple({text: None for code in codes() for _, _, text in _pieces(code) if len(text) <= LONGEST})


@cache
def links() -> tuple[str, ...]:
    """Return what stands behind the object in the recorded method calls: `.trim()`, `.slice(0, 5)`."""
    found: dict[str, None] = {}
    for code in codes():
        parsed = _parsed(code)
        for node in walk(parsed.root) if parsed is not None else ():
            called = node.child_by_field_name("function") if node.type == "call_expression" else None
            subject = called.child_by_field_name("object") if called is not None else None
            if parsed is not None and subject is not None and node.end_byte - subject.end_byte <= LONGEST:
                found.setdefault(parsed.data[subject.end_byte : node.end_byte].decode("utf-8", "surrogatepass"))
    return tuple(found)


class Crossing:
    """Draws expressions."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the point is to draw it again
        self.steps: tuple[Callable[[str], str], ...] = (self._graft, self._graft, self._link, self._wrap, self._wrap)

    def expression(self) -> str:
        """Return one that is not recorded."""
        while True:
            drawn = self._text() if self.random.random() < 0.15 else "={{ " + self._code() + " }}"
            if not VOLATILE.search(drawn) and drawn not in recorded():
                return drawn

    def _text(self) -> str:
        parts = [
            self.random.choice(("", "a ", "\n", "{", "é", "\\", "' ", "}")) + "{{ " + self._code() + " }}"
            for _ in range(2)
        ]
        return "=" + "".join(parts) + self.random.choice(("", " z", "}}", "{{", "\\n"))

    def _code(self) -> str:
        code = self.random.choice(codes()) if self.random.random() < 0.7 else self._piece()
        for _ in range(self.random.choice((1, 1, 2, 2, 3))):
            code = self.random.choice(self.steps)(code)
        return code

    def _piece(self) -> str:
        return self.random.choice(LITERALS if self.random.random() < 0.4 else pieces())

    def _graft(self, code: str) -> str:
        places = _pieces(code)
        if not places:
            return self._wrap(code)
        start, end, _ = self.random.choice(places)
        return code[:start] + self._piece() + code[end:]

    def _link(self, code: str) -> str:
        return f"({code}){self.random.choice(links())}"

    def _wrap(self, code: str) -> str:
        return self.random.choice(WRAPPINGS).format(code, self._piece(), self._piece())


def draw_document(seed: int, count: int) -> dict[str, Any]:
    """Return an expression file without what n8n gives: the workflow of the recorded ones and `count` fresh expressions."""
    crossing = Crossing(seed)
    drawn: dict[str, None] = {}
    while len(drawn) < count:
        drawn.setdefault(crossing.expression())
    return document_of(drawn, crossing.random)


def document_of(drawn: Iterable[str], draw: random.Random) -> dict[str, Any]:
    """Return an expression file of these expressions, over items and in time zones that are drawn."""
    document = json.loads((HERE / "expressions" / "expressions-00.json").read_text(encoding="utf-8"))
    zones = ("UTC", "America/New_York", "Asia/Kolkata")
    document["cases"] = [
        {
            "expression": each, "timezone": zones[i % len(zones)], "kind": "expr" if each.startswith("={{") else "template",
            "items": draw.choice(([0], [0], [1], [2], [0, 1])), "expected": None, "error": None,
        }
        for i, each in enumerate(drawn)
    ]  # fmt: skip
    return dict(document)

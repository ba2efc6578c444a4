"""Calculator: arithmetic for models, which are bad at it."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from runtime.agents.messages import ToolSpec
from runtime.agents.tools.toolbox import Tool, function_name, one_text
from runtime.contract import ActivityContext, Outputs
from runtime.values.javascript import js_string

PURPOSE: Final = (
    "Computes arithmetic. The input is one expression such as `(2 + 3) * 4 ^ 2`, `sqrt(2)` or `max(1, 7) % 3`."
)
NO_RESULT: Final = "I don't know how to do that."


def _quotient(dividend: float, divisor: float) -> float:
    """Return a quotient as JavaScript computes it: what is divided by zero is infinite, and zero then no number."""
    if divisor:
        return dividend / divisor
    return math.copysign(math.inf, dividend) if dividend else math.nan


OPERATORS: Final[dict[type[ast.AST], Callable[..., float]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: _quotient,
    ast.Mod: math.fmod, ast.Pow: math.pow, ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip
FUNCTIONS: Final[dict[str, Callable[..., float]]] = {
    name: getattr(math, name)
    for name in (
        "sqrt",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "exp",
        "log2",
        "log10",
        "floor",
        "ceil",
        "trunc",
        "pow",
        "cbrt",
    )
} | {"abs": abs, "round": round, "min": min, "max": max, "ln": math.log, "log": math.log10}
CONSTANTS: Final = {"pi": math.pi, "PI": math.pi, "e": math.e, "E": math.e}
DECIMALS: Final = 15
"""Decimals of a result: sums of tenths come out as people write them."""
MAX_CHARACTERS: Final = 500
"""Length of an expression."""


class ToolCalculator(Tool):
    """An expression that it cannot compute gets a sentence for the model; that is no error of the run (n8n)."""

    type = "@n8n/n8n-nodes-langchain.toolCalculator"
    versions = (1,)
    local = True
    differs = (
        "It supports arithmetic, powers and the usual functions, but no factorials, matrices or implied products such as `2(3)`; what n8n's "
        "does not know it computes (`sqrt(16)`, `abs`, `round`, `floor`, `max`, `%`), and `1e3` is a thousand, in n8n a product with e"
    )

    def spec(self, name: str, version: float, raw: Mapping[str, Any]) -> ToolSpec:
        """Return a tool whose one argument is the expression."""
        del version, raw
        return {"name": function_name(name), "description": PURPOSE, "schema": one_text()}

    async def run_tool(self, context: ActivityContext, arguments: Mapping[str, Any]) -> Outputs:
        """Return the number as text."""
        del context
        return [[{"json": {"response": calculate(str(arguments.get("input", "")))}}]]


def calculate(text: str) -> str:
    """Return the value of an expression, written as JavaScript writes numbers; NO_RESULT when it has none."""
    if len(text) > MAX_CHARACTERS:
        return NO_RESULT
    try:
        value = _value(ast.parse(text.strip().replace("^", "**"), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, KeyError, ArithmeticError, RecursionError, MemoryError):
        return NO_RESULT
    return js_string(round(value, DECIMALS) if math.isfinite(value) else value)


def _value(node: ast.AST) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.Name(id=name):
            return CONSTANTS[name]
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](_value(left), _value(right))
        case ast.UnaryOp(op=op, operand=operand):
            return OPERATORS[type(op)](_value(operand))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            return float(FUNCTIONS[name](*(_value(each) for each in args)))
    raise ValueError(ast.dump(node))

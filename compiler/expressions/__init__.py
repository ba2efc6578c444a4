"""n8n's expressions at compile time: template, parse, security gate, classification. Nothing is parsed at run time."""

from compiler.expressions.compile import (
    CompiledExpression,
    ExpressionProblem,
    compile_expression,
    compile_parts,
    compile_resolvables,
)

__all__ = ["CompiledExpression", "ExpressionProblem", "compile_expression", "compile_parts", "compile_resolvables"]

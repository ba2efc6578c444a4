"""n8n's expressions at compile time: template, parse, security gate, classification. Nothing is parsed at run time."""

from compiler.expressions.compiling import Compiled, Problem, compile_expression, compile_resolvables

__all__ = ["Compiled", "Problem", "compile_expression", "compile_resolvables"]

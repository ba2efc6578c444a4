"""Compile n8n exports to plans. Never imports the runtime: the catalogue of node types is an argument."""

from compiler.pipeline import compile_export, compile_exports
from compiler.unit import Compilation, Grade, Verdict

__all__ = ["Compilation", "Grade", "Verdict", "compile_export", "compile_exports"]

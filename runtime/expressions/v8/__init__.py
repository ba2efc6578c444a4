"""V8: the only part of the expressions that starts processes and threads and reads files. Hosts pass it to the interpreter."""

from runtime.expressions.v8.evaluator import run_scripts, start

__all__ = ["run_scripts", "start"]

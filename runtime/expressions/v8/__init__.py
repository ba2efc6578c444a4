"""V8: the only part of the expressions that starts processes and threads and reads files. Hosts pass it to the interpreter."""

from runtime.expressions.v8.child_process import ScriptsUnavailable
from runtime.expressions.v8.evaluator import evaluator_of, start

__all__ = ["ScriptsUnavailable", "evaluator_of", "start"]

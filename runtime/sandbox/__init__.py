"""Code nodes: JavaScript in a child process with limits, Python in a sandboxed interpreter.

What comes back is JSON: `{"outcomes": [...]}` with one outcome per run of the code, each `{"data": ...}`,
`{"missing": "undefined" | "null" | "number"}` or `{"error": {"message", "description"?, "line"?, "primitive"?}}`.

Node classes import `items` and `failures` from here inside workflow code, so the package itself loads nothing: hosts take
`CodeRunner` from `runner`.
"""

from runtime.sandbox.limits import CodeLimits

__all__ = ["CodeLimits"]

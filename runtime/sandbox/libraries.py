"""JavaScript libraries in the sandbox of Code nodes: for files, which are hostile until they are read.

A run has the time and memory of a Code node's, and its child process can do nothing else.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

from runtime.contract import ActivityContext, NodeError
from runtime.contract.capabilities.code import LIBRARY

__all__ = ["run_in_sandbox"]

VENDOR: Final = Path(__file__).parents[1] / "expressions" / "vendor"


async def run_in_sandbox(
    context: ActivityContext, library: str, body: str, value: dict[str, Any], *, mode: str = LIBRARY
) -> Any:
    """Return as JSON what `body` returns, an async function of `value` that sees the library as `lib`.

    `mode`: "function" where the value may hold code of an author, which an operator may have switched off.

    Raise NodeError with the library's own message, or when a limit is hit.
    """
    code = f"const lib = {_source(library)}; const value = items[0].json; "
    code += f"try {{ return [{{json: {{value: await (async () => {{ {body} }})()}}}}]; }} "
    code += "catch (error) { return [{json: {error: String(error.message)}}]; }"
    result = await context.run_javascript(code, mode=mode, items=[{"json": value}])
    outcome = result["outcomes"][0]
    if "error" in outcome:
        raise NodeError(outcome["error"].get("message") or "The file cannot be read")
    answer = outcome["data"][0]["json"]
    if "error" in answer:
        raise NodeError(answer["error"])
    return answer.get("value")


@cache
def _source(library: str) -> str:
    """Return a CommonJS file as an expression."""
    text = (VENDOR / f"{library}.js").read_text(encoding="utf-8")
    module = (
        "const module = { exports: {} }, exports = module.exports, require = () => ({});"  # what it needs is within
    )
    return f"(() => {{ {module} {text}\n; return module.exports; }})()"

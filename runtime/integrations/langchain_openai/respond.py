"""OpenAI (AI package): asking for a response, in the background too."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.answers import elements_of
from runtime.integrations.filters import segment
from runtime.integrations.langchain_openai.chat import parsed, require_one
from runtime.integrations.langchain_openai.responses import entry, response_body, response_input
from runtime.integrations.operation import Run
from runtime.integrations.polling import poll
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string

__all__ = ["finished", "request_body", "respond", "response_items", "wait_for"]

_POLL_SECONDS: Final = 2.0


async def respond(run: Run, scope: Scope) -> list[Item]:
    """Ask for a response, in the background too, and return it."""
    body = await request_body(run, scope)
    response = await run.request(scope, method="POST", path="/responses", json=body)
    if body["background"]:
        response = await finished(run, scope, response)
    return response_items(scope, response)


async def request_body(run: Run, scope: Scope) -> dict[str, Any]:
    """Return the body of a response. Raise NodeError."""
    messages = await response_input(run, scope)
    require_one([part.get("text") for each in messages for part in each["content"]])
    return response_body(scope, messages)


def response_items(scope: Scope, response: Any) -> list[Item]:
    """Return the items of a response, its JSON read where it was asked for. Raise NodeError for an answer without output."""
    output = elements_of(response, "output", "filter")  # n8n looks for calls of tools, whatever is asked for
    text = entry((scope.parameters.get("options") or {}).get("textFormat"), "textOptions")
    if (text.get("type") or "text") != "text":
        output = [_read_output(each) for each in output]
    if scope.parameters.flag("simplify", default=True):
        return [{"json": {"output": [each for each in output if each.get("type") == "message"]}}]
    return [{"json": {**response, "output": output}}]


async def finished(run: Run, scope: Scope, response: Mapping[str, Any]) -> Any:
    """Return a response in the background when it is done. Raise NodeError."""
    mode = ((scope.parameters.get("options") or {}).get("backgroundMode") or {}).get("values") or {}
    path = f"/responses/{segment(response.get('id'))}"
    done = await wait_for(run, scope, path, {"queued", "in_progress"}, float(mode.get("timeout", 300)))
    if done is None:
        raise NodeError("Timeout reached", item=scope.index)
    if done.get("status") in ("failed", "cancelled"):
        error = done.get("error") or {}
        raise NodeError(js_string(error.get("message") or f"The response {done['status']}"), item=scope.index)
    return done


def _read_output(output: Any) -> Any:
    if not isinstance(output, Mapping) or output.get("type") != "message":
        return output
    parts = [
        {**each, "text": parsed(each["text"])} if each.get("type") == "output_text" else each
        for each in output.get("content", [])
    ]
    return {**output, "content": parts}


async def wait_for(run: Run, scope: Scope, path: str, unfinished: set[str], seconds: float) -> Any:
    """Return a job at a path when it is in none of the unfinished states; None: it is not in time."""

    async def ask() -> Any:
        return await run.request(scope, path=path)

    return await poll(ask, lambda job: job.get("status") not in unfinished, every=_POLL_SECONDS, timeout=seconds)

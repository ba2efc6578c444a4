"""Assistants of OpenAI: their tools, and messages to them (a run on a thread, and its answer)."""

from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.filters import segment
from runtime.integrations.operation import Run
from runtime.integrations.polling import poll
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = ["assistant_reply", "assistant_tools", "simple_assistants", "updated_tools"]

_HEADERS: Final = {
    "Authorization": Template("Bearer {$credential.apiKey}"),
    "OpenAI-Beta": "assistants=v2",
    "X-Stainless-Retry-Count": "0",
    "X-Stainless-Lang": "js",
    "X-Stainless-Package-Version": "6.46.0",
    "X-Stainless-OS": "Linux",
    "X-Stainless-Arch": "x64",
    "X-Stainless-Runtime": "node",
    "X-Stainless-Runtime-Version": "v24.21.0",
}
"""The form of the client library, in which n8n's node sends these requests (observed)."""
_TOOLS: Final = {"codeInterpreter": "code_interpreter", "knowledgeRetrieval": "file_search"}
"""Parameter -> the tool that it asks for."""
_POLL_SECONDS: Final = 2.0
_RUN_SECONDS: Final = 600.0
_UNFINISHED: Final = frozenset({"queued", "in_progress", "cancelling"})


async def assistant_reply(run: Run, scope: Scope) -> list[Item]:
    """Send a message, wait for the run, and return the answer."""
    parameters = scope.parameters
    text, assistant = _prompt(scope), scope.located("assistantId", parameters.get("assistantId", UNDEFINED))
    base = (
        (parameters.get("options") or {}).get("baseURL") or scope.credential.get("url") or "https://api.openai.com/v1"
    )

    async def send(path: str, **spec: Any) -> Any:
        url = f"{js_string(base).rstrip('/')}{path}"
        return await run.request(scope, url=url, headers=_HEADERS, sign=False, **spec)

    if parameters.get("memory") == "threadId" and parameters.get("threadId"):
        thread = f"/threads/{segment(parameters['threadId'])}"
        await send(f"{thread}/messages", method="POST", json={"content": text, "role": "user"})
        started = await send(f"{thread}/runs", method="POST", json={"assistant_id": assistant})
    else:
        body = {"thread": {"messages": [{"role": "user", "content": text}]}, "assistant_id": assistant}
        started = await send("/threads/runs", method="POST", json=body)
    thread_id, run_id = started.get("thread_id"), started.get("id")

    async def ask() -> Any:
        return await send(f"/threads/{segment(thread_id)}/runs/{segment(run_id)}")

    done = await poll(ask, lambda job: job.get("status") not in _UNFINISHED, every=_POLL_SECONDS, timeout=_RUN_SECONDS)
    if done is None or done.get("status") != "completed":
        reason = ((done or {}).get("last_error") or {}).get("message")
        raise NodeError(js_string(reason or f"The assistant's run is {(done or {}).get('status', 'not done')}"))
    messages = await send(f"/threads/{segment(thread_id)}/messages", query={"order": "desc"})
    return [{"json": {"output": _text(messages.get("data") or [], run_id), "threadId": thread_id}}]


def _prompt(scope: Scope) -> Any:
    """Return the message: the parameter, or the field that the trigger before this node gives."""
    mode = scope.parameters.get("prompt", "auto")
    field = {"auto": "chatInput", "guardrails": "guardrailsInput"}.get(mode)
    text = (
        scope.parameters.get("text", UNDEFINED) if field is None else scope.item.get("json", {}).get(field, UNDEFINED)
    )
    if text is UNDEFINED:
        raise NodeError(
            "No prompt specified",
            description="Give the message in the field chatInput, or choose to define it below",
            item=scope.index,
        )
    return text


def _text(messages: list[Any], run_id: Any) -> Any:
    """Return the text of the messages of a run, the oldest first."""
    parts = [part for each in reversed(messages) if each.get("run_id") == run_id for part in each.get("content", [])]
    if not all(part.get("type") == "text" for part in parts):
        return parts
    return "\n".join(js_string(part["text"].get("value", "")) for part in parts)


def assistant_tools(scope: Scope) -> dict[str, Any]:
    """Return the tools of a new assistant, and the files that they read."""
    files, resources = scope.parameters.get("file_ids") or [], dict[str, Any]()
    for name, type_ in _TOOLS.items():
        if scope.parameters.get(name):
            held = {"file_ids": files} if type_ == "code_interpreter" else {"vector_stores": [{"file_ids": files}]}
            resources[type_] = held
    tools = [{"type": type_} for type_ in resources]
    return {"tools": tools, "tool_resources": resources} if tools else {}


def updated_tools(scope: Scope) -> dict[str, Any]:
    """Return the tools of an assistant (`$current`) after a change, and its files, which the code interpreter reads."""
    options = scope.parameters.get("options") or {}
    tools = list((scope.names["current"] or {}).get("tools") or [])
    if options.get("removeCustomTools"):
        tools = [each for each in tools if each.get("type") != "function"]
    for name, type_ in _TOOLS.items():
        wanted = options.get(name)
        if wanted is False:
            tools = [each for each in tools if each.get("type") != type_]
        elif wanted and not any(each.get("type") == type_ for each in tools):
            tools.append({"type": type_})
    files = {"tool_resources": {"code_interpreter": {"file_ids": options["file_ids"]}}} if "file_ids" in options else {}
    return {"tools": tools, **files}


def simple_assistants(scope: Scope) -> list[Any]:
    """Return the assistants of all pages, in short where that is asked for."""
    found = scope.names["items"]
    if not scope.parameters.flag("simplify", default=True):
        return list(found)
    return [{name: each.get(name) for name in ("id", "name", "model")} for each in found]

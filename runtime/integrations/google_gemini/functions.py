"""Google Gemini: questions about files, messages, uploads; images and videos are in `media`."""

from typing import Final

from runtime.contract import Item, NodeError
from runtime.integrations.filters import FILTERS
from runtime.integrations.google_gemini.files import by_url, done, fetched, files_of, send_file, uploaded
from runtime.integrations.google_gemini.media import download, edit, generate, video
from runtime.integrations.google_gemini.messages import answers, ask, body, message_items, options_of
from runtime.integrations.google_gemini.tools import MessageTools
from runtime.integrations.operation import Run
from runtime.integrations.prompts import require
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = [
    "MESSAGE_TOOLS",
    "analyze",
    "download",
    "edit",
    "generate",
    "message",
    "transcribe",
    "upload",
    "upload_to_store",
    "video",
]

MESSAGE_TOOLS: Final = MessageTools()


async def upload(run: Run, scope: Scope) -> list[Item]:
    """Upload a file and return its address."""
    parameters = scope.parameters
    if parameters.get("inputType", "url") == "url" and parameters.get("fileUrl"):
        return [{"json": await by_url(run, scope, js_string(parameters["fileUrl"]), "file")}]
    ref = run.file(scope.index, js_string(parameters.get("binaryPropertyName", "data")))
    return [{"json": await uploaded(run, scope, ref)}]


async def upload_to_store(run: Run, scope: Scope) -> list[Item]:
    """Upload a file to a store, wait until it can be searched, and return the operation's result."""
    parameters = scope.parameters
    if parameters.get("inputType", "url") == "url" and parameters.get("fileUrl"):
        ref = await fetched(run, scope, js_string(parameters["fileUrl"]), "file")
    else:
        ref = run.file(scope.index, js_string(parameters.get("binaryPropertyName", "data")))
    path = f"/upload/v1beta/{FILTERS['path'](parameters['fileSearchStoreName'])}:uploadToFileSearchStore"
    about = {"displayName": parameters.get("displayName") or "", "mimeType": ref.get("mimeType")}
    job = await send_file(run, scope, ref, path, about)
    return [{"json": (await done(run, scope, job)).get("response") or {}}]


async def analyze(run: Run, scope: Scope) -> list[Item]:
    """Ask a question about files."""
    config = {name: each for name, each in options_of(scope).items() if name == "maxOutputTokens"}
    for name, each in config.items():
        if not isinstance(each, int | float):
            raise NodeError(f'Parameter "{name}" does not match any of the expected types: number', item=scope.index)
    text = scope.parameters.get("text", UNDEFINED)
    require([text])
    parts = [*await files_of(run, scope), {"text": text}]
    body = {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}
    return answers(scope, await ask(run, scope, body))


async def transcribe(run: Run, scope: Scope) -> list[Item]:
    """Ask for the words of recordings."""
    options, text = options_of(scope), "Generate a transcript of the speech"
    if start := options.get("startTime"):
        text += f" from {js_string(start)}"
    if end := options.get("endTime"):
        text += f" to {js_string(end)}"
    parts = [*await files_of(run, scope), {"text": text}]
    return answers(scope, await ask(run, scope, {"contents": [{"role": "user", "parts": parts}]}))


async def message(run: Run, scope: Scope) -> list[Item]:
    """Send messages and return the answers."""
    return message_items(scope, await ask(run, scope, body(scope)))

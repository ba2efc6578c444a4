"""Google Gemini: its host, files that are uploaded before they are asked about, and jobs that take a while."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import NodeError
from runtime.http.address import origin
from runtime.integrations.answers import unreadable
from runtime.integrations.filters import FILTERS
from runtime.integrations.operation import Run
from runtime.integrations.polling import poll
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED, BinaryRef

__all__ = ["by_url", "done", "fetched", "files_of", "host_of", "is_own", "send_file", "uploaded"]

HOST: Final = "https://generativelanguage.googleapis.com"
_FILE_POLL_SECONDS, _FILE_SECONDS = 1.0, 300.0
_JOB_POLL_SECONDS, _JOB_SECONDS = 5.0, 900.0
_URLS: Final = {"audio": "audioUrls", "document": "documentUrls", "image": "imageUrls", "video": "videoUrls"}
_MIME: Final = {"audio": "audio/mpeg", "document": "application/pdf", "image": "image/png", "video": "video/mp4"}
"""Of files whose server does not say."""


def host_of(scope: Scope) -> str:
    """Return the host of the credential, with its scheme."""
    return js_string(scope.credential.get("host") or HOST).rstrip("/")


def is_own(scope: Scope, url: str) -> bool:
    """Return whether an address has the origin of the credential's host: no other is given the key."""
    return origin(url) == origin(host_of(scope))


async def send_file(
    run: Run, scope: Scope, ref: BinaryRef, path: str = "/upload/v1beta/files", about: Mapping[str, Any] | None = None
) -> Any:
    """Upload a file in Google's resumable way and return the last answer."""
    data = await run.context.blobs.open(ref)
    mime = ref.get("mimeType") or "application/octet-stream"
    start = {
        "Content-Type": "application/json",
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Length": str(len(data)),
        "X-Goog-Upload-Header-Content-Type": mime,
    }
    spec: dict[str, Any] = {"method": "POST", "path": path, "headers": start}
    if about is not None:
        spec["json"] = about
    started = await run.response(scope, **spec)
    target = started.headers.get("x-goog-upload-url")
    if not target:
        message = "Invalid URL" if about is None else "Failed to get upload URL"
        raise NodeError(message, description="Google Gemini gave no address for the file.", item=scope.index)
    return await run.request(
        scope.with_binary("file", ref), method="POST", url=target, file="file", bare=True, plain_errors=True,
        type="application/x-www-form-urlencoded",
        headers={"X-Goog-Upload-Offset": "0", "X-Goog-Upload-Command": "upload, finalize"},
    )  # fmt: skip


async def uploaded(run: Run, scope: Scope, ref: BinaryRef) -> dict[str, Any]:
    """Upload a file, wait until Gemini has read it, and return its part of a message."""
    answer = await send_file(run, scope, ref)
    file: Any = answer.get("file", UNDEFINED) if isinstance(answer, Mapping) else UNDEFINED
    if not isinstance(file, Mapping):
        raise unreadable(file, "state", scope.index)
    if file.get("state") not in ("ACTIVE", "FAILED"):

        async def ask() -> Any:
            return await run.request(scope, path=f"/v1beta/{FILTERS['path'](file['name'])}")

        file = await poll(
            ask, lambda each: each.get("state") in ("ACTIVE", "FAILED"), every=_FILE_POLL_SECONDS, timeout=_FILE_SECONDS
        )
    if file is None or file.get("state") == "FAILED":
        reason = ((file or {}).get("error") or {}).get("message")
        raise NodeError(js_string(reason or "Google Gemini could not read the file"), item=scope.index)
    names = {"fileUri": "uri", "mimeType": "mimeType"}
    return {name: file[member] for name, member in names.items() if member in file}


async def fetched(run: Run, scope: Scope, url: str, kind: str) -> BinaryRef:
    """Return a file from an address, without the credential."""
    response = await run.response(scope, url=url, response="file", bare=True, plain_errors=True)
    mime = response.headers.get("content-type", "").partition(";")[0].strip()
    ref: BinaryRef = response.body
    ref["mimeType"] = mime or _MIME.get(kind, "application/octet-stream")
    return ref


async def by_url(run: Run, scope: Scope, url: str, kind: str) -> dict[str, Any]:
    """Return the part of a message for a file at an address: Gemini's own, or any other."""
    if is_own(scope, url):
        known = await run.request(scope, url=url)
        return {"fileUri": url, "mimeType": known.get("mimeType")}
    return await uploaded(run, scope, await fetched(run, scope, url, kind))


async def files_of(run: Run, scope: Scope) -> list[dict[str, Any]]:
    """Return the parts of a message for the files that the parameters name."""
    parameters, kind = scope.parameters, js_string(scope.parameters["resource"])
    if parameters.get("inputType", "url") == "url":
        found = [await by_url(run, scope, url, kind) for url in FILTERS["split"](parameters.get(_URLS[kind], ""))]
    else:
        names = FILTERS["split"](parameters.get("binaryPropertyName", "data"))
        found = [await uploaded(run, scope, run.file(scope.index, name)) for name in names]
    return [{"fileData": each} for each in found]


async def done(run: Run, scope: Scope, job: Any) -> Any:
    """Return a long-running operation when it is done."""
    if not job.get("done"):
        path = f"/v1beta/{FILTERS['path'](job.get('name'))}"

        async def ask() -> Any:
            return await run.request(scope, path=path)

        job = await poll(ask, lambda each: bool(each.get("done")), every=_JOB_POLL_SECONDS, timeout=_JOB_SECONDS)
    if job is None:
        raise NodeError("Google Gemini was not done in time", item=scope.index)
    if error := job.get("error"):
        raise NodeError(js_string(error.get("message") or "Google Gemini failed"), item=scope.index)
    return job

"""Google Gemini: images and videos."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from runtime.contract import Item, NodeError
from runtime.integrations.answers import elements_of, member_of_answer
from runtime.integrations.files import file_item, stored
from runtime.integrations.filters import FILTERS
from runtime.integrations.google_gemini.files import done, host_of, is_own, uploaded
from runtime.integrations.google_gemini.messages import ask, candidates, model, options_of
from runtime.integrations.operation import Run
from runtime.integrations.prompts import require
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = ["download", "edit", "generate", "video"]


async def generate(run: Run, scope: Scope) -> list[Item]:
    """Generate images and return their files."""
    parameters, options, name_ = scope.parameters, options_of(scope), model(scope)
    require([parameters.get("prompt", UNDEFINED)])
    name = js_string(options.get("binaryPropertyOutput") or "data")
    if "imagen" not in name_:
        body = {
            "contents": [{"role": "user", "parts": [{"text": parameters["prompt"]}]}],
            "generationConfig": {"responseModalities": ["IMAGE", "TEXT"]},
        }
        return await _images(run, await ask(run, scope, body), name)
    instances = {
        "instances": [{"prompt": parameters["prompt"]}],
        "parameters": {"sampleCount": options.get("sampleCount", 1)},
    }
    response = await run.request(scope, method="POST", path=f"/v1beta/{FILTERS['path'](name_)}:predict", json=instances)
    found = response.get("predictions") or []
    return [await _image(run, each.get("bytesBase64Encoded", ""), each.get("mimeType"), name) for each in found]


async def edit(run: Run, scope: Scope) -> list[Item]:
    """Edit images and return the files."""
    parameters = scope.parameters
    require([parameters.get("prompt", UNDEFINED)])
    given = (parameters.get("images") or {}).get("values") or []
    names = [js_string(name) for each in given if (name := each.get("binaryPropertyName", "data"))]
    parts: list[Any] = [{"fileData": await uploaded(run, scope, run.file(scope.index, name))} for name in names]
    body = {
        "contents": [{"role": "user", "parts": [*parts, {"text": parameters["prompt"]}]}],
        "generationConfig": {"responseModalities": ["IMAGE"]},
    }
    name = js_string(options_of(scope).get("binaryPropertyOutput") or "edited")
    answer = await ask(run, scope, body)
    if not isinstance(answer, dict) or not isinstance(answer.get("candidates"), list):
        raise NodeError("Invalid response format from Gemini API", item=scope.index)
    images = [_edited(each, scope) for each in answer["candidates"]]
    return [await _image(run, each["data"], each.get("mimeType"), name) for each in images]


async def _images(run: Run, response: Any, name: str) -> list[Item]:
    found = [_first_image(each) for each in candidates(response)]
    return [await _image(run, each.get("data", ""), each.get("mimeType"), name) for each in found]


def _first_image(candidate: Any) -> Mapping[str, Any]:
    """Return the first image of a candidate; one without data where there is none, as in n8n. Raise NodeError without parts."""
    content = member_of_answer(candidate, "content")
    parts = elements_of({"parts": member_of_answer(content, "parts")}, "parts", "find")
    found = (part["inlineData"] for part in parts if isinstance(part, Mapping) and "inlineData" in part)
    return next((each for each in found if isinstance(each, Mapping)), {})


def _edited(candidate: Any, scope: Scope) -> Mapping[str, Any]:
    """Return the image of a candidate. Raise NodeError for one without."""
    content = candidate.get("content") if isinstance(candidate, Mapping) else None
    if not isinstance(content, Mapping) or not isinstance(content.get("parts"), list):
        raise NodeError("Invalid response format from Gemini API", item=scope.index)
    found = _first_image(candidate)
    if not found.get("data"):
        raise NodeError("No image data returned from Gemini API", item=scope.index)
    return found


async def _image(run: Run, content: str, mime: Any, name: str) -> Item:
    ref = await stored(run, content, mime_type=js_string(mime or "image/png"), file_name="image.png")
    return file_item(ref, name)


async def video(run: Run, scope: Scope) -> list[Item]:
    """Generate videos, wait for them, and return their files or their addresses."""
    parameters, options = scope.parameters, options_of(scope)
    require([parameters.get("prompt", UNDEFINED)])
    names = ("aspectRatio", "personGeneration", "durationSeconds")
    body = {
        "instances": [{"prompt": parameters["prompt"]}],
        "parameters": {"sampleCount": options.get("sampleCount", 1)} | {n: options[n] for n in names if n in options},
    }
    if "veo" not in model(scope):
        raise NodeError(
            f"Model {model(scope)} is not supported for video generation. Please use a Veo model", item=scope.index
        )
    path = f"/v1beta/{FILTERS['path'](model(scope))}:predictLongRunning"
    job = await run.request(scope, method="POST", path=path, json=body)
    answer = ((await done(run, scope, job)).get("response") or {}).get("generateVideoResponse") or {}
    urls = [js_string((each.get("video") or {}).get("uri")) for each in answer.get("generatedSamples") or []]
    if parameters.get("returnAs", "video") == "url":
        return [{"json": {"url": url}} for url in urls]
    return [await _video(run, scope, url) for url in urls]


async def download(run: Run, scope: Scope) -> list[Item]:
    """Return the file of a video that was generated before."""
    return [await _video(run, scope, js_string(scope.parameters["url"]))]


async def _video(run: Run, scope: Scope, url: str) -> Item:
    if not is_own(scope, url):
        own, host = urlsplit(host_of(scope)).hostname, urlsplit(url).hostname or url
        raise NodeError(
            f"Domain not allowed: This credential is restricted from accessing {host}. "
            f"Only the following domains are allowed: {own}",
            item=scope.index,
        )
    ref = await run.request(
        scope, url=url, response="file", filename="video.mp4", mime="video/mp4"
    )  # fmt: skip
    return file_item(ref, js_string(options_of(scope).get("binaryPropertyOutput") or "data"))

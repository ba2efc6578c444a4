"""RSS Read and GraphQL: what goes out, and what becomes of the answers."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from cli.testing.case import run_case
from runtime.contract import HttpResponse
from runtime.hosts.local.offline import OfflineCapabilities
from tests.exports import export, node

RSS = (
    '<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel><title>T</title><item>'
    "<title>A &amp; B</title><link>https://example.org/a</link><pubDate>Mon, 01 Jan 2024 10:00:00 +0200</pubDate>"
    "<itunes:duration>12:00</itunes:duration></item></channel></rss>"
)


class World(OfflineCapabilities):
    """Answers with a body, and remembers what was asked."""

    def __init__(self, *bodies: str, status: int = 200) -> None:
        super().__init__(http=self)
        self.bodies, self.status = list(bodies), status
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """See Http."""
        headers: Sequence[tuple[str, str]] = options.get("headers") or ()
        self.asked.append((method, url, {name.lower(): value for name, value in headers}, options.get("content")))
        return HttpResponse(self.status, "OK", [], self.bodies.pop(0).encode(), url)


async def _outputs(world: World, items: int, type_: str, version: float, **parameters: Any) -> Any:
    tested = node("X", type_, version, **parameters) | {"onError": "continueRegularOutput"}
    case = {"workflow": export("case", node("Start", "executeWorkflowTrigger"), tested), "start": "Start"}
    ran = await run_case({**case, "input": [{"json": {"n": i}} for i in range(items)]}, world)
    return ran["nodes"]["X"][0]["outputs"][0]


@pytest.mark.parametrize(("version", "asked"), [(1, 1), (1.2, 2)])
async def test_a_feed_is_read_once_or_per_item(version: float, asked: int) -> None:
    world = World(RSS, RSS)
    entries = await _outputs(world, 2, "rssFeedRead", version, url="https://example.org/rss", options={})
    assert len(world.asked) == asked == len(entries)
    assert entries[0] == {
        "title": "A & B", "link": "https://example.org/a", "pubDate": "Mon, 01 Jan 2024 10:00:00 +0200",
        "isoDate": "2024-01-01T08:00:00.000Z", "itunes": {"duration": "12:00"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "url", "message"),
    [
        ("nope", 404, "https://example.org/rss", "Request failed with status code 404"),
        ("", 200, "https://example.org/rss", "Unable to parse XML."),
        ("", 200, "nope", 'The provided "URL" is not valid!'),
    ],
)
async def test_a_feed_that_cannot_be_read_is_an_error_item(body: str, status: int, url: str, message: str) -> None:
    outputs = await _outputs(World(body, status=status), 1, "rssFeedRead", 1.2, url=url, options={})
    assert outputs == [{"error": message}]


async def test_a_query_goes_out_as_json_with_its_variables() -> None:
    world = World('{"data": {"a": 1}}')
    parameters = {"endpoint": "https://example.org/g", "query": "q", "variables": '={"n": {{ $json.n }}}'}
    outputs = await _outputs(world, 1, "graphql", 1.1, **parameters)
    method, _, headers, content = world.asked[0]
    assert (method, headers["content-type"]) == ("POST", "application/json")
    assert json.loads(content) == {"query": "q", "variables": {"n": 0}, "operationName": None}
    assert outputs == [{"data": {"a": 1}}]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('{"errors": [{"message": "one"}, {"message": "two"}]}', "one, two"),
        ('{"errors": {"message": "one"}}', "Unexpected error"),
        ("text", 'Response body is not valid JSON. Change "Response Format" to "String"'),
    ],
)
async def test_errors_in_an_answer_follow_it_under_continue_on_fail(body: str, found: str) -> None:
    outputs = await _outputs(World(body), 1, "graphql", 1.1, endpoint="https://example.org/g", query="q")
    assert outputs[-1] == {"error": found}
    assert len(outputs) == (1 if body == "text" else 2)

"""How a worker's requests leave it and what it makes of answers and of none: real sockets on the loopback interface."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from runtime.contract import HttpResponse, NodeApiError, NodeError
from runtime.hosts.temporal.capabilities.http import WorkerHttp
from runtime.hosts.temporal.resources import WorkerResources
from runtime.hosts.temporal.service_pauses import ServicePauses
from runtime.http.address import origin
from runtime.http.credential_hosts import binding
from runtime.platform.egress_clients import EgressClients
from schemas.hosts import HostPattern
from schemas.request_limits import RequestLimits
from schemas.task import Task

Answer = Callable[[bytes], bytes | None]
TASK = cast("Task", {"meta": {"tenant": "t", "execution_id": "e"}, "step": {"name": "n"}, "run_index": 0})


class Client:
    """The HTTP of a worker's tasks, with a tenant that may reach the loopback interface; no database."""

    def __init__(self) -> None:
        self.clients = EgressClients()
        self.opened: dict[str, Any] = {}
        self.taken: list[tuple[str, ...]] = []
        """The keys of turns that were taken."""
        resources = SimpleNamespace(
            clients=self.clients, allow_lists=self, opened=self.opened, settings=SimpleNamespace(payload_limit=1024 * 1024),
            pauses=ServicePauses(), turns=self, uses=SimpleNamespace(note=lambda *_, **__: None),
        )  # fmt: skip
        self._http = WorkerHttp(cast("WorkerResources", resources), TASK)

    async def get(self, tenant: str) -> tuple[str, ...]:
        """Return the egress entries of a tenant, as `allow_lists` does."""
        del tenant
        return ("127.0.0.0/8", "localhost", "127.0.0.1:9", "localhost:9")

    @asynccontextmanager
    async def turn(self, key: tuple[str, ...], *_: Any) -> AsyncIterator[None]:
        """Take a turn, as `turns` does."""
        self.taken.append(key)
        yield

    async def ask(self, url: str, method: str = "GET", **options: Any) -> HttpResponse:
        """Request a URL."""
        return await self._http.request(method, url, **options)

    async def is_repeatable(self, url: str) -> bool:
        """Return whether the task may go back to Temporal for a pause of this server."""
        return await self._http._is_repeatable(origin(url))


class Server:
    """Answers every request with what `answer` makes of its head; None: closes the connection without a word."""

    def __init__(self) -> None:
        self.answer: Answer = lambda _: reply()
        self.heads: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        answer = self.answer(self.heads[-1])
        if answer is not None:
            writer.write(answer)
            await writer.drain()
        writer.close()


def reply(body: bytes = b"{}", *headers: bytes, length: int | None = None, status: bytes = b"200 OK") -> bytes:
    """A response."""
    lines = [b"HTTP/1.1 %s" % status, b"Content-Length: %d" % (len(body) if length is None else length), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """On a free port of the loopback interface."""
    built = Server()
    listening = await asyncio.start_server(built.serve, "127.0.0.1", 0)
    built.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/x"
    yield built
    listening.close()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A worker's client."""
    built = Client()
    yield built
    await built.clients.close()


async def test_a_cookie_that_a_server_sets_goes_out_with_no_later_request(server: Server, client: Client) -> None:
    """It may be the session of another account of the same vendor; n8n keeps none either. Nor along a redirect."""
    server.answer = lambda _: reply(b"{}", b"Set-Cookie: session=first; Path=/")
    first = await client.ask(server.url)
    assert ("Set-Cookie", "session=first; Path=/") in first.headers
    server.answer = lambda head: (
        reply() if b"/there" in head else reply(b"", b"Set-Cookie: a=1", b"Location: /there", status=b"302 Found")
    )
    await client.ask(server.url, follow_redirects=True)
    assert len(server.heads) == 3
    assert [head for head in server.heads if b"cookie" in head.lower()] == []


async def test_a_request_that_names_no_user_agent_says_n8n(server: Server, client: Client) -> None:
    await client.ask(server.url)
    await client.ask(server.url, headers=[("user-agent", "mine/1")])
    agents = [line for head in server.heads for line in head.split(b"\r\n") if line.lower().startswith(b"user-agent")]
    assert agents == [b"User-Agent: n8n", b"user-agent: mine/1"]


async def test_header_values_travel_in_latin_1_both_ways(server: Server, client: Client) -> None:
    server.answer = lambda _: reply(b"{}", b"X-Back: gr\xfc\xdfe")
    response = await client.ask(server.url, headers=[("X-There", "grüße")])
    assert b"X-There: gr\xfc\xdfe\r\n" in server.heads[0]
    assert response.header("x-back") == "grüße"


async def test_a_header_value_beyond_latin_1_is_refused_by_name(server: Server, client: Client) -> None:
    with pytest.raises(NodeApiError, match='Invalid character in header content \\["X-Price"\\]') as raised:
        await client.ask(server.url, headers=[("X-Price", "5 €")])
    assert raised.value.http_code == "ERR_INVALID_CHAR"
    assert server.heads == []


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
async def test_a_body_that_was_decoded_is_told_from_one_that_came_plain(
    server: Server, client: Client, encoding: str
) -> None:
    server.answer = lambda _: reply(gzip.compress(b"hello"), b"Content-Encoding: " + encoding.encode())
    response = await client.ask(server.url)
    assert (response.body, response.decoded, response.header("content-encoding")) == (b"hello", True, None)


async def test_an_encoding_that_is_no_compression_stays(server: Server, client: Client) -> None:
    server.answer = lambda _: reply(b"hello", b"Content-Encoding: aws-chunked")
    response = await client.ask(server.url)
    assert (response.body, response.decoded, response.header("content-encoding")) == (b"hello", False, "aws-chunked")


async def test_a_body_that_cannot_be_decompressed_is_an_error_of_the_node(server: Server, client: Client) -> None:
    server.answer = lambda _: reply(b"hello", b"Content-Encoding: gzip")
    with pytest.raises(NodeError, match="Failed to decompress response"):
        await client.ask(server.url)


NO_RESPONSE = {
    "closed": (lambda _: None, "ECONNRESET", "socket hang up"),
    "not HTTP": (lambda _: b"hello\r\n\r\n", "HPE_INVALID_CONSTANT", "Parse Error: Expected HTTP/, RTSP/ or ICE/"),
    "cut off": (lambda _: reply(b"{}", length=9), "ECONNRESET", "aborted"),
}


@pytest.mark.parametrize("kind", NO_RESPONSE)
async def test_no_whole_response_has_the_code_and_the_text_of_node(server: Server, client: Client, kind: str) -> None:
    server.answer, code, text = NO_RESPONSE[kind]
    with pytest.raises(NodeApiError) as raised:
        await client.ask(server.url)
    assert (raised.value.http_code, raised.value.data["messages"][0]) == (code, text)


@pytest.mark.parametrize(
    ("url", "code", "text"),
    [
        ("http://127.0.0.1:9/x", "ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:9"),
        ("http://localhost:9/x", "ECONNREFUSED", r"connect ECONNREFUSED (127\.0\.0\.1|::1):9"),
        ("http://a..b.invalid/", "ENOTFOUND", "getaddrinfo ENOTFOUND a..b.invalid"),
    ],
)
async def test_no_connection_has_the_code_and_the_text_of_node(client: Client, url: str, code: str, text: str) -> None:
    with pytest.raises(NodeApiError) as raised:
        await client.ask(url)
    assert raised.value.http_code == code
    assert re.fullmatch(text, raised.value.data["messages"][0])


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def test_a_slow_answer_is_a_time_out_in_milliseconds(client: Client) -> None:
    listening = await asyncio.start_server(_silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    with pytest.raises(NodeApiError) as raised:
        await client.ask(url, timeout=0.2)  # brief: the server hangs
    listening.close()
    assert raised.value.http_code == "ECONNABORTED"
    assert raised.value.data["messages"][0] == "timeout of 200ms exceeded"


BUSY = b"429 Too Many Requests"


def keys_of(server: Server) -> list[bytes]:
    """Return the Idempotency-Key of each request."""
    return [
        line.split()[1] for head in server.heads for line in head.split(b"\r\n") if line.startswith(b"Idempotency-Key")
    ]


async def test_a_request_that_is_sent_again_after_a_pause_has_the_same_key(server: Server, client: Client) -> None:
    server.answer = lambda _: reply(b"{}", b"Retry-After: 0", status=BUSY) if len(server.heads) < 3 else reply()
    assert (await client.ask(server.url, "POST")).status == 200
    assert (await client.ask(server.url, "POST")).status == 200
    first, second, third, other = keys_of(server)
    assert first == second == third != other


async def test_who_does_not_want_to_wait_gets_the_response(server: Server, client: Client) -> None:
    server.answer = lambda _: reply(b"{}", b"Retry-After: 0", status=BUSY)
    assert (await client.ask(server.url, wait=False)).status == 429
    assert len(server.heads) == 1


async def test_outside_an_activity_a_service_is_asked_four_times(server: Server, client: Client) -> None:
    server.answer = lambda _: reply(b"{}", b"Retry-After: 0", status=BUSY)
    assert (await client.ask(server.url)).status == 429
    assert len(server.heads) == 4


CHANGES = [
    ("GET", b"200 OK", True, "what reads"),
    ("POST", b"400 Bad Request", True, "what was refused"),
    ("POST", b"201 Created", False, "what was created"),
    ("PATCH", b"500 Internal Server Error", False, "what may have been changed"),
]


@pytest.mark.parametrize(
    ("method", "status", "repeatable"), [each[:3] for each in CHANGES], ids=[each[3] for each in CHANGES]
)
async def test_a_step_goes_back_only_when_nothing_is_changed_a_second_time(
    server: Server, client: Client, method: str, status: bytes, repeatable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or when the items that changed something are done, and no later attempt does them again."""
    monkeypatch.setattr("runtime.hosts.temporal.capabilities.http.SETTLING_SECONDS", 0.001)
    server.answer = lambda _: reply(status=status)
    await client.ask(server.url, method, item=4)
    assert await client.is_repeatable(server.url) is repeatable
    assert await client.is_repeatable("https://other.example.com/")
    monkeypatch.setattr(
        "runtime.hosts.temporal.capabilities.http.progress", lambda: [{"http_done": {}, "http_done_items": ["4"]}]
    )
    assert await client.is_repeatable(server.url)


async def test_an_address_without_a_server_fails_as_ever(client: Client) -> None:
    with pytest.raises(NodeApiError):
        await client.ask("http://[::1/")


async def test_requests_with_limits_of_another_name_are_counted_apart(server: Server, client: Client) -> None:
    """Of the same credential to the same server: a vendor that limits each operation by itself."""
    client.opened["c"] = replace(binding("t", "acmeApi", "account", {}), patterns=(HostPattern.parse(server.url),))
    for limits in (RequestLimits(2, 1), RequestLimits(1, 2, name="offers"), RequestLimits(1, 2, name="prices")):
        await client.ask(server.url, wait=limits)
    account, *rest = client.taken
    assert account[:2] == ("t", "acmeApi/account")
    assert rest == [(*account, "offers"), (*account, "prices")]

"""The egress guard against the attack table, against redirects, and against a name that changes its mind."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from runtime.platform.egress import EgressClients, EgressPolicy, EgressRefused, guarded_transport

TABLE = Path(__file__).with_name("egress_attacks.tsv")
ATTACKS = [line.split("\t") for line in TABLE.read_text("utf-8").splitlines() if line and not line.startswith("#")]

Resolver = Callable[[dict[str, list[str]]], None]


@pytest.fixture
async def server() -> AsyncIterator[int]:
    """A loopback server that answers with the Host header, and redirects /to?<url>."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        target = head.split(" ")[1]
        host = next(line[6:] for line in head.split("\r\n") if line.lower().startswith("host: "))
        if "?" in target:
            reply = f"HTTP/1.1 302 Found\r\nLocation: {target.split('?', 1)[1]}\r\nContent-Length: 0\r\n\r\n"
        else:
            reply = f"HTTP/1.1 200 OK\r\nContent-Length: {len(host)}\r\n\r\n{host}"
        writer.write(reply.encode())
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield listening.sockets[0].getsockname()[1]
    listening.close()


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """Names of the test's own; every look-up takes the next answer and the last one stays."""
    real = socket.getaddrinfo

    def use(names: dict[str, list[str]]) -> None:
        def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            if name not in names:
                return real(host, port, *rest, **more)
            answers = names[name]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answer.split(",")]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return use


def client(*allow: str, **options: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=guarded_transport(EgressPolicy.parse(allow), **options), trust_env=False)


@pytest.mark.parametrize(("target", "attempt"), ATTACKS, ids=[attempt for _, attempt in ATTACKS])
async def test_what_the_table_tries_is_refused(target: str, attempt: str, server: int, resolver: Resolver) -> None:
    del attempt
    resolver({"rebind.test": ["93.184.216.34,10.0.0.1"], "localhost.": ["127.0.0.1"]})
    async with client() as http:
        with pytest.raises((EgressRefused, httpx.InvalidURL)):  # httpx itself does not take octal
            await http.get(target.format(port=server), timeout=2)


async def test_a_public_address_passes_the_check() -> None:
    policy = EgressPolicy.parse([])
    for address in ("93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822", "8.8.8.8"):
        policy.check("example.com", 443, address)


@pytest.mark.parametrize("entry", ["127.0.0.1:{port}", "127.0.0.0/8", "127.0.0.1", "inner.test:{port}", "*.test"])
async def test_an_entry_opens_what_it_names(entry: str, server: int, resolver: Resolver) -> None:
    resolver({"inner.test": ["127.0.0.1"]})
    host = "inner.test" if "test" in entry else "127.0.0.1"
    async with client(entry.format(port=server)) as http:
        answer = await http.get(f"http://{host}:{server}/")
    assert answer.text == f"{host}:{server}"  # the Host header is the name, not the address


@pytest.mark.parametrize("entry", ["inner.test:1", "test", "*.inner.test", "10.0.0.0/8"])
async def test_an_entry_opens_nothing_else(entry: str, server: int, resolver: Resolver) -> None:
    resolver({"inner.test": ["127.0.0.1"]})
    async with client(entry) as http:
        with pytest.raises(EgressRefused):
            await http.get(f"http://inner.test:{server}/")


async def test_a_redirect_inside_is_refused(server: int, resolver: Resolver) -> None:
    resolver({"open.test": ["127.0.0.1"], "closed.test": ["127.0.0.1"]})
    async with client(f"open.test:{server}") as http:
        with pytest.raises(EgressRefused, match=r"closed\.test \(127\.0\.0\.1\)"):
            await http.get(f"http://open.test:{server}/to?http://closed.test:{server}/", follow_redirects=True)


async def test_a_name_is_resolved_once_so_that_a_second_answer_gains_nothing(
    server: int, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver({"rebind.test": ["93.184.216.34", "127.0.0.1"]})
    reached: list[str] = []

    async def note(_self: Any, host: str, *_rest: Any) -> Any:
        reached.append(host)
        raise EOFError

    import httpcore  # noqa: PLC0415  # only to see where the connection would go

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", note)
    async with client() as http:
        with pytest.raises(EOFError):
            await http.get(f"http://rebind.test:{server}/")
    assert reached == ["93.184.216.34"]


async def test_a_proxy_of_the_author_is_guarded_and_so_is_its_target(server: int) -> None:
    async with client(proxy=f"http://127.0.0.1:{server}") as http:
        with pytest.raises(EgressRefused):
            await http.get("http://93.184.216.34/")
    async with client(f"127.0.0.1:{server}", proxy=f"http://127.0.0.1:{server}") as http:
        with pytest.raises(EgressRefused):
            await http.get("http://10.0.0.1/")


@pytest.mark.parametrize("target", ["http://127.1/", "http://localhost/", "http://[::1]/", "http://169.254.169.254/"])
async def test_the_operators_proxy_carries_names_but_no_address_of_the_inside(target: str, server: int) -> None:
    async with client(operator_proxy=f"http://127.0.0.1:{server}") as http:
        assert (await http.get("http://name-that-only-the-proxy-knows.example/")).status_code == 200
        with pytest.raises(EgressRefused):
            await http.get(target)


async def test_a_connection_of_one_tenant_serves_no_other(server: int) -> None:
    clients = EgressClients()
    allowed = await clients.get("acme", [f"127.0.0.1:{server}"])
    assert (await allowed.get(f"http://127.0.0.1:{server}/")).status_code == 200
    other = await clients.get("globex", [])
    with pytest.raises(EgressRefused):
        await other.get(f"http://127.0.0.1:{server}/")
    assert await clients.get("acme", [f"127.0.0.1:{server}"]) is allowed
    await clients.close()


async def test_a_name_without_addresses_is_a_connection_error_that_names_it() -> None:
    async with client() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("http://no-such-name.invalid/")


@pytest.mark.parametrize("entry", ["", "http://a.b/", "a b", "host:port", ":80"])
def test_a_malformed_entry_is_an_error_at_start(entry: str) -> None:
    with pytest.raises(ValueError, match="not an egress entry"):
        EgressPolicy.parse([entry])

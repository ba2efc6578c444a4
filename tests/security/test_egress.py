"""The egress guard against the attack table, against redirects, and against a name that changes its mind."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from runtime.platform.egress import EgressPolicy, EgressRefused, parse_ports
from runtime.platform.egress_clients import MAX_CLIENTS, EgressClients
from runtime.platform.egress_transport import CertificateError, guarded_transport

TABLE = Path(__file__).with_name("egress_attacks.tsv")
ATTACKS = [line.split("\t") for line in TABLE.read_text("utf-8").splitlines() if line and not line.startswith("#")]

NAMES = {
    "rebind.test": ["93.184.216.34,10.0.0.1"],
    "rebind2.test": ["192.168.0.1,93.184.216.34"],
    "inner.test": ["127.0.0.1"],
    "inner10.test": ["10.0.0.1"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "app.localhost": ["127.0.0.1"],
    "outer.test": ["93.184.216.34"],
}

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
    resolver(NAMES | {"localhost.": ["127.0.0.1"]})
    async with client() as http:
        with pytest.raises((EgressRefused, httpx.InvalidURL)):  # httpx itself does not take octal
            await http.get(target.format(port=server), timeout=2)  # brief: nothing answers


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


INNER = [
    "http://127.1/",
    "http://localhost/",
    "http://127.0.0.1./",
    "http://localhost./",
    "http://[::1]/",
    "http://169.254.169.254/",
]


@pytest.mark.parametrize("guards", [False, True])
@pytest.mark.parametrize("target", INNER)
async def test_the_operators_proxy_carries_no_address_of_the_inside(target: str, guards: bool, server: int) -> None:
    async with client(operator_proxy=f"http://127.0.0.1:{server}", proxy_guards=guards) as http:
        with pytest.raises(EgressRefused):
            await http.get(target)


async def test_names_are_resolved_and_checked_before_the_operators_proxy_gets_them(
    server: int, resolver: Resolver
) -> None:
    resolver({"outer.test": ["93.184.216.34"], "inner.test": ["10.0.0.1"], "metadata.test": ["169.254.169.254"]})
    async with client(operator_proxy=f"http://127.0.0.1:{server}") as http:
        assert (await http.get("http://outer.test/")).text == "outer.test"
        for name in ("inner.test", "inner.test.", "metadata.test"):
            with pytest.raises(EgressRefused):
                await http.get(f"http://{name}/")
        with pytest.raises(httpx.ConnectError):
            await http.get("http://name-that-only-the-proxy-knows.invalid/")


async def test_a_proxy_that_guards_gets_names_that_only_it_knows(server: int) -> None:
    async with client(operator_proxy=f"http://127.0.0.1:{server}", proxy_guards=True) as http:
        assert (await http.get("http://name-that-only-the-proxy-knows.invalid/")).status_code == 200


@pytest.mark.parametrize("port", [22, 25, 465, 3306, 5432, 6379, 11211, 27017])
async def test_a_port_of_another_protocol_is_closed_on_public_hosts(port: int, resolver: Resolver) -> None:
    resolver({"outer.test": ["93.184.216.34"]})
    for options in ({}, {"operator_proxy": "http://127.0.0.1:9"}, {"proxy": "http://127.0.0.1:9"}):
        async with client(**options) as http:
            with pytest.raises(EgressRefused, match=f"port {port}, was refused: the port is one of another protocol"):
                await http.get(f"http://outer.test:{port}/")


def test_the_operator_chooses_ports_and_an_entry_with_a_port_opens_that_one() -> None:
    policy = EgressPolicy.parse(["crm.test:8080", "any.test", "db.test:6379"], parse_ports(["443", "8000-8002"]))
    for host, port in (("a.test", 443), ("a.test", 8001), ("crm.test", 8080), ("crm.test.", 8080), ("db.test", 6379)):
        policy.check_port(host, port)
    for host, port in (("a.test", 80), ("a.test", 8003), ("crm.test", 8081), ("any.test", 8080)):
        with pytest.raises(EgressRefused, match="the port is not open"):
            policy.check_port(host, port)
    EgressPolicy.parse([]).check_port("a.test", 8443)  # without a choice: whatever is not another protocol's


@pytest.mark.parametrize("entry", ["0", "65536", "9-8", "http", "-", "1-"])
def test_a_port_that_is_none_is_an_error_at_start(entry: str) -> None:
    with pytest.raises(ValueError, match="neither a port nor a range"):
        parse_ports([entry])


async def test_a_connection_of_one_tenant_serves_no_other(server: int) -> None:
    clients = EgressClients()
    async with clients.use("acme", [f"127.0.0.1:{server}"]) as allowed:
        assert (await allowed.get(f"http://127.0.0.1:{server}/")).status_code == 200
    async with clients.use("globex", []) as other:
        with pytest.raises(EgressRefused):
            await other.get(f"http://127.0.0.1:{server}/")
    async with clients.use("acme", [f"127.0.0.1:{server}"]) as again:
        assert again is allowed
    await clients.close()


async def test_a_client_in_use_stays_open_however_many_others_come(server: int) -> None:
    clients = EgressClients([f"127.0.0.1:{server}"])
    async with clients.use("first") as first:
        for i in range(MAX_CLIENTS + 1):
            async with clients.use(f"t{i}"):
                pass
        assert (await first.get(f"http://127.0.0.1:{server}/")).status_code == 200
    assert first.is_closed  # nobody uses it any more, and it was the oldest
    await clients.close()


PEM = "-----BEGIN PRIVATE KEY-----\nCANARYCANARY\n-----END PRIVATE KEY-----"
BROKEN = [
    {"cert": "no certificate", "key": PEM},
    {"cert": PEM, "key": PEM},
    {"cert": "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----", "key": PEM, "passphrase": "p"},
    {"ca": "no authority"},
    {"ca": "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----"},
    {"cert": "\udcff", "key": "\0"},
    {"cert": 5, "key": PEM},
    {"cert": {"a": PEM}, "key": PEM},
    {"cert": "no certificate", "key": [PEM]},
    {"ca": ["no authority"]},
    {"ca": "no authority \u00fc"},
]


@pytest.mark.parametrize("certificate", BROKEN, ids=range(len(BROKEN)))
async def test_a_broken_certificate_is_an_error_in_words_and_leaves_no_key_behind(
    certificate: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    clients = EgressClients()
    with pytest.raises(CertificateError, match="client certificate of the credential httpSslAuth") as failed:
        async with clients.use("acme", certificate=certificate):
            pass
    assert "CANARY" not in str(failed.value)
    assert failed.value.__cause__ is None
    assert list(tmp_path.iterdir()) == []


async def test_a_remark_beside_an_authority_may_be_in_any_language() -> None:
    clients = EgressClients()
    async with clients.use("acme", certificate={"ca": "# Zürich\n" + own_certificate()["cert"]}) as http:
        assert not http.is_closed
    await clients.close()


async def test_a_proxy_that_cannot_be_used_is_told() -> None:
    clients = EgressClients()
    for proxy in ("socks5://proxy.test:1080", "ftp://proxy.test", "proxy.test"):
        with pytest.raises(ValueError, match="proxy"):
            async with clients.use("acme", proxy=proxy):
                pass


def own_certificate() -> dict[str, str]:
    """Return a self-signed client certificate whose key has a passphrase, as PEM texts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")])
    began = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), began, began.replace(year=2036)
        )
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    locked = serialization.BestAvailableEncryption(b"open sesame")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    return {"cert": certificate.decode(), "key": pem.decode(), "passphrase": "open sesame"}


async def test_the_clients_keep_neither_a_private_key_nor_a_passphrase_nor_a_proxys_password(server: int) -> None:
    clients, certificate = EgressClients([f"127.0.0.1:{server}"]), own_certificate()
    async with clients.use("acme", certificate=certificate) as with_certificate:
        assert (await with_certificate.get(f"http://127.0.0.1:{server}/")).status_code == 200
    async with clients.use("acme", proxy="http://user:CANARY@proxy.test:8080"):
        pass
    kept = repr(clients._clients.keys())  # which has "\\n" for the end of a line: secrets are sought line by line
    assert "acme" in kept
    assert not [line for secret in (*certificate.values(), "CANARY") for line in secret.splitlines() if line in kept]
    with pytest.raises(CertificateError):  # and OpenSSL does not ask a terminal for a passphrase that is not there
        async with clients.use("acme", certificate=certificate | {"passphrase": ""}):
            pass
    await clients.close()


async def test_a_name_without_addresses_is_a_connection_error_that_names_it() -> None:
    async with client() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("http://no-such-name.invalid/")


@pytest.mark.parametrize("entry", ["", "http://a.b/", "a b", "host:port", ":80"])
def test_a_malformed_entry_is_an_error_at_start(entry: str) -> None:
    with pytest.raises(ValueError, match="not an egress entry"):
        EgressPolicy.parse([entry])

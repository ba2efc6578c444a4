"""What a workflow says is sent in one place, which lets nothing through that forges another answer or speaks for the origin."""

from collections.abc import AsyncGenerator
from typing import Any, Final

import pytest

from api.triggers.reply_headers import SANDBOX
from api.triggers.responses import HttpReply
from api.triggers.sending import send_reply


async def sent(reply: HttpReply) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body of a reply as the server gets them."""
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    await send_reply(reply, "acme", send)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in messages[0]["headers"]]
    return messages[0]["status"], headers, b"".join(each["body"] for each in messages[1:])


LINES: Final = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno"


@pytest.mark.parametrize("status", [-1, 0, 100, 101, 103, 199, 600, 999, 1000, 10**30])
async def test_a_status_that_is_no_answer_becomes_a_500_that_names_it(status: int) -> None:
    got, headers, body = await sent(HttpReply(status, {"content-type": "text/plain", "x-a": "1"}, LINES.encode()))
    assert got == 500
    assert f'Invalid status code: \\"{status}\\"'.encode() in body
    assert b"HTTP/1.1" not in body
    assert "x-a" not in dict(headers)


@pytest.mark.parametrize("status", [200, 204, 226, 304, 307, 404, 418, 451, 503, 599])
async def test_every_final_status_is_sent(status: int) -> None:
    assert (await sent(HttpReply(status)))[0] == status


@pytest.mark.parametrize(
    "name",
    [
        "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
        "access-control-allow-credentials", "alt-svc", "clear-site-data", "service-worker-allowed",
        "strict-transport-security",
    ],
)  # fmt: skip
async def test_headers_of_the_connection_and_of_the_origin_are_left_out(name: str) -> None:
    status, headers, _ = await sent(HttpReply(200, {name: "7", "x-a": "1"}, b"hello"))
    assert status == 200
    assert ("x-a", "1") in headers
    assert [value for each, value in headers if each == name] == (["5"] if name == "content-length" else [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "empty name"), ("x a", "space"), ("x:a", "colon"), ("x\r\na", "line break"), ("x\x00", "NUL"), ("é", "not ASCII"),
        ("x-a", "a\r\nset-cookie: b=c"), ("x-a", "a\nb"), ("x-a", "a\x00b"), ("x-a", "\u4e16"), ("x-a", "\ud83d"),
        ("content-type", "text/html\r\n\r\n<script>"), ("content-security-policy", "a\r\nb: c"), ("set-cookie", "a=b\r\nc: d"),
        ("x-long", "x" * 70_000),
    ],
)  # fmt: skip
async def test_a_header_that_http_cannot_carry_becomes_a_500_that_names_it(name: str, value: str) -> None:
    got, headers, body = await sent(HttpReply(200, {name: value}, b"hello"))
    assert got == 500
    assert b"header" in body
    assert b"hello" not in body
    assert {each for each, _ in headers} == {
        "content-type", "content-length", "content-security-policy", "x-content-type-options", "referrer-policy",
    }  # fmt: skip


async def test_a_page_of_a_workflow_is_in_the_sandbox_and_its_own_policy_can_only_forbid_more() -> None:
    for own in ("", "default-src 'none'", "sandbox allow-same-origin allow-scripts"):
        _, headers, _ = await sent(HttpReply(200, {"content-security-policy": own}))
        policies = [value for name, value in headers if name == "content-security-policy"]
        assert policies == [f"{SANDBOX}, {own}" if own else SANDBOX]
    assert "allow-same-origin" not in SANDBOX


async def test_a_page_of_ours_has_its_own_policy() -> None:
    _, headers, _ = await sent(HttpReply(200, policy="default-src 'none'"))
    assert ("content-security-policy", "default-src 'none'") in headers


async def test_no_reply_is_sniffed_or_tells_the_next_page_its_address() -> None:
    said = {"x-content-type-options": "none", "referrer-policy": "unsafe-url"}
    _, headers, _ = await sent(HttpReply(200, said))
    assert [each for each in headers if each[0] in said] == [
        ("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"),
    ]  # fmt: skip


async def test_a_cookie_comes_back_to_the_tenants_own_webhooks_only() -> None:
    _, headers, _ = await sent(HttpReply(200, {"set-cookie": "a=b; Path=/; DOMAIN=example.com; HttpOnly"}))
    assert ("set-cookie", "a=b; HttpOnly; Path=/webhook/acme") in headers


async def test_an_address_beyond_ascii_is_escaped() -> None:
    _, headers, _ = await sent(HttpReply(302, {"location": "https://example.com/\u4e16?a=%20"}))
    assert ("location", "https://example.com/%E4%B8%96?a=%20") in headers


async def test_a_stream_is_checked_before_it_begins_and_closed_when_it_is_refused() -> None:
    closed = []

    async def lines() -> AsyncGenerator[bytes]:
        try:
            yield b"one"
            yield b"two"
        finally:
            closed.append(True)

    assert (await sent(HttpReply(200, stream=lines())))[2] == b"onetwo"
    status, _, body = await sent(HttpReply(100, stream=lines()))
    assert status == 500
    assert b"one" not in body
    assert closed == [True]  # one that has not begun has nothing to close

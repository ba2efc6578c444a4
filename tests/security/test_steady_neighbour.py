"""Hostile requests of one caller beside another tenant's steady ones: no request keeps the event loop to itself."""

import asyncio
import gzip
import time
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from litestar import Litestar

from tests.exports import export, node, set_
from tests.security.hostile_requests.values import BODIES
from tests.security.hostile_requests.wire import send

STEP_SECONDS: Final = 0.5
"""Processor time of the loop's thread, which one step of the loop may take; the most that was measured is 0.1."""
SIZE: Final = 250_000
"""Bytes of a body, which the application takes."""
HEAD: Final = 60_000
"""Bytes of a target or a header, which the server takes."""

MULTIPART: Final = "multipart/form-data; boundary=x"
FORM: Final = "application/x-www-form-urlencoded"
PART: Final = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
LARGE: Final = {
    "nested lists": ("application/json", b"[" * SIZE), "nested objects": ("application/json", b'{"a":' * (SIZE // 5)),
    "a long number": ("application/json", b'{"a":' + b"9" * SIZE + b"}"), "a long fraction": ("application/json", b"0." + b"1" * SIZE),
    "many keys": ("application/json", b"{" + b",".join(b'"%d":1' % n for n in range(SIZE // 10)) + b"}"),
    "escapes": ("application/json", b'"' + b"\\u0000" * (SIZE // 6) + b'"'), "a form": (FORM, b"a=1&" * (SIZE // 4)),
    "one name": (FORM, b"&".join([b"a=1"] * 999)), "brackets": (FORM, b"a" + b"[a]" * (SIZE // 3) + b"=1"),
    "escapes in a form": (FORM, b"a=" + b"%ff" * (SIZE // 3)), "parts": (MULTIPART, PART * (SIZE // len(PART))),
    "boundaries": (MULTIPART, b"--x\r\n" * (SIZE // 5)), "hyphens": (MULTIPART, b"-" * SIZE),
    "headers of a part": (MULTIPART, b"--x\r\n" + b"a: b\r\n" * (SIZE // 6)), "a part's header": (MULTIPART, b"--x\r\na: " + b";" * SIZE),
    "XML": ("application/xml", b"<a>" * (SIZE // 3)), "brothers": ("application/xml", b"<a>" + b"<b/>" * (SIZE // 4) + b"</a>"),
    "attributes": ("application/xml", b"<a " + b" ".join(b'a%d=""' % n for n in range(SIZE // 10)) + b"/>"),
    "a DOCTYPE": ("application/xml", b"<!DOCTYPE " + b'"' * SIZE), "plain text": ("text/plain", b"\xff" * SIZE),
}  # fmt: skip
HEADERS: Final = {
    "content-type": (f"multipart/form-data; {'a=b;' * (HEAD // 4)}", f"text/plain; charset={'a' * HEAD}", ";" * HEAD),
    "content-disposition": (f"attachment; {'a=b;' * (HEAD // 4)}", f"attachment; filename*0={'a' * HEAD}", f"a; filename*=''{'%ff' * (HEAD // 3)}",
                            "; ".join(f"filename*{n}*=a" for n in range(HEAD // 15))),
    "user-agent": ("bot" * (HEAD // 3), "a" * HEAD), "authorization": ("Basic " + "a" * HEAD, "Bearer " + "." * HEAD, "Bearer a.b." + "a" * HEAD),
    "cookie": ("a=b;" * (HEAD // 4),), "accept": ("a/b," * (HEAD // 4),), "origin": ("a" * HEAD,), "idempotency-key": ("k" * HEAD,),
    "access-control-request-headers": ("a," * (HEAD // 2),), "last-event-id": ("9" * 4_000,), "host": ("a" * HEAD,),
}  # fmt: skip
QUERIES: Final = ("a" + "[a]" * (HEAD // 3) + "=1", "a[]=1&" * (HEAD // 6), "a" + "[" * HEAD, "&" * HEAD, "a=" + "%ff" * (HEAD // 3), "=" * HEAD,
    "&".join(f"a[{n}]=1" for n in range(HEAD // 10)), "a.b" * (HEAD // 3) + "=1")  # fmt: skip
HOOK: Final = "/webhook/acme/neighbour"
FORM_PAGE: Final = "/form/acme/neighbour-form"
COMPRESSED: Final = ("nested lists", "a form", "plain text")


def requests() -> Iterator[tuple[str, str, str, dict[str, str], bytes]]:
    """(what it is, method, target, headers, body)."""
    for name, (content_type, body) in LARGE.items():
        for address in (HOOK, FORM_PAGE):
            yield name, "POST", address, {"content-type": content_type}, body
    for name in COMPRESSED:
        content_type, body = LARGE[name]
        headers = {"content-type": content_type, "content-encoding": "gzip"}
        yield f"{name}, compressed", "POST", HOOK, headers, gzip.compress(body * 100, 1)
    for name, values in HEADERS.items():
        for value in values:
            yield f"{name}: {value[:30]}", "POST", f"{HOOK}-bots", {name: value}, b"x"
            yield f"{name}: {value[:30]}", "OPTIONS", HOOK, {"origin": "https://a.example", name: value}, b""
    for query in QUERIES:
        yield f"?{query[:30]}", "GET", f"{HOOK}?{query}", {}, b""
        yield f"?{query[:30]}", "GET", f"{FORM_PAGE}?{query}", {}, b""
    for path in ("/workflows/start", "/templates/check", "/templates?key=neighbour-check"):
        for name, (_, body) in LARGE.items():
            yield f"{path}: {name}", "POST", path, {"content-type": "application/json"}, body
        yield f"{path}: {HEAD}", "POST", path, {"content-type": "application/json"}, BODIES["100,000 levels"]
    for query in (*QUERIES, f"cursor={'a' * 1_999}", f"status={'a' * HEAD}", f"limit={'9' * HEAD}"):
        yield f"/workflows?{query[:30]}", "GET", f"/workflows?{query}", {}, b""


@pytest.fixture(scope="module")
async def neighbour(acme: httpx.AsyncClient, worker: None) -> None:
    """Triggers that take everything."""
    del worker
    hooks = [
        node(f"Hook {path} {method}", "webhook", 2, path=path, httpMethod=method, responseMode="onReceived", options=options)
        for path, options in (("neighbour", {}), ("neighbour-bots", {"ignoreBots": True}))
        for method in ("GET", "POST")
    ]  # fmt: skip
    form = node(
        "Form",
        "formTrigger",
        2.2,
        formTitle="F",
        formFields={"values": [{"fieldLabel": "a"}]},
        options={"path": "neighbour-form"},
    )
    workflow: dict[str, Any] = export("neighbour", hooks[0], set_("Done", ok="y"))
    for each in [*hooks[1:], form]:
        workflow["nodes"].append(each)
    answer = await acme.post("/templates", params={"key": "neighbour"}, json=workflow)
    assert answer.status_code in (200, 201), answer.text
    assert len(answer.json()["webhooks"]) == 5


@pytest.mark.timeout(300)
async def test_no_hostile_request_keeps_the_loop(
    application: Litestar,
    api_keys: tuple[str, str],
    globex: httpx.AsyncClient,
    neighbour: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Processor time is counted per step of the loop, so that a machine that does other things does not matter."""
    steps: list[float] = [0.0]
    run = asyncio.Handle._run

    def timed(self: asyncio.Handle) -> None:
        before = time.thread_time()
        run(self)
        steps[0] = max(steps[0], time.thread_time() - before)

    served, going = 0, True

    async def steady() -> None:
        nonlocal served
        while going:
            assert (await globex.get("/templates")).status_code == 200
            served += 1
            await asyncio.sleep(0.02)

    beside = asyncio.create_task(steady())
    monkeypatch.setattr(asyncio.Handle, "_run", timed)
    slow, key = [], {"authorization": f"Bearer {api_keys[0]}"}
    for what, method, target, headers, body in requests():
        steps[0], before = 0.0, served
        got = await send(application, method, target, key | headers, body)
        assert got.status < 500, (what, got.body)
        if steps[0] > STEP_SECONDS:
            slow.append((what, target[:60], round(steps[0], 2)))
        while served == before and not beside.done():  # the neighbour had its turn
            await asyncio.sleep(0.01)
    going = False
    await beside
    assert slow == []

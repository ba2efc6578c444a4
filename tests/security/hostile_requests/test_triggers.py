"""Webhooks, forms, chats and links take foreign requests of every kind, which no OpenAPI describes."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import pytest
from litestar import Litestar

from tests.exports import export, node, set_
from tests.security.hostile_requests.values import BODIES, CONTENT_TYPES, IN_ADDRESS, IN_HEADER, IN_JSON, dumps
from tests.security.hostile_requests.wire import send

LINK: Final = "1-00000000000000000000000000000000"
ADDRESSES: Final = {
    "webhook": "/webhook/acme/foreign", "webhook of version 1": "/webhook/acme/foreign-1", "test call": "/webhook-test/acme/foreign",
    "wait": f"/webhook-waiting/acme:foreign:x/{LINK}", "form": "/form/acme/foreign-form", "form's test": "/form-test/acme/foreign",
    "waiting form": f"/form-waiting/acme:foreign:x/{LINK}", "chat": "/webhook/acme/foreign-chat/chat", "nothing": "/webhook/acme/none",
    "nobody": "/webhook/nobody/none",
}  # fmt: skip
PARTS: Final = ("/webhook/{}", "/webhook/{}/x", "/webhook/acme/{}", "/webhook/acme/foreign/{}", "/webhook/acme/foreign-path/{}",
    "/webhook/", "/webhook", "/webhook{}", "/webhook-test/{}/x", "/webhook-test/acme/{}", "/webhook-waiting/{}/" + LINK,
    "/webhook-waiting/acme:foreign:x/{}", "/webhook-waiting/acme:foreign:x/" + LINK + "/{}", "/form/{}/x", "/form/acme/{}",
    "/form-waiting/{}/" + LINK, "/form-waiting/acme:foreign:x/{}", "/form{}", "/form/")  # fmt: skip
WHOLE: Final = ("webhook", "form")
"""Whose bodies come with every content type."""
OWN_TYPES: Final = (
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
)
"""Those that have a parser of their own."""
HEADERS: Final = (
    "authorization", "cookie", "origin", "access-control-request-method", "access-control-request-headers", "content-encoding",
    "content-disposition", "content-length", "user-agent", "idempotency-key", "accept",
)  # fmt: skip
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "x")


@pytest.fixture(scope="module")
async def foreign(acme: httpx.AsyncClient, worker: None) -> None:
    """Triggers that take everything."""
    del worker
    hooks = [
        node(
            f"Hook {path} {method}",
            "webhook",
            version,
            path=path,
            httpMethod=method,
            responseMode="onReceived",
            options={},
        )
        for path, version in (("foreign", 2), ("foreign-1", 1), ("foreign-path/:one", 2))
        for method in ("GET", "POST", "PUT")
    ]
    fields = [{"fieldLabel": "a"}, {"fieldLabel": "n", "fieldType": "number"}, {"fieldLabel": "f", "fieldType": "file"}]
    form = node(
        "Form", "formTrigger", 2.2, formTitle="F", options={"path": "foreign-form"}, formFields={"values": fields}
    )
    chat = node("Chat", "chatTrigger", 1.1, public=True, options={})
    chat["type"], chat["webhookId"] = "@n8n/n8n-nodes-langchain.chatTrigger", "foreign-chat"
    workflow: dict[str, Any] = export("foreign", hooks[0], set_("Done", ok="y"))
    for each in [*hooks[1:], form, chat]:
        workflow["nodes"].append(each)
        workflow["connections"][each["name"]] = workflow["connections"][hooks[0]["name"]]
    answer = await acme.post("/templates", params={"key": "foreign"}, json=workflow)
    assert answer.status_code in (200, 201), answer.text
    assert {each["url"].partition("/acme/")[2] for each in answer.json()["webhooks"]} >= {
        "foreign", "foreign-1", "foreign-form", "foreign-chat/chat",
    }  # fmt: skip


Hostile = tuple[str, str, str, dict[str, str], bytes]
"""What it is, method, target, headers, body."""


def in_addresses() -> Iterator[Hostile]:
    """Hostile values in each part of an address, and every method."""
    for part in PARTS:
        for name, value in IN_ADDRESS.items():
            for method in ("GET", "OPTIONS") if "form" in part else ("POST", "OPTIONS"):
                yield f"{part}: {name}", method, part.format(value), {}, b""
    for place, address in ADDRESSES.items():
        for method in METHODS:
            yield f"{place}: {method}", method, address, {}, b"{}"
        for name, value in IN_ADDRESS.items():
            yield f"{place}: query of {name}", "GET", f"{address}?a={value}&{value}=1&a[{value}][]=2", {}, b""


def in_headers() -> Iterator[Hostile]:
    """Hostile values in headers that something reads."""
    for place in ("webhook", "wait", "nothing"):
        for name, value in IN_HEADER.items():
            for header in HEADERS:
                for method in ("POST", "OPTIONS") if place == "webhook" else ("POST",):
                    yield f"{place}: {header} of {name}", method, ADDRESSES[place], {header: value}, b"{}"


def in_bodies() -> Iterator[Hostile]:
    """Hostile bodies of every content type, and hostile values in a chat's members."""
    for place, address in ADDRESSES.items():
        for name, body in BODIES.items():
            for content_type in OWN_TYPES if place in WHOLE else OWN_TYPES[:1]:
                yield f"{place}: {content_type!r:.40} of {name}", "POST", address, {"content-type": content_type}, body
        for content_type in CONTENT_TYPES if place in WHOLE else ():
            for name in ("an open brace", "no UTF-8", "1,001 fields"):
                yield (
                    f"{place}: {content_type!r:.40} of {name}",
                    "POST",
                    address,
                    {"content-type": content_type},
                    BODIES[name],
                )
        for name, value in IN_JSON.items():
            for member in ("chatInput", "sessionId") if place == "chat" else ("a",):
                body = dumps({"chatInput": "x", member: value})
                yield f"{place}: {member} of {name}", "POST", address, {"content-type": "application/json"}, body


@pytest.mark.parametrize("requests", [in_addresses, in_headers, in_bodies])
@pytest.mark.timeout(300)
async def test_hostile_requests_work_or_are_refused_in_words(
    application: Litestar, foreign: None, requests: Callable[[], Iterator[Hostile]]
) -> None:
    """Never a mistake of the service."""
    wrong = []
    for what, method, target, headers, body in requests():
        got = await send(application, method, target, headers, body)
        said = got.status < 400 or got.is_refusal_in_words() or (method == "HEAD" and got.status < 500)
        if not said and not (got.status == 503 and b"reply-pending" in got.body):
            wrong.append((what, got.status, got.body[:200]))
    assert wrong == []

"""What a request of a descriptor sends: data stays data, ids stay in their segment, the credential stays with its hosts."""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from runtime.contract import ActivityContext, HttpResponse, MissingCredential, NodeApiError, NodeError
from runtime.http.credentials import Credential
from runtime.integrations.descriptor import Descriptor, RequestSpec
from runtime.integrations.operation import Run
from runtime.integrations.parameters import Parameters
from runtime.integrations.request import Sender
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.streams import StoredFile
from schemas.request_limits import RequestLimits

ACME = {
    "type": "acme", "versions": [1], "name": "Acme", "base": "https://api.acme.example", "operations": {},
    "headers": {"X-Key": "{$credential.token}"},
    "errors": [{"when": "{$response.fault}", "message": "Acme: {$response.fault}", "description": "{$response.more}"}],
}  # fmt: skip


class World:
    """Answers in order, and writes down what was asked, and where files went."""

    def __init__(self, *answers: HttpResponse) -> None:
        self.answers, self.sent, self.written = list(answers), list[dict[str, Any]](), list[Any]()
        self.http, self.blobs, self.now = self, self, 0.0

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """See `Http`."""
        self.sent.append({"method": method, "url": url, **options})
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def write(self, data: Any, **_details: Any) -> dict[str, str]:
        """See `Blobs`."""
        self.written.append(data)
        return {"mimeType": "text/plain", "data": ""}


def response(status: int = 200, body: bytes = b"{}", stored: StoredFile | None = None, **headers: str) -> HttpResponse:
    """A response."""
    pairs = [("content-type", "application/json"), *headers.items()]
    return HttpResponse(status=status, reason="", headers=pairs, body=body, stored=stored)


def sender(world: World, **changes: Any) -> Sender:
    """What sends the requests of Acme, whose credential goes into a header by the descriptor's own value."""
    context = cast("ActivityContext", SimpleNamespace(http=world, blobs=world, now=0.0, continue_on_fail=False))
    credential = Credential("acmeApi", {"token": "secret"})
    return replace(Sender(context, Descriptor.model_validate(ACME), credential), **changes)


def scope(**parameters: Any) -> Scope:
    """The scope of an item with these parameters."""
    return Scope(
        cast("Parameters", parameters), {"json": {}}, 0, 1, 0.0, "UTC", {"token": "secret"}, {}, None, {}
    )  # fmt: skip


def run(made: Sender) -> Run:
    """A run of one item."""

    async def first(_i: int) -> Scope:
        return scope()

    return Run(made.context, made, [{"json": {}}], first)


async def sent(spec: Mapping[str, Any], **parameters: Any) -> dict[str, Any]:
    """What a request of a descriptor sends."""
    world = World(response())
    await sender(world).send(RequestSpec.model_validate(spec), scope(**parameters))
    return world.sent[0]


async def test_data_of_a_program_stays_data() -> None:
    """Nothing in an object of the user is read: no hole, no name of a member, no directive."""
    world = World(response())
    data = {"{$credential.token}": "{$credential.token}", "inner": {"$merge": [{"a": 1}], "$call": "steal"}}
    await run(sender(world)).request(scope(), method="POST", path="/things", json=data)
    assert b"secret" not in world.sent[0]["content"]
    assert b'"$merge":[{"a":1}],"$call":"steal"' in world.sent[0]["content"]


async def test_a_template_of_a_program_is_read() -> None:
    world = World(response())
    await run(sender(world)).request(scope(id="7"), path=Template("/things/{id}"), query={"id": Template("{id}")})
    assert world.sent[0]["url"] == "https://api.acme.example/things/7?id=7"


@pytest.mark.parametrize(
    ("path", "id_", "url"),
    [
        ("/things/{id}", "a/b?c#d", "/things/a%2Fb%3Fc%23d"),
        ("/things/{id}", "per cent %41 100%", "/things/per%20cent%20%41%20100%25"),
        ("/things/{id}:run", "models:x", "/things/models:x:run"),
        ("/files/{id|path}", "folder/a b.txt", "/files/folder/a%20b.txt"),
        ({"$if": "{id}", "$then": "/by/{id}", "$else": "/all"}, "a/b", "/by/a%2Fb"),
    ],
)
async def test_an_id_stays_in_its_segment(path: Any, id_: str, url: str) -> None:
    assert (await sent({"path": path}, id=id_))["url"] == f"https://api.acme.example{url}"


@pytest.mark.parametrize(
    ("path", "id_"),
    [("/things/{id}", ".."), ("/things/{id}", "."), ("/things/{id}", "%2e%2E"), ("/files/{id|path}", "a/../../b")],
)
async def test_an_id_that_leads_elsewhere_is_refused(path: str, id_: str) -> None:
    with pytest.raises(NodeError, match="cannot be part of an address"):
        await sent({"path": path}, id=id_)


async def test_a_bare_request_carries_nothing_of_the_credential() -> None:
    made = await sent({"url": "https://files.example/a", "bare": True})
    assert made["bare"] is True
    assert "secret" not in str(made["headers"])


async def test_an_unsigned_request_is_not_bare_after_a_redirect() -> None:
    """Its values carry the credential, and nothing takes them away: the guard of the worker has to see it."""
    world = World(response(302, location="https://elsewhere.example/"), response())
    await sender(world).send(RequestSpec(path="/a", sign=False), scope())
    assert [each["bare"] for each in world.sent] == [False, False]


async def test_a_signed_request_is_bare_after_a_redirect() -> None:
    world = World(response(302, location="https://elsewhere.example/"), response())
    descriptor = Descriptor.model_validate({**ACME, "headers": {}})
    signed = sender(world, descriptor=descriptor, credential=Credential("stripeApi", {"secretKey": "secret"}))
    await signed.send(RequestSpec(path="/a"), scope())
    assert "Bearer secret" in str(world.sent[0]["headers"])
    assert world.sent[1]["bare"] is True
    assert "secret" not in str(world.sent[1]["headers"])


async def test_redirects_without_end_are_an_error_of_the_node() -> None:
    world = World(response(302, location="https://api.acme.example/again"))
    with pytest.raises(NodeApiError, match="Acme: Maximum number of redirects exceeded"):
        await sender(world).send(RequestSpec(path="/a"), scope())


async def test_an_address_that_is_none_is_an_error_of_the_node() -> None:
    with pytest.raises(NodeApiError, match="Invalid URL"):
        await sent({"url": "{address}"}, address="ftp://files.example")


@pytest.mark.parametrize("sign", [True, False])
async def test_a_missing_credential_is_told(sign: bool) -> None:
    """Also where the descriptor's values carry it, not a rule of its type."""
    world = World(response())
    with pytest.raises(MissingCredential):
        await sender(world, credential=None, missing=MissingCredential("none")).send(RequestSpec(sign=sign), scope())
    assert not world.sent


async def test_a_bare_request_needs_no_credential() -> None:
    world = World(response())
    missing = MissingCredential("none")
    await sender(world, credential=None, missing=missing).send(RequestSpec(url="https://a.example", bare=True), scope())
    assert world.sent


async def test_a_long_file_goes_into_storage() -> None:
    stored = cast("StoredFile", object())
    world = World(response(stored=stored))
    await sender(world).send(RequestSpec(path="/a", response="file"), scope())
    store = world.sent[0]["store"]
    assert [store(status, []) for status in (200, 302, 500)] == [True, False, False]
    assert world.written == [stored]


@pytest.mark.parametrize("status", [200, 400])
async def test_a_rule_gives_an_error_its_description(status: int) -> None:
    world = World(response(status, b'{"fault": "no", "more": "because"}'))
    with pytest.raises(NodeApiError) as caught:
        await sender(world).send(RequestSpec(path="/a"), scope())
    assert (caught.value.message, caught.value.description) == ("Acme: no", "because")


async def test_what_a_vendor_bears_goes_with_each_of_its_requests() -> None:
    world = World(response())
    limited = Descriptor.model_validate({**ACME, "limits": {"requests": 9, "seconds": 3, "parallel": 5}})
    for each in (limited, Descriptor.model_validate(ACME)):
        await sender(world, descriptor=each).send(RequestSpec.model_validate({"path": "/tasks"}), scope())
    assert [sent["wait"] for sent in world.sent] == [RequestLimits(9, 3, 5), True]


async def test_a_request_may_have_limits_of_its_own() -> None:
    """Amazon counts each operation by itself."""
    world = World(response())
    limited = Descriptor.model_validate({**ACME, "limits": {"requests": 9, "seconds": 3}})
    own = {"path": "/offers", "limits": {"name": "offers", "requests": 1, "seconds": 2}}
    await sender(world, descriptor=limited).send(RequestSpec.model_validate(own), scope())
    assert world.sent[0]["wait"] == RequestLimits(1, 2, None, "offers")

"""A delivery's key answers the same request of the same caller, and nobody else."""

import base64
import hashlib
import json
import uuid
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from api.dependencies import Dependencies
from service.run_start import run_id_of
from tests.exports import export, node, set_
from tests.service import eventually

pytestmark = pytest.mark.usefixtures("worker")

SECRET = "a-secret-of-thirty-two-characters"


async def publish(acme: httpx.AsyncClient, key: str, authentication: str = "none") -> str:
    """The address of a webhook whose answer says which run gave it."""
    credentials = {"jwtAuth": {"id": "1", "name": "Token"}, "httpHeaderAuth": {"id": "2", "name": "Header"}}
    hook = node(
        "Hook",
        "webhook",
        2,
        path=key,
        httpMethod="POST",
        responseMode="lastNode",
        authentication=authentication,
        options={},
    )
    hook["credentials"] = credentials
    second = node("Put", "webhook", 2, path=key, httpMethod="PUT", responseMode="lastNode", options={})
    workflow = export(key, hook, set_("Made", made="={{ $execution.id }}"))
    workflow["nodes"].append(second)
    workflow["connections"]["Put"] = workflow["connections"]["Hook"]
    answer = await acme.post("/templates", params={"key": key}, json=workflow)
    assert answer.status_code in (200, 201), answer.text
    return f"/webhook/acme/{key}"


async def runs(acme: httpx.AsyncClient, key: str, count: int) -> list[Any]:
    async def listed() -> Any:
        items = (await acme.get("/workflows", params={"template": key})).json()["items"]
        return items if len(items) >= count else None

    found: list[Any] = await eventually(listed)
    return found


@pytest.mark.parametrize("header", ["Idempotency-Key", "X-GitHub-Delivery"])
async def test_another_request_with_the_key_is_refused_and_learns_nothing(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, header: str
) -> None:
    """Another body, query, method, content type; the first, sent again, still gets its answer."""
    name = f"keyed-{header}".lower()
    url, headers = await publish(acme, name), {header: uuid.uuid4().hex, "content-type": "application/json"}
    first = await anonymous.post(url, content=b'{"n": 1}', headers=headers)
    assert first.status_code == 200, first.text
    others: tuple[tuple[str, str, bytes, dict[str, str]], ...] = (
        ("POST", url, b'{"n": 2}', {}), ("POST", f"{url}?a=1", b'{"n": 1}', {}), ("PUT", url, b'{"n": 1}', {}),
        ("POST", url, b'{"n": 1}', {"content-type": "text/plain"}),
    )  # fmt: skip
    for method, address, body, more in others:
        other = await anonymous.request(method, address, content=body, headers=headers | more)
        assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused"), (method, address)
        assert first.json()["made"] not in other.text
    again = await anonymous.post(url, content=b'{"n": 1}', headers=headers)
    assert again.text == first.text
    assert len(await runs(acme, name, 1)) == 1


async def test_another_caller_with_the_same_key_and_request_gets_a_run_of_its_own(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    url, key = await publish(acme, "callers"), uuid.uuid4().hex
    callers = [{}, {"authorization": "Bearer a"}, {"authorization": "Bearer b"}, {"cookie": "a=b"}, {"x-api-key": "c"}]
    made = set()
    for caller in callers:
        answers = [await anonymous.post(url, json={}, headers={"idempotency-key": key} | caller) for _ in range(2)]
        assert answers[0].text == answers[1].text
        made.add(answers[0].json()["made"])
    assert len(made) == len(callers)


async def test_a_caller_of_a_hook_with_tokens_is_its_subject(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, dependencies: Dependencies
) -> None:
    """A token that was renewed is the same caller; another subject is not."""
    await dependencies.credentials.put(
        "acme", "jwtAuth", "Token", {"keyType": "passphrase", "secret": SECRET, "algorithm": "HS256"}
    )
    url, key = await publish(acme, "subjects", "jwtAuth"), uuid.uuid4().hex

    async def call(subject: str, number: int) -> str:
        token = jwt.encode({"alg": "HS256"}, {"sub": subject, "jti": str(number)}, OctKey.import_key(SECRET))
        answer = await anonymous.post(
            url, json={}, headers={"idempotency-key": key, "authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 200, answer.text
        made: str = answer.json()["made"]
        return made

    ada, again, grace = await call("ada", 1), await call("ada", 2), await call("grace", 3)
    assert ada == again
    assert ada != grace


async def test_a_key_that_is_very_long_is_compared_whole(acme: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    url, key = await publish(acme, "long-keys"), "k" * 1_000
    one, other = [
        await anonymous.post(url, json={"n": end}, headers={"idempotency-key": key + end}) for end in ("a", "b")
    ]
    assert (one.status_code, other.status_code) == (200, 200)
    assert one.json()["made"] != other.json()["made"]


async def test_credentials_are_in_no_id_that_could_be_guessed_at(
    acme: httpx.AsyncClient, anonymous: httpx.AsyncClient, dependencies: Dependencies
) -> None:
    """The id of the run is made with a keyed hash of them: without the master key no guess can be checked."""
    url, key = await publish(acme, "guessed"), uuid.uuid4().hex
    basic = "Basic " + base64.b64encode(b"ada:1234").decode()
    answer = await anonymous.post(url, json={}, headers={"idempotency-key": key, "authorization": basic})
    sent = json.dumps([["authorization", basic]])
    keyed = dependencies.start_keys.fingerprint("acme", sent)
    guesses = {
        basic,
        sent,
        "ada:1234",
        *(hashlib.sha256(each.encode()).hexdigest() for each in (basic, sent, "ada:1234")),
    }

    def id_with(caller: str) -> str:
        run = run_id_of("acme", "guessed", "\x00".join(("guessed", f"idempotency-key:{key}", caller)))
        return f"acme:guessed:{run}"

    assert answer.json()["made"] == id_with(keyed)
    assert answer.json()["made"] not in {id_with(guess) for guess in guesses}
    assert keyed != dependencies.start_keys.fingerprint("globex", sent)

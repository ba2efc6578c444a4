"""Every place of a request that takes text gets text that Postgres, JSON or Temporal may refuse: it works, or is refused in words."""

import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest

from tests.exports import export, greeting, node, set_
from tests.integration.api.test_hostile_states import hostile
from tests.patience import PATIENCE
from tests.service import ended, started

TEXTS: Final = {
    "a NUL": "a\x00b",
    "half an emoji": "a\ud83d",
    "a character outside of the plane": "a\U0010ffff",
    "very long": "x" * 5_000,
    "empty": "",
    "quotes": "'\"\\;--",
}
STATUSES: Final = {200, 201, 202, 204, 400, 401, 403, 404, 405, 409, 410, 413, 414, 422, 431}


def _in_path(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _json(method: str, path: str, body: Callable[[str], Any]) -> Callable[[str], dict[str, Any]]:
    headers = {"content-type": "application/json"}
    return lambda text: {"method": method, "url": path, "content": json.dumps(body(text)), "headers": headers}


def _path(method: str, path: str) -> Callable[[str], dict[str, Any]]:
    return lambda text: {"method": method, "url": path.replace("TEXT", _in_path(text))}


def _header(method: str, path: str, name: bytes, body: Any) -> Callable[[str], dict[str, Any]]:
    return lambda text: {
        "method": method, "url": path, "json": body,
        "headers": [(name, text.encode("utf-8", "surrogatepass").replace(b"\x00", b"%00").replace(b"\x1b", b""))],
    }  # fmt: skip


START: Final = {"workflow_template": "greeting", "input_data": {"name": "x"}}
PLACES: Final[dict[str, Callable[[str], dict[str, Any]]]] = {
    "start: template": _json("POST", "/workflows/start", lambda text: START | {"workflow_template": text}),
    "start: user": _json("POST", "/workflows/start", lambda text: START | {"user_id": text}),
    "start: tenant": _json("POST", "/workflows/start", lambda text: START | {"tenant_id": text}),
    "start: a value": _json("POST", "/workflows/start", lambda text: START | {"input_data": {"name": text}}),
    "start: a key": _json("POST", "/workflows/start", lambda text: START | {"input_data": {text: 1}}),
    "start: a member": _json("POST", "/workflows/start", lambda text: START | {text: 1}),
    "start: key of idempotency": _header("POST", "/workflows/start", b"idempotency-key", START),
    "list: template": _path("GET", "/workflows?template=TEXT"),
    "list: user": _path("GET", "/workflows?user_id=TEXT"),
    "list: status": _path("GET", "/workflows?status=TEXT"),
    "list: cursor": _path("GET", "/workflows?cursor=TEXT"),
    "list: limit": _path("GET", "/workflows?limit=TEXT"),
    "list: problem": _path("GET", "/workflows?problem=TEXT"),
    "list: an unknown parameter": _path("GET", "/workflows?TEXT=TEXT"),
    "run: id": _path("GET", "/workflows/acme:greeting:TEXT/status"),
    "run: result": _path("GET", "/workflows/acme:greeting:TEXT/result?wait=TEXT"),
    "run: cancel": _path("POST", "/workflows/acme:TEXT:x/cancel"),
    "run: retry": _path("POST", "/workflows/TEXT/retry"),
    "run: node of a retry": _json("POST", "/workflows/{run}/retry", lambda text: {"from_node": text}),
    "run: version of a retry": _json("POST", "/workflows/{run}/retry", lambda text: {"with_version": text}),
    "run: events": _header("GET", "/workflows/{run}/events", b"last-event-id", None),
    "metrics: hours": _path("GET", "/metrics?hours=TEXT"),
    "template: key of a publication": lambda text: {
        "method": "POST", "url": f"/templates?key={_in_path(text)}", "json": greeting()
    },
    "template: name": _json("POST", "/templates?key=hostile-text", lambda text: greeting() | {"name": text}),
    "template: node": _json(
        "POST", "/templates?key=hostile-text", lambda text: export("x", node("Start", "manualTrigger"), set_(text, a="1"))
    ),
    "template: parameter": _json(
        "POST", "/templates?key=hostile-text", lambda text: export("x", node("Start", "manualTrigger"), set_("S", a=text))
    ),
    "template: expression": _json(
        "POST", "/templates?key=hostile-text",
        lambda text: export("x", node("Start", "manualTrigger"), set_("S", a=f"={{{{ '{text}' }}}}")),
    ),
    "template: compiled only": _json("POST", "/templates/compile", lambda text: greeting() | {"name": text}),
    "template: versions": _path("GET", "/templates/TEXT/versions"),
    "template: schedules": _path("GET", "/templates/TEXT/schedules"),
    "template: listen": _path("POST", "/templates/TEXT/listen"),
    "template: delete": _path("DELETE", "/templates/TEXTx"),
    "webhook: tenant": _path("POST", "/webhook/TEXT/hostile"),
    "webhook: path": _path("POST", "/webhook/acme/TEXT"),
    "webhook: query": _path("POST", "/webhook/acme/hostile?TEXT=TEXT"),
    "webhook: body": _json("POST", "/webhook/acme/hostile", lambda text: {"a": text, text: 1}),
    "webhook: plain body": lambda text: {
        "method": "POST", "url": "/webhook/acme/hostile", "content": text.encode("utf-8", "surrogatepass"),
        "headers": {"content-type": "text/plain"},
    },
    "webhook: form body": lambda text: {
        "method": "POST", "url": "/webhook/acme/hostile", "content": f"a={_in_path(text)}&{_in_path(text)}=1",
        "headers": {"content-type": "application/x-www-form-urlencoded"},
    },
    "webhook: header": _header("POST", "/webhook/acme/hostile", b"x-text", {}),
    "webhook: user agent": _header("POST", "/webhook/acme/hostile", b"user-agent", {}),
    "test webhook": _path("POST", "/webhook-test/acme/TEXT"),
    "form": _path("GET", "/form/acme/TEXT"),
    "resume link: run": _path("GET", "/webhook-waiting/acme:greeting:TEXT/0-00000000000000000000000000000000"),
    "resume link: signature": _path("GET", "/webhook-waiting/{run}/TEXT"),
    "explanation": _path("GET", "/problems/TEXT"),
}  # fmt: skip


@pytest.fixture(scope="module")
async def hostile_run(acme: httpx.AsyncClient, published: dict[str, Any]) -> str:
    """A run that has ended; the hostile template is published."""
    del published
    answer = await acme.post("/templates", params={"key": "hostile"}, json=hostile())
    assert answer.status_code in (200, 201), answer.text
    run = await started(acme, "greeting", {"name": "x"})
    await ended(acme, run)
    return run


@pytest.mark.parametrize("place", PLACES)
async def test_hostile_text_works_or_is_refused_in_words(acme: httpx.AsyncClient, hostile_run: str, place: str) -> None:
    """Nowhere is it a mistake of the service, and nothing hangs."""
    for name, text in TEXTS.items():
        request = PLACES[place](text)
        request["url"] = request["url"].replace("{run}", hostile_run)
        answer = await acme.request(**request, timeout=PATIENCE)
        assert answer.status_code in STATUSES, (name, answer.status_code, answer.text)


@pytest.mark.parametrize("levels", [195, 201, 900, 100_000])
@pytest.mark.parametrize("kind", ["list", "object"])
@pytest.mark.parametrize("route", ["start", "webhook", "template", "retry"])
async def test_json_that_is_nested_deep_works_or_is_refused_in_words(
    acme: httpx.AsyncClient, hostile_run: str, route: str, kind: str, levels: int
) -> None:
    """The limit of a run is 200 levels, and is said."""
    deep = "[" * levels + "]" * levels if kind == "list" else '{"a":' * levels + "1" + "}" * levels
    path, body = {
        "start": ("/workflows/start", f'{{"workflow_template": "greeting", "input_data": {{"v": {deep}}}}}'),
        "webhook": ("/webhook/acme/hostile", f'{{"v": {deep}}}'),
        "template": ("/templates?key=deep", f'{{"nodes": [], "connections": {{}}, "meta": {deep}}}'),
        "retry": (f"/workflows/{hostile_run}/retry", f'{{"from_node": {deep}}}'),
    }[route]
    answer = await acme.post(path, content=body, headers={"content-type": "application/json"}, timeout=PATIENCE)
    assert answer.status_code < 500, (answer.status_code, answer.text)
    if levels > 200:
        assert answer.status_code in (400, 413, 422), (answer.status_code, answer.text)
        assert len(answer.json().get("detail") or answer.json().get("message")) > 10

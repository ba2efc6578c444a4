"""Chats: the page of a public Chat Trigger, and the messages that it or a widget sends. Each message is a run."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar.types import Receive

from api.dependencies import Ports
from api.triggers.access import admit
from api.triggers.bodies import Body, read_body, unpacked
from api.triggers.requests import Call, Intake
from api.triggers.responses import JSON_TYPE, TEXT_TYPE, Answer, after_run, refusal
from api.triggers.streaming import stream_of
from schemas.kinds import Mode, TriggerKind
from schemas.plan import Step
from service.published import Published
from service.run_start import RunRequest, Starter, uuid7

__all__ = ["Chat"]

_PAGES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)


class Chat:
    """Serves one address per Chat Trigger: GET the page, POST a message."""

    def __init__(self, ports: Ports, starter: Starter) -> None:
        self._ports, self._starter, self._intake = ports, starter, Intake(ports)

    async def serve(self, call: Call, template: Published, step: Step, receive: Receive) -> Answer:
        """One request.

        Raises:
            Refusal: not let in, no message, or no page.
        """
        await admit(step, call.tenant, call.headers, call.client, self._ports.credentials)
        if call.method == "GET":
            if step.parameters.get("mode", "hostedChat") != "hostedChat":
                raise refusal(404, "This chat has no page of its own; send messages with POST.")
            return _page(step.parameters)
        if call.method != "POST":
            raise refusal(404, f"A chat takes GET and POST requests, not {call.method}.")
        raw = unpacked(
            await self._intake.read(call, receive), call.headers.get("content-encoding", ""), self._intake.limit
        )
        body = read_body(step.model_copy(update={"version": 2.0, "parameters": {}}), call.headers, raw)
        given: Mapping[str, Any] = body.value if isinstance(body.value, dict) else {}
        if given.get("action") == "loadPreviousSession":  # what was said is in the memory node, which only a run reads
            return Answer(200, {"content-type": JSON_TYPE}, orjson.dumps({"data": []}))
        if not isinstance(given.get("chatInput"), str) and not body.files:
            raise refusal(400, "A chat message is JSON with 'chatInput' (text) and 'sessionId'.")
        return await self._run(call, template, step, given, body)

    async def _run(self, call: Call, template: Published, step: Step, given: Mapping[str, Any], body: Body) -> Answer:
        run = uuid7()
        json = {"sessionId": secrets.token_hex(16), "action": "sendMessage", "chatInput": ""} | dict(given)
        item: dict[str, Any] = {"json": json}
        if binary := await self._intake.stored(
            call.tenant, Body(files=body.files), f"{call.tenant}:{template.key}:{run}"
        ):
            item["binary"] = binary
        run_request = RunRequest(
            tenant=call.tenant, template=template, start=step.name, trigger_kind=TriggerKind.CHAT, mode=Mode.WEBHOOK, items=[item], run=run
        )  # fmt: skip
        wanted = (step.parameters.get("options") or {}).get("responseMode")
        if wanted == "streaming":
            return await stream_of(self._ports, self._starter, run_request)
        told = await self._starter.start_and_answer(
            run_request, "responseNode" if wanted == "responseNode" else "lastNode"
        )
        return await after_run(step, told, self._intake.reader(call.tenant))


def _page(parameters: Mapping[str, Any]) -> Answer:
    options = parameters.get("options") or {}
    nonce = secrets.token_urlsafe(16)
    greetings = [line for line in str(parameters.get("initialMessages") or "").splitlines() if line.strip()]
    page = _PAGES.get_template("chat.html.j2").render(
        title=str(options.get("title") or "Chat"), subtitle=str(options.get("subtitle") or ""), greetings=greetings,
        placeholder=str(options.get("inputPlaceholder") or "Type your message …"), nonce=nonce,
    )  # fmt: skip
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'"
    )
    headers = {"content-type": TEXT_TYPE, "content-security-policy": policy}
    return Answer(200, headers, page.encode("utf-8", "replace"))

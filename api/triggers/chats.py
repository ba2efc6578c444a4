"""Chats: the page of a public Chat Trigger, and the messages that it or a widget sends. Each message is a run."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar.types import Receive

from api.dependencies import Dependencies
from api.rates import Rates
from api.runs.watcher import RunWatchers
from api.triggers.bodies import Body
from api.triggers.handler import Target, TriggerHandler
from api.triggers.requests import WebhookRequest, body_by_content_type
from api.triggers.responses import JSON_TYPE, TEXT_TYPE, HttpReply, refusal
from schemas.kinds import TriggerKind
from schemas.names import CHAT
from service.run_start import Starter

__all__ = ["ChatHandler"]

_PAGES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)


class ChatHandler(TriggerHandler):
    """Serves one address per Chat Trigger: GET the page, POST a message."""

    def __init__(self, dependencies: Dependencies, starter: Starter, watchers: RunWatchers, rates: Rates) -> None:
        super().__init__(dependencies, starter, rates)
        self._watchers = watchers

    async def find(self, request: WebhookRequest) -> Target | None:
        """Return the Chat Trigger at the request's path; None: there is none."""
        return await self._find(CHAT, request)

    async def serve(self, request: WebhookRequest, target: Target, receive: Receive) -> HttpReply:
        """Return the page, or the reply of the run that a message starts.

        Raises:
            Refusal: the caller is not admitted, there is no message, or no page.
        """
        step = target.step
        claims = await self._admit(request, step)
        if request.method == "GET":
            if step.parameters.get("mode", "hostedChat") != "hostedChat":
                raise refusal(404, "This chat has no page of its own; send messages with POST.")
            return _page(step.parameters)
        if request.method != "POST":
            raise refusal(404, f"A chat takes GET and POST requests, not {request.method}.")
        data = await self._requests.read(request, receive)
        body = await body_by_content_type(step, request, data)
        message: Mapping[str, Any] = body.value if isinstance(body.value, dict) else {}
        if (
            message.get("action") == "loadPreviousSession"
        ):  # old messages are in the memory node, which only a run reads
            return HttpReply(200, {"content-type": JSON_TYPE}, orjson.dumps({"data": []}))
        if not isinstance(message.get("chatInput"), str) and not body.files:
            raise refusal(400, "A chat message is JSON with 'chatInput' (text) and 'sessionId'.")
        self._rates.require_start(request.tenant)
        return await self._run(request, target, message, body, self._run_id(request, target, data, claims))

    async def _run(
        self,
        request: WebhookRequest,
        target: Target,
        message: Mapping[str, Any],
        body: Body,
        run_id: tuple[str, str | None],
    ) -> HttpReply:
        run, digest = run_id
        json = {"sessionId": secrets.token_hex(16), "action": "sendMessage", "chatInput": ""} | dict(message)
        item = await self._requests.item(
            json, request.tenant, Body(files=body.files), target.workflow_id(request.tenant, run)
        )
        run_request = self._run_request(request, target, TriggerKind.CHAT, item, run, digest)
        mode = (target.step.parameters.get("options") or {}).get("responseMode")
        if mode == "streaming":
            return await self._stream(run_request, self._watchers)
        responds = mode in ("responseNode", "responseNodes")
        return await self._start_and_reply(run_request, target.step, "responseNode" if responds else "lastNode")


def _page(parameters: Mapping[str, Any]) -> HttpReply:
    options = parameters.get("options") or {}
    nonce = secrets.token_urlsafe(16)
    greetings = [line for line in str(parameters.get("initialMessages") or "").splitlines() if line.strip()]
    page = _PAGES.get_template("chat.html.j2").render(
        title=str(options.get("title") or "Chat"),
        subtitle=str(options.get("subtitle") or ""),
        greetings=greetings,
        placeholder=str(options.get("inputPlaceholder") or "Type your message …"),
        nonce=nonce,
    )
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'"
    )
    return HttpReply(200, {"content-type": TEXT_TYPE}, page.encode("utf-8", "replace"), policy=policy)

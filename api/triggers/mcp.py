"""MCP servers: the tools of a workflow, by the streamable HTTP transport of the Model Context Protocol (revision 2025-06-18).

A client posts JSON-RPC. What concerns the connection is answered here; a list of tools and each call of one is a run, which
answers as a webhook's does. Answers are plain JSON: no stream is kept open, so there is no session to lose.
"""

from typing import Any, Final, cast

import orjson
from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import HTTPScope, Receive, Scope, Send

from api import json_rpc
from api.dependencies import Dependencies
from api.origins import WORKFLOW_CONTENT
from api.problems import UnknownWebhook
from api.rates import Rates
from api.triggers.handler import Target, TriggerHandler
from api.triggers.requests import WebhookRequest, parse_request
from api.triggers.responses import JSON_TYPE, HttpReply
from api.triggers.sending import answer
from runtime.values.json_bytes import dumps
from schemas.kinds import TriggerKind
from schemas.names import MCP
from service.run_start import Starter

__all__ = ["mcp_handler"]

RUNS: Final = ("tools/list", "tools/call")


def mcp_handler(dependencies: Dependencies, starter: Starter, rates: Rates) -> ASGIRouteHandler:
    """Return the ASGI handler of everything under /mcp."""
    handler = McpHandler(dependencies, starter, rates)

    @asgi("/mcp", is_mount=True, opt=WORKFLOW_CONTENT, copy_scope=True)
    async def mcp(scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        request = parse_request(cast("HTTPScope", scope), "mcp")
        await answer(request, lambda: handler.serve(request, receive), send, rates.look_ups, "mcp")

    return mcp


class McpHandler(TriggerHandler):
    """Serves one address per MCP Server Trigger."""

    async def serve(self, request: WebhookRequest, receive: Receive) -> HttpReply:
        """Serve one message of a client.

        Raises:
            Refusal: the caller is not admitted.
            Problem: an error of the service; UnknownWebhook: no workflow listens at the address.
        """
        target = await self._find(MCP, request)
        if target is None:
            message = f'The requested MCP server "{request.path}" is not registered.'
            hint = (
                "Publish or activate a template with an MCP Server Trigger of this path for the tenant in the address."
            )
            raise UnknownWebhook(message, code=404, message=message, hint=hint)
        await self._admit(request, target.step)
        if request.method != "POST":  # no stream from the server, and no session to end
            return HttpReply(
                405, {"allow": "POST", "content-type": JSON_TYPE}, json_rpc.error(None, json_rpc.NO_METHOD, "POST only")
            )
        try:
            message = orjson.loads(await self._requests.read(request, receive))
        except orjson.JSONDecodeError:
            return _json(400, json_rpc.error(None, json_rpc.PARSE_ERROR, "The body is not JSON"))
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            return _json(
                400, json_rpc.error(None, json_rpc.INVALID_REQUEST, "The body is not one request of JSON-RPC 2.0")
            )
        if "id" not in message:
            return HttpReply(202)
        return await self._respond(request, target, message)

    async def _respond(self, request: WebhookRequest, target: Target, message: dict[str, Any]) -> HttpReply:
        """Return the answer to a request of the protocol."""
        id_, method = message["id"], message["method"]
        if method == "initialize":
            return _json(200, json_rpc.result(id_, _about(target, message.get("params"))))
        if method == "ping":
            return _json(200, json_rpc.result(id_, {}))
        if method not in RUNS:
            return _json(200, json_rpc.error(id_, json_rpc.NO_METHOD, f"This server has no method {method[:100]}"))
        self._rates.require_start(request.tenant)
        run, digest = self._run_id(request, target, dumps(message), None)
        item = {"json": {"method": method, "params": message.get("params") or {}}}
        run_request = self._run_request(request, target, TriggerKind.WEBHOOK, item, run, digest)
        reply = await self._starter.start_and_answer(run_request, "responseNode")
        if reply.response is None:
            return _json(
                200, json_rpc.error(id_, json_rpc.INTERNAL, "The run of the workflow failed; its history says why")
            )
        return _json(200, json_rpc.result(id_, reply.response.get("body")))


def _about(target: Target, params: Any) -> dict[str, Any]:
    instructions = str(target.step.parameters.get("instructions") or "")
    return json_rpc.about(params, target.template.key, str(target.template.version), instructions)


def _json(status: int, body: bytes) -> HttpReply:
    return HttpReply(status, {"content-type": JSON_TYPE}, body)

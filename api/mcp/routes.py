"""`/tools/mcp`: an agent of the tenant's own connects here with the tenant's key, and has its templates as tools."""

from importlib.metadata import version
from typing import Any, Final

import orjson
from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from api import json_rpc
from api.access import needs
from api.authentication import Principal
from api.dependencies import Dependencies
from api.mcp.tools import START, Tools, ToolsOfService, told
from api.problems import Problem
from api.rates import Rates
from api.request_ids import request_id_of
from api.triggers.waits import Waits
from runtime.platform.telemetry.logging import get_logger
from service.api_keys import KeyScope
from service.audit import AuditRecord, Outcome
from service.errors import ServiceError
from service.run_problems.finder import ProblemFinder
from service.run_reader import TemporalRuns
from service.run_start import Starter

__all__ = ["mcp_message", "mcp_stream"]

PATH: Final = "/tools/mcp"
JSON: Final = "application/json"
INSTRUCTIONS: Final = (
    "Each start_ tool starts a durable workflow and answers with its result, or with a workflow_id while it goes on or waits. "
    "Ask run_status for it later; run_answer answers what it waits for."
)

log = get_logger("tempor8.mcp")


@get(PATH, **needs(KeyScope.RUN), include_in_schema=False, sync_to_thread=False)
def mcp_stream() -> Response[bytes]:
    """Refuse a stream: the server sends nothing by itself."""
    body = json_rpc.error(None, json_rpc.NO_METHOD, "POST only")
    return Response(body, status_code=405, media_type=JSON, headers={"allow": "POST"})


@post(PATH, **needs(KeyScope.RUN), include_in_schema=False, status_code=200)
async def mcp_message(
    request: Request[Principal, None, Any],
    dependencies: NamedDependency[Dependencies],
    runs: NamedDependency[TemporalRuns],
    starter: NamedDependency[Starter],
    waits: NamedDependency[Waits],
    rates: NamedDependency[Rates],
    problem_finder: NamedDependency[ProblemFinder],
) -> Response[bytes]:
    """Serve one message of a client."""
    try:
        message = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        return _json(json_rpc.error(None, json_rpc.PARSE_ERROR, "The body is not JSON"), 400)
    if not isinstance(message, dict) or not isinstance(message.get("method"), str):
        body = json_rpc.error(None, json_rpc.INVALID_REQUEST, "The body is not one request of JSON-RPC 2.0")
        return _json(body, 400)
    if "id" not in message:
        return Response(b"", status_code=202, media_type=JSON)
    id_, method, params = message["id"], message["method"], message.get("params") or {}
    if method == "initialize":
        return _json(json_rpc.result(id_, json_rpc.about(params, "tempor8", version("tempor8"), INSTRUCTIONS)))
    if method == "ping":
        return _json(json_rpc.result(id_, {}))
    tools = Tools(request.user, ToolsOfService(dependencies, runs, starter, waits, rates, problem_finder))
    if method == "tools/list":
        return _json(json_rpc.result(id_, {"tools": await tools.list_()}))
    if method != "tools/call":
        return _json(json_rpc.error(id_, json_rpc.NO_METHOD, f"This server has no method {method[:100]}"))
    name, arguments = params.get("name"), params.get("arguments") or {}
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return _json(json_rpc.error(id_, json_rpc.INVALID_PARAMS, "name: a text; arguments: an object"))
    return _json(json_rpc.result(id_, await _called(request, tools, name, arguments, dependencies)))


async def _called(
    request: Request[Principal, None, Any],
    tools: Tools,
    name: str,
    arguments: dict[str, Any],
    dependencies: Dependencies,
) -> dict[str, Any]:
    """Return the result of a tool; what is wrong is told to the model, which may mend it."""
    outcome, found = Outcome.DONE, {}
    try:
        found = await tools.call(name, arguments)
        text = orjson.dumps(found, default=str).decode()
    except (Problem, ServiceError) as error:
        text = told(error)
        failed = isinstance(error, Problem) and error.status >= 500
        outcome = Outcome.FAILED if failed else Outcome.REFUSED
    if action := _action(name):
        about = f"run/{found.get('workflow_id') or arguments.get('workflow_id') or ''}"
        await _audit(request, action, about, outcome, dependencies, tools.decided or None)
    content = [{"type": "text", "text": text}]
    if outcome is Outcome.DONE:
        return {"content": content, "structuredContent": orjson.loads(text), "isError": False}
    return {"content": content, "isError": True}


def _action(name: str) -> str | None:
    """Return the audited action of a tool; None: it changes nothing."""
    return "run.start" if name.startswith(START) else {"run_answer": "run.answer"}.get(name)


async def _audit(
    request: Request[Principal, None, Any],
    action: str,
    about: str,
    outcome: Outcome,
    dependencies: Dependencies,
    details: dict[str, Any] | None,
) -> None:
    caller = request.user
    record = AuditRecord(
        tenant=caller.tenant, actor_kind=caller.kind, actor=caller.key, actor_name=caller.name, action=action, object=about,
        outcome=outcome, request_id=request_id_of(request.scope), status=200,
        address=request.client.host if request.client else "", details=details,
    )  # fmt: skip
    try:
        await dependencies.audit.write(record)
    except Exception:  # the tool has had its effect: its answer goes out, whatever becomes of the row
        log.exception("audit row not written", action=action, object=about)


def _json(body: bytes, status: int = 200) -> Response[bytes]:
    return Response(body, status_code=status, media_type=JSON)

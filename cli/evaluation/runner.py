"""Ask a specialist: an agent node with a model node, compiled and run in this process as a run would do it."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import httpx

from cli.evaluation.model import Model
from compiler import compile_export
from runtime.agents.roots.agent import AgentV3
from runtime.catalog import CATALOG
from runtime.contract import MissingCredential, NodeApiError
from runtime.contract.capabilities import HttpResponse
from runtime.hosts.local.host import LocalHost, run_local
from runtime.hosts.local.offline import OfflineCapabilities
from runtime.interpreter.run_info import RunInfo
from runtime.nodes.manual_trigger import ManualTrigger
from schemas.plan import Plan

__all__ = ["Answer", "ask"]


@dataclass(frozen=True)
class Answer:
    """What a specialist answered, or why it did not, and what it used. `cost_usd` is None when the price is unknown."""

    output: Any
    error: str
    model: str
    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    duration_ms: int


async def ask(
    slug: str, prompt: str, item: Mapping[str, Any], model: Model, *, transport: httpx.AsyncBaseTransport | None = None,
    id_: str = "evaluation",
) -> Answer:  # fmt: skip
    """Return a specialist's answer to a task.

    Args:
        slug: the specialist.
        prompt: the task in words.
        item: its data.
        model: who is asked.
        transport: in place of the network.
        id_: of the task; requests to the vendor carry a hash of it, so that a repeated task is answered once.
    """
    started = time.perf_counter()
    async with httpx.AsyncClient(transport=transport) as client:
        world = _Outside(client, model)
        capabilities = OfflineCapabilities(http=world, credentials=world)
        host = LocalHost(CATALOG, capabilities)
        start: Any = [{"json": dict(item)}]
        execution, finished = await run_local(_plan(slug, prompt, item, model), host, RunInfo(execution_id=id_), start)
    usage = execution.usage
    output = error = None
    if finished.status == "success":
        items = execution.engine.runs["Agent"][-1]["outputs"][0]
        assert items is not None
        output = items[0]["json"]["output"]
    else:
        error = str((finished.error or {}).get("message") or finished.status)
    prices = [each.get("cost_usd") for each in usage]
    return Answer(
        output,
        error or "",
        next((str(each["model"]) for each in reversed(usage)), model.text),
        len(usage),
        sum(each["input_tokens"] for each in usage),
        sum(each["output_tokens"] for each in usage),
        None if not prices or None in prices else sum(cast("list[float]", prices)),
        round((time.perf_counter() - started) * 1000),
    )


def _plan(slug: str, prompt: str, item: Mapping[str, Any], model: Model) -> Plan:
    # the first word is ours: a text that begins with "=" would be an expression
    text = f"Task: {prompt}\n\nData:\n{json.dumps(item, ensure_ascii=False)}"
    nodes = [
        _node("Start", ManualTrigger.type, ManualTrigger.versions[0], {}),
        _node(
            "Agent",
            AgentV3.type,
            AgentV3.versions[-1],
            {"promptType": "define", "text": text},
            notes=f"agent: {slug}",
        ),
        _node(
            "Model",
            model.node.type,
            model.node.versions[0],
            model.parameters,
            credentials={model.node.credential: {"id": "1", "name": "evaluation"}},
        ),
    ]
    connections = {
        "Start": {"main": [[{"node": "Agent", "type": "main", "index": 0}]]},
        "Model": {"ai_languageModel": [[{"node": "Agent", "type": "ai_languageModel", "index": 0}]]},
    }
    export = {"name": slug, "nodes": nodes, "connections": connections, "settings": {"executionOrder": "v1"}}
    compilation = compile_export(export, file=slug, catalog=CATALOG)
    if compilation.plan is None:
        raise ValueError("; ".join(each.message for each in compilation.diagnostics))
    return compilation.plan


def _node(name: str, type_: str, version: float, parameters: Mapping[str, Any], **rest: Any) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "type": type_,
        "typeVersion": version,
        "position": [0, 0],
        "parameters": dict(parameters),
        **rest,
    }


class _Outside:
    """The network and the credential of one question."""

    def __init__(self, client: httpx.AsyncClient, model: Model) -> None:
        self._client, self._model = client, model

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        content: bytes | None = None,
        timeout: float = 300.0,
        **_: Any,
    ) -> HttpResponse:
        """Send a request. See `Http`."""
        try:
            response = await self._client.request(method, url, headers=list(headers), content=content, timeout=timeout)
        except httpx.HTTPError as error:
            raise NodeApiError(f"{self._model.text}: {type(error).__name__} at {httpx.URL(url).host}") from error
        return HttpResponse(
            response.status_code, response.reason_phrase, list(response.headers.multi_items()), response.content
        )

    async def get(self, type_: str, item: int = 0, *, restricted: bool = False) -> Mapping[str, Any]:
        """Return the credential. See `Credentials`."""
        del item, restricted
        if type_ != self._model.node.credential:
            raise MissingCredential(f"{self._model.text} has no credential {type_}")
        return self._model.credential

"""What an agent node gets from its specialist: the answer of the operator's agents service, or a brief for its own model."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from runtime.agents.dialects.chat import answer
from runtime.agents.prices import cost_usd
from runtime.agents.specialists.files import find
from runtime.agents.specialists.prompt import system_prompt
from runtime.contract import ActivityContext, HttpResponse, NodeApiError, NodeError
from schemas.specialist import Specialist

__all__ = ["CLASSES", "brief", "enlist"]

CLASSES: Final[dict[str, dict[str, Any]]] = {
    "fast": {"temperature": 0, "max_tokens": 2048},
    "balanced": {"temperature": 0.3, "max_tokens": 4096},
    "deep": {"temperature": 0.3, "max_tokens": 16384},
}
"""Model class -> values for options that the model node does not set."""


def brief(specialist: Specialist, prompt: str, item: dict[str, Any]) -> dict[str, Any]:
    """Return what an agent node needs to act as the specialist: system prompt, schema, allowed tools, settings, limits."""
    return {
        "system": system_prompt(specialist, prompt, item),
        "schema": {
            "type": "object",
            "properties": {"output": specialist.output_schema},
            "required": ["output"],
            "additionalProperties": False,
        },
        "tools": list(specialist.tools) if specialist.tools is not None else None,
        "settings": CLASSES[specialist.model],
        "limits": specialist.limits.model_dump(),
    }


async def enlist(context: ActivityContext, payload: dict[str, Any]) -> dict[str, Any]:
    """Return the specialist's answer, `{'output': ...}`, from the operator's agents service; without one, its brief.

    `payload`: {'slug', 'id', 'prompt', 'item'}. The service sees the same `id` in every attempt.

    Raises:
        NodeError: the service refused or gave no output; `retryable` in its data says that a later attempt may succeed.
    """
    specialist = find(payload["slug"])
    request = {
        "request_id": payload["id"],
        "agent": specialist.slug,
        "prompt": payload["prompt"],
        "input": payload["item"],
        "output_schema": specialist.output_schema,
    }
    response = await _ask(context, request)
    if response is None:
        return brief(specialist, payload["prompt"], payload["item"])
    used: Mapping[str, Any] = {}
    status = "error"
    try:
        result = answer(response)
        used = result.get("usage") or {}
        if "output" not in result:
            raise NodeError(f"The agents service returned no output for '{specialist.slug}'")
        status = "success"
    finally:
        context.usage.append(_usage(specialist.slug, context.name, used, status))
    return {"output": result["output"]}


async def _ask(context: ActivityContext, request: dict[str, Any]) -> HttpResponse | None:
    """Return the service's response; None: there is no service. That it cannot be reached is worth another attempt."""
    key = hashlib.sha256(request["request_id"].encode()).hexdigest()[:32]
    try:
        return await context.models.post("agents", f"/agents/{request['agent']}/run", request, key=key)
    except NodeApiError as error:
        context.usage.append(_usage(request["agent"], context.name, {}, "error"))
        error.data["retryable"] = True
        raise


def _usage(agent: str, node: str, used: Mapping[str, Any], status: str) -> dict[str, Any]:
    model, tokens = used.get("model"), {name: used.get(name) or 0 for name in ("input_tokens", "output_tokens")}
    price = used.get("cost_usd")
    if price is None and model:
        price = cost_usd(model, tokens["input_tokens"], tokens["output_tokens"])
    return {
        "agent": agent,
        "node": node,
        "model": model or "agents-service",
        "requests": 1,
        **tokens,
        "duration_ms": used.get("duration_ms") or 0,
        "status": status,
        **({"cost_usd": price} if price is not None else {}),
    }

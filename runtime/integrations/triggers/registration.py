"""Registers a trigger at its vendor, and removes it: what n8n does when a workflow is activated and deactivated."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from runtime.contract import ActivityContext, Items, NodeError
from runtime.integrations.answers import ThrownError
from runtime.integrations.descriptor import Operation
from runtime.integrations.node_run import NodeRun
from runtime.integrations.operation import Run, run_operation
from runtime.integrations.request import Sender
from runtime.integrations.scope import Scope
from runtime.integrations.triggers.descriptor import Phase, TriggerDescriptor, WebhookSpec
from runtime.integrations.triggers.webhook_trigger import WebhookTrigger
from schemas.item import Json

__all__ = ["register", "running"]


async def register(node: WebhookTrigger, context: ActivityContext, payload: Json) -> Json:
    """Register or remove a trigger. Raise NodeError.

    Args:
        node: the trigger.
        context: of an activity, with its credential.
        payload: {action: 'activate' (create it unless the vendor has it), 'look' (only say whether the vendor has it) or
            'deactivate', url: the address, registration: a secret word, node_id, workflow_id, state: what is remembered}.

    Returns:
        {state: what is to be remembered, done: 'found', 'created', 'lost' or 'removed', error: what the vendor said to a
        removal that n8n takes for done, or null}.
    """
    asked = cast("dict[str, Any]", payload)
    spec = cast("TriggerDescriptor", node.descriptor).webhook
    assert spec is not None  # the loader gives this function to classes of such descriptors
    state = dict(asked["state"])
    scope, sender = await NodeRun(node, context, [{"json": {}}]).prepare(0)
    scope = replace(scope, strict=True).having(
        webhookUrl=asked["url"], registration=asked["registration"], nodeId=asked["node_id"],
        workflowId=asked["workflow_id"], random=secrets.token_hex(32), state=state,
    )  # fmt: skip
    if asked["action"] == "deactivate":
        return await _remove(spec, sender, scope, state)
    if asked["action"] == "look" and (look := spec.alive or spec.check) is not None:
        return {
            "state": state,
            "done": "found" if (await _phase(look, sender, scope))["found"] else "lost",
            "error": None,
        }
    if spec.check is not None:
        seen = await _phase(spec.check, sender, scope)
        if seen["found"]:
            return {"state": state | seen["state"], "done": "found", "error": None}
        state |= seen["state"]
    if spec.create is not None and asked["action"] == "activate":
        if (type_ := node.password_type(context.version)) is not None:
            scope = scope.having(password=await context.credentials.get(type_))
        made = await _phase(spec.create, sender, scope.having(state=state))
        return {"state": state | made["state"], "done": "created", "error": None}
    return {"state": state, "done": "found", "error": None}


async def running(node: WebhookTrigger, context: ActivityContext, items: Items) -> Run:
    """Return what `enrich` works with."""
    run = NodeRun(node, context, items)
    sender = (await run.prepare(0))[1]

    async def scope(i: int) -> Scope:
        return (await run.prepare(i))[0]

    return Run(context, sender, items, scope)


async def _remove(spec: WebhookSpec, sender: Sender, scope: Scope, state: Mapping[str, Any]) -> Json:
    if spec.remove is None:
        return {"state": {}, "done": "removed", "error": None}
    try:
        await _phase(spec.remove, sender, scope)
    except NodeError as error:
        if spec.remove.strict:
            raise
        return {
            "state": dict(state),
            "done": "removed",
            "error": error.message,
            "http_code": getattr(error, "http_code", None),
        }
    return {
        "state": {name: state[name] for name in spec.remove.keep if name in state},
        "done": "removed",
        "error": None,
    }


async def _phase(phase: Phase, sender: Sender, scope: Scope) -> dict[str, Any]:
    """Return {found, state}."""
    found = True if phase.found is None else {"$if": phase.found, "$then": True, "$else": False}
    output = [{"found": found, "state": dict(phase.state)}]
    operation = Operation(request=phase.request, steps=phase.steps, output=output, pair="none")
    try:
        (item,) = await run_operation(operation, sender, scope)
    except ThrownError as error:
        name = sender.descriptor.name
        raise NodeError(
            f"{name} answered with success, but without what is read of its answer ({error.message})",
            description=f"Check the address in the credential: something else than {name} may answer there.",
        ) from error
    return item["json"]

"""Starting a run by REST: the request for it, and the answer."""

import hashlib
import json
from typing import Any

import orjson

from api.models import StartAnswer, StartRequest, links
from schemas.kinds import Mode, RunStatus, TriggerKind
from schemas.plan import Step
from service.run_start import RunRequest, StartedRun, entry_step, run_id_of, uuid7
from service.template_records import Published

__all__ = ["run_request_of", "start_answer"]


def run_request_of(tenant: str, template: Published, data: StartRequest, idempotency_key: str | None) -> RunRequest:
    """Return the request for a run of a template, at the start node that takes the input.

    Raises:
        NotStartableError: the plan has no enabled trigger.
    """
    step = entry_step(template.plan)
    return RunRequest(
        tenant=tenant,
        template=template,
        start=step.name,
        trigger_kind=TriggerKind.API,
        mode=Mode.WEBHOOK if step.trigger == TriggerKind.WEBHOOK else Mode.TRIGGER,
        items=_items(step, data.input_data),
        run=run_id_of(tenant, template.key, idempotency_key) if idempotency_key else uuid7(),
        user_id=data.user_id,
        digest=_digest(data) if idempotency_key else None,
    )


def start_answer(started: StartedRun, template: Published) -> StartAnswer:
    """Return the answer about a run that has begun."""
    return StartAnswer(
        workflow_id=started.workflow_id,
        run_id=started.run_id,
        status=RunStatus.RUNNING,
        workflow_template=template.key,
        template_version=template.version,
        plan_hash=template.plan_hash,
        links=links(started.workflow_id),
    )


def _items(step: Step, data: dict[str, Any] | list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return `input_data` as n8n items; a webhook node gets it as the body of a request."""
    if step.trigger == TriggerKind.WEBHOOK:
        request = {
            "headers": {},
            "params": {},
            "query": {},
            "body": data,
            "webhookUrl": "",
            "executionMode": "production",
        }
        return [{"json": request}]
    return [{"json": each} for each in (data if isinstance(data, list) else [data])]


def _digest(data: StartRequest) -> str:
    document = data.model_dump(exclude={"tenant_id"})
    try:
        body = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # half an emoji, or nested deep
        body = json.dumps(document, sort_keys=True).encode()
    return hashlib.sha256(body).hexdigest()

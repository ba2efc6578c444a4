"""The tools of the MCP server: one that starts each template, and those that look at a run and answer what it waits for."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from api.answers.answers import Answer, give_answer, read_waits
from api.authentication import Principal
from api.dependencies import Dependencies
from api.models import ResultAnswer, StartRequest
from api.problems import BadRequest, Problem, UnknownTemplate
from api.rates import Rates
from api.runs import actions
from api.runs.lookup import find_run, require_archived
from api.runs.start import run_request_of
from api.runs.status import result_answer
from api.triggers.form_fields import fields_of
from api.triggers.waits import Waits
from schemas.kinds import TriggerKind
from schemas.plan import Step
from service.errors import NotStartableError, ServiceError
from service.run_problems.finder import ProblemFinder
from service.run_reader import TemporalRuns
from service.run_start import Starter, entry_step
from service.template_records import Published

__all__ = ["START", "Tools", "ToolsOfService", "told"]

START: Final = "start_"
"""What the name of a template's tool begins with."""
STATUS, ANSWER_TOOL = "run_status", "run_answer"
WAIT_SECONDS: Final = 20.0
"""For which a start waits for the end of the run, so that a short one is one call."""
POLL_SECONDS: Final = 0.5
MAX_DESCRIPTION: Final = 1000
TYPES: Final = {"string": "string", "number": "number", "boolean": "boolean", "array": "array", "object": "object"}
"""Type of a sub-workflow's input -> of JSON Schema."""
RUN: Final[dict[str, Any]] = {"workflow_id": {"type": "string", "description": "As the start answered it"}}
OWN: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": STATUS,
        "description": "How a run stands: its status, its result or error once it has ended, and what it waits for.",
        "inputSchema": {"type": "object", "properties": RUN, "required": ["workflow_id"]},
        "annotations": {"readOnlyHint": True},
    },
    {
        "name": ANSWER_TOOL,
        "description": "Answer what a run waits for: an approval with approved, a form or a call with data. Ask a person first "
        "where the question is for a person.",
        "inputSchema": {
            "type": "object",
            "properties": RUN | {"approved": {"type": "boolean"}, "data": {"type": "object"}},
            "required": ["workflow_id"],
        },
    },
)


@dataclass(frozen=True)
class ToolsOfService:
    """What the tools use."""

    dependencies: Dependencies
    runs: TemporalRuns
    starter: Starter
    waits: Waits
    rates: Rates
    finder: ProblemFinder


@dataclass(frozen=True)
class Tools:
    """The tools of one caller."""

    caller: Principal
    service: ToolsOfService
    decided: dict[str, Any] = field(default_factory=dict)
    """What an answer to a run decided, for its entry in the audit log."""

    async def list_(self) -> list[dict[str, Any]]:
        """Return the tools, those of templates first, by key."""
        tenant, dependencies = self.caller.tenant, self.service.dependencies
        found = []
        for summary in await dependencies.store.summaries(tenant):
            template = await dependencies.templates.current(tenant, summary.key)
            if template is not None and (step := _entry(template)) is not None:
                text = f"Starts the workflow {summary.name!r}. {summary.description}".strip()
                found.append(
                    {"name": START + summary.key, "description": text[:MAX_DESCRIPTION], "inputSchema": _schema(step)}
                )
        return [*found, *OWN]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer of a tool.

        Raises:
            Problem, ServiceError: what a caller by REST would be told.
        """
        if name.startswith(START):
            return await self._start(name.removeprefix(START), arguments)
        workflow_id = arguments.get("workflow_id")
        if not isinstance(workflow_id, str):
            raise BadRequest("workflow_id: a text.")
        if name == STATUS:
            return await self._status(workflow_id)
        if name == ANSWER_TOOL:
            return await self._answer(workflow_id, arguments)
        raise BadRequest(f"There is no tool {name[:100]!r}.")

    async def _start(self, key: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        tenant, service = self.caller.tenant, self.service
        template = await service.dependencies.templates.current(tenant, key)
        if template is None:
            raise UnknownTemplate(f"There is no template {key[:128]!r}.", available=[])
        service.rates.require_start(tenant)
        data = StartRequest(workflow_template=key, input_data=dict(arguments))
        started = await service.starter.start(run_request_of(tenant, template, data, None))
        await self._wait(started.workflow_id)
        return await self._status(started.workflow_id)

    async def _wait(self, workflow_id: str) -> None:
        """Wait until a run has ended or waits for somebody, but not longer than WAIT_SECONDS."""
        clock = asyncio.get_running_loop().time
        until = clock() + WAIT_SECONDS
        while clock() < until:
            status = await self._read_status(workflow_id)
            active = status["progress"]["active"] if status["progress"] else None
            if status["status"] != "running" or (active and (active["reason"] or {}).get("kind") in ("call", "form")):
                return
            await asyncio.sleep(POLL_SECONDS)

    async def _status(self, workflow_id: str) -> dict[str, Any]:
        tenant, service = self.caller.tenant, self.service
        status = await self._read_status(workflow_id)
        answer = {
            name: status[name]
            for name in ("workflow_id", "status", "workflow_template", "started_at", "closed_at", "error")
        }
        active = status["progress"]["active"] if status["progress"] else None
        if status["status"] == "completed":
            whole = (await self._result(workflow_id)).model_dump(mode="json")
            answer["outputs"] = [[item["json"] for item in output or ()] for output in whole["outputs"]]
        elif active and (active["reason"] or {}).get("kind") in ("call", "form"):
            waits = await read_waits(
                tenant, workflow_id, service.dependencies, service.runs, service.waits, links=False
            )
            answer["waits_for"] = waits.waiting.model_dump(mode="json") if waits.waiting else None
        elif status["status"] == "running":
            answer["hint"] = f"Ask {STATUS} again later."
        return answer

    async def _result(self, workflow_id: str) -> ResultAnswer:
        """Return what a completed run left. Raises UnknownRun: nothing is stored of it."""
        tenant, service = self.caller.tenant, self.service
        run = await find_run(tenant, workflow_id, service.runs)
        if run is not None:
            return result_answer(run, await service.runs.outcome(run))
        archived = await require_archived(tenant, workflow_id, service.dependencies)
        return result_answer(archived.run, archived.outcome)

    async def _read_status(self, workflow_id: str) -> dict[str, Any]:
        service = self.service
        status = await actions.read_status(
            self.caller.tenant, workflow_id, service.dependencies, service.runs, service.finder
        )
        return status.model_dump(mode="json")

    async def _answer(self, workflow_id: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = Answer.model_validate({name: arguments.get(name) for name in ("approved", "data")})
        except ValidationError as error:
            raise BadRequest("approved: true or false; data: an object.") from error
        service = self.service
        given = await give_answer(
            self.caller.tenant, workflow_id, answer, service.runs, service.waits, self.decided.update
        )
        return given.model_dump(mode="json")


def told(error: Problem | ServiceError) -> str:
    """Return what a model is told of an error."""
    return error.detail if isinstance(error, Problem) else str(error)


def _entry(template: Published) -> Step | None:
    try:
        return entry_step(template.plan)
    except NotStartableError:
        return None


def _schema(step: Step) -> dict[str, Any]:
    """Return the schema of a template's input, as far as its trigger declares it."""
    declared = dict(_fields(step))
    required = [name for name, field in declared.items() if field.pop("required", False)]
    schema: dict[str, Any] = {"type": "object", "properties": declared, "additionalProperties": not declared}
    return schema | ({"required": required} if required else {})


def _fields(step: Step) -> Iterator[tuple[str, dict[str, Any]]]:
    if step.trigger == TriggerKind.FORM:
        for field in fields_of(step.parameters, {}):
            if field.kind not in ("html", "file"):
                kind: dict[str, Any] = {"type": "number" if field.kind == "number" else "string"}
                if field.multiple:
                    kind = {"type": "array", "items": kind}
                yield field.label, kind | {"required": field.required}
    inputs = step.parameters.get("workflowInputs")
    values = inputs.get("values") if isinstance(inputs, dict) else None
    for each in values if isinstance(values, list) else ():
        if isinstance(each, dict) and each.get("name"):
            yield str(each["name"]), ({"type": TYPES[each["type"]]} if each.get("type") in TYPES else {})

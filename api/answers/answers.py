"""What a run waits for from people, their answer to it, and who has answered."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from api.dependencies import Dependencies
from api.models import Moment, RequestBody
from api.problems import BadRequest, NotWaiting
from api.runs.lookup import find_run
from api.triggers.bodies import Body
from api.triggers.decisions import decision
from api.triggers.form_fields import fields_of, parse_submission
from api.triggers.responses import Refusal
from api.triggers.waits import Waits, step_of
from schemas.resume_link import WAITING, WAITING_FORM
from service.audit import ActorKind, AuditEntry, Outcome
from service.run_reader import TemporalRuns, moment

__all__ = [
    "ANSWER",
    "Answer",
    "AnswerAccepted",
    "GivenAnswer",
    "WaitingAnswer",
    "WaitsAnswer",
    "give_answer",
    "read_answers",
    "read_waits",
]

ANSWER: Final = "run.answer"
"""The audited action."""
ON_RECEIVED: Final = {"responseMode": "onReceived"}


class FormFieldAnswer(BaseModel):
    """A field of a form."""

    label: str
    kind: str
    required: bool
    options: list[str]


class ToolCallAnswer(BaseModel):
    """The call of a tool that an agent wants to make."""

    name: str
    arguments: dict[str, Any]


class WaitingAnswer(BaseModel):
    """A wait of a run for an answer."""

    ordinal: int = Field(description="Its number among the waits of the run")
    node: str
    kind: Literal["approval", "form", "call"]
    title: str = Field(description="Of a form; else empty")
    description: str = Field(default="", description="What the form says below its title; else empty")
    until: Moment | None = Field(description="When the run goes on without an answer")
    fields: list[FormFieldAnswer] = Field(description="Of a form")
    tool: ToolCallAnswer | None = Field(description="The call of an agent that waits for an approval")
    link: str | None = Field(
        description="Path of the link that answers it, of forms and calls; null for keys without the scope run"
    )


class GivenAnswer(BaseModel):
    """An answer that was given."""

    at: Moment
    by: ActorKind = Field(description="key, token, or link: the link of a message or a form")
    id: str = Field(description="Id of the key, or subject of the token")
    name: str = Field(description="What the key is for")
    node: str | None = Field(default=None, description="Which node asked; null: an earlier version recorded the answer")
    kind: Literal["approval", "form", "call"] | None = None
    approved: bool | None = Field(default=None, description="Of an approval")
    data: dict[str, Any] | None = Field(default=None, description="Values of a form, without passwords")
    tool: ToolCallAnswer | None = Field(default=None, description="The call of an agent that was approved or declined")


class WaitsAnswer(BaseModel):
    """What a run waits for now, and what was answered before."""

    workflow_id: str
    waiting: WaitingAnswer | None
    answers: list[GivenAnswer] = Field(description="The latest first, as long as the audit log is kept")


class Answer(RequestBody):
    """An answer to what a run waits for."""

    approved: bool | None = Field(default=None, description="To an approval")
    data: dict[str, Any] | None = Field(
        default=None, description="To a form: values by the labels of its fields; to a call: its body"
    )
    ordinal: int | None = Field(
        default=None, ge=0, description="Of the wait; without it, the first one that stands. Used ones are refused"
    )


class AnswerAccepted(BaseModel):
    """The run has the answer."""

    workflow_id: str
    node: str
    links: dict[str, str]


async def read_waits(
    tenant: str, workflow_id: str, dependencies: Dependencies, runs: TemporalRuns, waits: Waits, *, links: bool
) -> WaitsAnswer:
    """Return what a run waits for from people, and who has answered. `links`: show the links that answer.

    Raises:
        UnknownRun: the tenant has no such run.
        ReplyPendingError: no worker answers.
    """
    run = await find_run(tenant, workflow_id, runs)

    async def ask() -> dict[str, Any] | None:
        return await waits.current_wait(workflow_id) if run is not None and run.open else None

    waiting, given = await asyncio.gather(ask(), read_answers(tenant, workflow_id, dependencies))
    shown = None if waiting is None else _waiting(workflow_id, waiting, dependencies, links=links)
    return WaitsAnswer(workflow_id=workflow_id, waiting=shown, answers=given)


async def read_answers(tenant: str, workflow_id: str, dependencies: Dependencies) -> list[GivenAnswer]:
    """Return who has answered what the run waited for, the latest first."""
    entries = await dependencies.audit.of_object(tenant, ANSWER, f"run/{workflow_id}")
    return [_given(each) for each in entries if each.record.outcome is Outcome.DONE]


def _given(entry: AuditEntry) -> GivenAnswer:
    record, details = entry.record, entry.record.details or {}
    decided = {name: details.get(name) for name in ("node", "kind", "approved", "data", "tool")}
    return GivenAnswer(at=entry.at, by=record.actor_kind, id=record.actor, name=record.actor_name, **decided)


async def give_answer(
    tenant: str,
    workflow_id: str,
    answer: Answer,
    runs: TemporalRuns,
    waits: Waits,
    note: Callable[[Mapping[str, Any]], None],
) -> AnswerAccepted:
    """Let a run go on with an answer. `note` takes what was decided, for the request's entry in the audit log.

    Raises:
        UnknownRun: the tenant has no such run.
        NotWaiting: it does not wait for an answer, or that one has been given.
        BadRequest: the answer is none to what the run waits for.
        ReplyPendingError: no worker answers.
    """
    run = await find_run(tenant, workflow_id, runs)
    waiting = await waits.current_wait(workflow_id, answer.ordinal) if run is not None and run.open else None
    if waiting is None or answer.ordinal not in (None, waiting["ordinal"]):
        raise NotWaiting("The run does not wait for this answer: it was given, its time is up, or it is too early.")
    step = step_of(waiting)
    item = _item(waiting, answer, workflow_id)
    try:
        await waits.resume(
            workflow_id,
            waiting["ordinal"],
            step.model_copy(update={"parameters": {**step.parameters, **ON_RECEIVED}}),
            [item],
        )
    except Refusal as refused:
        raise NotWaiting("Another answer was faster, or the run has ended.") from refused
    kind = kind_of(waiting)
    fields = fields_of(waiting["config"], {}) if kind == "form" else []
    note(decision(waiting, item, kind, fields))
    return AnswerAccepted(
        workflow_id=workflow_id, node=waiting["step"], links={"status": f"/workflows/{workflow_id}/status"}
    )


def kind_of(waiting: Mapping[str, Any]) -> Literal["approval", "form", "call"]:
    """Return what kind of answer a wait is for."""
    resume = waiting["config"].get("resume")
    return "approval" if resume == "approval" else "form" if resume == "form" else "call"


def _waiting(workflow_id: str, waiting: Mapping[str, Any], dependencies: Dependencies, *, links: bool) -> WaitingAnswer:
    kind, config, ordinal = kind_of(waiting), waiting["config"], waiting["ordinal"]
    fields = fields_of(config, {}) if kind == "form" else []
    path = None
    if links and kind != "approval":  # links of approvals are bound to their answer
        path = dependencies.links.path(WAITING_FORM if kind == "form" else WAITING, workflow_id, ordinal) or None
    return WaitingAnswer(
        ordinal=ordinal,
        node=waiting["step"],
        kind=kind,
        title=str(config.get("formTitle") or ""),
        description=str(config.get("formDescription") or ""),
        until=None if waiting.get("until") is None else moment(waiting["until"]),
        fields=[
            FormFieldAnswer(label=each.label, kind=each.kind, required=each.required, options=list(each.options))
            for each in fields
            if each.kind != "html"
        ],
        tool=config.get("tool"),
        link=path,
    )


def _item(waiting: Mapping[str, Any], answer: Answer, workflow_id: str) -> dict[str, Any]:
    """Return the item that a wait goes on with. Raises BadRequest."""
    kind = kind_of(waiting)
    if kind == "approval":
        if answer.approved is None or answer.data is not None:
            raise BadRequest("approved: true or false. The run waits for an approval.")
        return {"json": {"approved": answer.approved}}
    if answer.data is None or answer.approved is not None:
        raise BadRequest(f"data: an object. The run waits for a {kind}.")
    if kind == "form":
        return {"json": _submission(waiting, answer.data)}
    return {
        "json": {
            "headers": {}, "params": {}, "query": {}, "body": answer.data, "webhookUrl": f"/{WAITING}/{workflow_id}",
            "executionMode": "production",
        }
    }  # fmt: skip


def _submission(waiting: Mapping[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    fields = fields_of(waiting["config"], {})
    if unknown := data.keys() - {each.label for each in fields}:
        raise BadRequest(f"data: the form has no field {min(unknown)!r}.")
    if files := [each.label for each in fields if each.kind == "file" and each.label in data]:
        raise BadRequest(f"data: {files[0]!r} is a file. Use the link of the form.")
    try:
        json, _ = parse_submission(fields, Body(value=data), _zone(waiting), datetime.now(UTC))
    except Refusal as refused:
        raise BadRequest(f"data: {refused.message}.") from refused
    return json


def _zone(waiting: Mapping[str, Any]) -> str:
    zone = str(waiting.get("timezone") or "UTC")
    try:
        ZoneInfo(zone)
    except (ValueError, KeyError):
        return "UTC"
    return zone

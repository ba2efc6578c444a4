"""Execute Sub-workflow: starts another workflow with the items, once or once per item, and gives back what it ends with."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final, Literal

from runtime.contract import (
    ActivityContext,
    Call,
    Command,
    Done,
    Durable,
    DurableContext,
    Dynamic,
    Event,
    Item,
    Items,
    NodeApiError,
    NodeError,
    Outputs,
    StartChild,
    param,
)
from runtime.http.failure import status_failure
from runtime.values.javascript import js_string, json_stringify
from runtime.values.json_text import NotJsonError, parse_json
from runtime.values.problem import ProblemError
from runtime.values.validation import validate_field
from runtime.values.workflow_inputs import input_types, mapped_inputs
from schemas.diagnostic import Diagnostic, Location
from schemas.diagnostic.nodes import InvalidParameter
from schemas.facts import workflow_reference
from schemas.item import UNDEFINED, Json
from schemas.node import Conditions

_TO_1_1: Conditions = {"@version": [{"_cnd": {"lte": 1.1}}]}
_FROM_1_2: Conditions = {"@version": [{"_cnd": {"gte": 1.2}}]}
_DATABASE: Conditions = {"source": ["database"]}
_WITH_INPUTS = 1.2
_ERRORS_ON_FIRST_OUTPUT = 1.3
_SUCCESS: Final = range(200, 300)
FAILS_WITHOUT_INPUT: Final = "a call of a workflow fails where the node was reached through an input that it has not"


class ExecuteWorkflow(Durable):
    """The other workflow is a child of this run: it is waited for, or (`waitForSubWorkflow` off) left to itself."""

    type = "n8n-nodes-base.executeWorkflow"
    versions = (1, 1.1, 1.2, 1.3, 1.4)

    operation: str = param("call_workflow")
    outdated_version_warning: str = param("", show=_TO_1_1)
    source_old: Dynamic[Literal["database", "localFile", "parameter", "url"]] = param(
        "database", alias="source", show=_TO_1_1
    )
    source: Dynamic[Literal["database", "localFile", "parameter", "url"]] = param("database", show=_FROM_1_2)
    source_deprecation_notice: str = param("", show={**_TO_1_1, "source": ["localFile", "url"]})
    workflow_id_v1: Dynamic[str] = param(
        "", alias="workflowId", show={**_DATABASE, "@version": [1]}, required=True, label="Workflow ID"
    )
    workflow_id: Dynamic[Any] = param(
        "", show={**_DATABASE, "@version": [{"_cnd": {"gte": 1.1}}]}, required=True, label="Workflow"
    )
    workflow_path: Dynamic[str] = param("", show={"source": ["localFile"]}, required=True)
    workflow_json: Dynamic[Any] = param("\n\n\n", show={"source": ["parameter"]}, required=True, label="Workflow JSON")
    workflow_url: Dynamic[str] = param("", show={"source": ["url"]}, required=True, label="Workflow URL")
    execute_workflow_notice: str = param("", show=_TO_1_1)
    workflow_inputs: Dynamic[dict[str, Any]] = param(
        {"mappingMode": "defineBelow", "value": None},
        show={**_DATABASE, **_FROM_1_2},
        hide={"workflowId": [""]},
        required=True,
        whole=True,
    )
    mode: Literal["once", "each"] = param("once")
    each_mode_deprecation_notice: str = param("", show={"mode": ["each"]})
    options: Dynamic[dict[str, Any]] = param({})

    def starts_workflow(self) -> bool:
        """Return True: it always starts one."""
        return True

    def started_workflow(self) -> str | None:
        """Return the id written in the parameters; a source other than the database has none."""
        sources = {self.source_old, self.source} - {"database"}
        return None if sources else workflow_reference(self.workflow_id or self.workflow_id_v1)

    def check(self, at: Location, version: float) -> Iterator[Diagnostic]:
        """Report constants that do not fit the inputs of the other workflow."""
        if version >= _WITH_INPUTS and self.source == "database":
            yield from self._check_inputs(at.within("parameters", "workflowInputs", "value"))

    def _check_inputs(self, at: Location) -> Iterator[Diagnostic]:
        inputs: Any = self.workflow_inputs
        mapper: dict[str, Any] = inputs if isinstance(inputs, dict) else {}
        types = input_types(mapper)
        for name, value in (mapper.get("value") or {}).items():
            if isinstance(value, str) and value.startswith("="):
                continue
            checked = validate_field(name, value, types.get(name, "any"))
            if checked.error is not None:
                yield InvalidParameter(at=at.within(name), reason=checked.error)

    def advance(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        """Start one child for all items, or one child per item, one after the other."""
        if self.mode == "each":
            return self._each(context, state, event)
        if event is None:
            state = {"at": 0, "out": []}
        assert isinstance(state, dict)
        try:
            if event is None and not context.items and context.patched(FAILS_WITHOUT_INPUT):
                raise NodeError("Cannot read properties of null (reading 'length')")  # noqa: TRY301 - beside those of the child
            commands = self._step(context, 0, event, context.items)
        except NodeError as error:
            if not context.continue_on_fail or isinstance(error, InvalidInputError):
                raise
            every = [{"item": i} for i in range(len(context.items))]
            return None, [Done([[{"json": {"error": error.message}, "pairedItem": every}]])]  # type: ignore[typeddict-item]
        if isinstance(commands, list):
            return state, commands
        return None, [Done(_paired_outputs(commands, context.items))]

    def _each(self, context: DurableContext, state: Json, event: Event | None) -> tuple[Json, list[Command]]:
        if event is None:
            state = {"at": 0, "out": []}
        assert isinstance(state, dict)
        out: Any = state["out"]
        while state["at"] < len(context.items):
            i = state["at"]
            try:
                commands = self._step(context, i, event, [context.items[i]])
            except NodeError as error:
                self._add_error_item(context, out, i, error)
            else:
                if isinstance(commands, list):
                    return state, commands
                _append(out, commands, i)
            event = None
            state["at"] = i + 1
        return None, [Done(out)]

    def _step(
        self, context: DurableContext, i: int, event: Event | None, items: Items
    ) -> "list[Command] | _ChildResult":
        """Return the next commands for the child of item `i`, or what it ended with. Raise NodeError when it failed."""
        p = context.resolve(self, i)
        waits = (p.options or {}).get("waitForSubWorkflow", True) is not False
        if event is None:
            source = p.source_old if context.version < _WITH_INPUTS else p.source
            if source == "url":
                return [Call("fetch", {"url": p.workflow_url}, item=i)]
            if source == "localFile":
                return [Call("read", {"path": p.workflow_path}, item=i)]
            return [self._start(p, context, i, items, waits=waits)]
        if event.error is not None:
            raise _start_failed(event.error, i, each=self.mode == "each" and not context.continue_on_fail)
        if isinstance(event.value, dict) and "missing" in event.value:
            raise NodeError(f'The file "{event.value["missing"]}" could not be found, [item {i}]', item=i)
        if isinstance(event.value, dict) and "failed" in event.value:
            raise self._status_failed(context, event.value["failed"], i)
        if isinstance(event.value, dict) and "export" in event.value:
            return [StartChild({"export": event.value["export"]}, items, wait=waits)]
        if not waits:
            return _ChildResult([items], waited=False)
        return self._outcome(event.value, context, i)

    def _outcome(self, value: Mapping[str, Any], context: DurableContext, i: int) -> "_ChildResult":
        error = value.get("error") or {}
        if value.get("status") == "not-started":
            raise _start_failed(error, i, each=self.mode == "each" and not context.continue_on_fail)
        if value.get("status") != "success":
            message = error.get("message") or f"The sub-workflow ended as {value.get('status')}"
            raise NodeError(message, description=error.get("description"))
        return _ChildResult(value.get("outputs") or [])

    def _start(self, p: "ExecuteWorkflow", context: DurableContext, i: int, items: Items, *, waits: bool) -> StartChild:
        offset = i if self.mode == "each" else 0
        sent = [self._child_item(context, offset + place, item) for place, item in enumerate(items)]
        return StartChild(self._workflow(p, context), sent, wait=waits)

    def _workflow(self, p: "ExecuteWorkflow", context: DurableContext) -> dict[str, Any]:
        source = p.source_old if context.version < _WITH_INPUTS else p.source
        if source == "parameter":
            return {"export": _export(p.workflow_json)}
        if context.version == 1:
            return {"id": js_string(p.workflow_id_v1)}
        chosen = p.workflow_id
        return {"id": js_string(chosen.get("value", "") if isinstance(chosen, Mapping) else "")}

    # --- what the child gets ---

    def _child_item(self, context: DurableContext, i: int, item: Item) -> Item:
        """Return the item with the declared inputs written over its fields; n8n keeps the others."""
        p = context.resolve(self, i)
        if context.version < _WITH_INPUTS or p.source != "database":
            return item
        mapper, raw = p.workflow_inputs or {}, self.workflow_inputs or {}
        if mapper.get("mappingMode", "defineBelow") != "defineBelow" or not isinstance(raw.get("value"), dict):
            return item
        json = dict(item["json"])
        absent: list[str] = []
        for name, value in self._mapped_inputs(mapper, raw["value"], i):
            json.pop(name, None) if value is UNDEFINED else json.__setitem__(name, value)
            absent += [name] * (value is UNDEFINED)
        sent: Item = {**item, "json": json}
        if absent:
            sent["absent"] = absent
        return sent

    def _mapped_inputs(self, mapper: Mapping[str, Any], raw: Mapping[str, Any], i: int) -> Iterator[tuple[str, Any]]:
        try:
            yield from mapped_inputs(mapper, raw)
        except ProblemError as problem:
            raise InvalidInputError(f"{problem.message} [item {i}]", description=problem.description, item=i) from None

    # --- what went wrong ---

    def _add_error_item(self, context: DurableContext, out: Outputs, i: int, error: NodeError) -> None:
        """Add an error item under continueOnFail; before version 1.3 n8n puts it on the output of the item's index."""
        if not context.continue_on_fail or isinstance(error, InvalidInputError):
            raise error
        output = 0 if context.version >= _ERRORS_ON_FIRST_OUTPUT else i
        _port(out, output).append({"json": {"error": error.message}, "pairedItem": {"item": i}})

    def _status_failed(self, context: DurableContext, failed: Mapping[str, Any], i: int) -> NodeError:
        """Return the error of an address that answers with an error status; a run of an item each has axios' text alone."""
        if self.mode == "each" or context.continue_on_fail:
            return _start_failed({"message": failed["raw"]}, i, each=not context.continue_on_fail)
        return NodeApiError(failed["message"], description=failed["description"], http_code=failed["http_code"])

    async def fetch(self, context: ActivityContext, payload: Json) -> Json:
        """Return the export at an address, or what the server answers instead as `failed`. Raise NodeError when there is none."""
        assert isinstance(payload, dict)
        response = await context.http.request("GET", js_string(payload.get("url")))
        content = _content(response.body)
        if response.status not in _SUCCESS:
            raw = f"{response.status} - {json_stringify(content)}"
            return {"failed": asdict(status_failure(response.status, raw, content)) | {"raw": raw}}
        if content == "":
            raise NodeError("Workflow does not exist.")
        return {"export": _workflow(content)}

    async def read(self, context: ActivityContext, payload: Json) -> Json:
        """Return the export in a file of the tenant, or the path as `missing`. Raise NodeError for any other fault."""
        assert isinstance(payload, dict)
        path = js_string(payload.get("path"))
        try:
            data = await context.files.read(path)
        except ProblemError as problem:
            if problem.message.startswith("ENOENT:"):
                return {"missing": path}
            is_folder = problem.message.startswith("EISDIR:")
            message = "EISDIR: illegal operation on a directory, read" if is_folder else problem.message
            raise NodeError(message, description=problem.description) from problem
        if not isinstance(data, bytes):
            raise NodeError(f"'{path}' has {data.size:,} bytes, which is too long for a workflow")
        try:
            return {"export": _workflow(parse_json(data.decode("utf-8", "replace")))}
        except NotJsonError as error:
            raise NodeError("The file content is not valid JSON") from error


class InvalidInputError(NodeError):
    """An input that the other workflow does not take: it ends the node, whatever On Error says of single items."""


class _ChildResult:
    """The outputs of a child, and whether the run waited for them."""

    def __init__(self, outputs: Outputs, *, waited: bool = True) -> None:
        self.outputs = outputs
        self.waited = waited


def _export(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return parse_json(text)
    except NotJsonError as error:
        raise NodeError(error.message) from None


def _content(body: bytes) -> Any:
    """Return the body of a response: JSON, or its text when it is none."""
    text = body.decode("utf-8", "replace")
    try:
        return parse_json(text)
    except NotJsonError:
        return text


def _workflow(export: Any) -> Any:
    """Return what has nodes. Raise NodeError, with n8n's words for what has none."""
    if isinstance(export, dict) and isinstance(export.get("nodes"), list):
        return export
    raise NodeError("Cannot read properties of undefined (reading 'find')")


def _start_failed(error: Mapping[str, Any], i: int, *, each: bool) -> NodeError:
    """Return the error of a child that could not start; with an item each, n8n says for which item."""
    message = str(error.get("message") or "Workflow does not exist.")
    if each:
        return NodeError(f"Error executing workflow with item at index {i}", description=message, item=i)
    return NodeError(message, description=error.get("description"))


def _paired_outputs(finished: _ChildResult, items: Items) -> Outputs:
    """A child's outputs with their own pairing; what has none belongs to the input of its index, or to all of it."""
    if not finished.waited:
        return finished.outputs
    return [
        None if output is None else [_paired(each, k, output, items) for k, each in enumerate(output)]
        for output in finished.outputs
    ]


def _paired(item: Item, index: int, output: Items, items: Items) -> Item:
    if item.get("pairedItem") is not None:
        return item
    every: Any = [{"item": i} for i in range(len(items))]
    return {**item, "pairedItem": {"item": index} if len(output) == len(items) else every}


def _append(out: Outputs, finished: _ChildResult, i: int) -> None:
    for index, output in enumerate(finished.outputs):
        port = _port(out, index)
        for item in output or ():
            port.append({**item, "pairedItem": {"item": i}})


def _port(out: Outputs, index: int) -> Items:
    while len(out) <= index:
        out.append([])
    port = out[index]
    if port is None:
        port = out[index] = []
    return port

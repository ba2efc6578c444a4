"""Input and result of an activity: one attempt of one step, or one call of one of its methods."""

from typing import Any, NotRequired, Required, TypedDict

from schemas.item import Items, Outputs, Source


class Task(TypedDict, total=False):
    """Plain JSON; everything a worker needs without the plan. Never holds a secret."""

    step: Required[dict[str, Any]]
    """The Step as JSON."""
    inputs: Required[list[Items | None]]
    source: Required[list[Source | None]]
    run_index: Required[int]
    columns: Required[list[list[Any] | None]]
    """Values of the step's expressions per item; see `runtime.interpreter.task_codec` for how undefined and errors are written."""
    scripts: list[dict[str, Any]]
    """Scripts to evaluate inside the activity, in the places where `columns` has null; they read `script_data`."""
    script_data: dict[str, Any]
    count: int
    """Cells per script."""
    snapshot: dict[str, Any] | None
    """What `$`-variables read (Code nodes, pagination, scripts)."""
    memory: Required[dict[str, Any]]
    static_data: dict[str, Any]
    meta: Required[dict[str, Any]]
    """tenant, execution_id, chain_id (first run id), workflow, timezone, mode, now, seed, connected_outputs, parents."""
    method: str
    """A method of a Durable node or sub-node instead of `run`."""
    payload: Any
    arguments: dict[str, Any]
    """The arguments with which the model calls a tool."""
    call: str
    """Which call of a tool this is."""
    item: int
    first_item: int
    """Which item the first cells of the columns are for, where the task is about one item; absent: the first one."""
    attempt: int
    undefined: bool
    """Whether marks of `runtime.values.undefined` stand in the inputs, the columns and the data of scripts."""


class TaskResult(TypedDict, total=False):
    """The result of a task. `error` is n8n's error object."""

    outputs: Outputs | None
    value: Any
    columns: list[list[Any]]
    """Values of the scripts of a task that runs no step."""
    undefined: bool
    """Whether such marks stand in the outputs or the columns."""
    error: dict[str, Any]
    memory: dict[str, Any]
    arguments: NotRequired[dict[str, Any]]
    """The arguments of a tool's call that is a local activity: the history keeps no input of one."""
    static_data: NotRequired[dict[str, Any]]
    custom_data: NotRequired[dict[str, str]]
    logs: NotRequired[list[Any]]
    usage: NotRequired[list[dict[str, Any]]]

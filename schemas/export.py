"""An n8n export as it comes, after the normaliser has read the old and odd shapes: lenient, keeps unknown keys."""

from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

STICKY_NOTE = "n8n-nodes-base.stickyNote"
MAIN = "main"


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="allow", populate_by_name=True)


class Target(_Lenient):
    """The far end of a connection."""

    node: str
    type: str = MAIN
    index: int = 0


Connections: TypeAlias = dict[str, dict[str, list[list[Target] | None]]]
"""Source node -> connection type -> output -> targets; an output may be null."""


class ExportNode(_Lenient):
    """A node. `name` is its key everywhere else in the document; `id` is only a UUID."""

    name: str
    type: str
    id: str = ""
    type_version: float = Field(default=1, alias="typeVersion")
    position: tuple[float, float] = (0, 0)
    parameters: dict[str, Any] = Field(default_factory=dict)
    credentials: dict[str, Any] = Field(default_factory=dict)
    """Credential type -> `{id, name}`; very old exports have the name alone."""
    webhook_id: str | None = Field(default=None, alias="webhookId")
    disabled: bool = False
    notes: str = ""
    on_error: str | None = Field(default=None, alias="onError")
    continue_on_fail: bool = Field(default=False, alias="continueOnFail")
    always_output_data: bool = Field(default=False, alias="alwaysOutputData")
    execute_once: bool = Field(default=False, alias="executeOnce")
    retry_on_fail: bool = Field(default=False, alias="retryOnFail")
    max_tries: float = Field(default=0, alias="maxTries")
    wait_between_tries: float = Field(default=0, alias="waitBetweenTries")


class Export(_Lenient):
    """A workflow. Everything but `nodes` and `connections` may be missing."""

    name: str = ""
    id: str = ""
    active: bool = False
    nodes: list[ExportNode] = Field(default_factory=list)
    connections: Connections = Field(default_factory=dict)
    settings: dict[str, Any] = Field(default_factory=dict)
    pin_data: dict[str, list[dict[str, Any]]] = Field(default_factory=dict, alias="pinData")
    static_data: dict[str, Any] = Field(default_factory=dict, alias="staticData")

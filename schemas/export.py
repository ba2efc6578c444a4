"""An n8n export after the normaliser has read the old and odd shapes: what `n8n export:workflow` and *Download* write.

Unknown members are allowed everywhere and mean nothing here. The wire names are in camelCase.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

MAIN = "main"

WIRE = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")


@dataclass(slots=True)
class Target:
    """The far end of a connection."""

    __pydantic_config__: ClassVar[ConfigDict] = WIRE

    node: str
    type: str = MAIN
    index: int = 0


Connections: TypeAlias = dict[str, dict[str, list[list[Target] | None]]]
"""Source node -> connection type -> output -> targets; an output may be null."""


@dataclass(slots=True)
class ExportNode:
    """A node. `name` is its key everywhere else in the document; `id` is only a UUID."""

    __pydantic_config__: ClassVar[ConfigDict] = WIRE

    name: str
    type: str
    id: str = ""
    type_version: float = 1
    position: tuple[float, float] = (0, 0)
    parameters: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, Any] = field(default_factory=dict)
    """Credential type -> `{id, name}`; very old exports have the name alone."""
    webhook_id: str | None = None
    disabled: bool = False
    notes: str = ""
    on_error: str | None = None
    continue_on_fail: bool = False
    always_output_data: bool = False
    execute_once: bool = False
    retry_on_fail: bool = False
    max_tries: float = 0
    wait_between_tries: float = 0


@dataclass(slots=True)
class Export:
    """A workflow. Everything but `nodes` and `connections` may be missing."""

    __pydantic_config__: ClassVar[ConfigDict] = WIRE

    nodes: list[ExportNode]
    connections: Connections
    name: str = ""
    id: str = ""
    active: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    pin_data: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    static_data: dict[str, Any] = field(default_factory=dict)

"""n8n's data: items, their pairing and their binary references, as plain JSON-shaped dictionaries.

Items are dictionaries and not models on purpose: a run moves hundreds of thousands of them, and n8n shares one
`json` object between the steps that forward it. Code must never mutate an input item.
"""

from typing import Any, Final, NotRequired, Required, TypeAlias, TypedDict

MAX_NESTING: Final = 200
"""Levels of lists and objects that the json of an item may have."""

Json: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any] | None


class _Undefined:
    """JavaScript's `undefined`: a value that is not there. Falsy, and dropped wherever JSON is written."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNDEFINED"

    def __reduce__(self) -> str:
        return "UNDEFINED"  # a copy is this one


UNDEFINED: Final = _Undefined()


class NoJson(dict[str, Any]):
    """The json of an item that n8n makes without any, where a vendor's answer lacks what the node hands on. An empty object
    wherever it is written or read: nothing but a comparison with n8n's own items can tell them apart.
    """


class LackingObject(dict[str, Any]):
    """An object of a parameter some of whose members have an expression that gave undefined: it has no such member, and a node
    that knows defaults must not take one for it.
    """

    __slots__ = ("undefined",)

    def __init__(self, members: dict[str, Any], undefined: frozenset[str]) -> None:
        super().__init__(members)
        self.undefined = undefined


def undefined_of(value: object) -> frozenset[str]:
    """Return the names of the members of an object of a parameter whose expressions gave undefined."""
    return value.undefined if isinstance(value, LackingObject) else frozenset()


class Source(TypedDict):
    """Where an input came from: n8n's `source` entry."""

    previousNode: str
    previousNodeOutput: NotRequired[int]
    previousNodeRun: NotRequired[int]


class PairedItem(TypedDict, total=False):
    """The input item that an output item stems from. `input` 0 is left out, as n8n does."""

    item: Required[int]
    input: int
    sourceOverwrite: Source


class BinaryRef(TypedDict, total=False):
    """A file of an item. The bytes are either inline (`data`, base64) or in storage (`id`)."""

    mimeType: Required[str]
    fileName: str
    directory: str
    fileExtension: str
    fileType: str
    fileSize: str
    bytes: int
    data: str
    id: str


class Item(TypedDict, total=False):
    """n8n's item."""

    json: Required[dict[str, Any]]
    binary: dict[str, BinaryRef]
    pairedItem: int | PairedItem | list[PairedItem] | list[int]
    error: Any
    failed: bool
    """On the way from a node to the engine: an error item whose error looks like none, as an object without members does."""
    absent: list[str]
    """On the way into a sub-workflow: declared inputs that the caller left without a value (JSON has no undefined)."""


Items: TypeAlias = list[Item]
Outputs: TypeAlias = list[Items | None]
"""One list per output; None where the output got nothing at all (n8n's null)."""


class NodeRun(TypedDict, total=False):
    """One recorded run of a node: its outputs, the sources of its inputs, and its error if there was one."""

    outputs: Required[Outputs]
    source: Required[list[Source | None]]
    status: str
    error: dict[str, Any]
    started: float
    finished: float
    tries: int
    inputs: list[int]
    failed: bool

"""The contract between a node and its host: everything that a node file imports.

Bases (`node`), contexts (`context`), what a task may use (`capabilities`), commands and events (`commands`), errors (`errors`),
item helpers (`items`).
"""

from runtime.contract.capabilities import Capabilities, Files, HttpResponse, Store
from runtime.contract.commands import (
    AwaitSignal,
    Call,
    Command,
    Done,
    Event,
    Respond,
    RunTool,
    Sleep,
    StartChild,
    ToolCommand,
)
from runtime.contract.context import ActivityContext, Context, DurableContext
from runtime.contract.errors import LimitReached, MissingCredential, NodeApiError, NodeError, ServiceBusy
from runtime.contract.items import (
    attempt_each,
    each_item,
    each_item_async,
    error_item,
    paired,
    result_name,
    with_result,
)
from runtime.contract.node import Activity, Durable, Inline, SubNode, Trigger
from schemas.item import BinaryRef, Item, Items, Outputs
from schemas.node import Dynamic, param

__all__ = [
    "Activity",
    "ActivityContext",
    "AwaitSignal",
    "BinaryRef",
    "Call",
    "Capabilities",
    "Command",
    "Context",
    "Done",
    "Durable",
    "DurableContext",
    "Dynamic",
    "Event",
    "Files",
    "HttpResponse",
    "Inline",
    "Item",
    "Items",
    "LimitReached",
    "MissingCredential",
    "NodeApiError",
    "NodeError",
    "Outputs",
    "Respond",
    "RunTool",
    "ServiceBusy",
    "Sleep",
    "StartChild",
    "Store",
    "SubNode",
    "ToolCommand",
    "Trigger",
    "attempt_each",
    "each_item",
    "each_item_async",
    "error_item",
    "paired",
    "param",
    "result_name",
    "with_result",
]

"""One run of a vendor's node: the scope of each item, its operation, and what an error of an item becomes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from runtime.contract import ActivityContext, Item, Items, LimitReached, MissingCredential, NodeError
from runtime.http.credentials import Credential
from runtime.integrations.described import Described
from runtime.integrations.descriptor import ErrorItem, Operation, holds_in
from runtime.integrations.failure_facts import add_facts
from runtime.integrations.model_requests import TOKENS
from runtime.integrations.operation import (
    WRONG_VALUES,
    NodeFailure,
    Run,
    failed_item,
    failing_node,
    run_operation,
    spread,
)
from runtime.integrations.parameters import Parameters
from runtime.integrations.request import ANSWERED, Sender
from runtime.integrations.request_options import RequestOptions, pause_between_batches
from runtime.integrations.scope import Scope
from runtime.integrations.values import evaluate
from runtime.interpreter.failures import node_error
from runtime.nodes.checkpoint import Checkpoint
from schemas.item import UNDEFINED, NoJson

__all__ = ["NodeRun", "send_question"]


class NodeRun:
    """The items of one run, one after the other, as n8n's vendor nodes do."""

    def __init__(self, node: Described, context: ActivityContext, items: Items, spent: int = 0) -> None:
        """`spent`: tokens of models that the step has used before."""
        self._node, self._context, self._items = node, context, items
        self._credentials: dict[str, Credential] = {}
        self._shared: dict[str, Any] = {TOKENS: spent}
        self._common: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}
        self._key: str | None = None

    async def all_items(self) -> Items:
        """Return the output. Raise NodeError."""
        with self.telling():
            made = await self._made()
        if any(each.get("json", {}) is None for each in made):
            raise NodeError(
                "An answer of the service is null, which is no item",
                description="The requests were sent. Look at what the service answers.",
            )
        return made

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Make an error of the block say vendor, operation, status, the vendor's code and what to do. Raise NodeError."""
        try:
            yield
        except NodeFailure as failure:
            raise self._told(failure.error) from failure
        except LimitReached:  # no fault of the vendor's
            raise
        except NodeError as error:
            self._told(error)
            raise

    def _told(self, error: NodeError) -> NodeError:
        return add_facts(error, self._node.descriptor.name, self._key, self._shared.get(ANSWERED))

    async def _made(self) -> Items:
        if not self._items:
            return []
        variants = self._first_variants()
        if variants and variants[0].program is not None:
            return await self._program(variants[0])
        once = bool(variants) and all(each.shared(self._context.version) for each in variants)
        out: Items = []
        checkpoint = Checkpoint(self._context, len(self._items))
        failed: NodeError | None = None
        for i in range(1 if once else len(self._items)):
            try:
                out += await checkpoint.run_once(i, partial(self._one, i))
            except NodeError as error:
                if not self._node.descriptor.declarative or isinstance(error, LimitReached):
                    raise
                failed = failed or error
        if failed is not None:
            raise failed
        return out

    def _first_variants(self) -> Sequence[Operation]:
        """Return the variants of the first item's operation; none where its parameters cannot be read, which its run tells."""
        try:
            return self._node.variants(
                self._context.resolve(self._node, 0).parameters(self._context.version, self._node)
            )
        except NodeError:
            return ()

    async def prepare(self, i: int) -> tuple[Scope, Sender]:
        """Return the scope of an item, and what sends its requests. Raise NodeError."""
        node, context, descriptor = self._context.resolve(self._node, i), self._context, self._node.descriptor
        parameters = node.parameters(context.version, self._node)
        self._key = self._node.key(parameters)
        self._shared.pop(ANSWERED, None)
        sender = await self._sender(parameters, i)
        scope = Scope(
            parameters, self._items[i], i, context.version, context.now, context.timezone,
            sender.credential.data if sender.credential else {}, descriptor.tables, self._node.module, descriptor.patterns,
            descriptor.declarative, titles=descriptor.titles,
        )  # fmt: skip
        for name, value in descriptor.values.items():
            found = self._common[name] if name in self._common else self._value(name, value, scope)
            scope = scope.having(**{name: found})
        return scope, sender

    def _value(self, name: str, value: Any, scope: Scope) -> Any:
        """Return a value of the descriptor, which is kept for all items where it is the first one's. Raise NodeError, NodeFailure."""
        if name not in self._node.descriptor.once:
            return evaluate(value, scope)
        with failing_node():
            self._common[name] = evaluate(value, scope)
        return self._common[name]

    async def _sender(self, parameters: Parameters, i: int) -> Sender:
        credential, missing = None, None
        try:
            credential = await self._credential(parameters, i)
        except MissingCredential as error:  # told by the first request: as in n8n, wrong parameters are told before
            missing = error
        declarative = self._node.descriptor.declarative
        options = RequestOptions.of(parameters) if declarative else RequestOptions()
        return Sender(self._context, self._node.descriptor, credential, missing, self._shared, options)

    async def _one(self, i: int) -> list[Item]:
        operation: Operation | None = None
        try:
            scope, sender = await self.prepare(i)
            operation = self._operation_of(scope)
            _check_choice(operation, i)
            if self._node.descriptor.declarative:
                await pause_between_batches(scope.parameters, i)
            if operation.item_program is not None:
                return await self._item_program(operation, sender, scope)
            return await run_operation(operation, sender, scope)
        except WRONG_VALUES as error:
            if not self._context.continue_on_fail or self._fails_node(operation, i):
                raise
            return [self._failed_item(node_error(error, self._node.descriptor.type), operation, i)]
        except NodeError as error:
            error.item = i if error.item is None else error.item
            if self._node.descriptor.numbers_errors:
                error.message = f"{error.message} (item {i})"
            if not self._context.continue_on_fail or isinstance(error, LimitReached):
                raise
            if self._fails_node(operation, i):
                raise NodeFailure(error) from error
            return [self._failed_item(error, operation, i)]

    def _operation_of(self, scope: Scope) -> Operation:
        """Return the operation of an item. Raise NodeError, or NodeFailure where n8n's node fails on one that it does not know."""
        if self._node.descriptor.unknown == "fails" and self._node.strange(scope.parameters) is not None:
            with failing_node():
                return self._node.operation_of(scope)
        return self._node.operation_of(scope)

    def _fails_node(self, operation: Operation | None, i: int = 0) -> bool:
        """Return whether an error of item `i` is the node's."""
        if i > 0 and self._node.descriptor.fails_after_first:
            return True
        said = (self._node.descriptor.fails_node, operation.fails_node if operation is not None else False)
        return any(holds_in(each, self._context.version) for each in said)

    def _says(self, operation: Operation | None) -> ErrorItem:
        return (operation.error_item if operation is not None else None) or self._node.descriptor.error_item

    def _failed_item(self, error: NodeError, operation: Operation | None, i: int) -> Item:
        return failed_item(error, self._says(operation), i, self._context)

    async def _item_program(self, operation: Operation, sender: Sender, scope: Scope) -> list[Item]:
        made: list[Item] = await scope.function(operation.item_program or "")(self.run_of(sender, operation), scope)
        return [
            {"pairedItem": {"item": scope.index}, **_without_undefined(each)}
            for each in spread(made, self._node.descriptor)
        ]

    def run_of(self, sender: Sender, operation: Operation) -> Run:
        """Return what a program of the vendor's works with."""

        async def scope(i: int) -> Scope:
            return (await self.prepare(i))[0]

        return Run(
            self._context, sender, self._items, scope, self._says(operation), self._fails_node(operation), self._kept
        )

    async def _program(self, operation: Operation) -> Items:
        function = getattr(self._node.module, operation.program or "")
        try:
            node = self._context.resolve(self._node, 0)
            sender = await self._sender(node.parameters(self._context.version, self._node), 0)
            made: Items = await function(self.run_of(sender, operation))
        except WRONG_VALUES as error:
            if not self._context.continue_on_fail or self._fails_node(operation):
                raise
            return [self._failed_item(node_error(error, self._node.descriptor.type), operation, 0)]
        except NodeError as error:
            if not self._context.continue_on_fail or self._fails_node(operation) or isinstance(error, LimitReached):
                raise
            return [self._failed_item(error, operation, error.item or 0)]
        return [_without_undefined(each) for each in made]

    async def _credential(self, parameters: Parameters, i: int) -> Credential | None:
        choice = self._node.credential_of(parameters, self._context.version)
        if choice is None:
            if self._node.descriptor.credentials:
                raise MissingCredential("Credentials not found")
            return None
        if choice.type not in self._credentials:
            data = dict(await self._context.credentials.get(choice.type, i))
            if choice.scopes:
                data |= {"httpNode": True, "scopes": " ".join(choice.scopes)}
            self._credentials[choice.type] = Credential(choice.type, data, self._context.credentials)
        return self._credentials[choice.type]


def _without_undefined(item: Item) -> Item:
    """Return an item of a program; the JSON that an empty answer has not is left out of it."""
    found: Any = item["json"]
    return {**item, "json": NoJson()} if found is UNDEFINED else item


def _check_choice(operation: Operation, i: int) -> None:
    """Raise NodeError for an operation that an expression chose, and that only a fixed choice can have."""
    if operation.asks:
        raise NodeError(
            "An expression chose an operation that waits for an answer",
            description="The node can wait only where its operation is chosen as a fixed value.",
            item=i,
        )
    if operation.program is not None:
        raise NodeError("An expression chose an operation for all items together, and another one before", item=i)


async def send_question(node: Described, context: ActivityContext, names: Mapping[str, Any]) -> NodeError | None:
    """Run the operation that asks once, with `$message` and `$buttons`. Return the error that becomes an item. Raise NodeError."""
    items: Items = next((each for each in context.inputs if each), [])
    node_run = NodeRun(node, context, items)
    with node_run.telling():
        scope, sender = await node_run.prepare(0)
        scope = scope.having(**names)
        operation = node.operation_of(scope)
        return await _sent(operation, sender, scope, catches=operation.catches and context.continue_on_fail)


async def _sent(operation: Operation, sender: Sender, scope: Scope, *, catches: bool) -> NodeError | None:
    try:
        await run_operation(operation, sender, scope)
    except NodeError as error:
        if not catches:
            raise
        return error
    return None

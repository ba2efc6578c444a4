"""An operation of a descriptor for one input item: its requests in order, pages, and the items that come out."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Final

from runtime.contract import ActivityContext, Item, Items, LimitReached, NodeApiError, NodeError, error_item
from runtime.integrations.answers import ThrownError, appendable, unreadable
from runtime.integrations.descriptor import Descriptor, ErrorItem, Operation, Paging, RequestSpec, Step
from runtime.integrations.filters import is_empty
from runtime.integrations.request import Response, Sender
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template, unanswered
from runtime.integrations.values import elements, evaluate, holds
from runtime.interpreter.failures import node_error
from runtime.nodes.checkpoint import Checkpoint
from runtime.values.binary import NoBinaryError, binary_of
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED, BinaryRef, NoJson

__all__ = ["WRONG_VALUES", "NodeFailure", "Run", "failed_item", "failing_node", "items_of", "run_operation", "spread"]

WRONG_VALUES: Final = (AttributeError, TypeError, LookupError, ArithmeticError, ValueError)
"""What code raises on a value of another kind than it expects, where n8n's code fails likewise: an error of the one item."""

MAX_PAGES: Final = 10_000
"""Pages of one request, after which the node fails: a cursor that never ends would fill the memory."""
_ANSWERS: Final = " answers"
"""The name in a scope under which are those of its names that are answers of the service; no hole can read it."""
_BLIND_PAGES: Final = 25
"""Pages that are asked for again without a cursor, after which the node fails; n8n would never end."""
_SAME_PAGES: Final = 100
"""Pages in a row with the cursor and the elements of the one before, after which the node fails."""


class NodeFailure(Exception):
    """Raised for an error that is the node's, not the item's: no error item takes the place of the item."""

    def __init__(self, error: NodeError) -> None:
        super().__init__(error.message)
        self.error = error


@contextmanager
def failing_node() -> Iterator[None]:
    """Make an error of the block the node's. Raise NodeFailure."""
    try:
        yield
    except NodeError as error:
        raise NodeFailure(error) from error


def failed_item(error: NodeError, says: ErrorItem, i: int, context: ActivityContext) -> Item:
    """Return the item in place of item `i`, which failed."""
    if says == "object":
        return {
            "json": {"message": error.message, "error": _error_object(error, context.now)},
            "pairedItem": {"item": i},
        }
    if says == "bare":
        return {"json": {}, "error": error.message, "pairedItem": {"item": i}}
    if says == "named":
        name = "TypeError" if isinstance(error, ThrownError) else error.name
        return error_item(NodeError(f"{name}: {error.message}"), i)
    if says == "described" and isinstance(error.__cause__, NoBinaryError):
        return {"json": {"error": error.message, "description": error.description}, "pairedItem": {"item": i}}
    return error_item(NodeError(error.description) if says == "description" and error.description else error, i)


def _error_object(error: NodeError, now: float) -> dict[str, Any]:
    """Return an error as n8n shows it in an item."""
    context = error.data.get("context", {"itemIndex": error.item})
    if isinstance(error, ThrownError):
        return {"context": context} if context else {}
    if not isinstance(error, NodeApiError):
        return {"level": "warning", "shouldReport": False, "tags": {}, "context": context}
    shown: dict[str, Any] = {"message": error.message, "timestamp": int(now), "name": error.name}
    if error.description is not None:
        shown["description"] = error.description
    shown["context"] = context
    if texts := error.data.get("messages"):
        shown["cause"] = {"name": "AxiosError", "message": texts[0]}
    return shown


@dataclass(frozen=True)
class Run:
    """What a program of a vendor's module works with: `async def name(run: Run) -> Items`, for one item
    `async def name(run: Run, scope: Scope) -> list[Item]`.
    """

    context: ActivityContext
    sender: Sender
    items: Items
    scope: Callable[[int], Awaitable[Scope]]
    """The scope of an input item."""
    error_item: ErrorItem = "message"
    fails_node: bool = False
    """As the operation says."""
    kept: dict[str, Any] = field(default_factory=dict)
    """What functions of the vendor keep from one item for the next."""

    async def each(self, work: Callable[[Scope], Awaitable[Items]]) -> Items:
        """Return what `work` makes of each item, paired with it; an error item where the node goes on after errors.

        Each item is done `once`. Raise NodeFailure where an error of an item is the node's.
        """
        out: Items = []
        for i in range(len(self.items)):
            out += await self.each_one(i, work)
        return out

    async def each_one(self, i: int, work: Callable[[Scope], Awaitable[Items]], *, later: bool = False) -> Items:
        """Return what `each` gives for item `i`; `later`: in a second pass over the items, whose results are kept apart."""
        return await self.once(i + len(self.items) * later, partial(self._one, work, i))

    async def once(self, i: int, work: Callable[[], Awaitable[Items]]) -> Items:
        """Return what `work` makes of item `i`: when a worker died after that, what it made then (see `Checkpoint`).

        A program does so for its requests per item, once for each item.
        """
        return await self._checkpoint.run_once(i, work)

    @cached_property
    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(self.context, len(self.items))

    async def _one(self, work: Callable[[Scope], Awaitable[Items]], i: int) -> Items:
        try:
            made = await work(await self.scope(i))
        except WRONG_VALUES as error:
            if not self.context.continue_on_fail:
                raise
            failed = node_error(error, self.sender.descriptor.type)
            if self.fails_node:
                raise NodeFailure(failed) from error
            made = [failed_item(failed, self.error_item, i, self.context)]
        except NodeError as error:
            error.item = i
            if not self.context.continue_on_fail or isinstance(error, LimitReached):
                raise
            if self.fails_node:
                raise NodeFailure(error) from error
            made = [failed_item(error, self.error_item, i, self.context)]
        return [{"pairedItem": {"item": i}, **each} for each in spread(made, self.sender.descriptor)]

    def file(self, i: int, name: Any) -> BinaryRef:
        """Return a file of an input item; an expression may give anything for its name. Raise NodeError."""
        try:
            return binary_of(self.items[i], name, i)
        except NoBinaryError as error:
            raise NodeError(error.message, description=error.description, item=i) from error

    async def response(self, scope: Scope, **spec: Any) -> Response:
        """Send a request, given as in a descriptor, and return its response. Raise NodeError.

        All values are data; a string with holes is a `Template`.
        """
        return await self.sender.send(RequestSpec.model_validate(spec), replace(scope, of_program=True))

    async def request(self, scope: Scope, **spec: Any) -> Any:
        """Send a request and return the body of its response. Raise NodeError."""
        return (await self.response(scope, **spec)).body

    async def pages(self, scope: Scope, **spec: Any) -> list[Any]:
        """Send a request with `page` and return the elements of all its pages. Raise NodeError."""
        inner = replace(scope, of_program=True)
        return (await _send(self.sender, RequestSpec.model_validate(spec), inner)).names["items"]  # type: ignore[no-any-return]


def spread(items: Items, descriptor: Descriptor) -> Items:
    """Return items of which none is a list: n8n makes an item of each element of an answer that is one."""
    return items if descriptor.keeps_lists else [{**item, "json": each} for item in items for each in _elements(item)]


def _elements(item: Item) -> list[Any]:
    value: Any = item["json"]
    return value if isinstance(value, list) else [value]


async def run_operation(operation: Operation, sender: Sender, scope: Scope) -> list[Item]:
    """Return the items that an input item gives. Raise NodeError."""
    if operation.request is not None:
        scope = await _send(sender, operation.request, scope)
    else:
        scope = await _steps(operation.steps, sender, scope)
    return items_of(operation, sender, scope)


def items_of(operation: Operation, sender: Sender, scope: Scope) -> list[Item]:
    """Return the output items of an operation whose requests are done."""
    value = scope.names.get("items", scope.names.get("response", UNDEFINED))
    if operation.output is not None:
        if not sender.descriptor.declarative:  # a path of n8n's declarative nodes may lead nowhere
            _check_answered(operation.output, scope)
        value = evaluate(operation.output, scope)
    binary = {}
    for name, each in (operation.binary or {}).items():
        found = evaluate(each, scope)
        if isinstance(found, Mapping):
            binary[js_string(evaluate(name, scope))] = found
    made: list[Item] = []
    for each in value if isinstance(value, list) else [value]:
        item: Any = {"json": NoJson() if each is UNDEFINED else each}
        if binary:
            item["binary"] = binary
        if operation.pair == "item":
            item["pairedItem"] = {"item": scope.index}
        made.append(item)
    return made


def _check_answered(value: Any, scope: Scope) -> None:
    """Raise NodeError for a member of an answer that is empty or null: n8n's code fails on it."""
    answers = {f"${name}": scope.names[name] for name in scope.names.get(_ANSWERS, ()) if name in scope.names}
    found = _unanswered(value, scope, answers)
    if found is not None:
        raise unreadable(*found, scope.index)


def _check_request(sender: Sender, spec: RequestSpec, scope: Scope) -> None:
    """Raise NodeError for a request that needs a member of an answer before which is empty or null."""
    if not sender.descriptor.declarative:
        for value in (spec.url, spec.path, spec.query, spec.headers, spec.json_, spec.form, spec.body):
            _check_answered(value, scope)


async def _steps(steps: Sequence[Step], sender: Sender, scope: Scope) -> Scope:
    for step in steps:
        if step.fails_node:
            with failing_node():
                scope = await _steps([step.model_copy(update={"fails_node": False})], sender, scope)
            continue
        if not holds(step.when, scope):
            continue
        if step.fail is not None:
            raise NodeError(js_string(evaluate(step.fail, scope)), item=scope.index)
        if step.set is not None:
            for name, value in step.set.items():
                if not sender.descriptor.declarative:
                    _check_answered(value, scope)
                scope = scope.having(**{name: evaluate(value, scope)})
        elif step.each is not None:
            scope = await _each(step, sender, scope)
        elif step.request is not None:
            scope = await _request(step, step.request, sender, scope)
    return scope


async def _request(step: Step, spec: RequestSpec, sender: Sender, scope: Scope) -> Scope:
    _check_request(sender, spec, scope)
    name = step.name
    if name is None:
        return await _send(sender, spec, scope)
    if step.once and name in sender.shared:
        return scope.having(**{name: sender.shared[name], _ANSWERS: {*scope.names.get(_ANSWERS, ()), name}})
    scope = await _send(sender, spec, scope)
    response = scope.names["response"]
    if step.once:
        sender.shared[name] = response
    return scope.having(**{name: response, _ANSWERS: {*scope.names[_ANSWERS], name}})


async def _each(step: Step, sender: Sender, scope: Scope) -> Scope:
    found = elements(step.each, scope)
    responses = []
    for index, element in enumerate(found if isinstance(found, list) else []):
        inner = await _steps(step.do, sender, scope.having(each=element, index=index))
        responses.append(inner.names.get("response"))
    return scope.having(**{step.name or "responses": responses})


async def _send(sender: Sender, spec: RequestSpec, scope: Scope) -> Scope:
    """Return the scope with the response, and with `$items` when the request has pages."""
    if spec.page is None:
        return _after(await sender.send(spec, scope), scope, spec)
    page, collected = spec.page, list[Any]()
    everything = holds(page.when, scope)
    limit = None if everything else _limit(page, scope)
    changes: dict[str, Any] = {}
    blind, same, before = 0, 0, None
    for number in range(MAX_PAGES):
        inner = scope.having(page=number, pageNumber=number + 1, collected=len(collected))
        inner = _after(await sender.send(spec, inner, changes), inner, spec)
        _check_answered(page.items, inner)
        found = evaluate(page.items, inner)
        if page.needs_list and not isinstance(found, list):
            raise NodeError(f"{sender.descriptor.name} gave no list", item=scope.index)
        collected += appendable(found) if scope.strict else found if isinstance(found, list) else []
        inner = inner.having(items=collected, collected=len(collected), found=found)
        if not everything and not page.every and not isinstance(found, list):
            return inner.having(
                items=found
            )  # n8n hands on what is no list as one item, without JSON where it is not there
        if not everything and (not page.every or (limit is not None and len(collected) >= limit)):
            return inner.having(items=collected[:limit])
        if page.needs_last is not None:
            _check_last(page.needs_last, collected, scope)
        following = _next(page, inner)
        if following is None:
            return inner
        scope = await _steps(page.before, sender, scope)
        blind += page.blind and all(map(is_empty, following.values()))
        same = same + 1 if following == changes and found == before else 0
        changes, before = following, found
        if blind > _BLIND_PAGES or same > _SAME_PAGES:
            break
    raise NodeError(
        f"{sender.descriptor.name} gave pages without end",
        description="The next page was asked for again and again. Set a limit in place of Return All.",
        item=scope.index,
    )


def _check_last(path: str, collected: Sequence[Any], scope: Scope) -> None:
    """Raise NodeError where the last element has not what n8n's node reads of it."""
    value: Any = collected[-1] if collected else UNDEFINED
    for name in path.split("."):
        if value is None or value is UNDEFINED:
            raise unreadable(value, name, scope.index)
        value = value.get(name, UNDEFINED) if isinstance(value, Mapping) else UNDEFINED


def _unanswered(value: Any, scope: Scope, answers: Mapping[str, Any]) -> tuple[Any, str] | None:
    """Return the first of some answers that has no members although a value needs one, and which; None: there is none."""
    if isinstance(value, str):
        return unanswered(value, answers) if isinstance(value, Template) or not scope.of_program else None
    values = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return next((found for each in values if (found := _unanswered(each, scope, answers)) is not None), None)


def _after(response: Response, scope: Scope, spec: RequestSpec) -> Scope:
    names = response.names()
    answers = {*scope.names.get(_ANSWERS, ()), "response"}
    return scope.having(**names, **{_ANSWERS: answers}, **({"file": response.body} if spec.response == "file" else {}))


def _limit(page: Paging, scope: Scope) -> int | None:
    limit = evaluate(page.limit, scope)
    return None if is_empty(limit) else int(limit)


def _next(page: Paging, scope: Scope) -> dict[str, Any] | None:
    """Return the changes of the next request; None: there is none."""
    if page.more is not None and not holds(page.more, scope):
        return None
    made = dict[str, Any]()
    for name, value in page.next.items():
        found = evaluate(value, scope)
        if page.blind:
            made[name] = found
            continue
        wanted = len(value) if isinstance(value, Mapping) else 1
        present = [each for each in found.values() if not is_empty(each)] if isinstance(found, Mapping) else [found]
        if is_empty(found) or len(present) < wanted:
            return None
        made[name] = found
    return made or None

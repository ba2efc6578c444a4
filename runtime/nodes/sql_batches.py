"""Statements of an SQL step on one connection, one by one as its `queryBatching` says: each for itself, or all or none."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from runtime.contract import ActivityContext, Item, Items, NodeError, error_item
from runtime.contract.capabilities import SqlSession
from runtime.nodes.checkpoint import Checkpoint

__all__ = ["SqlBatches"]

StatementT = TypeVar("StatementT")


class SqlBatches(ABC, Generic[StatementT]):
    """Runs the statements of a step's items. Subclasses say how their server begins a transaction and what a result gives."""

    begin: ClassVar[str]
    """The statement that begins a transaction."""

    def __init__(self, context: ActivityContext, session: SqlSession) -> None:
        self._context, self._session = context, session

    async def run(self, statements: Sequence[StatementT], batching: str) -> Items:
        """Return the items of the results. Raise NodeError unless errors go on as items."""
        if batching == "independently":
            return await self._independently(statements)
        if batching == "transaction":
            return await self._transaction(statements)
        return await self._single(statements)

    @abstractmethod
    async def _single(self, statements: Sequence[StatementT]) -> Items:
        """Run all of them in one text."""

    @abstractmethod
    async def _one(self, statement: StatementT, i: int) -> Items:
        """Run the statement of one item. Raise NodeError."""

    def _error_item(self, error: NodeError, i: int) -> Item:
        """Return what an item becomes whose statement failed, where errors go on."""
        return error_item(error, i)

    async def _independently(self, statements: Sequence[StatementT]) -> Items:
        checkpoint, items = Checkpoint(self._context, len(statements)), list[Item]()
        for i, statement in enumerate(statements):

            async def work(statement: StatementT = statement, i: int = i) -> Items:
                return await self._one(statement, i)

            try:
                items += await checkpoint.run_once(i, work)
            except NodeError as error:
                if not self._context.continue_on_fail:
                    raise
                items.append(self._error_item(error, i))
        return items

    async def _transaction(self, statements: Sequence[StatementT]) -> Items:
        """Until the first error, which takes back what was done before it."""
        items: Items = []
        await self._session.query(self.begin)
        for i, statement in enumerate(statements):
            try:
                items += await self._one(statement, i)
            except NodeError as error:
                if not self._context.continue_on_fail:
                    raise  # the connection is closed, and the server takes back the transaction
                await self._session.query("ROLLBACK")
                return [*items, self._error_item(error, i)]
        await self._session.query("COMMIT")
        return items

"""Statements of a Postgres step, run as its `queryBatching` says, and what they give as items."""

import re
from collections.abc import Sequence
from typing import Any, Final

from runtime.contract import ActivityContext, Item, Items, NodeError, paired
from runtime.contract.capabilities import SqlSession
from runtime.nodes.postgres.statements import Statement
from runtime.nodes.postgres.values import rows_of
from runtime.nodes.sql_batches import SqlBatches
from runtime.values.postgres_text import format_query
from runtime.values.sql_text import only_reads
from schemas.sql import DatabaseError, SqlResult

__all__ = ["Execution", "operation_error"]

_SYNTAX_ERROR: Final = re.compile(r'syntax error at or near "(.*)"', re.DOTALL)


class Execution(SqlBatches[Statement]):
    """Runs the statements of a step's items on one connection.

    Args:
        context: of the step.
        session: an open connection.
        large_numbers: int8 and numeric become numbers.
        empty_is_success: also a SELECT without rows gives `{success: true}`, as versions before 2.3 do.
    """

    begin = "BEGIN"

    def __init__(
        self, context: ActivityContext, session: SqlSession, *, large_numbers: bool, empty_is_success: bool
    ) -> None:
        super().__init__(context, session)
        self._large_numbers, self._empty_is_success = large_numbers, empty_is_success

    async def _single(self, statements: Sequence[Statement]) -> Items:
        """All in one text, which is one transaction; items are paired with the number of their result, as in n8n."""
        try:
            text = "\n;\n".join(_formatted(each) for each in statements)
            results = await self._session.query(text)
        except DatabaseError as error:
            failed = operation_error(error, statements[0] if statements else None)
            if not self._context.continue_on_fail:
                raise failed from error
            return [{"json": {"message": failed.message, "error": failed.to_json()}}]
        items: Items = []
        for i, result in enumerate(results):
            items += ({"json": row, "pairedItem": {"item": i}} for row in self._rows(result))
        if not items and not self._nothing(statements):
            return [{"json": {"success": True}, "pairedItem": [paired(i) for i in range(len(statements))]}]
        return items

    async def _one(self, statement: Statement, i: int) -> Items:
        try:
            results = await self._session.query(_formatted(statement))
        except DatabaseError as error:
            raise operation_error(error, statement, item=i) from error
        rows = self._rows(results[-1]) if results else []
        if not rows and not self._nothing([statement]):
            success = {"success": True}
            rows = [{"json": success} if self._empty_is_success else success]
        return [{"json": row, "pairedItem": {"item": i}} for row in rows]

    def _error_item(self, error: NodeError, i: int) -> Item:
        return {"json": {"error": error.to_json()}, "pairedItem": {"item": i}}

    def _rows(self, result: SqlResult) -> list[dict[str, Any]]:
        return rows_of(result, large_numbers=self._large_numbers)

    def _nothing(self, statements: Sequence[Statement]) -> bool:
        """Return whether statements without rows give no item: those that only read."""
        return not self._empty_is_success and all(only_reads(each.text) for each in statements)


def operation_error(error: DatabaseError, statement: Statement | None, *, item: int | None = None) -> NodeError:
    """Return n8n's error of a statement: a syntax error with its line, and the server's detail or hint, else the statement."""
    message, text = error.message, statement.text if statement is not None else ""
    if (match := _SYNTAX_ERROR.fullmatch(message)) is not None:
        lines = text.split("\n")
        line = next((i for i, each in enumerate(lines, 1) if match[1] in each), None)
        message = message if line is None else f'Syntax error at line {line} near "{match[1]}"'
    description = error.detail or error.hint or (f"Failed query: {text}" if text else None)
    return NodeError(message, description=description, item=item)


def _formatted(statement: Statement) -> str:
    text = format_query(statement.text, statement.values, quoted_is_text=statement.quoted_is_text)
    return text.rstrip().rstrip(";")

"""Statements of a MySQL step, run as its `queryBatching` says, and what they give as items."""

import re
from collections.abc import Sequence
from typing import Any, Final

from runtime.contract import ActivityContext, Items, NodeError, paired
from runtime.contract.capabilities import SqlSession
from runtime.nodes.my_sql.values import acknowledgement, rows_of
from runtime.nodes.sql_batches import SqlBatches
from runtime.values.sql_text import only_reads
from schemas.sql import DatabaseError, SqlResult

__all__ = ["Execution", "operation_error"]

_SYNTAX: Final = re.compile(r"You have an error in your SQL syntax;.* to use near '(.+)' at line (\d+)", re.DOTALL)


class Execution(SqlBatches[str]):
    """Runs the statements of a step on one connection.

    Args:
        context: of the step.
        session: an open connection.
        detailed: `{sql, data}` for each result instead of its rows.
        decimals: DECIMAL becomes a number.
        empty_is_success: also a SELECT without rows gives `{success: true}`, as versions before 2.3 do.
    """

    begin = "START TRANSACTION"

    def __init__(
        self, context: ActivityContext, session: SqlSession, *, detailed: bool, decimals: bool, empty_is_success: bool
    ) -> None:
        super().__init__(context, session)
        self._detailed, self._decimals, self._empty_is_success = detailed, decimals, empty_is_success

    async def _single(self, statements: Sequence[str]) -> Items:
        text = ";".join(each.rstrip().rstrip(";") for each in statements)
        try:
            results = await self._session.query(text)
        except DatabaseError as error:
            failed = operation_error(error, text)
            if not self._context.continue_on_fail:
                raise failed from error
            return [{"json": {"message": failed.message, "error": failed.to_json()}}]
        everything = [paired(i) for i in range(len(statements))]
        items: Items = []
        for i, result in enumerate(results):
            for json in self._json(result, text):
                if self._detailed:
                    items.append({"json": json, "pairedItem": list(everything)})
                elif i < len(statements):
                    items.append({"json": json, "pairedItem": {"item": i}})
                else:
                    items.append({"json": json})
        if not items and not self._nothing(statements):
            return [{"json": {"success": True}, "pairedItem": everything}]
        return items

    async def _one(self, statement: str, i: int) -> Items:
        try:
            results = await self._session.query(statement)
        except DatabaseError as error:
            raise operation_error(error, statement, item=i) from error
        found = [json for result in results for json in self._json(result, statement)]
        if not found and not self._nothing([statement]):
            found = [{"success": True}]
        return [{"json": json, "pairedItem": {"item": i}} for json in found]

    def _json(self, result: SqlResult, text: str) -> list[dict[str, Any]]:
        rows = rows_of(result, decimals=self._decimals)
        if self._detailed:
            return [{"sql": text, "data": rows if result.columns else acknowledgement(result)}]
        return rows

    def _nothing(self, statements: Sequence[str]) -> bool:
        """Return whether statements without rows give no item: those that only read."""
        return not self._empty_is_success and all(map(only_reads, statements))


def operation_error(error: DatabaseError, text: str = "", *, item: int | None = None) -> NodeError:
    """Return n8n's error of a statement: a syntax error with its line, and the statement with the error's name."""
    match = _SYNTAX.fullmatch(error.message)
    message = (
        error.message if match is None else f"You have an error in your SQL syntax on line {match[2]} near '{match[1]}'"
    )
    description = f"sql: {text}, code: {error.code}" if text and error.hint is None else error.hint
    return NodeError(message, description=description, item=item)

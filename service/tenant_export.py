"""All that a tenant may take along: its workflows as n8n exports, its runs with steps and results, variables, tables, and its audit log.

Not in it: values of credentials, which nobody gets to see; memories of chats and vectors, which agents derive; files of runs.
"""

from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from typing import Any, Final

from runtime.platform.postgres import Database
from service.audit import AuditLog, audit_cursor
from service.data_store import PostgresStore
from service.execution_store import ExecutionStore, Filter, cursor_of
from service.run_archive import RunArchive
from service.templates import TemplateStore
from service.variables import VariableStore

__all__ = ["ExportPart", "export_tenant"]

PAGE_ROWS: Final = 200
ExportPart = tuple[str, Any]
"""A file below the folder of the export, and a JSON document: a line of a `.jsonl` file, or the whole of a `.json` file."""


async def export_tenant(
    tenant: str, database: Database, archive: RunArchive, audit: AuditLog
) -> AsyncIterator[ExportPart]:
    """Yield every part of a tenant's data, opened.

    Args:
        tenant: whose.
        database: with the keys of tenants.
        archive: of results. A result that cannot be read is None, with the reason beside it.
        audit: of changes.

    Raises:
        DatabaseUnavailable: Postgres does not answer.
    """
    async for part in _templates(tenant, TemplateStore(database)):
        yield part
    for key, value in (await VariableStore(database).all(tenant)).items():
        yield "variables.jsonl", {"key": key, "value": value}
    async for part in _tables(tenant, database):
        yield part
    async for part in _runs(tenant, ExecutionStore(database), archive):
        yield part
    before: str | None = None
    while True:
        entries = await audit.page(tenant, before=before, limit=PAGE_ROWS)
        for entry in entries[:PAGE_ROWS]:
            yield "audit.jsonl", {"at": entry.at, **asdict(entry.record)}
        if len(entries) <= PAGE_ROWS:
            return
        before = audit_cursor(entries[PAGE_ROWS - 1])


async def _templates(tenant: str, store: TemplateStore) -> AsyncIterator[ExportPart]:
    for summary in await store.summaries(tenant):
        if summary.owner != tenant:
            continue
        for version in await store.versions(tenant, summary.key):
            source = await store.source(tenant, version.plan_hash)
            if source is not None:
                yield f"templates/{summary.key}/{version.version}.json", source[0]


async def _tables(tenant: str, database: Database) -> AsyncIterator[ExportPart]:
    async with database.tenant_transaction(tenant) as connection:
        store = PostgresStore(connection, tenant, database.keys)
        for listed in await store.tables():
            table = await store.open(listed.id)
            for row in table.rows.values():
                yield f"tables/{listed.id}.jsonl", row
            yield "tables.jsonl", {
                "id": listed.id, "name": listed.name, "columns": {each.name: each.type for each in listed.columns},
            }  # fmt: skip


async def _runs(tenant: str, store: ExecutionStore, archive: RunArchive) -> AsyncIterator[ExportPart]:
    wanted = Filter(limit=PAGE_ROWS)
    while True:
        page = await store.page(tenant, wanted)
        for listed in page[:PAGE_ROWS]:
            row = await store.get(tenant, listed.id, with_steps=True) or listed
            outputs, unreadable = None, None
            if row.closed_at is not None:
                try:
                    archived = await archive.read(row)
                    result = archived.outcome.result if archived else None
                    outputs = result.outputs if result else None
                except Exception as error:  # noqa: BLE001 - one payload that is gone keeps nothing else back
                    unreadable = type(error).__name__
            document = asdict(row)
            for internal in ("archive", "retry", "traceparent", "empty", "history_kept", "usage"):
                del document[internal]
            yield "runs.jsonl", {**document, "outputs": outputs, "unreadable": unreadable}
        if len(page) <= PAGE_ROWS:
            return
        wanted = replace(wanted, before=cursor_of(page[PAGE_ROWS - 1]))

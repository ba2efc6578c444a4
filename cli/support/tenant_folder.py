"""Write a tenant's data into a folder: JSON files and files of JSON lines."""

import json
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from cli.support.json_text import printable

if TYPE_CHECKING:
    from runtime.platform.postgres import Database

__all__ = ["write_tenant"]


async def write_tenant(tenant: str, folder: Path, database: "Database") -> dict[str, int]:
    """Write everything and return the number of documents per file.

    Raises:
        FileExistsError: the folder exists.
        DatabaseUnavailable: Postgres does not answer.
    """
    from runtime.platform.credential_store import credential_store
    from runtime.platform.embedded import attached, running
    from runtime.platform.keys import keyring
    from runtime.platform.settings import Settings
    from runtime.platform.storage.blobs import BlobStore
    from runtime.platform.temporal import connect, data_converter
    from service.audit import AuditLog
    from service.run_archive import RunArchive
    from service.run_reader import TemporalRuns
    from service.tenant_export import export_tenant

    settings = Settings.load()
    if settings.database_url is None and (addresses := running(settings.state_folder.resolve())) is not None:
        settings = attached(settings, addresses)
    # results are read from the archive; Temporal is never asked, but its client opens their payloads
    settings = settings.model_copy(update={"temporal_address": settings.temporal_address or "127.0.0.1:7233"})
    keys = keyring(settings)
    client = await connect(settings, data_converter(settings, keys, BlobStore.of(settings, database, keys)), lazy=True)
    archive = RunArchive(database, keys, TemporalRuns(client))
    audit = AuditLog(database, timedelta(days=settings.audit_days))
    folder.mkdir(mode=0o700)
    counts: dict[str, int] = {}
    with ExitStack() as exits:
        lines: dict[str, TextIO] = {}

        def write(path: str, document: Any) -> None:
            counts[path] = counts.get(path, 0) + 1
            target = folder / path
            if path.endswith(".json"):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(_text(document, indent=2) + "\n", encoding="utf-8")
                return
            if path not in lines:
                target.parent.mkdir(parents=True, exist_ok=True)
                lines[path] = exits.enter_context(target.open("w", encoding="utf-8"))
            lines[path].write(_text(document) + "\n")

        async for path, document in export_tenant(tenant, database, archive, audit):
            write(path, document)
        for type_, name in await credential_store(settings, database, keys).names(tenant):
            write("credentials.jsonl", {"type": type_, "name": name})
    return counts


def _text(document: Any, indent: int | None = None) -> str:
    return printable(json.dumps(document, ensure_ascii=False, indent=indent, default=_plain))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)

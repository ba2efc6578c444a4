"""`tempor8 audit`: who changed what of a tenant."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.support.database import on_database
from cli.support.json_text import json_text
from cli.support.options import verb

if TYPE_CHECKING:
    from runtime.platform.postgres import Database
    from service.audit import AuditEntry
    from service.tenants import TenantStore

app = verb()


@app.command()
def audit(
    tenant: Annotated[str, typer.Argument(help="Id of the tenant; '*': what the operator did, to whatever tenant.")],
    limit: Annotated[int, typer.Option(help="Entries, newest first.", min=1, max=10_000)] = 50,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Show the audit log of a tenant: each change by REST and at the command line, and each attempt at one.

    Exit code 0: done. 2: usage, or Postgres does not answer.
    """

    async def work(database: "Database", _: "TenantStore") -> "list[AuditEntry]":
        from datetime import timedelta

        from runtime.platform.settings import Settings
        from service.audit import AuditLog

        log = AuditLog(database, timedelta(days=Settings.load().audit_days))
        return (await log.page(tenant, limit=limit))[:limit]

    for entry in on_database(work):
        typer.echo(_json(entry) if json else _line(entry))


def _line(entry: "AuditEntry") -> str:
    record = entry.record
    actor = f"{record.actor_kind}:{record.actor}" + (f" ({record.actor_name})" if record.actor_name else "")
    return f"{entry.at:%Y-%m-%d %H:%M:%S}  {record.outcome:8}  {record.action:20}  {record.object}  {actor}  {record.address}"


def _json(entry: "AuditEntry") -> str:
    from dataclasses import asdict

    document = {"id": entry.id, "at": entry.at.isoformat(), **asdict(entry.record)}
    return json_text({name: str(value) if name != "status" else value for name, value in document.items()})
